"""The search ends in the minimum, also where it lies at a variance of zero."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import hlm
from workbench.hlm.native import Native
from workbench.hlm.optimise import minimise


def balanced(between: float, seed: int) -> pd.DataFrame:
    """20 groups of 5: the group means have the variance `between`, the rows around them exactly 1."""
    rng = np.random.default_rng(seed)
    means, within = rng.normal(size=20), rng.normal(size=(20, 5))
    means = (means - means.mean()) / means.std(ddof=1) * np.sqrt(between)
    within = within - within.mean(axis=1, keepdims=True)
    within *= np.sqrt(80 / np.sum(within**2))
    return pd.DataFrame({"group": np.repeat(np.arange(20), 5), "y": (means[:, None] + within).ravel()})


def test_the_balanced_one_way_layout_is_the_analysis_of_variance() -> None:
    """σ² = MSW = 1 and τ = (MSB − MSW)/n = (5·0.7 − 1)/5 = 0.5 (Searle, Casella & McCulloch 1992, section 4.8)."""
    model = hlm.fit("y ~ 1 + (1 | group)", balanced(0.7, 1))
    assert model.variances["estimate"].tolist() == pytest.approx([0.5, 1.0], abs=1e-7)
    assert not model.singular


def test_where_groups_differ_less_than_chance_the_variance_is_zero() -> None:
    """MSB < MSW: τ = 0 and σ² = (SSB + SSW)/(N − 1) = (95·0.1 + 80)/99."""
    model = hlm.fit("y ~ 1 + (1 | group)", balanced(0.1, 2))
    assert model.variances["estimate"].tolist() == pytest.approx([0.0, 89.5 / 99], abs=1e-9)
    assert model.singular
    assert model.converged
    assert "variance of (Intercept) of group is estimated as zero" in model.messages[0]


def test_from_a_variance_of_zero_the_search_comes_back() -> None:
    """At θ = 0 the gradient is zero whatever the data say; the derivative in the variance is not."""
    native = hlm.fit("y ~ 1 + (1 | group)", balanced(0.7, 1)).fitted
    assert isinstance(native, Native)
    found = minimise(native.likelihood, np.zeros(1))
    assert found.converged
    assert found.at.criterion == pytest.approx(native.optimum.at.criterion, abs=1e-8)


def test_ten_evaluations_are_enough_for_sleep_or_schools() -> None:
    """Searches without derivatives take some hundred for six variance parameters."""
    rng = np.random.default_rng(3)
    student, year = np.repeat(np.arange(400), 4), np.tile(np.arange(4.0), 400)
    school = rng.integers(0, 15, 1600)
    u, v = rng.normal(size=(400, 2)), rng.normal(size=(15, 2))
    y = 2 * u[student, 0] + u[student, 1] * year + v[school, 0] + 0.4 * v[school, 1] * year + rng.normal(size=1600)
    data = pd.DataFrame({"student": student, "school": school, "year": year, "y": y})
    native = hlm.fit("y ~ year + (year | student) + (year | school)", data).fitted
    assert isinstance(native, Native)
    assert native.optimum.converged
    assert native.optimum.evaluations <= 12
