"""Rank intervals and false discoveries: arithmetic by hand, and coverage by simulation."""

import numpy as np
import pytest
from scipy.stats import studentized_range

from workbench.errors import BadInput
from workbench.growth.rankings import largest_difference, q_values, rank_intervals


def test_equal_errors_give_the_studentised_range() -> None:
    # With equal variances max |z_i − z_j| / √2 is Tukey's studentised range over √2.
    exact = studentized_range.ppf(0.95, 6, np.inf) / np.sqrt(2)
    assert largest_difference(np.full(6, 2.0), 0.95, seed=1, draws=100_000) == pytest.approx(exact, abs=0.02)


def test_ranks_are_sure_when_far_apart_and_unknown_when_close() -> None:
    best, worst = rank_intervals([10.0, 0.0, -10.0], [0.1, 0.1, 0.1])
    assert best.tolist() == worst.tolist() == [1, 2, 3]
    best, worst = rank_intervals([0.1, 0.0, -10.0], [0.5, 0.5, 0.5])
    assert (best.tolist(), worst.tolist()) == ([1, 1, 3], [2, 2, 3])


def test_all_true_ranks_are_covered_at_once() -> None:
    rng = np.random.default_rng(7)
    true, errors = np.linspace(-1, 1, 8), np.linspace(0.3, 0.8, 8)
    rank = 8 - np.arange(8)
    held = []
    for _ in range(400):
        best, worst = rank_intervals(true + errors * rng.standard_normal(8), errors, draws=2000)
        held.append(((best <= rank) & (rank <= worst)).all())
    assert np.mean(held) >= 0.95


def test_ranks_need_errors() -> None:
    with pytest.raises(BadInput, match="above 0"):
        rank_intervals([1.0, 2.0], [0.0, 1.0])


def test_adjusted_p_values_by_hand() -> None:
    # Benjamini & Hochberg (1995): p(i) m / i, made monotone from the largest down.
    assert q_values([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
