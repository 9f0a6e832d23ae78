"""Teacher drift: the autoregression that the means were made from."""

import numpy as np
import pandas as pd
import pytest

from workbench.errors import ModelError
from workbench.growth.value_added.drift import drift_of_means


def made(teachers: int, years: int, drift: float) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    effect = np.empty((teachers, years))
    effect[:, 0] = rng.normal(0, 1.6, teachers)
    for t in range(1, years):
        effect[:, t] = drift * effect[:, t - 1] + rng.normal(0, 1.6 * np.sqrt(1 - drift**2), teachers)
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


def test_two_years_tell_no_drift() -> None:
    with pytest.raises(ModelError, match="three school years"):
        drift_of_means(made(20, 2, 0.9), noise=24.0)
