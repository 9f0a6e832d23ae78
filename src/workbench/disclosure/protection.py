"""Which numbers of an aggregate may be seen: the one place where that is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.disclosure.aggregate import Aggregate
from workbench.disclosure.attack import block
from workbench.disclosure.complement import complement
from workbench.disclosure.kinds import COUNTED
from workbench.disclosure.rows import Row, revealing, rows_of
from workbench.disclosure.suppression import SUPPRESSED
from workbench.disclosure.system import Book, Bools, System, relate

if TYPE_CHECKING:
    import pandas as pd

RANGE = ("from", "to")


@dataclass(frozen=True)
class Protected:
    """Safe tables by name, whether the least possible was withheld (`exact`), and the system the attacker works on."""

    tables: dict[str, pd.DataFrame]
    exact: bool
    system: System
    units: Bools
    rows: dict[str, list[Row]]


def protect(
    table: pd.DataFrame,
    keys: list[str],
    count: str = "n",
    values: list[str] | None = None,
    min_count: int = 10,
    exact: bool | None = None,
    **more: Any,
) -> pd.DataFrame:
    """Return the table as it may be seen: what could tell about fewer than `min_count` people is blank.

    The result has the columns `keys`, `count`, the values (numbers as floats, blanks as NaN) and a flag `suppressed` a
    row, true where anything in it is withheld, whatever the reason; rows stay in their order. `more` says what the
    table is: `kinds`, `total`, `nested`, `limits`, `largest`, `ranges`, `decimals` (see `Aggregate`).
    docs/disclosure.md names each rule with its source. Raises DisclosureError where a declaration does not fit.
    """
    return protect_together({"table": Aggregate(table, keys, count, values, **more)}, min_count, exact=exact).tables[
        "table"
    ]


def protect_together(
    tables: Mapping[str, Aggregate],
    min_count: int = 10,
    released: Mapping[str, tuple[Aggregate, pd.DataFrame]] | None = None,
    exact: bool | None = None,
) -> Protected:
    """Protect tables that are released together, and beside those `released` before, which stay as they stand.

    A group that stands in two tables with the same number of people is one group, shown in both or in none.
    """
    system, rows = written(tables, min_count, released or {})
    withheld = complement(system, exact)
    safe = {name: _blanked(given, rows[name], withheld.units, min_count) for name, given in tables.items()}
    return Protected(safe, withheld.exact, system, withheld.units, rows)


def written(
    tables: Mapping[str, Aggregate], min_count: int, released: Mapping[str, tuple[Aggregate, pd.DataFrame]]
) -> tuple[System, dict[str, list[Row]]]:
    """Return what the attacker can know of all these tables, and the rows of each as variables."""
    every = {name: given for name, (given, _) in released.items()} | dict(tables)
    adding = frozenset(column for given in every.values() for _, column in revealing(given))
    book = Book(min_count)
    rows = {
        name: rows_of(book, name, given, adding, released[name][1] if name in released else None)
        for name, given in every.items()
    }
    relate(book, rows, every)
    return book.system(), rows


def _blanked(given: Aggregate, rows: list[Row], units: Bools, min_count: int) -> pd.DataFrame:
    keys, values, kinds = list(given.keys), given.numbers, given.kind
    safe = given.table.loc[:, [*keys, given.count, *values]].reset_index(drop=True)
    # A categorical column would take along the names of all groups it knows, also of those left out.
    listed = [key for key in keys if safe[key].dtype == "category"]
    safe = safe.astype({key: safe[key].cat.categories.dtype for key in listed})
    safe.attrs = {}  # whatever else the table carried would be stored with it
    safe[[given.count, *values]] = safe[[given.count, *values]].astype("float64")
    gone = np.array([units[row.unit] for row in rows], bool)
    hidden = {
        column: gone | np.array([column in row.units and units[row.units[column]] for row in rows], bool)
        for column in values
    }
    for column, kind in kinds.items():
        whose, seen = kind, {column}
        while whose.what == "with" and whose.of in kinds and whose.of not in seen:
            hidden[column] = hidden[column] | hidden[whose.of]
            seen.add(whose.of)
            whose = kinds[whose.of]
    for column, places in given.decimals.items():
        safe[column] = safe[column].round(places)
    if given.ranges:
        _add_ranges(safe, given, rows, gone, hidden, min_count)
    told = safe[values].notna()
    for column in values:
        safe.loc[hidden[column], column] = float("nan")
    safe.loc[gone, given.count] = float("nan")
    safe[SUPPRESSED] = gone | (told & safe[values].isna()).any(axis=1).to_numpy(bool)
    return safe


def _add_ranges(
    safe: pd.DataFrame, given: Aggregate, rows: list[Row], gone: Bools, hidden: Mapping[str, Bools], min_count: int
) -> None:
    """Add `<column>_from` and `<column>_to`: the range of a hidden count, and of a share whose people are told."""
    ends = [
        block(row.count, np.inf, min_count) if out else (np.nan, np.nan) for row, out in zip(rows, gone, strict=True)
    ]
    for at, end in enumerate(RANGE):
        safe[f"{given.count}_{end}"] = [pair[at] for pair in ends]
    for column, kind in given.kind.items():
        if kind.what in COUNTED:
            told = [
                _range_of(row, column, min_count, kind.what) if out and not all_out else (np.nan, np.nan)
                for row, out, all_out in zip(rows, hidden[column], gone, strict=True)
            ]
            for at, end in enumerate(RANGE):
                safe[f"{column}_{end}"] = [pair[at] for pair in told]


def _range_of(row: Row, column: str, min_count: int, what: str) -> tuple[float, float]:
    if column not in row.shares:
        return np.nan, np.nan
    cell = row.shares[column]
    low, high = block(cell.events, cell.base_count, min_count)
    return (low, high) if what == "events" else (low / cell.base_count, high / cell.base_count)
