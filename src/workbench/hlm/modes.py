"""Conditional modes of the random effects, with their conditional standard errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.linalg import lapack

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
    inverse = np.zeros((0, 0))
    if len(at.u):
        lower, _ = lapack.dpotri(at.S.copy(order="F"), lower=1, overwrite_c=1)
        inverse = np.tril(lower) + np.tril(lower, -1).T
    tables: dict[str, pd.DataFrame] = {}
    start, outer = 0, []
    for factor, Lambda, T in zip(m.outers, at.factors[1:], units[1:], strict=True):
        levels, q = len(factor.levels), len(factor.columns)
        u = (at.u[start : start + factor.size] @ v).reshape(q, levels)
        outer.append((Lambda @ u).ravel())
        spread = np.empty((levels, q, q))
        for a in range(q):
            for b in range(q):
                rows = slice(start + a * levels, start + (a + 1) * levels)
                spread[:, a, b] = inverse[rows, start + b * levels : start + (b + 1) * levels].diagonal()
        tables[factor.name] = _table(factor, (T @ Lambda @ u).T, (T @ Lambda) @ spread @ (T @ Lambda).T, sigma2)
        start += factor.size
    modes = np.concatenate(outer) if outer else np.zeros(0)
    tables[m.inner.name] = _inner(likelihood, at, units[0], sigma2, modes, inverse)
    return pd.concat([tables[factor.name] for factor in order], ignore_index=True)


def _inner(likelihood: Likelihood, at: Solution, T: Floats, sigma2: float, b: Floats, inverse: Floats) -> pd.DataFrame:
    m, e = likelihood.m, likelihood.inner
    levels, q = len(m.inner.levels), len(m.inner.columns)
    right = m.R @ np.append(-at.beta, 1.0)
    V = at.V[e.pattern]
    spread = V
    if len(b):
        right = right - (m.C @ b).reshape(q, levels).T
        U = likelihood.times_outer(likelihood.times_outer(inverse, at.factors[1:]).T, at.factors[1:])
        mine = at.V[e.C_pattern]
        spread = V + (mine @ _through(e, U, q) @ mine)[e.group]
    estimate = np.einsum("lqr,lr->lq", V, right)
    return _table(m.inner, estimate @ T.T, T @ spread @ T.T, sigma2)


def _through(e: Elimination, U: Floats, q: int) -> Floats:
    """C_g U C_g' of each group (g × q × q)."""
    groups = len(e.C_pattern)
    at, values = met(e.C, groups, q)
    result = np.zeros((groups, q, q))
    lengths = np.diff(at.indptr)
    for length in np.unique(lengths[lengths > 0]):
        everyone = np.flatnonzero(lengths == length)
        for who in np.array_split(everyone, max(1, len(everyone) * int(length) ** 2 // CHUNK)):
            places: Ints = at.indptr[who][:, None] + np.arange(length)
            cols, mine = at.indices[places], values[places]
            block = U[cols[:, :, None], cols[:, None, :]]
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
