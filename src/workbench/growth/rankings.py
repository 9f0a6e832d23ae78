"""How sure is an order? Simultaneous intervals for ranks, and discoveries with few false ones among them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput

Floats = NDArray[Any]
LEVEL = 0.95
DRAWS = 5_000


def rank_intervals(
    estimates: Any, errors: Any, level: float = LEVEL, seed: int = 1, draws: int = DRAWS
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the best and the worst rank of each unit (k); all true ranks lie inside at once with probability `level`.

    Unit j can rank no better than one more than the number of units whose estimate is significantly larger, where all
    k(k − 1)/2 differences are tested together: |x_i − x_j| > c √(v_i + v_j), c being the quantile of the largest
    standardised difference of k independent normal errors (Mogstad, Romano, Shaikh & Wilhelm 2024, single step). Rank 1
    is the largest. `estimates` (k) must be unshrunken and independent, with standard `errors` (k): shrunken ones
    would claim an order that the data do not show. Coverage is at least `level`, for any true values, ties included.
    """
    x, v = np.asarray(estimates, dtype=float), np.asarray(errors, dtype=float) ** 2
    if not (np.isfinite(x).all() and (np.isfinite(v) & (v > 0)).all()):
        raise BadInput("Ranks need finite estimates with standard errors above 0; leave out units without them.")
    if len(x) < 2:
        return np.ones(len(x), int), np.ones(len(x), int)
    apart = (x[:, None] - x[None, :]) / np.sqrt(v[:, None] + v[None, :])
    critical = largest_difference(v, level, seed, draws)
    return 1 + (apart < -critical).sum(axis=1), len(x) - (apart > critical).sum(axis=1)


def largest_difference(v: Floats, level: float, seed: int, draws: int = DRAWS) -> float:
    """Quantile of max |z_i − z_j| / √(v_i + v_j) over all pairs, z independent with variances v, by simulation."""
    rng = np.random.default_rng(seed)
    z = np.ascontiguousarray((rng.standard_normal((draws, len(v))) * np.sqrt(v)).T)
    largest = np.zeros(draws)
    for i in range(1, len(v)):
        scale = 1 / np.sqrt(v[i] + v[:i])
        np.maximum(largest, (np.abs(z[i] - z[:i]) * scale[:, None]).max(axis=0), out=largest)
    return float(np.quantile(largest, level))


def q_values(p_values: Any) -> Floats:
    """Return the adjusted p values of Benjamini & Hochberg (1995): call those up to q discoveries, and of these no more
    than a share q is false, in expectation."""
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(np.asarray(p_values, dtype=float)))
