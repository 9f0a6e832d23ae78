"""The rows of a table as variables: how many people, how many of them with an event, which numbers reveal at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.disclosure.aggregate import Aggregate, Place, places
from workbench.disclosure.kinds import COUNTED, Kind
from workbench.errors import DisclosureError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.disclosure.system import Book

DOMINANT = 0.75
"""One contributor with more than this share of a total dominates it: the (n, k) rule with n = 1, k = 75 %."""
NEAR_LIMIT = 1.0
"""A mean reveals where fewer people than this could stand at the other end of the scale."""
_WHOLE = 1e-6


@dataclass(frozen=True)
class ShareCell:
    """A share as counts: the variables of people with the event and of all of them (`base`), and their numbers."""

    event: int
    base: int
    events: int
    base_count: int


@dataclass
class Row:
    """One row: its place, count, variable and unit; shares and amounts by column; the unit of each value."""

    place: Place
    count: int
    variable: int
    unit: int
    shares: dict[str, ShareCell] = field(default_factory=dict)
    amounts: dict[str, tuple[int, float]] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    wholes: dict[str, int] = field(default_factory=dict)


def rows_of(book: Book, name: str, given: Aggregate, adding: frozenset[str], safe: pd.DataFrame | None) -> list[Row]:
    """Write a table's rows into the book; `adding` are the columns whose totals matter, `safe` what already stands.

    Of a table that already stands nothing more can be withheld, and what is withheld stays so.
    """
    kinds = given.kind
    columns = {column: given.table[column].tolist() for column in given.table.columns}
    reveals = revealing(given)
    found = []
    for at, place in enumerate(places(given, name)):
        count = int(columns[given.count][at])
        cell = (place, count)
        unit = book.unit(cell, math.log2(2 + count) * wanted(place))
        book.primary[unit] |= count < book.min_count
        row = Row(place, count, book.people(cell, count, unit, ranges=given.ranges), unit)
        for column, kind in kinds.items():
            value = float(columns[column][at])
            if not math.isnan(value):
                _write(book, row, column, kind, value, columns, at, given, adding)
            if (at, column) in reveals and column in row.units:
                book.primary[row.units[column]] = True
                if column in row.amounts:
                    book.rule[row.amounts[column][0]] = 2
        found.append(row)
    if safe is not None:
        _hold(book, found, given, safe)
    return found


def wanted(place: Place) -> float:
    """How much more a number is missed than that of a cell four keys deep: totals are what readers look for first."""
    return float(4 ** max(4 - len(place), 0))


def _write(
    book: Book,
    row: Row,
    column: str,
    kind: Kind,
    value: float,
    columns: Mapping[str, list[Any]],
    at: int,
    given: Aggregate,
    adding: frozenset[str],
) -> None:
    if kind.what in ("with", "estimate"):
        return
    if kind.what == "share if":
        kind = Kind("share" if columns[kind.of][at] else "mean")
    if kind.what == "part":
        row.wholes[column] = round(row.count / value) if value > 0 else 0
        return
    key = (row.place, row.count, column, round(value, 9))
    unit = row.units[column] = book.unit(key, math.log2(2 + row.count) * wanted(row.place) / 2)
    if kind.what in COUNTED:
        base = int(columns[kind.of][at]) if kind.of else row.count
        cell = row.shares[column] = _share(book, row, key, value, base, kind, given.ranges)
        few = min(cell.events, base - cell.events) < book.min_count
        book.primary[unit] |= bool(few and base)
    elif kind.what in ("mean", "total") and column in adding:
        total = value * row.count if kind.what == "mean" else value
        lowest = 0.0 if kind.what == "total" else -math.inf
        row.amounts[column] = (book.amount(key, total, lowest, row.unit, unit), total)


def _share(book: Book, row: Row, key: Any, value: float, base: int, kind: Kind, ranges: bool) -> ShareCell:
    events = value if kind.what == "events" else value * base
    whole = round(events)
    if abs(events - whole) > _WHOLE * (1 + events) or not 0 <= whole <= base:
        raise DisclosureError(
            f"Column {key[2]!r} is declared a {kind.what}, but {value:g} of {base:,} people is no whole number. "
            "Declare 'share of X' with the column X that counts them, or another kind."
        )
    unit, least = row.units[key[2]], 0 if base else 1
    whom = row.variable
    if kind.of:
        whom = book.people((row.place, row.count, "of", kind.of), base, row.unit)
    event = book.people(("event", key), whole, row.unit, unit, ranges=ranges, least=least, of=whom)
    other = book.people(("none", key), base - whole, row.unit, unit, least=least)
    book.equate(whom, [event, other])
    return ShareCell(event, whom, whole, base)


def revealing(given: Aggregate) -> set[tuple[int, str]]:
    """Return (row, column) of the means, medians, spreads and totals that reveal something by themselves.

    A mean within one person's distance of an end of its scale, a median at the end, a standard deviation of 0 with the
    mean beside it, and a total of which one contributor has more than `DOMINANT`.
    """
    frame, found = given.table, set()
    for column, kind in given.kind.items():
        if kind.what not in ("mean", "median", "sd") and column not in given.largest:
            continue
        values, counts = frame[column].astype(float), frame[given.count].astype(float)
        low, high = given.limits.get(column, (-math.inf, math.inf))
        if kind.what == "mean" and math.isfinite(high - low):
            room = counts * (values - low).combine(high - values, min) / (high - low)
            found |= {(at, column) for at in _where(room < NEAR_LIMIT)}
        if kind.what == "median":
            found |= {(at, column) for at in _where((values <= low) | (values >= high))}
        if kind.what == "sd":
            found |= {(at, which) for at in _where(values == 0) for which in (column, kind.of)}
        if column in given.largest:
            found |= {(at, column) for at in _where(frame[given.largest[column]] > DOMINANT * values.abs())}
    return found


def _where(mask: Any) -> list[int]:
    return [at for at, true in enumerate(mask.tolist()) if true]


def _hold(book: Book, rows: list[Row], given: Aggregate, safe: pd.DataFrame) -> None:
    """Freeze what stands in a released table, as it stands."""
    gone = safe[given.count].isna().tolist()
    blank = {column: safe[column].isna().tolist() for column in given.numbers}
    for at, row in enumerate(rows):
        book.hold(row.unit, gone[at])
        for column, unit in row.units.items():
            book.hold(unit, gone[at] or blank[column][at])
