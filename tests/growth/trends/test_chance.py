"""How far chance could move an estimate: one school among others, by counting places."""

from __future__ import annotations

import numpy as np
import pytest

from workbench import growth
from workbench.growth.trends.chance import by_placement, permuted
from workbench.growth.trends.policy import Panel, PolicyEffect

YEARS = np.arange(2016, 2024)


def one_of(n: int) -> np.ndarray:
    return np.arange(n) == 0


@pytest.mark.parametrize("n", [20, 27, 40, 61])
@pytest.mark.parametrize("alone", [True, False])
def test_limits_of_one_school_are_the_changes_its_place_would_not_reject(n: int, alone: bool) -> None:
    """Taking away a change just inside a limit leaves p above 5 %, just outside it at most 5 %."""
    each = np.random.default_rng(n).normal(size=n)
    treated = one_of(n) if alone else ~one_of(n)
    _, low, high = by_placement(each, treated)
    for limit, outward in ((low, -1e-6), (high, 1e-6)):
        shares = [permuted(each - (limit + step) * treated, treated, 1) for step in (-outward, outward)]
        assert shares[0] > 0.05 >= shares[1]


def test_the_school_that_stands_out_most_of_nineteen_bounds_nothing() -> None:
    each = np.r_[50.0, np.random.default_rng(1).normal(size=18)]
    assert permuted(each, one_of(19), 1) == pytest.approx(1 / 19)
    assert by_placement(each, one_of(19))[1:] == (-np.inf, np.inf)


def one_treated(n: int, effect: float) -> PolicyEffect:
    values = 0.7 + 0.005 * np.random.default_rng(3).normal(size=(n, 8))
    values[0, YEARS >= 2020] += effect
    return growth.policy_effect(Panel(tuple(f"s{k}" for k in range(n)), YEARS, values, ()), "2019-08-01", ["s0"])


def test_one_school_against_eleven_is_never_called_a_change_and_against_nineteen_may_be() -> None:
    few, many = one_treated(12, 0.2), one_treated(20, 0.2)
    assert not few.clear
    assert few.main.p_value.iloc[1] == pytest.approx(1 / 12)
    assert "p = 0.08" in few.said("share")
    assert "inf" not in few.said("share")
    assert many.clear
    assert many.main.p_value.iloc[1] == pytest.approx(1 / 20)
    assert not one_treated(20, 0.0).clear


def test_slow_years_of_one_school_are_not_called_a_change() -> None:
    """No policy, twenty schools whose years are like the year before (r = 0.8): by years alone a third was claimed."""
    rng, claims, by_years = np.random.default_rng(8), 0, 0
    for _ in range(100):
        values = rng.normal(size=(20, 1)) * np.ones(8)
        for year in range(1, 8):
            values[:, year] = 0.8 * values[:, year - 1] + 0.6 * rng.normal(size=20)
        panel = Panel(tuple(f"s{k}" for k in range(20)), YEARS, 0.7 + 0.02 * values, ())
        found = growth.policy_effect(panel, "2019-08-01", ["s0"])
        claims += found.clear
        by_years += bool(found.main.low.iloc[0] > 0 or found.main.high.iloc[0] < 0)
    assert by_years > 20
    assert claims <= 10
