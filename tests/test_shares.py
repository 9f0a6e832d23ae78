"""Shares of people and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from workbench.shares import share


def test_shares_have_wilson_limits() -> None:
    """Wilson (1927) by his formula: 8 of 10."""
    z, p, n = norm.ppf(0.975), 0.8, 10
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert share(8, 10) == pytest.approx((0.8, middle - half, middle + half))
    assert np.isnan(share(0, 0)).all()
