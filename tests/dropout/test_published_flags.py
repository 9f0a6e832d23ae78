"""The published flags: transcribed rightly, and models placed among them as by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.dropout import Assessment, beside_flags, figures, published_flags
from workbench.dropout.assess import TREES
from workbench.dropout.published_flags import beside_flags_in_words, found_at


def test_the_figures_of_each_flag_agree_with_one_another() -> None:
    """Precision follows from sensitivity, specificity and the share that drops out (Bayes), but for rounding."""
    flags = published_flags()
    assert list(flags.flag) == list(range(1, 111))
    caught = flags.sensitivity * flags.dropout_rate
    alarms = flags.false_alarms * (1 - flags.dropout_rate)
    assert (caught / (caught + alarms) - flags.precision).abs().max() < 0.02


def test_growth_mixtures_are_among_the_best() -> None:
    """Youden's index of the most accurate flags: Muthén 2004, then those of Bowers & Sprott and Janosz et al."""
    flags = published_flags()
    best = flags.assign(youden=flags.sensitivity - flags.false_alarms).nlargest(3, "youden")
    assert list(best.flag) == [85, 19, 63]


def test_a_curve_by_hand() -> None:
    """Two leavers and two who stayed, one pair with the same score: there the curve is a straight line."""
    outcome, score = np.array([1, 1, 0, 0]), np.array([0.9, 0.5, 0.5, 0.1])
    found = found_at(outcome, score, np.ones((1, 4)), np.array([0.0, 0.25, 0.5, 1.0]))
    assert found[0] == pytest.approx([0.5, 0.75, 1.0, 1.0])
    twice = found_at(outcome, score, np.array([[1.0, 3.0, 1.0, 1.0]]), np.array([0.25]))
    assert twice[0] == pytest.approx([0.25 + 0.75 / 2])


def test_who_knows_all_is_above_every_flag_and_who_guesses_is_below_most(assessment: Assessment) -> None:
    outcome = assessment.outcome.astype(float)
    guess = np.random.default_rng(1).random(len(outcome))
    placed = beside_flags(replace(assessment, scores={"all": outcome, "lot": guess, TREES: assessment.risk}))
    below = placed.set_index("model").below
    assert below["all"] == 110
    assert below["lot"] < 25
    assert 60 <= below[TREES] <= 95
    assert (placed.below_low <= placed.below).all()
    assert (placed.below <= placed.below_high).all()
    assert beside_flags_in_words(placed)[0] == (
        "all: its curve runs above 110 of 110 published flags (95 % interval 110 to 110)."
    )


def test_the_point_of_the_list_is_where_its_rates_say(assessment: Assessment) -> None:
    drawn = figures.among_flags(assessment, 0.1)
    audit = round(0.1 * len(assessment.risk))
    chosen = np.argsort(-assessment.risk, kind="stable")[:audit]
    found = assessment.outcome[chosen].sum() / assessment.outcome.sum()
    alarms = (1 - assessment.outcome[chosen]).sum() / (1 - assessment.outcome).sum()
    assert f"finds {100 * found:.0f} % of the cases at {100 * alarms:.1f} % false alarms" in drawn.alt
    assert len(drawn.table) == 110
