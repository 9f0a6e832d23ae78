"""Predictors that change after their day, and leaps between weeks."""

from __future__ import annotations

import pandas as pd
import pytest

from workbench.dropout.later import changed_afterwards, jumps
from workbench.errors import BadInput

CUT = pd.DataFrame({"student": [1, 2, 3, 4], "grade": [1.0, None, 3.0, 2.0], "missed": [0, 0, 1, 0]})


def test_a_predictor_that_changes_after_its_day_is_named() -> None:
    whole = CUT.assign(missed=[0, 3, 1, 5]).iloc[::-1]
    (flag,) = changed_afterwards(CUT, whole, ["student"], (whole.student % 2 == 0).to_numpy())
    assert (flag.column, flag.level, flag.why) == ("missed", "gives it away", "changes after its day in 2 of 4 rows")


def test_what_stays_as_it_was_is_not() -> None:
    assert changed_afterwards(CUT, CUT.iloc[::-1], ["student"], (CUT.student > 2).to_numpy()) == []


def test_other_rows_cannot_be_compared() -> None:
    with pytest.raises(BadInput, match="same rows"):
        changed_afterwards(CUT, CUT.iloc[:3], ["student"], (CUT.student > 2).to_numpy()[:3])


def test_a_leap_is_told_and_a_creep_is_not() -> None:
    curve = pd.DataFrame({"day": [60, 0, 30, 90], "auc": [0.74, 0.60, 0.70, 0.97]})
    (told,) = jumps(curve)
    assert told.startswith("Between day 60 and 90 the AUC leaps from 0.74 to 0.97")
