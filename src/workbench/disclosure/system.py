"""What is released together, as whole numbers of people and the equations between them.

Everything that an attacker can know is here, and every equation holds for the true numbers. A variable is a count of
people: of a group (n), of those in it with an event and without (e + f = n), or of people who stand in no row of their
own but follow from rows that do (a total less the groups listed). Means that give something away add their totals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.disclosure.aggregate import Aggregate, Place
from workbench.disclosure.rows import Row, ShareCell

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
NONE, PEOPLE, AMOUNT = 0, 1, 2
"""How a variable must be protected: not at all, as a count of people, as an amount."""


@dataclass(frozen=True)
class System:
    """Variables, equations `matrix @ value = 0`, and the units that can be withheld.

    A variable is hidden where one of its (at most two) `units` is, or where it has none: it was in no table.
    Where `ranges` is set, a hidden variable's range of 2 × `min_count` whole numbers is told; `parent` is the variable
    of all people, where it is of those with an event, and its range is told only where all are known.
    """

    value: Floats
    whole: Bools
    lowest: Floats
    rule: NDArray[np.int8]
    units: NDArray[np.int64]
    matrix: Any
    weight: Floats
    primary: Bools
    frozen: Bools
    ranges: NDArray[np.bool_]
    parent: NDArray[np.int64]
    min_count: int

    @cached_property
    def columns(self) -> Any:
        """The matrix by columns."""
        return self.matrix.tocsc()

    def hidden(self, units: Bools) -> Bools:
        """Return which variables are hidden where these units are."""
        padded = np.append(units, False)
        return np.asarray(padded[self.units].any(axis=1) | (self.units < 0).all(axis=1), bool)


@dataclass
class Book:
    """Writes a System down, variable by variable."""

    min_count: int
    value: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    lowest: list[float] = field(default_factory=list)
    rule: list[int] = field(default_factory=list)
    units: list[tuple[int, int]] = field(default_factory=list)
    ranges: list[bool] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)
    primary: list[bool] = field(default_factory=list)
    frozen: list[bool] = field(default_factory=list)
    held: dict[int, bool] = field(default_factory=dict)
    equations: set[tuple[int, tuple[int, ...]]] = field(default_factory=set)
    known: dict[Any, int] = field(default_factory=dict)

    def hold(self, unit: int, hidden: bool) -> None:
        """Freeze a unit as it stands in a table released before; shown in one of several, it is shown."""
        self.frozen[unit] = True
        self.held[unit] = hidden and self.held.get(unit, True)

    def unit(self, key: Any, weight: float) -> int:
        """Return the number of something that can be withheld, new or met before."""
        return self._number(("unit", key), self._new_unit, weight)

    def _new_unit(self, weight: float) -> int:
        self.weight.append(weight)
        self.primary.append(False)
        self.frozen.append(False)
        return len(self.weight) - 1

    def people(self, key: Any, count: float, *units: int, ranges: bool = False, least: int = 1, of: int = -1) -> int:
        """Return the variable of a count of people; it must be protected where it lies from `least` to min − 1."""
        rule = PEOPLE if least <= count < self.min_count else NONE
        return self._number(("people", key), self._new, count, True, 0.0, rule, units, ranges, of)

    def amount(self, key: Any, total: float, lowest: float, *units: int) -> int:
        """Return the variable of an amount, such as mean × n."""
        return self._number(("amount", key), self._new, total, False, lowest, NONE, units, False, -1)

    def _new(
        self, value: float, whole: bool, low: float, rule: int, units: tuple[int, ...], ranges: bool, of: int
    ) -> int:
        self.value.append(value)
        self.whole.append(whole)
        self.lowest.append(low)
        self.rule.append(rule)
        first, second, *_ = (*units, -1, -1)
        self.units.append((first, second))
        self.ranges.append(ranges)
        self.parent.append(of)
        return len(self.value) - 1

    def _number(self, key: Any, make: Any, *given: Any) -> int:
        if key not in self.known:
            self.known[key] = make(*given)
        return self.known[key]

    def equate(self, whole: int, parts: list[int]) -> None:
        """Write down that a variable is the sum of others."""
        if parts != [whole]:
            self.equations.add((whole, tuple(sorted(parts))))

    def system(self) -> System:
        """Return what was written."""
        for unit, hidden in self.held.items():
            self.primary[unit] = hidden
        rows = sorted(self.equations)
        coordinates = [
            (place, column, sign)
            for place, (whole, parts) in enumerate(rows)
            for column, sign in [(whole, 1.0), *((part, -1.0) for part in parts)]
        ]
        at, columns, signs = zip(*coordinates, strict=True) if coordinates else ((), (), ())
        shape = (len(rows), len(self.value))
        return System(
            value=np.array(self.value, float),
            whole=np.array(self.whole, bool),
            lowest=np.array(self.lowest, float),
            rule=np.array(self.rule, np.int8),
            units=np.array(self.units, np.int64).reshape(-1, 2),
            matrix=sparse.csr_array((np.array(signs, float), (np.array(at, int), np.array(columns, int))), shape=shape),
            weight=np.array(self.weight, float),
            primary=np.array(self.primary, bool),
            frozen=np.array(self.frozen, bool),
            ranges=np.array(self.ranges, bool),
            parent=np.array(self.parent, np.int64),
            min_count=self.min_count,
        )


def relate(book: Book, tables: Mapping[str, list[Row]], given: Mapping[str, Aggregate]) -> None:
    """Write down which rows are sums of others, in each table and across tables.

    Within a table, and between a table and its declared subset, people of a total that stand in no row listed become a
    variable of their own; where groups overlap, each with its complement. Across other tables only sums that are exact
    count: nothing says that the same people were counted.
    """
    by_pattern = {name: _by_pattern(rows) for name, rows in tables.items()}
    for upper in tables:
        for lower in tables:
            own = upper == lower or given[lower].subset_of == upper
            for wide, whole in by_pattern[upper].items():
                for narrow, parts in by_pattern[lower].items():
                    if wide < narrow:
                        covers = not any(wide < other < narrow for other in by_pattern[lower])
                        for total, groups in _families(whole, parts, wide):
                            _relate(book, total, groups, own and covers)
    for rows in tables.values():
        for parts in _siblings(rows):
            _sum_to_everyone(book, parts)
            _sum_to_the_whole(book, parts)


def _by_pattern(rows: list[Row]) -> dict[frozenset[str], list[Row]]:
    found: dict[frozenset[str], list[Row]] = {}
    for row in rows:
        found.setdefault(frozenset(key for key, _ in row.place), []).append(row)
    return found


def _families(whole: list[Row], parts: list[Row], keys: frozenset[str]) -> Iterator[tuple[Row, list[Row]]]:
    """Yield each row with the rows that lie in it."""
    within: dict[Place, list[Row]] = {}
    for part in parts:
        within.setdefault(frozenset(pair for pair in part.place if pair[0] in keys), []).append(part)
    for total in whole:
        if total.place in within:
            yield total, within[total.place]


def _relate(book: Book, total: Row, parts: list[Row], inexact: bool) -> None:
    rest = total.count - sum(part.count for part in parts)
    if rest == 0 or (rest > 0 and inexact):
        _add_up(book, total, parts, rest)
    elif inexact:
        for part in parts:
            if part.count <= total.count:
                _add_up(book, total, [part], total.count - part.count)


def _add_up(book: Book, total: Row, parts: list[Row], rest: float) -> None:
    """Write down total = parts + rest, for people, for those with an event, and for amounts."""
    named = (total.variable, tuple(sorted(part.variable for part in parts)))
    others = [book.people(("rest", named), rest)] if rest else []
    book.equate(total.variable, [*(part.variable for part in parts), *others])
    for column, whole in total.shares.items():
        if all(column in part.shares for part in parts):
            _add_up_events(book, (named, column), whole, [part.shares[column] for part in parts])
    for column, (amount, value) in total.amounts.items():
        if all(column in part.amounts for part in parts) and not rest:
            found = [part.amounts[column] for part in parts]
            if abs(value - sum(v for _, v in found)) <= 1e-6 * (1 + sum(abs(v) for _, v in found)):
                book.equate(amount, [variable for variable, _ in found])


def _add_up_events(book: Book, named: Any, whole: ShareCell, parts: list[ShareCell]) -> None:
    """The same for those with an event; people of the rest have it or not, as everyone."""
    base = whole.base_count - sum(part.base_count for part in parts)
    events = whole.events - sum(part.events for part in parts)
    if base < 0 or events < 0 or events > base:
        return
    bases, having = [part.base for part in parts], [part.event for part in parts]
    if base:
        rest = book.people(("rest", (whole.base, tuple(sorted(bases)))), base)
        event = book.people(("rest event", named), events, least=0)
        other = book.people(("rest none", named), base - events, least=0)
        book.equate(rest, [event, other])
        bases, having = [*bases, rest], [*having, event]
    book.equate(whole.base, bases)
    book.equate(whole.event, having)


def _siblings(rows: list[Row]) -> Iterator[list[Row]]:
    """Yield sets of rows that differ in one key alone: the categories of an outcome, perhaps."""
    for key in sorted({key for row in rows for key, _ in row.place}):
        groups: dict[Place, list[Row]] = {}
        for row in rows:
            rest = frozenset(pair for pair in row.place if pair[0] != key)
            if len(rest) < len(row.place):
                groups.setdefault(rest, []).append(row)
        yield from (group for group in groups.values() if len(group) > 1)


def _sum_to_everyone(book: Book, rows: list[Row]) -> None:
    """Where rows of one count have shares that add up to one, the people with each are all the people."""
    if len({row.count for row in rows}) > 1:
        return
    for column in rows[0].shares:
        cells = [row.shares[column] for row in rows if column in row.shares]
        base = cells[0].base_count
        alike = len(cells) == len(rows) and all(cell.base_count == base for cell in cells)
        if alike and base and sum(cell.events for cell in cells) == base:
            for row in rows[1:]:
                book.equate(row.variable, [rows[0].variable])
            book.equate(cells[0].base, [cell.event for cell in cells])


def _sum_to_the_whole(book: Book, rows: list[Row]) -> None:
    """Where rows are parts of one whole, the whole is known, because n ÷ share tells it."""
    for column in {column for row in rows for column in row.wholes}:
        whole = sum(row.count for row in rows)
        if whole and all(row.wholes.get(column, 0) == (whole if row.count else 0) for row in rows):
            key = ("whole", rows[0].place, column)
            unit = book.unit(key, 0.0)
            book.hold(unit, False)
            book.equate(book.people(key, whole, unit, least=whole + 1), [row.variable for row in rows])
