"""What a fitted model tells: predictions, simulations, shares of variance, tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import hlm
from workbench.hlm.result import MixedModel


@pytest.fixture(scope="module")
def sleep(sleepstudy: pd.DataFrame) -> MixedModel:
    return hlm.fit("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="native")


def test_shares_of_variance_are_those_of_r_performance(sleep: MixedModel) -> None:
    """performance::r2_nakagawa 0.2786510582 and 0.7992199228; performance::icc, adjusted, 0.7216602596.

    It divides the sum of squares of the fixed part by n − 1, we by n.
    """
    fixed, both = sleep.r_squared["marginal"], sleep.r_squared["conditional"]
    total = fixed * 180 / 179 + 1 - fixed
    assert fixed * 180 / 179 / total == pytest.approx(0.2786510582, abs=2e-6)
    assert 1 - (1 - both) / total == pytest.approx(0.7992199228, abs=2e-6)
    assert sleep.icc["Subject"] == pytest.approx(0.7216602596, abs=5e-6)


def test_predictions_add_the_modes_and_a_new_level_has_none(sleep: MixedModel, sleepstudy: pd.DataFrame) -> None:
    modes = sleep.modes.pivot(index="level", columns="term", values="estimate")
    subject = modes.index[0]
    new = pd.DataFrame({"Days": [2.0, 2.0], "Subject": [subject, "nobody"]})
    fixed = sleep.beta[0] + 2 * sleep.beta[1]
    expected = [fixed + modes.loc[subject, "(Intercept)"] + 2 * modes.loc[subject, "Days"], fixed]
    with pytest.warns(UserWarning, match=r"1 of the 2 rows .* no level of 'Subject' .*the first is 'nobody'"):
        np.testing.assert_allclose(sleep.predict(new), expected)
    np.testing.assert_allclose(sleep.predict(new, random=False), [fixed, fixed])
    np.testing.assert_allclose(sleep.predict(), sleep.predict(sleepstudy))


def test_levels_are_known_as_numbers_and_as_text() -> None:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"g": np.repeat(np.arange(12), 5), "y": rng.normal(size=60) + np.repeat(np.arange(12.0), 5)})
    model = hlm.fit("y ~ 1 + (1 | g)", rows)
    ask = pd.DataFrame({"g": [11, 3]})
    np.testing.assert_allclose(model.predict(ask), model.predict(ask.astype(str)))
    assert model.predict(ask)[0] > model.predict(ask)[1] + 5


def test_simulated_outcomes_have_the_mean_and_covariance_of_the_model(sleep: MixedModel) -> None:
    Y = sleep.simulate(4000, seed=1)[:10]
    Z = np.column_stack([np.ones(10), np.arange(10)])
    tau = sleep.variances["estimate"].to_numpy()
    expected = Z @ np.array([[tau[0], tau[2]], [tau[2], tau[1]]]) @ Z.T + sleep.sigma2 * np.eye(10)
    np.testing.assert_allclose(Y.mean(axis=1), Z @ sleep.beta, atol=4 * np.sqrt(expected.max() / 4000))
    np.testing.assert_allclose(np.cov(Y), expected, atol=0.1 * expected.max())


def test_reliability_of_a_balanced_design_is_that_of_raudenbush_and_bryk() -> None:
    """τ/(τ + σ²/n), equation 3.28, up to the conditional standard error, which is the same for equal groups."""
    rng = np.random.default_rng(2)
    rows = pd.DataFrame(
        {"g": np.repeat(np.arange(30), 6), "y": rng.normal(size=180) + np.repeat(rng.normal(size=30), 6)}
    )
    model = hlm.fit("y ~ 1 + (1 | g)", rows)
    tau = model.variances["estimate"][0]
    assert model.reliability["reliability"][0] == pytest.approx(tau / (tau + model.sigma2 / 6))
    assert model.icc["g"] == pytest.approx(tau / (tau + model.sigma2))


def test_tables(sleep: MixedModel) -> None:
    assert sleep.tidy()["effect"].tolist() == ["fixed", "fixed", "variance", "variance", "covariance", "variance"]
    row = sleep.glance().iloc[0]
    assert (row["n_obs"], row["method"], row["converged"]) == (180, "REML", True)
    assert row["aic"] == pytest.approx(1743.62827 + 12, abs=1e-4)
    assert row["log_likelihood"] == pytest.approx(-871.814136, abs=1e-5)


def test_a_model_without_fixed_effects_and_a_singular_one_say_so() -> None:
    rows = pd.DataFrame({"g": np.repeat(np.arange(10), 6), "y": np.tile([-2.0, -1, 0, 0, 1, 2], 10)})
    model = hlm.fit("y ~ 0 + (1 | g)", rows)
    assert model.fixed.empty
    assert model.singular
    assert "variance of (Intercept) of g is estimated as zero" in model.messages[0]
    assert model.sigma2 == pytest.approx(10 / 6)


def test_weights_scale_residuals_and_nothing_else(sleepstudy: pd.DataFrame, sleep: MixedModel) -> None:
    twice = hlm.fit("Reaction ~ Days + (Days | Subject)", sleepstudy.assign(w=4.0), weights="w", engine="native")
    np.testing.assert_allclose(twice.beta, sleep.beta, rtol=1e-6)
    assert twice.sigma2 == pytest.approx(4 * sleep.sigma2, rel=1e-4)
    assert twice.criterion == pytest.approx(sleep.criterion, abs=1e-5)
