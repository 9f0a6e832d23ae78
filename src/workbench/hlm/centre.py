"""Columns brought near zero before they are summed, and the way back: sums of large numbers lose digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from workbench.hlm.design import Design, Factor, Floats


@dataclass(frozen=True)
class Centre:
    """What was taken off before summing: `change` (p × p) turns coefficients of the centred X into those of X,
    `shift` is the level taken off y, `Z` (q × q a factor, by name) makes the summed columns of Z from Z."""

    change: Floats
    shift: Floats
    Z: Mapping[str, Floats] = field(default_factory=dict)


def centred(design: Design) -> tuple[Floats, Centre]:
    """Return [X, y] with means taken off where X has an intercept, and how to go back."""
    X, y = design.X, design.y
    p = X.shape[1]
    change, shift = np.eye(p), np.zeros(p)
    if "(Intercept)" in design.columns:
        k = design.columns.index("(Intercept)")
        means = X.mean(axis=0)
        means[k] = 0.0
        change[k] -= means
        shift[k] = y.mean()
        X = X - means
        y = y - shift[k]
    return np.column_stack([X, y]), Centre(change, shift)


def steadied(factor: Factor, means: Floats, spreads: Floats) -> Floats:
    """Return S (q × q), z S being Z with columns that are far from zero brought near it, as 2021 by calendar years.

    Only beside an intercept that they may correlate with, where the model stays the same one. Whole numbers are
    taken off, so that whole numbers stay.
    """
    S = np.eye(len(factor.columns))
    for block in factor.blocks:
        at = [k for k in range(block.start, block.stop) if factor.columns[k] == "(Intercept)"]
        for k in range(block.start, block.stop):
            if at and k != at[0] and abs(means[k]) > 10 * spreads[k]:
                S[at[0], k] = -np.round(means[k])
    return S
