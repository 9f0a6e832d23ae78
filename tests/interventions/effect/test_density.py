"""The density test: silent for a smooth score, loud where scores were moved over the cut-off."""

from __future__ import annotations

import numpy as np

from workbench.interventions.effect.density import density_jump


def test_a_smooth_score_seldom_alarms() -> None:
    seen = [density_jump(np.random.default_rng([7, k]).normal(0.5, 1, 1000)).p < 0.05 for k in range(100)]
    assert sum(seen) <= 10  # 5 expected, standard deviation 2.2


def test_scores_moved_over_the_cut_off_are_seen() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(0.5, 1, 2000)
    moved = np.where((x > -0.2) & (x < 0) & (rng.random(2000) < 0.6), x + 0.2, x)
    found = density_jump(moved)
    assert found.p < 0.001
    assert found.estimate > 0.5


def test_twice_the_density_is_a_jump_of_log_two() -> None:
    # 8,000 rows above and 4,000 below, spread evenly over one unit each.
    x = np.concatenate([(np.arange(8000) + 0.5) / 8000, -(np.arange(4000) + 0.5) / 4000])
    assert abs(density_jump(x).estimate - np.log(2)) < 0.02
