"""A table and a chart of one's own, over any published table: what can be chosen, and what is drawn of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from workbench.dashboards.blocks import WITHHELD, listed, opens_at
from workbench.dashboards.change import Estimate, Unit, with_limits
from workbench.dashboards.charts import Range
from workbench.dashboards.drawing import COLOURS, Line
from workbench.dashboards.facts import title
from workbench.dashboards.labels import labels
from workbench.disclosure.published import PublishedTable
from workbench.disclosure.suppression import SUPPRESSED
from workbench.errors import NotShown
from workbench.growth.trends.indicators import INDICATORS
from workbench.markup import in_words

MOST: Final = 60
"""Rows of a table, and dots of a chart, that a page shows at most."""
ANY: Final = "any"
_LIMITS: Final = (("low", "high"), ("conf_low", "conf_high"))
_UNITS: Final = ("school_id", "school", "district_id")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Chart:
    """What is drawn: dots or lines in a unit under a title, or one sentence that says why nothing is."""

    title: str = ""
    unit: Unit = "number"
    ranges: Sequence[Range] = ()
    lines: Sequence[Line] = field(default=())
    said: str = ""


def first(tables: Mapping[str, PublishedTable], run_name: str, usual: str = "indicators") -> str:
    """Return the table shown at first: the usual one where it shows a number, else the first table that does.

    Raises NotShown where the viewer may see none.
    """
    if not tables:
        raise NotShown(f"There is no published table of “{run_name}” for you.")
    return opens_at(opens_at(tables, lambda name: name == usual), lambda name: _shows(tables[name]))[0]


def readable(published: PublishedTable, directory: PublishedTable | None) -> list[dict[str, Any]]:
    """Return the rows of a table, with a name for each school and district that the directory knows."""
    names: dict[str, str] = {}
    for row in directory.table.to_pylist() if directory else []:
        names |= {row["school_id"]: row["school_name"], row["district_id"]: row["district_name"]}
    rows: list[dict[str, Any]] = published.table.to_pylist()
    return [row | {"_names": {key: names[row[key]] for key in _UNITS if row.get(key) in names}} for row in rows]


def keys(published: PublishedTable, rows: Sequence[Row]) -> list[str]:
    """Return the keys by which rows differ: what can be chosen and drawn; the only key where none differs."""
    found = [key for key in published.keys if len({str(row[key]) for row in rows}) > 1]
    return found or list(published.keys[:1])


def measures(published: PublishedTable) -> list[str]:
    """Return the numbers that can be drawn: limits belong to theirs, and the count comes last."""
    ends = ("low", "high", "std_error")
    return [*(name for name in published.values if not name.endswith(ends)), published.count]


def options(rows: Sequence[Row], key: str) -> dict[str, str]:
    """Return what a key can be narrowed to: names, and what they stand for; everything first."""
    named = {said(row, key): str(row[key]) for row in rows}
    return {"any": ANY} | {name: named[name] for name in listed(named, "all")}


def said(row: Row, key: str) -> str:
    """Return one key of a row in words."""
    names, code = row.get("_names", {}), str(row[key])
    if key == "indicator" and code in INDICATORS:
        return title(code)
    return f"{names[key]} ({row[key]})" if key in names else in_words(code)


def chart(rows: Sequence[Row], across: str, split: str, measure: str, published: PublishedTable) -> Chart:
    """Return a chart of the rows kept: one dot a value of `across`, one line a value of `split`.

    Of every other key that is free, the chart shows one value and says which: the total, else the newest or first.
    """
    if not rows:
        return Chart(said="No row is left. Choose “any” in one of the filters.")
    words = labels(published)
    rows, only = _narrowed(rows, {key: words[key] for key in published.keys if key not in (across, split)})
    unit: Unit = "share" if _is_share(rows, measure, published) else "number"
    parts: dict[str, dict[str, Estimate]] = {}
    for row in rows:
        name = said(row, split) if split in published.keys and split != across else words[measure]
        parts.setdefault(name, {})[said(row, across)] = _estimate(row, measure)
    dots = [
        Range(_joined(place, name, len(parts)), one, _text(one, unit))
        for name, points in parts.items()
        for place, one in points.items()
    ]
    if len(dots) > MOST:
        return Chart(said=f"{len(dots)} dots are too many to read. Narrow the rows with the filters.")
    lines = [Line(name, points) for name, points in parts.items()][: len(COLOURS)]
    more = f"; the first {len(lines)} of {len(parts)} lines" if len(parts) > len(lines) else ""
    return Chart(f"{published.title}: {words[measure]}{only}{more}", unit, dots, lines)


def columns(rows: Sequence[Row], published: PublishedTable) -> tuple[dict[str, list[Any]], list[bool]]:
    """Return rows as columns to be shown, and which of them have something withheld."""
    words = labels(published)
    shown = {words[key]: [said(row, key) for row in rows] for key in published.keys}
    numbers = {words[name]: [row[name] for row in rows] for name in (published.count, *published.values)}
    return shown | numbers, [bool(row[SUPPRESSED]) for row in rows]


def _shows(published: PublishedTable) -> bool:
    """Whether any number of a table is not withheld."""
    return any(published.table.column(name).null_count < len(published.table) for name in measures(published))


def _narrowed(rows: Sequence[Row], free: Mapping[str, str]) -> tuple[Sequence[Row], str]:
    """Rows with one value of each free key (its name and its words), and which these are, where there was a choice."""
    only = []
    for key, words in free.items():
        there = listed({str(row[key]) for row in rows}, "all")
        if len(there) > 1:
            kept = there[0] if there[0] == "all" or not key.endswith("year") else there[-1]
            rows = [row for row in rows if str(row[key]) == kept]
            only.append(f"{words} {said(rows[0], key)}")
    return rows, f" ({', '.join(only)})" if only else ""


def _estimate(row: Row, measure: str) -> Estimate:
    stem = measure.rpartition("_")[0]
    for low, high in (*_LIMITS, (f"{measure}_low", f"{measure}_high"), (f"{stem}_low", f"{stem}_high")):
        if low in row and high in row and row[low] is not None and _holds(row, measure, low, high):
            return Estimate(row[measure], row[low], row[high])
    return Estimate(row[measure])


def _holds(row: Row, measure: str, low: str, high: str) -> bool:
    """Whether limits can be those of a number: it lies between them."""
    return row[measure] is not None and row[high] is not None and row[low] <= row[measure] <= row[high]


def _is_share(rows: Sequence[Row], measure: str, published: PublishedTable) -> bool:
    told = f"{measure} {published.help.get(measure, '')}"
    known = [row[measure] for row in rows if row[measure] is not None]
    return "share" in told and bool(known) and max(known) <= 1


def _text(one: Estimate, unit: Unit) -> str:
    return WITHHELD if one.value is None else with_limits(one, unit, 1 if unit == "share" else 2)


def _joined(place: str, name: str, many: int) -> str:
    return f"{place}, {name}" if many > 1 else place
