"""How far chance alone could have moved an estimate of a change: judged by years, by schools, by placement."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from workbench.shares import LEVEL

Floats = NDArray[np.float64]
MOST_ASSIGNMENTS = 5000
FEWEST_PLACES = round(1 / (1 - LEVEL))
"""With fewer schools than this the one that stands out most does so by chance in more than 5 % of panels."""


def by_years(series: Floats, x: Floats) -> tuple[float, float, float]:
    """Estimate, standard error and degrees of freedom from the residuals of a yearly series."""
    beta = np.linalg.pinv(x) @ series
    df = len(series) - x.shape[1]
    variance = ((series - x @ beta) ** 2).sum() / df
    return float(beta[-1]), float(np.sqrt(variance * np.linalg.inv(x.T @ x)[-1, -1])), float(df)


def by_schools(each: Floats, treated: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Estimate, standard error and degrees of freedom from one estimate a school (Welch 1947 for two sides)."""
    sides = [each] if treated.all() else [each[treated], each[~treated]]
    estimate = sides[0].mean() - (sides[1].mean() if len(sides) > 1 else 0.0)
    squares = np.array([side.var(ddof=1) / len(side) for side in sides])
    degrees = np.array([len(side) - 1 for side in sides])
    return float(estimate), float(np.sqrt(squares.sum())), float(squares.sum() ** 2 / (squares**2 / degrees).sum())


def by_placement(each: Floats, treated: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Estimate and limits of one school against n − 1: all changes that its placement would not reject at 5 %.

    Take a change away from the school and d of its estimate is left. With e another school's distance from the mean of
    the n − 1, that school stands as far out as the one (`permuted`) where e ≥ d or e ≤ −d (n − 2) / n, for d > 0. A d
    is not rejected where as many as 5 % of n, rounded down, do; with less than one of them nothing is rejected.
    """
    n, alone = len(each), treated if treated.sum() == 1 else ~treated
    allowed = int((1 - LEVEL) * n + 1e-9)
    estimate = float(each[alone].mean() - each[~alone].mean())
    low, high = -np.inf, np.inf
    if allowed:
        away = each[~alone] - each[~alone].mean()
        above, below = (np.sort(np.maximum(e, -e * n / (n - 2)))[-allowed] for e in (away, -away))
        low, high = estimate - float(above), estimate + float(below)
    return (estimate, low, high) if treated.sum() == 1 else (-estimate, -high, -low)


def permuted(each: Floats, treated: NDArray[np.bool_], seed: int) -> float:
    """Share of assignments to as many schools whose difference is as large as the one made (Fisher 1935)."""
    n, k = len(each), int(treated.sum())
    if comb(n, k) <= MOST_ASSIGNMENTS:
        chosen = np.array(list(combinations(range(n), k)))
    else:
        rng = np.random.default_rng(seed)
        drawn = np.argsort(rng.random((MOST_ASSIGNMENTS - 1, n)), axis=1)[:, :k]
        chosen = np.vstack([np.flatnonzero(treated), drawn])  # the assignment made is one of those possible
    inside = each[chosen].sum(axis=1)
    gaps = np.abs(inside / k - (each.sum() - inside) / (n - k))
    made = abs(each[treated].mean() - each[~treated].mean())
    return float((gaps >= made - 1e-12).mean())
