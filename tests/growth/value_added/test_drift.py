"""Teacher drift: the autoregression that the means were made from."""

import numpy as np
import pandas as pd
import pytest

from workbench.errors import ModelError
from workbench.growth.value_added.drift import drift_of_means


def made(teachers: int, years: int, drift: float, sd: float = 1.6, seed: int = 11) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    effect = np.empty((teachers, years))
    effect[:, 0] = rng.normal(0, sd, teachers)
    for t in range(1, years):
        effect[:, t] = drift * effect[:, t - 1] + rng.normal(0, sd * np.sqrt(1 - drift**2), teachers)
    seen = effect + rng.normal(0, np.sqrt(24 / 25), effect.shape)
    columns = {
        "teacher_id": np.repeat(np.arange(teachers), years).astype(str),
        "school_year": np.tile(range(years), teachers),
    }
    return pd.DataFrame({**columns, "n": 25.0, "mean": seen.ravel()})


def test_drift_and_forecasts_are_recovered() -> None:
    found = drift_of_means(made(1500, 6, 0.9), noise=24.0, draws=60)
    assert found.drift == pytest.approx(0.9, abs=0.02)
    assert found.variance == pytest.approx(1.6**2, rel=0.1)
    assert found.slope == pytest.approx(1, abs=3 * found.slope_error)
    assert found.autocovariances.covariance[0] == pytest.approx(1.6**2, rel=0.1)


def test_where_teachers_do_not_differ_drift_is_not_measured_or_said_to_be_at_the_edge() -> None:
    """Of 60 data sets without lasting effects none gives a drift without a word."""
    found = [drift_of_means(made(150, 4, 0.9, 0.0, seed), noise=24.0, draws=10) for seed in range(60)]
    nothing = [one for one in found if one.variance == 0]
    assert len(nothing) > 10
    for one in nothing:
        assert np.isnan([one.drift, one.drift_error, one.slope, one.slope_error]).all()
        assert "cannot be measured" in one.messages[0]
    for one in found:
        assert one.messages, (one.variance, one.drift)


def test_a_drift_at_the_edge_says_so() -> None:
    found = drift_of_means(made(300, 4, 1.0), noise=24.0, draws=50)
    assert found.drift > 0.97
    assert any("at the edge" in message for message in found.messages)
    assert drift_of_means(made(1500, 6, 0.9), noise=24.0, draws=50).messages == ()


def test_a_teacher_is_predicted_from_what_was_fitted_to_others() -> None:
    """A teacher's means made a hundred times as large move his prediction in proportion: he is in no fit of it."""
    means = made(200, 4, 0.9)
    first = means.teacher_id == "0"
    plain = drift_of_means(means, noise=24.0, draws=2).means
    other = drift_of_means(
        means.assign(mean=means["mean"].where(~first, 100 * means["mean"])), noise=24.0, draws=2
    ).means
    np.testing.assert_allclose(other.predicted[first], 100 * plain.predicted[first])


def test_two_years_tell_no_drift() -> None:
    with pytest.raises(ModelError, match="three school years"):
        drift_of_means(made(20, 2, 0.9), noise=24.0)
