"""Shares of people and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from workbench.shares import share, wilson


def test_shares_have_wilson_limits() -> None:
    """Wilson (1927) by his formula: 8 of 10."""
    z, p, n = norm.ppf(0.975), 0.8, 10
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert share(8, 10) == pytest.approx((0.8, middle - half, middle + half))
    assert np.isnan(share(0, 0)).all()


@pytest.mark.parametrize(("count", "n"), [(0, 1), (1, 1), (0, 12), (12, 12), (3, 7), (250, 1000)])
def test_limits_of_many_shares_are_those_of_an_independent_library(count: int, n: int) -> None:
    limits = binomtest(count, n).proportion_ci(0.95, "wilson")
    low, high = wilson([count, count], [n, n])
    assert low == pytest.approx([limits.low] * 2, abs=1e-12)
    assert high == pytest.approx([limits.high] * 2, abs=1e-12)
