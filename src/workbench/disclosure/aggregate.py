"""A table of groups as disclosure control sees it: which cell each row is, and which rows contain which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.disclosure.kinds import Kind, kinds_of
from workbench.errors import DisclosureError

if TYPE_CHECKING:
    import pandas as pd

TOTAL = "all"
BY_KIND = ("group_kind", "group")
"""These two keys together say `sex: female`; each kind of group splits the same people anew."""

Place = frozenset[tuple[str, str]]
"""Where a group stands: its keys and their values, without those that hold the total's label."""


@dataclass(frozen=True)
class Aggregate:
    """A table to be released: one row a group, `count` people in each, `values` about them.

    `kinds` says what a value is (see `workbench.disclosure.kinds`). A key that holds `total` stands for all its
    categories; None: no row contains another. `nested` gives, for a key, the column of the larger unit that each of
    its units lies in. `limits` are the ends of a value's scale, `largest` the column with the largest contribution to
    a total. `subset_of` names another table of the release whose groups contain these, key for key. With `ranges`,
    hidden numbers are told as ranges; `decimals` rounds the columns it names.
    """

    table: pd.DataFrame
    keys: Sequence[str]
    count: str = "n"
    values: Sequence[str] | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    total: str | None = TOTAL
    nested: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    largest: Mapping[str, str] = field(default_factory=dict)
    subset_of: str = ""
    ranges: bool = False
    decimals: Mapping[str, int] = field(default_factory=dict)

    @property
    def numbers(self) -> list[str]:
        """The value columns: as named, or every column that is neither key nor count nor said to serve another."""
        if self.values is not None:
            return list(self.values)
        serving = {*self.keys, self.count, *self.nested.values(), *self.largest.values()}
        return [column for column in self.table.columns if column not in serving]

    @cached_property
    def kind(self) -> dict[str, Kind]:
        """The kind of each value column."""
        return kinds_of(self.table, self.count, self.numbers, self.kinds)


def places(given: Aggregate, name: str) -> list[Place]:
    """Return the place of each row.

    A key whose value is settled by another key (a school's name by its number) counts as total where that one does.
    """
    columns = {key: _labels(given.table[key]) for key in given.keys}
    larger = {key: _labels(given.table[column]) for key, column in given.nested.items() if column in given.table}
    if absent := [column for column in given.nested.values() if column not in given.table]:
        raise DisclosureError(f"Table {name!r} has no column {absent[0]!r}, which `nested` names.")
    rows = len(given.table)
    totals = {key: [given.total is not None and label == given.total for label in columns[key]] for key in columns}
    for key in columns:
        if (settled := _settled_by(key, columns, totals, given.nested)) is not None:
            totals[key] = [a or b for a, b in zip(totals[key], totals[settled], strict=True)]
    found = []
    for row in range(rows):
        place = {key: columns[key][row] for key in columns if not totals[key][row]}
        place |= {given.nested[key]: labels[row] for key, labels in larger.items() if not totals[key][row]}
        found.append(frozenset(_by_kind(place, given.total).items()))
    return [place | {("subset of " + given.subset_of, name)} for place in found] if given.subset_of else found


def _by_kind(place: dict[str, str], total: str | None) -> dict[str, str]:
    """Make a kind of group a key of its own: (group_kind sex, group female) is (sex female)."""
    kind, group = BY_KIND
    if total is None or kind not in place:
        return place
    rest = {key: label for key, label in place.items() if key not in BY_KIND}
    return rest | ({place[kind]: place[group]} if group in place else {})


def _settled_by(
    key: str, columns: Mapping[str, list[str]], totals: Mapping[str, list[bool]], nested: Mapping[str, str]
) -> str | None:
    """Return the key that settles this one, where one with totals does."""
    if any(totals[key]) or len(set(columns[key])) < 2:
        return None
    for other, labels in columns.items():
        if other == key or nested.get(other) == key or not any(totals[other]) or other in BY_KIND:
            continue
        pairs = set(zip(labels, columns[key], strict=True))
        if len(pairs) == len(set(labels)):
            return other
    return None


def _labels(column: Any) -> list[str]:
    return [str(int(v)) if isinstance(v, float) and v.is_integer() else str(v) for v in column.tolist()]
