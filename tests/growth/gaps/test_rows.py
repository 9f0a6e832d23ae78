"""Rows and cuts of a gap: one score a student and year, groups of the same year, and the true scores beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadInput, BadParameter
from workbench.growth import gap_rows
from workbench.growth.gaps.rows import proficiency_counts
from workbench.store import Data, open_data


@pytest.fixture(scope="module")
def data() -> Data:
    return open_data("data/synthetic/small_district")


def test_one_score_a_student_and_year_on_the_growth_scale(data: Data) -> None:
    rows = gap_rows(data, "math", "economically_disadvantaged", "no", "yes")
    assert not rows.duplicated(["student_id", "school_year"]).any()
    assert set(rows.scale_id) == {"growth_math"}
    assert len(rows) == 25014
    assert (rows.cohort == rows.school_year - rows.grade_level).all()


def test_groups_are_those_of_the_same_year(data: Data) -> None:
    rows = gap_rows(data, "reading", "economically_disadvantaged", "no", "yes")
    programs = data.programs.select("student_id", "school_year", "economically_disadvantaged").to_pandas()
    both = rows.merge(programs, on=["student_id", "school_year"])
    assert (both.in_a == ~both.economically_disadvantaged).all()


def test_true_scores_differ_from_scores_by_the_error(data: Data) -> None:
    rows = gap_rows(data, "math", "race_ethnicity", "white", "hispanic")
    z = (rows.score - rows.true_score) / rows.error
    assert z.notna().all()
    assert z.std() == pytest.approx(1, abs=0.02)


def test_a_group_that_nobody_is_in_is_refused_with_the_nearest(data: Data) -> None:
    with pytest.raises(BadParameter, match="Did you mean 'hispanic'"):
        gap_rows(data, "math", "race_ethnicity", "white", "hispnic")
    with pytest.raises(BadParameter, match="two different groups"):
        gap_rows(data, "math", "sex", "male", "male")
    with pytest.raises(BadInput, match="no scores in 'science'"):
        gap_rows(data, "science", "sex", "female", "male")


def test_a_score_at_the_cut_is_above_it() -> None:
    counts = proficiency_counts(pd.Series([1.0, 2.0, 2.5, 3.0, 9.0]), [2, 3])
    np.testing.assert_array_equal(counts, [1, 2, 2])
