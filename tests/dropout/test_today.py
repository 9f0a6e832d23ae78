"""Today's list: the recipe that was judged, nothing from later, and reasons in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workbench import dropout
from workbench.dropout import Study, Today
from workbench.dropout.explain import Explanation
from workbench.dropout.study import OUTCOME
from workbench.dropout.today import in_words
from workbench.errors import BadInput
from workbench.store import Data

AS_OF = "2024-01-31"


@pytest.fixture(scope="module")
def found(data: Data) -> Today:
    return dropout.today(data, AS_OF, seed=1)


def test_it_is_the_recipe_that_is_judged(found: Today, study: Study, assessment: dropout.Assessment) -> None:
    """A year later the same students are judged; but for who transferred meanwhile they have the same risks."""
    assert study.test is not None
    assert found.study.predictors == study.predictors
    pd.testing.assert_frame_equal(found.study.train, study.train)
    told = pd.Series(found.risk, found.study.judged.student_id)
    np.testing.assert_allclose(told[study.test.student_id], assessment.risk)


def test_who_moves_away_later_is_on_the_list(found: Today, study: Study, data: Data) -> None:
    assert study.test is not None
    more = set(found.study.judged.student_id) - set(study.test.student_id)
    ends = data.outcomes.to_pandas().set_index("student_id")
    assert more
    assert set(ends.status[list(more)]) == {"transferred"}


def test_the_recipe_is_judged_a_horizon_earlier(found: Today) -> None:
    assert found.judged_on == "2023-01-31"
    assert replace(found, as_of="2024-02-29", horizon=2).judged_on == "2022-02-28"


def test_no_outcome_is_pretended(found: Today) -> None:
    assert OUTCOME not in found.study.judged


def test_the_last_day_can_be_told(data: Data) -> None:
    told = dropout.today(data, "2025-06-02")
    assert told.study.train.as_of.max() == "2024-06-02"
    assert set(told.study.judged.as_of) == {"2025-06-02"}


def test_the_table_has_the_highest_risk_first(found: Today) -> None:
    assert list(found.table) == ["student_id", "school_id", "grade_level", "risk", "reasons"]
    assert found.table.risk.is_monotonic_decreasing
    assert found.table.reasons.head(20).str.len().min() > 0


def test_a_holiday_has_nobody_to_tell_of(data: Data) -> None:
    with pytest.raises(BadInput, match="Nobody is on the roll"):
        dropout.today(data, "2024-07-20")


def test_reasons_are_the_strongest_of_each_kind_of_record() -> None:
    predictors = ["attendance_year", "attendance_last_term", "gpa_all", "chronic_absence", "incidents_year"]
    data = pd.DataFrame([[0.714, 0.9, 1.5, 1.0, 2.0], [0.99, 0.99, np.nan, 0.0, 0.0]])
    effects = np.array([[0.9, 0.8, 0.2, 1.1, -0.3], [-0.1, -0.1, 0.3, -0.1, -0.1]])
    why = Explanation(effects, 0.0, data, tuple(predictors))
    assert in_words(why, predictors) == [
        "chronically absent over the last year; grade average so far: 1.5",
        "grade average so far: not known",
    ]
    poor = Explanation(np.array([[2.0]]), 0.0, pd.DataFrame([[1.0]]), ("economically_disadvantaged",))
    assert in_words(poor, ["economically_disadvantaged"]) == [""]
    attendance = Explanation(effects[:, [0]], 0.0, data[[0]], ("attendance_year",))
    assert in_words(attendance, predictors[:1]) == ["attendance over the last year: 71 %", ""]
