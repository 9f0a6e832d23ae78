"""Did people choose the side of the cut-off on which they would be? A test of the score's density there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.interventions.effect.local_polynomial import triangle
from workbench.interventions.effect.robust import Contrast

Floats = NDArray[Any]
BOUNDARY = 3.348
"""The constant of the rule of thumb for the triangular kernel at a boundary (McCrary 2008, section 3.2)."""


def density_jump(x: Floats) -> Contrast:
    """The jump of the log density of x (n,) at zero, right less left, with its error (McCrary 2008).

    A histogram with bins of 2 SD / √n, none across zero; a line through its bars on each side, triangular kernel; the
    error is √(24/5 · (1/f₊ + 1/f₋) / (n h)). The bandwidth is half of the rule of thumb, as McCrary advises for tests.
    """
    n = len(x)
    width = 2 * x.std(ddof=1) / np.sqrt(n)
    low, high = int(np.floor(x.min() / width)), int(np.floor(x.max() / width))
    counts = np.bincount(np.floor(x / width).astype(int) - low, minlength=high - low + 1)
    middles, heights = (np.arange(low, high + 1) + 0.5) * width, counts / (n * width)
    h = 0.5 * float(np.mean([_rule(middles[side], heights[side]) for side in (middles < 0, middles > 0)]))
    h = max(h, 4 * width)
    levels = [_level(middles[side], heights[side], h) for side in (middles > 0, middles < 0)]
    right, left = (max(level, 1 / (n * h)) for level in levels)
    error = np.sqrt(24 / 5 * (1 / right + 1 / left) / (n * h))
    return Contrast(float(np.log(right / left)), float(error), float("inf"))


def _rule(middles: Floats, heights: Floats) -> float:
    """The bandwidth from a fourth-order polynomial through the bars of one side."""
    scale = np.abs(middles).max()
    fit = np.polynomial.Polynomial.fit(middles / scale, heights, min(4, len(middles) - 1), domain=[-1, 1])
    spread = float(np.mean((heights - fit(middles / scale)) ** 2))
    bends = float(np.sum((fit.deriv(2)(middles / scale) / scale**2) ** 2))
    reach = float(np.ptp(middles))
    return min(BOUNDARY * (spread * reach / bends) ** 0.2 if bends > 0 else reach, reach)


def _level(middles: Floats, heights: Floats, h: float) -> float:
    """The height at zero of a line through the bars of one side."""
    root = np.sqrt(triangle(middles, h))
    design = np.column_stack([np.ones_like(middles), middles])
    return float(np.linalg.lstsq(design * root[:, None], heights * root, rcond=None)[0][0])
