"""The parametric bootstrap: quick refits are the same refits, intervals are those of the draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import hlm
from workbench.errors import BadParameter
from workbench.hlm.resampling import refitted


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    group, other = np.repeat(np.arange(25), 8), rng.integers(0, 6, 200)
    x = rng.normal(size=200)
    y = 2 + x + rng.normal(0, 1, 25)[group] + rng.normal(0, 1, 6)[other] + rng.normal(size=200)
    return pd.DataFrame({"g": group, "h": other, "x": x, "y": y, "w": rng.uniform(0.5, 2, 200)})


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("formula", ["y ~ x + (x | g) + (1 | h)", "y ~ 0 + x + (1 | g)", "y ~ 0 + (1 | g)"])
def test_refits_that_keep_what_does_not_change_are_fits(rows: pd.DataFrame, formula: str, method: str) -> None:
    model = hlm.fit(formula, rows, method, weights="w")  # type: ignore[arg-type]
    Y = model.simulate(3, seed=1)
    for y, quick in zip(Y.T, refitted(model, Y), strict=True):
        whole = hlm.fit(formula, rows.assign(y=y), method, weights="w")  # type: ignore[arg-type]
        assert quick is not None
        assert quick.method == method
        assert quick.criterion == pytest.approx(whole.criterion, abs=1e-6)
        np.testing.assert_allclose(quick.beta, whole.beta, atol=1e-4)
        assert quick.r_squared["marginal"] == pytest.approx(whole.r_squared["marginal"], abs=1e-4)


def test_intervals_are_quantiles_and_their_mirror(rows: pd.DataFrame) -> None:
    found = hlm.bootstrap(hlm.fit("y ~ x + (1 | g)", rows), 50, seed=3, functions={"twice": lambda m: 2 * m.beta[1]})
    table, basic = found.intervals(), found.intervals("basic")
    assert table["effect"].tolist() == ["fixed", "fixed", "sd", "sd", "icc", "function"]
    np.testing.assert_allclose(table["conf_low"], np.quantile(found.draws, 0.025, axis=0))
    np.testing.assert_allclose(basic["conf_high"][1], 2 * table["estimate"][1] - table["conf_low"][1])
    np.testing.assert_allclose(found.draws[:, 5], 2 * found.draws[:, 1])


def test_standard_errors_are_those_of_the_fit(rows: pd.DataFrame) -> None:
    model = hlm.fit("y ~ x + (1 | g)", rows)
    table = hlm.bootstrap(model, 400, seed=1).intervals()
    np.testing.assert_allclose(table["std_error"][:2], model.fixed["std_error"], rtol=0.12)


def test_a_seed_repeats_its_draws(rows: pd.DataFrame) -> None:
    model = hlm.fit("y ~ x + (1 | g)", rows)
    np.testing.assert_array_equal(hlm.bootstrap(model, 20, 7).draws, hlm.bootstrap(model, 20, 7).draws)
    assert (hlm.bootstrap(model, 20, 7).draws != hlm.bootstrap(model, 20, 8).draws).any()


def test_singular_refits_count_and_are_told(rows: pd.DataFrame) -> None:
    flat = rows.assign(y=rows["x"] + np.tile([-1.0, 1, 1, -1], 50))
    found = hlm.bootstrap(hlm.fit("y ~ x + (1 | g)", flat), 40, seed=1)
    assert found.singular > 0
    assert any(f"{found.singular} refits were singular" in text for text in found.messages)
    assert found.intervals("basic")["conf_low"][2] >= 0


def test_too_few_draws_are_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(BadParameter, match="draws is 5"):
        hlm.bootstrap(hlm.fit("y ~ x + (1 | g)", rows), 5)
