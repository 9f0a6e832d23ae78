"""Chance in growth percentiles: the correction takes away what measurement error brings, and says what it costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadInput, BadParameter
from workbench.growth import GrowthPercentiles, corrected_percentiles, percentile_sampling_error, percentiles
from workbench.growth.sgp.errors import ERROR_ADDED, extrapolation_weights

ERROR = 6.0


def district(n: int, seed: int, error: float) -> pd.DataFrame:
    """Two years of one cohort; true growth does not depend on where a student began. `true_prior` has no error."""
    rng = np.random.default_rng(seed)
    true_prior = rng.normal(200, 15, n)
    now = true_prior + 10 + rng.normal(0, 6, n)
    tests = pd.DataFrame({"student_id": [f"s{i:04}" for i in range(n)], "subject": "math", "standard_error": error})
    seen = [true + error * rng.standard_normal(n) for true in (true_prior, now)]
    years = [tests.assign(school_year=2024 + k, grade_level=4 + k, scale_score=seen[k]) for k in (0, 1)]
    return pd.concat(years, ignore_index=True).assign(true_prior=np.tile(true_prior, 2))


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    return district(900, 1, ERROR)


@pytest.fixture(scope="module")
def found(scores: pd.DataFrame) -> GrowthPercentiles:
    return percentiles(scores, standard_error="standard_error")


def lean(percentile: pd.Series, true_prior: np.ndarray) -> float:
    """Points of percentile a standard deviation of true prior achievement."""
    return float(np.polyfit((true_prior - true_prior.mean()) / true_prior.std(), percentile, 1)[0])


def test_the_correction_takes_away_the_lean_on_prior_achievement(
    found: GrowthPercentiles, scores: pd.DataFrame
) -> None:
    """Reliability of priors 0.86: students alike on the test are not alike; McCaffrey et al. (2015) name the bias."""
    true_prior = scores.true_prior.to_numpy()[:900]
    before = lean(found.table.percentile, true_prior)
    after = lean(corrected_percentiles(found, draws=4, seed=1), true_prior)
    assert before > 4.5
    assert abs(after) < before / 3


def test_the_price_is_a_wider_spread(found: GrowthPercentiles) -> None:
    """Without the error the norm is narrower than the scores around it: more students at both ends."""
    corrected = corrected_percentiles(found, draws=2, seed=1)
    ends = [p.isin([1, 99]).mean() for p in (found.table.percentile, corrected)]
    assert ends[1] > 1.5 * ends[0]


def test_without_error_nothing_is_corrected() -> None:
    found = percentiles(district(300, 2, 0.0), standard_error="standard_error")
    corrected = corrected_percentiles(found, draws=2)
    assert np.abs(corrected - found.table.percentile).max() <= 2  # knots of the cohort, not of all years
    assert found.table.percentile_se.max() < 1e-6


def test_extrapolation_is_a_line_or_a_parabola() -> None:
    """What is 3 − 2λ (or has a λ² more) at five values is 5 (or 6) at −1."""
    at = np.array([0.0, *ERROR_ADDED])
    assert extrapolation_weights(tuple(at), 1) @ (3 - 2 * at) == pytest.approx(5)
    assert extrapolation_weights(tuple(at), 2) @ (3 - 2 * at + at**2) == pytest.approx(6)


def test_the_bootstrap_shrinks_with_the_root_of_the_cohort() -> None:
    """Four times the students, half the error that the norm brings."""
    small, large = (
        percentile_sampling_error(percentiles(district(n, 3, 3.0)), draws=12, seed=1).mean() for n in (250, 1000)
    )
    assert 1.6 < small / large < 2.4


def test_the_same_seed_gives_the_same_answer(found: GrowthPercentiles) -> None:
    one, again, other = (percentile_sampling_error(found, draws=3, seed=seed) for seed in (4, 4, 5))
    assert one.equals(again)
    assert not one.equals(other)
    assert one.index.equals(found.table.index)


def test_norms_that_were_given_are_held_fixed(found: GrowthPercentiles, scores: pd.DataFrame) -> None:
    later = percentiles(scores, norms=found.norms, standard_error="standard_error")
    assert (percentile_sampling_error(later, draws=2) == 0).all()
    with pytest.raises(BadInput, match="were given"):
        corrected_percentiles(later)


def test_what_is_missing_is_named(found: GrowthPercentiles, scores: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="standard errors of measurement"):
        corrected_percentiles(percentiles(scores))
    with pytest.raises(BadParameter, match="linear, quadratic"):
        corrected_percentiles(found, extrapolation="cubic")  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match="at least 2"):
        percentile_sampling_error(found, draws=1)
