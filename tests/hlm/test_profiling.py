"""Profile intervals against those published and computed by lme4's confint."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench import hlm
from workbench.errors import BadParameter


def test_sleepstudy_as_published(sleepstudy: pd.DataFrame) -> None:
    """Bates, Mächler, Bolker & Walker (2015), section 5.1, table of confint(fm1)."""
    found = hlm.profile(hlm.fit("Reaction ~ Days + (Days | Subject)", sleepstudy))
    published = [(237.681, 265.130), (7.359, 13.576), (14.381, 37.716), (3.801, 8.753), (22.898, 28.858)]
    np.testing.assert_allclose(found.table[["conf_low", "conf_high"]], [*published, (-0.482, 0.685)], atol=6e-4)
    assert "maximum likelihood" in found.messages[0]


def test_growth_of_children_in_schools_as_lme4(with_r: None) -> None:
    """confint(lmer(math ~ year + (year|schoolid) + (year|childid), egsingle)); R needs two minutes for it."""
    from workbench.hlm.r import r_table

    model = hlm.fit("math ~ year + (year | schoolid) + (year | childid)", r_table("mlmRev::egsingle"))
    lme4 = [
        (-0.894088, -0.663674), (0.732913, 0.793935), (0.330421, 0.506673), (0.083873, 0.132595),
        (0.770226, 0.831941), (0.087050, 0.123619), (0.537378, 0.561088), (0.104498, 0.632034), (0.426196, 0.696078),
    ]  # fmt: skip
    np.testing.assert_allclose(hlm.profile(model).table[["conf_low", "conf_high"]], lme4, atol=2e-4)


def test_live_against_lme4(with_r: None, sleepstudy: pd.DataFrame) -> None:
    from workbench.machine import start_r

    limits = np.asarray(
        start_r()(
            "suppressMessages(confint(lme4::lmer(Reaction ~ Days + (1 | Subject), lme4::sleepstudy), quiet = TRUE))"
        )
    )
    found = hlm.profile(hlm.fit("Reaction ~ Days + (1 | Subject)", sleepstudy)).table
    order = [2, 3, 0, 1]
    np.testing.assert_allclose(found[["conf_low", "conf_high"]], limits[order], rtol=2e-5)


@pytest.fixture(scope="module")
def flat() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"g": np.repeat(np.arange(10), 6), "x": rng.normal(size=60), "y": np.tile([0.0, 1, 3, 2, 5, 4], 10)}
    )


def test_a_variance_of_zero_has_the_lower_limit_zero(flat: pd.DataFrame) -> None:
    table = hlm.profile(hlm.fit("y ~ 1 + (1 | g)", flat)).table.set_index("group")
    assert table.loc["g", "estimate"] == pytest.approx(0, abs=1e-6)
    assert table.loc["g", "conf_low"] == pytest.approx(0, abs=1e-6)
    assert 0 < table.loc["g", "conf_high"] < np.std(flat["y"])


def test_a_correlation_the_data_say_nothing_of_reaches_from_end_to_end(flat: pd.DataFrame) -> None:
    table = hlm.profile(hlm.fit("y ~ x + (x | g)", flat), which="random").table.set_index("effect")
    assert table.loc["correlation", ["conf_low", "conf_high"]].tolist() == [-1, 1]


def test_ends_lie_where_a_restricted_fit_loses_chi_square(flat: pd.DataFrame) -> None:
    """A coefficient held at its limit, by taking its share off the outcome, costs χ²₁(0.9) of deviance."""
    rng = np.random.default_rng(1)
    rows = flat.assign(y=flat["y"] + rng.normal(0, 1, 10)[flat["g"]])
    model = hlm.fit("y ~ x + (1 | g)", rows, "ML")
    row = hlm.profile(model, level=0.9, which="fixed").table.iloc[1]
    for end in (row["conf_low"], row["conf_high"]):
        held = hlm.fit("z ~ 1 + (1 | g)", rows.assign(z=rows["y"] - end * rows["x"]), "ML")
        assert held.criterion - model.criterion == pytest.approx(stats.chi2.ppf(0.9, 1), abs=1e-4)


def test_bad_parameters(flat: pd.DataFrame) -> None:
    model = hlm.fit("y ~ x + (1 | g)", flat)
    with pytest.raises(BadParameter, match="between 0 and 1"):
        hlm.profile(model, level=95)
    with pytest.raises(BadParameter, match="'fixed'"):
        hlm.profile(model, which="theta")  # type: ignore[arg-type]
