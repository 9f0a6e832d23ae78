"""The truths of the made-up districts, against large samples and hand arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.interventions.effect import worlds


def test_truths_of_the_lottery_by_hand() -> None:
    # E[need | came] = 2 φ-mean = 2 / (2√π) = 0.5642: LATE −2 (1 + 0.2821), half of the invited come.
    _, truth = worlds.lottery(np.random.default_rng(1), -2.0)
    assert (truth["LATE"], truth["ITT"]) == pytest.approx((-2.5642, -1.2821), abs=1e-4)


def test_those_in_need_come() -> None:
    rows, _ = worlds.lottery(np.random.default_rng(2), 0.0, n=100_000)
    assert rows.came[rows.invited].mean() == pytest.approx(0.5, abs=0.01)
    assert rows.absent[rows.came].mean() - 10 == pytest.approx(4 * 0.5642, abs=0.05)


def test_truths_of_the_chosen_are_those_of_a_large_sample() -> None:
    rows, truth = worlds.chosen(np.random.default_rng(3), -1.0, n=400_000)
    assert truth["ATT"] == pytest.approx(-(1 + rows.need[rows.came].mean() / 2), abs=0.005)
    assert truth["ATE"] == -1.0


def test_truth_of_the_staggered_starts_by_hand() -> None:
    # From year 3 of 8: (1 + 2 + 3 + 4 + 5)/2 a school; from year 5: (1 + 2 + 3)/2. 10 schools each: 10.5 over 8 years.
    _, truth = worlds.starts(np.random.default_rng(4), -1.0)
    assert truth["ATT"] == pytest.approx(-10.5 / 8)


def test_no_effect_is_no_effect() -> None:
    for world in (worlds.lottery, worlds.schools, worlds.cutoff, worlds.chosen, worlds.starts):
        assert not any(world(np.random.default_rng(5), 0.0)[1].values())
