"""Across runs: a published period stands still, or moves by enough people at once.

Two exact tables of one period, a night apart, differ by whoever came, went or changed in between: 40 of 200 and then
41 of 201 tell all about one newcomer, however well each is protected. So a closed period is never changed, and an
open one only when every number that is shown either stays the same or moves by at least `min_count` people: people in
the group, those with an event among them, and those without. When the period closes, its last table takes over.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.disclosure.kinds import COUNTED

if TYPE_CHECKING:
    import pandas as pd

    from workbench.disclosure.staged import Staged

_SAME = 1e-9


def kept_back(
    home: Path, former: dict[str, dict[str, Any]], staged: dict[str, Staged]
) -> dict[str, dict[str, Any] | None]:
    """Return the tables that must not be replaced: their former entries, with the reason as `kept`.

    `former` are the entries of the current publication, `staged` what would replace them. The tables of a period
    stay or go together, because they add up together; a table new in a period that stays waits (None).
    """
    back: dict[str, dict[str, Any] | None] = {}
    for period in sorted({one.about["period"] for one in staged.values() if one.about.get("period")}):
        new = {name: one for name, one in staged.items() if one.about.get("period") == period}
        old = {name: about for name, about in former.items() if _is_of(about, period)}
        why = _reason(home, period, old, new)
        if why:
            back |= dict.fromkeys(new) | {name: {**about, "kept": why} for name, about in old.items()}
    return back


def _is_of(about: Any, period: str) -> bool:
    return isinstance(about, dict) and about.get("period") == period and "file" in about


def _reason(home: Path, period: str, old: dict[str, dict[str, Any]], new: dict[str, Staged]) -> str:
    """Say why the former tables of a period stay; empty where they may be replaced."""
    import pandas as pd

    if not old:
        return ""
    was_open = not any(about.get("closed", True) for about in old.values())
    if was_open and all(one.about.get("closed", True) for one in new.values()):
        return ""
    moves = [
        _moves(pd.read_parquet(home / Path(old[name]["file"]).name), one) for name, one in new.items() if name in old
    ]
    if moves and all(move == "same" for move in moves) and old.keys() <= new.keys():
        return ""
    if not was_open:
        return f"The period {period} is closed: its published tables are not changed."
    if moves and all(move in ("same", "enough") for move in moves) and old.keys() == new.keys():
        return ""
    least = next(iter(new.values())).about["min_count"]
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
        if kind.what in COUNTED and not kind.of:
            with_event = [t[column] * (1 if kind.what == "events" else t[given.count]) for t in (a, b)]
            people += [(with_event[0], with_event[1])]
            people += [(a[given.count] - with_event[0], b[given.count] - with_event[1])]
    steps = [(after - first).abs().fillna(0).round() for first, after in people]
    changed = ((a - b).abs().fillna(0) > _SAME).any(axis=1)
    enough = all(bool(((step == 0) | (step >= least)).all()) for step in steps)
    return "enough" if enough and bool((steps[0][changed] >= least).all()) else "little"
