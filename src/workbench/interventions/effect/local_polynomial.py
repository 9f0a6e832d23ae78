"""A jump at zero between two local polynomials, and the bandwidth in which to look (Calonico, Cattaneo & Titiunik)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError
from workbench.interventions.effect.robust import Contrast, contrast, least_squares

Floats = NDArray[Any]
REGULARISED = 3.0
"""How much of the variance of the estimated curvature is added to its square, against huge bandwidths (IK 2012)."""
FEWEST = 10
"""Fewer rows than this within reach on one side, and no curve can be drawn there."""


@dataclass(frozen=True)
class Side:
    """A local polynomial on one side: coefficients (p + 1,) in powers of x, their covariance, and the map to them."""

    coefficients: Floats
    covariance: Floats
    to_coefficients: Floats
    x: Floats


def triangle(x: Floats, h: float) -> Floats:
    """The triangular kernel, best for a boundary (Cheng, Fan & Marron 1997)."""
    return np.maximum(1 - np.abs(x) / h, 0.0)


def jump(x: Floats, y: Floats, h: float, order: int, clusters: Any = None) -> Contrast:
    """The jump of y at x = 0 (right limit less left) by polynomials of `order` each side, kernel weights, CR2 error.

    With the bandwidth that is best for lines, `order` 2 gives the estimate by lines less its estimated bias, and an
    error that knows of that correction: the two are the same where both use one bandwidth (Calonico, Cattaneo &
    Titiunik 2014, remark 7). Raises ModelError where fewer than ten rows are within reach on one side.
    """
    inside = np.abs(x) < h
    right = x[inside] >= 0
    if (few := min(right.sum(), (~right).sum())) < FEWEST:
        raise ModelError(
            f"Only {few} rows lie within {h:.3g} of the cut-off on one side; {FEWEST} are the least from which a curve "
            "can be drawn."
        )
    powers = (x[inside, None] / h) ** np.arange(order + 1)
    design = np.column_stack([powers * ~right[:, None], powers * right[:, None]])
    where = None if clusters is None else np.asarray(clusters)[inside]
    fit = least_squares(design, y[inside], where, triangle(x[inside], h))
    return contrast(fit, np.eye(2 * (order + 1))[order + 1] - np.eye(2 * (order + 1))[0])


def bandwidth(x: Floats, y: Floats) -> float:
    """The bandwidth with the least mean squared error of a jump between lines, the same on both sides.

    Three steps of h = ((2ν + 1) V / (2 (p + 1 − ν)(B² + 3 Var B)))^(1 / (2p + 3)), each with the curvature that the one
    before made measurable: ν = p = 3 with fourth powers fitted to everything, ν = p = 2, and ν = 0, p = 1. The start
    is 2.58 · min(SD, IQR / 1.349) · n^(−1/5) (Calonico, Cattaneo & Titiunik 2014; Calonico, Cattaneo & Farrell 2020;
    regularised as in Imbens & Kalyanaraman 2012).
    """
    quartiles = np.quantile(x, [0.25, 0.75])
    first = 2.58 * min(x.std(ddof=1), (quartiles[1] - quartiles[0]) / 1.349) * len(x) ** -0.2
    near = max(_reach(np.abs(x[side])) for side in (x < 0, x >= 0))
    far = float(np.abs(x).max()) * 1.0001
    first = max(first, near)
    third = np.clip(_best(x, y, first, None, order=3, derivative=3), near, far)
    second = np.clip(_best(x, y, first, float(third), order=2, derivative=2), near, far)
    return float(np.clip(_best(x, y, first, float(second), order=1, derivative=0), near, far))


def _reach(distances: Floats) -> float:
    """How far one must look for twenty rows on a side, or all there are."""
    return float(np.sort(distances)[min(20, len(distances)) - 1]) * 1.0001


def _best(x: Floats, y: Floats, h: float, curved: float | None, order: int, derivative: int) -> float:
    variance = regular = 0.0
    bias = {}
    for right in (False, True):
        side = (x >= 0) == right
        near = _polynomial(x[side], y[side], h, order)
        far = _polynomial(x[side], y[side], curved, order + 1)
        power = order + 1 - derivative
        constant = float(near.to_coefficients[derivative] @ near.x ** (order + 1)) / h**power
        bias[right] = constant * far.coefficients[order + 1]
        variance += near.covariance[derivative, derivative] * h ** (2 * derivative + 1)
        regular += REGULARISED * constant**2 * far.covariance[order + 1, order + 1]
    squared = (bias[True] - bias[False]) ** 2 + (regular if curved else 0.0)
    share = (2 * derivative + 1) * variance / (2 * power * squared)
    return float(share ** (1 / (2 * order + 3)))


def _polynomial(x: Floats, y: Floats, h: float | None, order: int) -> Side:
    """One side's polynomial within h by kernel weights, or through all rows alike."""
    inside = np.ones(len(x), bool) if h is None else np.abs(x) < h
    near, target = x[inside], y[inside]
    weights = np.ones(len(near)) if h is None else triangle(near, h)
    scale = float(np.abs(near).max()) if len(near) else 1.0
    if len(np.unique(near)) < order + 2:
        raise ModelError(
            f"Only {len(np.unique(near))} different scores lie near the cut-off on one side; the curve there cannot "
            "be told. Regression discontinuity needs a score of many values."
        )
    powers = (near[:, None] / scale) ** np.arange(order + 1)
    to = np.linalg.pinv(powers * np.sqrt(weights)[:, None]) * np.sqrt(weights) / scale ** np.arange(order + 1)[:, None]
    coefficients = to @ target
    residuals = target - powers @ (coefficients * scale ** np.arange(order + 1))
    freedom = len(near) / max(len(near) - order - 1, 1)
    return Side(coefficients, freedom * (to * residuals**2) @ to.T, to, near)
