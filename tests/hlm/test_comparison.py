"""Likelihood-ratio tests against lme4's anova, hand arithmetic, and what must be refused by name."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench import hlm
from workbench.errors import BadParameter, ModelError
from workbench.hlm.result import MixedModel


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    group = np.repeat(np.arange(20), 8)
    x = rng.normal(size=160)
    y = 2 + x + rng.normal(0, 1, 20)[group] + rng.normal(0, 0.5, 20)[group] * x + rng.normal(size=160)
    return pd.DataFrame({"g": group, "x": x, "x2": rng.normal(size=160), "y": y})


def fitted(rows: pd.DataFrame, right: str, method: str = "REML") -> MixedModel:
    return hlm.fit(f"y ~ {right}", rows, method, engine="native")  # type: ignore[arg-type]


def test_fixed_effects_as_lme4_anova_refits_them(sleepstudy: pd.DataFrame) -> None:
    """lme4: anova(Reaction ~ 1 + (Days|Subject), Reaction ~ Days + (Days|Subject)), χ² 23.53654, p 1.22564e-06."""
    small = hlm.fit("Reaction ~ 1 + (Days | Subject)", sleepstudy)
    found = hlm.compare(small, hlm.fit("Reaction ~ Days + (Days | Subject)", sleepstudy))
    assert found.statistic == pytest.approx(23.53654, abs=1e-5)
    assert found.mixture == ((1.0, 1),)
    assert found.p_value == pytest.approx(1.225640e-06, rel=1e-4)
    assert found.refitted
    assert found.table["method"].tolist() == ["ML", "ML"]


def test_a_slope_with_its_covariance_has_the_mixture_of_stram_and_lee(sleepstudy: pd.DataFrame) -> None:
    """lme4: anova(…, refit=FALSE) gives 42.83681, with a p of 4.99e-10 from χ²₂, too large at the boundary."""
    small = hlm.fit("Reaction ~ Days + (1 | Subject)", sleepstudy)
    found = hlm.compare(small, hlm.fit("Reaction ~ Days + (Days | Subject)", sleepstudy))
    assert found.statistic == pytest.approx(42.83681, abs=1e-5)
    assert found.mixture == ((0.5, 1), (0.5, 2))
    chi1, chi2 = math.erfc(math.sqrt(42.83681 / 2)), math.exp(-42.83681 / 2)
    assert found.p_value == pytest.approx((chi1 + chi2) / 2, rel=1e-4)
    assert not found.refitted


def test_one_variance_of_its_own_halves_the_naive_p(rows: pd.DataFrame) -> None:
    found = hlm.compare(fitted(rows, "x + (1 | g)"), fitted(rows, "x + (x || g)"))
    assert found.mixture == ((0.5, 0), (0.5, 1))
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 1) / 2)


def test_an_estimate_of_zero_is_no_evidence(rows: pd.DataFrame) -> None:
    rows = rows.assign(z=np.tile([-1.0, 1.0], 80))
    rows["y"] = rows["x"] + rows["z"] + 0.1 * np.tile([1, 1, -1, -1], 40) + 0.3 * (rows["g"] % 5)
    found = hlm.compare(fitted(rows, "x + z + (1 | g)"), fitted(rows, "x + z + (1 | g) + (0 + z | g)"))
    assert found.statistic == pytest.approx(0, abs=1e-6)
    assert found.p_value == 1


def test_covariances_alone_lie_inside(rows: pd.DataFrame) -> None:
    found = hlm.compare(fitted(rows, "x + (x || g)"), fitted(rows, "x + (x | g)"))
    assert found.mixture == ((1.0, 1),)


@pytest.mark.parametrize(
    ("small", "large"),
    [("1 + (1 | g)", "x + (x | g)"), ("x + (1 | g)", "x + (x + x2 | g)"), ("x + (1 | g)", "x + (x + x2 || g)")],
)
def test_several_changes_at_once_are_simulated_or_refused(rows: pd.DataFrame, small: str, large: str) -> None:
    one, other = fitted(rows, small), fitted(rows, large)
    with pytest.raises(ModelError, match=r"not known.*draws=1000"):
        hlm.compare(one, other)
    found = hlm.compare(one, other, draws=39, seed=2)
    assert found.mixture == ()
    assert "simulated" in found.words
    assert found.p_value * (1 + 39 - found.failed) == pytest.approx(round(found.p_value * (40 - found.failed)))
    assert hlm.compare(one, other, draws=39, seed=2).p_value == found.p_value


def test_what_cannot_be_compared_is_told_by_name(rows: pd.DataFrame) -> None:
    small, large = fitted(rows, "x + (1 | g)"), fitted(rows, "x + x2 + (1 | g)")
    with pytest.raises(BadParameter, match="different outcomes"):
        hlm.compare(hlm.fit("x2 ~ x + (1 | g)", rows), large)
    with pytest.raises(BadParameter, match=r"different rows: 159 .* and 160"):
        hlm.compare(fitted(rows[1:], "x + (1 | g)"), large)
    with pytest.raises(BadParameter, match="different order"):
        hlm.compare(fitted(rows[::-1], "x + (1 | g)"), large)
    with pytest.raises(BadParameter, match=r"not nested.*x2"):
        hlm.compare(large, small)
    with pytest.raises(BadParameter, match=r"not nested.*random effects"):
        hlm.compare(fitted(rows, "x + (0 + x2 | g)"), small)
    with pytest.raises(BadParameter, match="same model"):
        hlm.compare(small, small)
    with pytest.raises(BadParameter, match="REML criteria"):
        hlm.compare(small, large, refit=False)
