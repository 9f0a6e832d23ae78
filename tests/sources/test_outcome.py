"""Which rows have the outcome, from values or a comparison that a person wrote."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.errors import BadInput, BadParameter
from workbench.sources.outcome import outcome

FRAME = pd.DataFrame(
    {
        "grade": [4, 9, 10, 20],
        "share": [0.1, 0.5, 2.0, 0.5],
        "result": ["Pass", "Fail", "Withdrawn", "Pass"],
        "left": ["no", "Yes", "no", "no"],
        "flag": [True, False, False, False],
        "bit": [1.0, 0.0, 0.0, 1.0],
        "code": ["007", "7", "007", "8"],
        "gap": [1.0, None, 0.0, None],
        "same": ["a"] * 4,
    }
)


@pytest.mark.parametrize(
    ("column", "positive", "rows"),
    [
        ("grade", "<10", [0, 1]),
        ("grade", "<= 10", [0, 1, 2]),
        ("grade", ">9.5", [2, 3]),
        ("grade", "!=10", [0, 1, 3]),
        ("grade", "=20", [3]),
        ("grade", [4, "20"], [0, 3]),
        ("share", [2], [2]),
        ("result", ["Withdrawn", "Fail"], [1, 2]),
        ("result", "Fail", [1]),
        ("result", "!=Pass", [1, 2]),
        ("left", None, [1]),
        ("left", [True], [1]),  # what YAML makes of an unquoted yes
        ("left", [False], [0, 2, 3]),
        ("flag", None, [0]),
        ("flag", ["True"], [0]),
        ("flag", [0], [1, 2, 3]),
        ("bit", None, [0, 3]),
        ("bit", [True], [0, 3]),
        ("code", ["007"], [0, 2]),
    ],
)
def test_rows_are_chosen(column: str, positive: list | str | None, rows: list[int]) -> None:
    chosen = outcome(FRAME, column, positive)
    assert chosen.dtype == bool
    assert chosen.nonzero()[0].tolist() == rows


@pytest.mark.parametrize(
    ("column", "positive", "message"),
    [
        ("grades", None, "no column 'grades'. Did you mean 'grade'"),
        ("result", ["Failed"], r"names 'Failed', which column 'result' never holds.*Pass \(2\), Fail \(1\)"),
        ("code", [7.5], "names 7.5"),
        ("result", None, "Say which values.*positive_values"),
        ("grade", None, "Say which values"),
        ("result", "<10", "compares numbers, but column 'result' holds text"),
        ("grade", "<ten", "'ten' is none"),
        ("grade", "<100", "takes all of the 4 rows"),
        ("grade", "<0", "takes none of the 4 rows"),
        ("same", "a", "takes all"),
        ("grade", [], "takes none"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(column: str, positive: list | str | None, message: str) -> None:
    with pytest.raises(BadParameter, match=message):
        outcome(FRAME, column, positive)


def test_a_missing_outcome_is_refused_with_its_row() -> None:
    with pytest.raises(BadInput, match="missing in 2 of 4 rows, the first time in row 2"):
        outcome(FRAME, "gap", [1])


def test_many_values_are_told_as_a_range_or_the_commonest_ten() -> None:
    frame = pd.DataFrame({"score": range(50), "name": [f"n{i}" for i in range(50)]})
    with pytest.raises(BadParameter, match="Its values go from 0 to 49"):
        outcome(frame, "score", [77])
    with pytest.raises(BadParameter, match="and 40 more"):
        outcome(frame, "name", ["x"])
