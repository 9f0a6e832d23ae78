"""Students with the same design are one pattern, and nothing is lost by it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import hlm
from workbench.hlm.elimination import same_rows
from workbench.hlm.native import Native


def test_equal_rows_have_one_number() -> None:
    values = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [0.0, 0.0]])
    assert same_rows(values).tolist() == [0, 1, 0, 2]


def cohort(jitter: float) -> pd.DataFrame:
    """300 students with three or four tests in two of six schools; with jitter nobody is tested on the same day."""
    rng = np.random.default_rng(5)
    student = np.repeat(np.arange(300), 3 + np.arange(300) % 2)
    n = len(student)
    year = (np.arange(n) - np.searchsorted(student, student)).astype(float)
    school = (student + (year > 1)) % 6
    y = rng.normal(size=300)[student] + year + rng.normal(size=6)[school] + rng.normal(size=n)
    return pd.DataFrame({"student": student, "school": school, "year": year + jitter * rng.normal(size=n), "y": y})


def test_a_cohort_tested_every_spring_has_two_patterns() -> None:
    native = hlm.fit("y ~ year + (year | student) + (1 | school)", cohort(0.0)).fitted
    assert isinstance(native, Native)
    inner = native.likelihood.inner
    assert inner.count.tolist() == [150, 150]
    assert len(inner.C_pattern) == 6, "by pattern and pair of schools: even students start in schools 0, 2, 4"
    assert len(inner.R) <= 2 * 2 * 3


def test_patterns_change_no_digit() -> None:
    """A day of 1e-9 years between tests makes every student a pattern; the criterion moves with it only that far."""
    formula = "y ~ year + (year | student) + (1 | school)"
    few, many = hlm.fit(formula, cohort(0.0)), hlm.fit(formula, cohort(1e-9))
    assert isinstance(many.fitted, Native)
    assert len(many.fitted.likelihood.inner.A) == 300
    assert many.criterion == pytest.approx(few.criterion, abs=1e-6)
    pd.testing.assert_frame_equal(many.modes, few.modes, atol=1e-5, rtol=1e-5)
