"""The exit for aggregates: `publish` puts a safe table beside the notebook's other outputs.

The table reaches dashboards only when the whole run has succeeded; see `published`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from workbench import outputs
from workbench.access.policy import policy
from workbench.disclosure import staged
from workbench.disclosure.suppression import SUPPRESSED
from workbench.errors import DisclosureError
from workbench.markup import LONG, folded, html_table, meanings_by_heading
from workbench.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from workbench.disclosure.aggregate import Aggregate

MOST_IN_HEADING = 45  # characters
PERSONAL = frozenset(column.name for table in TABLES.values() for column in table.columns if column.personal)
AUDIENCES = ("public", "school", "district", "state")


def publish(
    name: str,
    table: Any,
    *,
    keys: list[str],
    count: str = "n",
    values: list[str] | None = None,
    title: str = "",
    help: dict[str, str] | None = None,
    data_date: date | str | None = None,
    source: str = "",
    audience: str = "public",
    unit: str = "",
    period: str | None = None,
    period_key: str | Sequence[str] = (),
    closed: bool | Collection[str] = True,
    kinds: Mapping[str, str] | None = None,
    **more: Any,
) -> pd.DataFrame:
    """Publish an aggregate: one row a group, with how many people are in it; return what may be seen.

    `keys` tell the groups apart, `count` is the number of people in each, `values` are numbers about
    them (by default every other column). What could tell about fewer than the site's `min_count` people
    (access.yml) is blanked, beside everything this run has published already, and the row is flagged `suppressed`.
    `kinds` says what a value is ("share", "mean", "estimate", …: `workbench.disclosure.kinds`); `more` are the
    other words of `workbench.disclosure.Aggregate`: `total`, `nested`, `limits`, `largest`, `subset_of`, `ranges`,
    `decimals`.

    `help` says in one line what each column means, `data_date` up to which day the data go, `source` in a few words
    whose data they are ("10,000 synthetic students"). `audience` is who may see it: everyone ("public"), or viewers of
    a "school", "district" or "state", each the rows of their own `unit`, a key. `period` (a school year, say) freezes
    the table once it is published: a `closed` period's for good, an open one's until enough has changed. A table of
    several periods names the keys that tell them, `period_key`, the time last (`["indicator", "school_year"]`); its
    rows are frozen period by period, and `closed` lists the times that are over (True: all).

    Raises DisclosureError where the table holds a personal column of the data model, has no usable
    count, repeats a group, or would publish anything but numbers about groups.
    """
    from workbench.disclosure.aggregate import Aggregate

    outputs.check_name(name)
    frame = outputs.as_frame(table)
    if frame is None:
        raise DisclosureError(f"publish({name!r}, …) takes a table of groups, not {type(table).__name__}.")
    given = Aggregate(frame.reset_index(drop=True), keys, count, values, kinds or {}, **more)
    check_aggregate(name, frame, keys, count, given.numbers)
    _check_audience(name, keys, audience, unit)
    rule, told_by = policy(), [period_key] if isinstance(period_key, str) else list(period_key)
    with staged.one_at_a_time():
        safe = staged.protect_beside(name, given, rule.min_count)
        about = {
            "title": title or name.replace("_", " "),
            "keys": keys,
            "count": count,
            "values": [column for column in safe.columns if column not in (*keys, count, SUPPRESSED)],
            "help": {column: text for column, text in (help or {}).items() if column in safe.columns},
            "min_count": rule.min_count,
            "data_date": str(data_date) if data_date else None,
            "source": source,
            "audience": audience,
            "unit": unit,
            "period": period,
            **({"period_key": told_by} if told_by else {}),
            "closed": _closed(name, given, period, told_by, closed),
            "made_from": outputs.folder().name,
        }
        staged.stage(name, given, safe, about)
    _display(name, safe, about, rule.note)
    return safe


def _check_audience(name: str, keys: list[str], audience: str, unit: str) -> None:
    if audience not in AUDIENCES:
        raise DisclosureError(f"Table {name!r}: the audience is one of {', '.join(AUDIENCES)}, not {audience!r}.")
    if audience == "public" and unit:
        raise DisclosureError(f"Table {name!r} is for everyone, so no `unit` tells whose rows a viewer sees.")
    if audience != "public" and unit not in keys:
        raise DisclosureError(
            f"Table {name!r} is for viewers of one {audience}: name the key that tells their rows, as unit='…'; "
            f"keys are {', '.join(keys)}."
        )


def _closed(
    name: str, given: Aggregate, period: str | None, told_by: list[str], closed: bool | Collection[str]
) -> bool | list[str]:
    """Return whether the table's period is over or, of several, which are."""
    if not told_by:
        if not isinstance(closed, bool):
            raise DisclosureError(
                f"Table {name!r}: a list of closed periods needs period_key, the keys that tell them."
            )
        return closed
    if not set(told_by) <= set(given.keys) or period is not None:
        raise DisclosureError(f"Table {name!r}: period_key names keys of the table, and goes without period.")
    there = {str(value) for value in given.table[told_by[-1]]}
    if given.total in there:
        raise DisclosureError(f"Table {name!r} adds up its periods in the rows {given.total!r}; leave those out.")
    return sorted(there if closed is True else there.intersection(closed or ()))


def check_aggregate(name: str, frame: pd.DataFrame, keys: list[str], count: str, values: list[str]) -> None:
    """Raise DisclosureError where a table is not a set of groups, each once, with a count and numbers."""
    personal = [column for column in frame.columns if column in PERSONAL]
    if personal:
        raise DisclosureError(
            f"Table {name!r} has the column {personal[0]!r}, which describes one person. Publish groups: count the "
            "people in each, and name the groups in columns such as 'group_kind' and 'group'."
        )
    absent = [column for column in (*keys, count, *values) if column not in frame.columns]
    if absent:
        what = "count of people" if absent[0] == count else "column"
        raise DisclosureError(
            f"Table {name!r} has no {what} {absent[0]!r}; it has: {', '.join(frame.columns)}. "
            "Every published group needs the number of people in it."
        )
    if not keys or len({*keys, count, *values}) < len(keys) + 1 + len(values):
        raise DisclosureError(f"Table {name!r}: name at least one key, and each column once in keys, count and values.")
    _check_numbers(name, frame, count, values)
    _check_names(name, frame, keys)
    if frame[keys].isna().to_numpy().any():
        raise DisclosureError(f"Table {name!r} has a group without a name: fill the empty cells of {', '.join(keys)}.")
    repeated = frame[frame.duplicated(keys)]
    if len(repeated):
        group = ", ".join(f"{key} {value}" for key, value in repeated.iloc[0][keys].items())
        raise DisclosureError(f"Table {name!r} has the group ({group}) more than once; each group is one row.")


def _check_names(name: str, frame: pd.DataFrame, keys: list[str]) -> None:
    """Refuse a list or the like as the name of a group: whole rows would fit into it."""
    from pandas.api.types import is_scalar

    for key in keys:
        odd = next((value for value in frame[key] if not is_scalar(value) or isinstance(value, bytes)), None)
        if odd is not None:
            raise DisclosureError(
                f"Table {name!r}, column {key!r} names a group by a {type(odd).__name__}; use text, a number or a date."
            )


def _check_numbers(name: str, frame: pd.DataFrame, count: str, values: list[str]) -> None:
    from pandas.api.types import is_complex_dtype, is_numeric_dtype

    for column in (count, *values):
        if not is_numeric_dtype(frame[column]) or is_complex_dtype(frame[column]):
            raise DisclosureError(f"Table {name!r}, column {column!r} is not numeric; only numbers are published.")
    counts = frame[count]
    if counts.isna().any() or (counts < 0).any() or (counts % 1 != 0).any():
        raise DisclosureError(f"Table {name!r}, column {count!r} must hold whole numbers of people, none missing.")


def _display(name: str, safe: pd.DataFrame, about: dict[str, Any], note: str) -> None:
    hidden = int(safe[SUPPRESSED].sum())
    why = f"so that nothing can be worked out about fewer than {about['min_count']} people"
    withheld = f"in {hidden:,} something is withheld, {why}" if hidden else "nothing is withheld"
    rows = "1 row" if len(safe) == 1 else f"{len(safe):,} rows"
    said = f"{rows}; {withheld}. {note}"
    people = _people(about["help"].get(about["count"], ""))
    columns = {column: safe[column].tolist() for column in safe.columns if column != SUPPRESSED}
    shape = {"withheld": safe[SUPPRESSED].tolist(), "names": about["keys"], "headings": {about["count"]: people}}
    if len(safe) > LONG:
        body = folded(about["title"], outputs.table_html(columns, **shape))
    else:
        body = outputs.table_html(columns, about["title"], **shape)
    meant = meanings_by_heading({about["count"]: people}, about["help"])
    meanings = html_table({"column": list(meant), "what it means": list(meant.values())})
    below = folded("What the columns mean", meanings) if meant else ""
    outputs.display(f"{body}{below}<p>{said}</p>", f"{about['title']}: {said}", {"published": True, "table": name})


def _people(meaning: str) -> str:
    """The heading of the count of people: who they are, where that is told in a few words."""
    said = meaning.partition(";")[0]
    return said if 0 < len(said) <= MOST_IN_HEADING else "people"
