"""Shares of people, with the interval that belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

LEVEL = 0.95


def share(count: int, n: int) -> tuple[float, float, float]:
    """A share with its 95 % limits (Wilson 1927); NaN three times where n is 0."""
    if not n:
        return (float("nan"),) * 3
    low, high = wilson(count, n)
    return count / n, float(low), float(high)


def wilson(count: ArrayLike, n: ArrayLike) -> tuple[Any, Any]:
    """Return the 95 % limits of many shares at once (Wilson 1927): arrays `low` and `high`; every n is at least 1."""
    import numpy as np
    from scipy.special import ndtri

    x, n, z = np.asarray(count, float), np.asarray(n, float), ndtri((1 + LEVEL) / 2)
    middle = (x + z**2 / 2) / (n + z**2)
    half = z * np.sqrt(x * (n - x) / n + z**2 / 4) / (n + z**2)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
