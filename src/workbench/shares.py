"""Shares of people, with the interval that belongs to them."""

from __future__ import annotations

LEVEL = 0.95


def share(count: int, n: int) -> tuple[float, float, float]:
    """A share with its 95 % limits (Wilson 1927); NaN three times where n is 0."""
    from scipy.stats import binomtest

    if not n:
        return (float("nan"),) * 3
    limits = binomtest(int(count), int(n)).proportion_ci(LEVEL, "wilson")
    return count / n, float(limits.low), float(limits.high)
