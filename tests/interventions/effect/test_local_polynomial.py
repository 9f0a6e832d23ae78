"""Jumps between local polynomials: figures of rdrobust 2.1.1, hand arithmetic, and what curves cannot hide."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import ModelError
from workbench.interventions.effect.local_polynomial import bandwidth, jump

PLAIN = 0.63828282, 0.17202576
CORRECTED = 0.59902997, 0.25806461
"""Of rdrobust 2.1.1: coefficient and standard error, conventional and robust bias-corrected."""


def noisy(n: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.round(rng.uniform(-1, 1, n), 3)
    return x, np.round(0.5 * (x >= 0) + np.sin(2 * x) + 0.3 * rng.normal(size=n), 3)


def test_estimate_and_robust_error_are_rdrobusts() -> None:
    """Conventional and bias-corrected estimate and their errors of rdrobust(y, x, h=0.5, b=0.5, vce="hc2")."""
    x, y = noisy()
    plain, corrected = jump(x, y, 0.5, 1), jump(x, y, 0.5, 2)
    assert (plain.estimate, plain.std_error) == pytest.approx(PLAIN, rel=2e-8)
    assert (corrected.estimate, corrected.std_error) == pytest.approx(CORRECTED, rel=2e-8)


def test_a_parabola_leaves_no_bias_after_correction() -> None:
    x = np.linspace(-1, 1, 101)
    y = 3.0 * (x >= 0) + 5 * x**2 * np.where(x >= 0, 1, -1) + 1e-3 * np.cos(40 * x)
    assert jump(x, y, 0.8, 2).estimate == pytest.approx(3, abs=2e-3)
    assert abs(jump(x, y, 0.8, 1).estimate - 3) > 0.2


def test_more_curvature_asks_for_a_narrower_look() -> None:
    rng = np.random.default_rng(3)
    x, noise = rng.uniform(-1, 1, 2000), 0.3 * rng.normal(size=2000)
    side = np.where(x >= 0, 1, -1)
    assert bandwidth(x, 20 * x**2 * side + noise) < 0.6 * bandwidth(x, 2 * x**2 * side + noise)


def test_the_bandwidth_follows_the_units_of_the_score_and_not_of_the_outcome() -> None:
    x, y = noisy(600, 4)
    assert bandwidth(10 * x, y) == pytest.approx(10 * bandwidth(x, y))
    assert bandwidth(x, 100 * y + 7) == pytest.approx(bandwidth(x, y))


def test_an_empty_side_and_a_score_of_few_values_are_refused() -> None:
    x, y = noisy()
    with pytest.raises(ModelError, match="on one side; 10 are the least"):
        jump(x, y, 0.05, 1)
    with pytest.raises(ModelError, match="different scores"):
        bandwidth(np.where(x >= 0, 1.0, -1.0), y)


def test_rows_told_twice_tell_no_more_when_clustered() -> None:
    x, y = noisy()
    once = jump(x, y, 0.5, 2)
    twice = jump(np.repeat(x, 2), np.repeat(y, 2), 0.5, 2, np.repeat(np.arange(200), 2))
    assert (twice.estimate, twice.std_error) == pytest.approx((once.estimate, once.std_error))
    assert jump(np.repeat(x, 2), np.repeat(y, 2), 0.5, 2).std_error < 0.75 * once.std_error
