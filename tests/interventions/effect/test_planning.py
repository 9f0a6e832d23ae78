"""Minimum detectable effects by hand arithmetic, and the cost of an avoided outcome."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.errors import BadParameter
from workbench.interventions.effect.planning import cost_per_avoided, lotteries, minimum_detectable_effect, multiplier
from workbench.interventions.effect.result import Effect


def test_blooms_multiplier_is_2_80() -> None:
    # 1.960 + 0.842 for many degrees of freedom; with 18, t of 2.101 + 0.862.
    assert multiplier(1e6) == pytest.approx(2.80, abs=0.005)
    assert multiplier(18) == pytest.approx(2.963, abs=0.001)


def test_students_by_hand() -> None:
    # √(1 / (1000 · ¼)) = 0.06325 times 2.8043 (998 degrees of freedom).
    assert minimum_detectable_effect(1000) == pytest.approx(0.1774, abs=1e-4)
    # Covariates that explain three quarters of the variance halve it.
    assert minimum_detectable_effect(1000, explained=0.75) == pytest.approx(0.0887, abs=1e-4)


def test_schools_by_hand() -> None:
    # 20 schools of 50, ICC 0.2: √((0.2/20 + 0.8/1000) · 4) = 0.20785 times 2.963.
    assert minimum_detectable_effect(1000, clusters=20, icc=0.2) == pytest.approx(0.6158, abs=1e-4)


def test_a_cut_off_costs_its_inflation() -> None:
    assert minimum_detectable_effect(1000, inflation=4) == pytest.approx(2 * minimum_detectable_effect(1000))


def test_designs_that_are_none_are_refused() -> None:
    with pytest.raises(BadParameter, match="three units"):
        minimum_detectable_effect(100, clusters=2)
    with pytest.raises(BadParameter, match="between 0 and 1"):
        minimum_detectable_effect(100, share=1.0)


FALL = Effect("ITT", -0.04, 0.01, -0.05, -0.02, 0.001, 90.0, 100, 100, "by hand", "dropout", "lower", ())


def test_cost_of_an_avoided_dropout_by_hand() -> None:
    # 400 a student: 400 / 0.04 = 10,000, limits 400 / 0.05 and 400 / 0.02.
    told = cost_per_avoided(FALL, 400)
    assert (told.cost, told.low, told.high) == pytest.approx((10_000, 8_000, 20_000))
    assert told.sentence == "One avoided dropout cost 10,000 (95 % interval 8,000 to 20,000)."


def test_an_effect_that_may_be_none_has_no_upper_limit() -> None:
    told = cost_per_avoided(replace(FALL, conf_high=0.01), 400)
    assert told.high == float("inf")
    assert "without an upper limit" in told.sentence
    worse = cost_per_avoided(replace(FALL, estimate=0.01, conf_high=0.02), 400)
    assert worse.sentence == "No dropout was avoided by this estimate."


def test_more_of_a_good_is_not_avoided() -> None:
    with pytest.raises(BadParameter, match="none of it is avoided"):
        cost_per_avoided(replace(FALL, better="higher"), 400)
    with pytest.raises(BadParameter, match="positive amount"):
        cost_per_avoided(FALL, 0)


def test_lotteries_by_hand() -> None:
    # A share of 4 %: SD √(0.04 · 0.96) = 0.196; 400 students 2.809 · 0.196 · 2/20 = 5.5 points, above the 4 there are.
    told = lotteries(0.04, [400, 4000])
    assert list(told["least effect found, points"]) == ["5.5", "1.7"]
    assert list(told["could be found"]) == ["no: more than all who leave", "yes"]


def test_the_harm_has_the_name_it_is_given() -> None:
    assert cost_per_avoided(FALL, 400, "early leaver").sentence.startswith("One avoided early leaver cost 10,000")
