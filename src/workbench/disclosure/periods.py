"""Across runs: a published period stands still, or moves by enough people at once.

Two exact tables of one period, a night apart, differ by whoever came, went or changed in between: 40 of 200 and then
41 of 201 tell all about one newcomer, however well each is protected. So a closed period is never changed, and an
open one only when every number that is shown either stays the same or moves by at least `min_count` people: people in
the group, those with an event among them, and those without. When the period closes, its last table takes over. A
table may be of one period, or of several, told by a key of its rows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.disclosure.kinds import COUNTED

if TYPE_CHECKING:
    import pandas as pd

    from workbench.disclosure.staged import Staged

KEPT = (
    "The numbers of {periods} stay as they were published: a closed period is not changed, and an open one only "
    "when everything that moves does so by enough people."
)
_SAME = 1e-9


def kept_back(
    home: Path, former: dict[str, dict[str, Any]], staged: dict[str, Staged]
) -> dict[str, dict[str, Any] | None]:
    """Return the tables that must not be replaced: their former entries, with the reason as `kept`.

    `former` are the entries of the current publication, `staged` what would replace them. The tables of a period
    stay or go together, because they add up together; a table new in a period that stays waits (None).
    """
    import pandas as pd

    back: dict[str, dict[str, Any] | None] = {}
    for period in sorted({one.about["period"] for one in staged.values() if one.about.get("period")}):
        new = {name: one for name, one in staged.items() if one.about.get("period") == period}
        old = {name: about for name, about in former.items() if _is_of(about, period)}
        then = {
            name: (pd.read_parquet(home / Path(about["file"]).name), about.get("closed", True))
            for name, about in old.items()
        }
        why = _reason(period, then, {name: (one, one.about.get("closed", True)) for name, one in new.items()})
        if why:
            back |= dict.fromkeys(new) | {name: {**about, "kept": why} for name, about in old.items()}
    return back


def _is_of(about: Any, period: str) -> bool:
    return isinstance(about, dict) and about.get("period") == period and "file" in about


def spliced(
    home: Path, former: dict[str, dict[str, Any]], staged: dict[str, Staged]
) -> dict[str, tuple[pd.DataFrame, str]]:
    """Return the tables of several periods that must not be replaced whole: what is published instead, and why.

    `period_key` of a table tells of which period a row is. The rows of a period that stays are the former ones in every
    table; a table that had none of it waits with them. Periods that are no longer told of are left out.
    """
    import pandas as pd

    new = {name: one for name, one in staged.items() if one.about.get("period_key")}
    old = {name: about for name in new if (about := former.get(name)) and about.get("period_key") and "file" in about}
    before = {name: _by_period(pd.read_parquet(home / Path(about["file"]).name), about) for name, about in old.items()}
    after = {name: _by_period(one.safe, one.about) for name, one in new.items()}
    stays: dict[str, str] = {}
    for period in sorted({period for blocks in after.values() for period in blocks}):
        now = {
            name: (replace(one, safe=after[name][period]), _is_closed(period, one.about))
            for name, one in new.items()
            if period in after[name]
        }
        then = {
            name: (before[name][period], _is_closed(period, old[name]))
            for name in old
            if period in before[name] and name in now
        }
        if why := _reason(period, then, now):
            stays[period] = why
    found = {}
    for name, one in new.items():
        if kept := [period for period in after[name] if period in stays]:
            parts = [rows for period, rows in after[name].items() if period not in stays]
            parts += [before[name][period] for period in kept if period in before.get(name, {})]
            whole = pd.concat(parts) if parts else one.safe.iloc[:0]
            said = kept[0] if len(kept) == 1 else f"{kept[0]} and {len(kept) - 1} more"
            why = stays[kept[0]] if len(kept) == 1 else KEPT.format(periods=said)
            found[name] = (whole.reindex(columns=one.safe.columns).reset_index(drop=True), why)
    return found


def _by_period(rows: pd.DataFrame, about: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """Return the rows of each period by its name: the values of the keys that tell it."""
    names = rows[about["period_key"]].astype(str).agg(" ".join, axis=1)
    return {str(name): block for name, block in rows.groupby(names, sort=True)}


def _is_closed(period: str, about: dict[str, Any]) -> bool:
    return period.rpartition(" ")[2] in about["closed"]


def _reason(period: str, old: dict[str, tuple[pd.DataFrame, bool]], new: dict[str, tuple[Staged, bool]]) -> str:
    """Say why the former tables of a period stay; empty where they may be replaced. Each says whether it is closed."""
    if not old:
        return ""
    was_open = not any(closed for _, closed in old.values())
    if was_open and all(closed for _, closed in new.values()):
        return ""
    moves = [_moves(old[name][0], one) for name, (one, _) in new.items() if name in old]
    if moves and all(move == "same" for move in moves) and old.keys() <= new.keys():
        return ""
    if not was_open:
        return f"The period {period} is closed: its published tables are not changed."
    if moves and all(move in ("same", "enough") for move in moves) and old.keys() == new.keys():
        return ""
    least = next(iter(new.values()))[0].about["min_count"]
    return (
        f"Since the period {period} was published last, some number has moved by fewer than {least} people; its tables "
        "are refreshed once every one that moves does so by more, or when the period closes."
    )


def _moves(before: pd.DataFrame, now: Staged) -> str:
    """Tell how a table moved: "same", "enough", or "little", which would reveal who came, went or changed."""
    given, keys = now.given, list(now.given.keys)
    columns = [given.count, *given.numbers]
    if not {*keys, *columns} <= set(before.columns):
        return "little"
    a, b = (
        t.astype(dict.fromkeys(keys, str)).sort_values(keys).set_index(keys)[columns].astype(float)
        for t in (before, now.safe)
    )
    if not a.index.equals(b.index) or (a.isna() != b.isna()).any(axis=None):
        return "little"
    if bool(((a - b).abs().fillna(0) <= _SAME).all(axis=None)):
        return "same"
    least = now.about["min_count"]
    people = [(a[given.count], b[given.count])]
    for column, kind in given.kind.items():
        if (kind.what in COUNTED and not kind.of) or kind.what == "share if":
            with_event = [t[column] * (1 if kind.what == "events" else t[given.count]) for t in (a, b)]
            people += [(with_event[0], with_event[1])]
            people += [(a[given.count] - with_event[0], b[given.count] - with_event[1])]
    steps = [(after - first).abs().fillna(0).round() for first, after in people]
    changed = ((a - b).abs().fillna(0) > _SAME).any(axis=1)
    enough = all(bool(((step == 0) | (step >= least)).all()) for step in steps)
    return "enough" if enough and bool((steps[0][changed] >= least).all()) else "little"
