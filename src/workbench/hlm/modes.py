"""Conditional modes of the random effects, with their conditional standard errors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.hlm import outer
from workbench.hlm.design import Factor, Floats, Ints
from workbench.hlm.deviance import Likelihood, Solution
from workbench.hlm.elimination import Elimination, met

CHUNK = 20_000_000  # numbers held at once


def conditional_modes(
    likelihood: Likelihood, at: Solution, units: tuple[Floats, ...], sigma2: float, order: tuple[Factor, ...]
) -> pd.DataFrame:
    """Return group, level, term, estimate and std_error of every random effect, factors in the given order.

    b = Λu solves the penalised least squares of Bates et al. (2015, equation 12); its conditional variance
    given β and the variances is σ²Λ(Λ'Z'WZΛ + I)⁻¹Λ', of which the block of each level is kept.
    """
    m = likelihood.m
    v = np.append(-at.beta, 1.0)
    inverse = np.zeros(0) if at.roots is None else outer.inverse(likelihood.outer, at.roots)
    tables: dict[str, pd.DataFrame] = {}
    start, found = 0, []
    for factor, Lambda, T, own in zip(m.outers, at.factors[1:], units[1:], likelihood.outer.own, strict=True):
        u = (at.u[start : start + factor.size] @ v).reshape(len(factor.columns), -1)
        found.append((Lambda @ u).ravel())
        tables[factor.name] = _table(factor, (T @ Lambda @ u).T, (T @ Lambda) @ inverse[own] @ (T @ Lambda).T, sigma2)
        start += factor.size
    modes = np.concatenate(found) if found else np.zeros(0)
    tables[m.inner.name] = _inner(likelihood, at, units[0], sigma2, modes, inverse)
    return pd.concat([tables[factor.name] for factor in order], ignore_index=True)


def _inner(
    likelihood: Likelihood, at: Solution, T: Floats, sigma2: float, modes: Floats, inverse: Floats
) -> pd.DataFrame:
    m, e = likelihood.m, likelihood.inner
    levels, q = len(m.inner.levels), len(m.inner.columns)
    right = m.R @ np.append(-at.beta, 1.0)
    V = at.V[e.pattern]
    spread = V
    if len(modes):
        right = right - (m.C @ modes).reshape(q, levels).T
        none = np.zeros((likelihood.outer.size, 0))
        U = outer.entries_of(likelihood.outer, inverse, none, none, at.factors[1:])
        mine = at.V[e.C_pattern]
        spread = V + (mine @ _through(e, U, q) @ mine)[e.group]
    estimate = np.einsum("lqr,lr->lq", V, right)
    return _table(m.inner, estimate @ T.T, T @ spread @ T.T, sigma2)


def _through(e: Elimination, U: Floats, q: int) -> Floats:
    """C_g U C_g' of each group (g × q × q), for the entries U of a symmetric matrix of the outer effects."""
    groups, size = len(e.C_pattern), e.C.shape[1]
    keys = e.rows * size + e.cols
    at, values = met(e.C, groups, q)
    result = np.zeros((groups, q, q))
    lengths = np.diff(at.indptr)
    for length in np.unique(lengths[lengths > 0]):
        everyone = np.flatnonzero(lengths == length)
        for who in np.array_split(everyone, max(1, len(everyone) * int(length) ** 2 // CHUNK)):
            places: Ints = at.indptr[who][:, None] + np.arange(length)
            cols, mine = at.indices[places], values[places]
            later, earlier = (
                np.maximum(cols[:, :, None], cols[:, None, :]),
                np.minimum(cols[:, :, None], cols[:, None, :]),
            )
            block = U[np.searchsorted(keys, later.astype(np.int64) * size + earlier)]
            result[who] = mine.transpose(0, 2, 1) @ block @ mine
    return result


def _table(factor: Factor, estimate: Floats, spread: Floats, sigma2: float) -> pd.DataFrame:
    q = len(factor.columns)
    error = np.sqrt(np.maximum(sigma2 * np.diagonal(spread, axis1=1, axis2=2), 0.0))
    return pd.DataFrame(
        {
            "group": pd.Series([factor.name], dtype="str").repeat(estimate.size).to_numpy(),
            "level": np.repeat(np.asarray(factor.levels, dtype=object), q),
            "term": np.tile(np.array(factor.columns, dtype=object), len(factor.levels)),
            "estimate": estimate.ravel(),
            "std_error": error.ravel(),
        }
    )
