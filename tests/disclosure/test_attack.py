"""The attacker, held against every table there is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from workbench.disclosure import Aggregate, protect_together
from workbench.disclosure.attack import block, bounds, leaks
from workbench.disclosure.protection import written


def hidden_bounds(table: pd.DataFrame, keys: list[str], gone: list[int]) -> dict[int, tuple[float, float]]:
    """The attacker's bounds of the counts of some rows."""
    system, rows = written({"t": Aggregate(table, keys, values=[])}, 10, {})
    units = np.zeros(len(system.weight), bool)
    units[[rows["t"][row].unit for row in gone]] = True
    found = bounds(system, units)
    return {row: found[rows["t"][row].variable] for row in gone}


def test_bounds_are_those_of_every_table_that_agrees() -> None:
    """3 × 3 with margins, five cells hidden: enumerated by hand, without any solver."""
    cells = np.array([[3, 12, 7], [15, 4, 20], [9, 30, 11]])
    places = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)]
    rows = [(str(r), str(c), int(cells[r, c])) for r, c in product(range(3), range(3))]
    rows += [(str(r), "all", int(cells[r].sum())) for r in range(3)]
    rows += [("all", str(c), int(cells[:, c].sum())) for c in range(3)]
    table = pd.DataFrame(rows, columns=["a", "b", "n"])
    found = hidden_bounds(table, ["a", "b"], [3 * r + c for r, c in places])
    agree = []
    for first, second in product(range(16), range(20)):  # 3 + 12 and 15 + 4 are known from their rows
        trial = (first, 15 - first, second, 19 - second)
        if first + second == 18 and trial[1] + trial[3] == 16:  # and 3 + 15 and 12 + 4 from their columns
            agree.append(trial)
    for at, place in enumerate(places[:4]):
        values = [trial[at] for trial in agree]
        assert found[3 * place[0] + place[1]] == (min(values), max(values))
    assert found[8] == (11, 11)  # its row and its column give it away


def test_rows_are_added_up_only_where_labels_say_so() -> None:
    table = pd.DataFrame({"x": ["1", "2", "3", "1+2", "2+3", "1+3"], "n": [6, 3, 7, 9, 10, 13]})
    assert set(hidden_bounds(table, ["x"], [0, 1, 2]).values()) == {(0, np.inf)}
    nested = pd.DataFrame({"x": ["1", "2", "all"], "n": [6, 3, 9]})
    assert set(hidden_bounds(nested, ["x"], [0, 1]).values()) == {(0, 9)}


def test_blanking_under_ten_is_broken_by_subtraction() -> None:
    table = pd.DataFrame({"school": ["a", "b", "all"], "n": [50, 4, 54]})
    given = {"t": Aggregate(table, ["school"])}
    system, rows = written(given, 10, {})
    only_small = np.zeros(len(system.weight), bool)
    only_small[rows["t"][1].unit] = True
    assert [leak.variable for leak in leaks(system, only_small)] == [rows["t"][1].variable]
    assert bounds(system, only_small) == {rows["t"][1].variable: (4, 4)}
    found = protect_together(given)
    assert leaks(found.system, found.units) == []


def test_ranges_are_told_from_the_nearer_end() -> None:
    assert block(3, np.inf, 10) == (0, 19)
    assert block(25, np.inf, 10) == (20, 39)
    assert block(3, 200, 10) == (0, 19)
    assert block(199, 200, 10) == (181, 200)
    assert block(170, 200, 10) == (160, 179)
    assert block(30, 35, 10) == (0, 35)
