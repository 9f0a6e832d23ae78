"""Linear combinations of fixed effects and conditional modes, with errors that know of both."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.errors import ModelError
from workbench.hlm.design import Design, Floats
from workbench.hlm.native import Native
from workbench.hlm.outer import half_solved
from workbench.hlm.result import MixedModel

CHUNK = 500  # combinations solved at once


def outer_effects(model: MixedModel) -> pd.DataFrame:
    """Return the modes of all groups but the largest, in the order in which `posterior_variance` takes weights.

    Columns: group, level, term, estimate, variance (of its group and term). One row an effect (Q).
    Raises ModelError for a fit by another engine.
    """
    native = _native(model)
    own = model.variances[model.variances.other_term.isna()].set_index(["group", "term"]).estimate
    parts = []
    for factor in native.likelihood.m.outers:
        mine = model.modes[model.modes.group == factor.name]
        order = np.arange(len(mine)).reshape(-1, len(factor.columns)).T.ravel()  # column first, as the engine numbers
        parts.append(mine.iloc[order])
    modes = pd.concat(parts, ignore_index=True)[["group", "level", "term", "estimate"]]
    variance = own.reindex(pd.MultiIndex.from_frame(modes[["group", "term"]])).to_numpy(float)
    return modes.assign(variance=variance)


def posterior_variance(model: MixedModel, weights: Floats, fixed: Floats | None = None) -> Floats:
    """Return the variance (m) of combinations x'β + w'b given the data and the variances.

    `weights` is m × Q, in the order of `outer_effects`; `fixed` is m × p, in the order of `model.columns` (none: 0).
    With P = Λ S⁻¹ Λ' and b̂ = b̂(0) − Uβ the variance is σ² w'Pw + (x − U'w)' V (x − U'w), V the covariance of the
    fixed effects: that of Henderson's (1975) mixed-model equations. Raises ModelError for a fit by another engine.
    """
    native = _native(model)
    at, likelihood = native.optimum.at, native.likelihood
    assert at.roots is not None
    relative = tuple(T @ L for T, L in zip(native.units.Z[1:], at.factors[1:], strict=True))
    right = likelihood.times_outer(weights.T, relative, transpose=True)
    known = 0.0 if fixed is None else native.to_columns.T @ fixed.T
    through = np.linalg.solve(at.root, known - at.u[:, :-1].T @ right)
    total = np.zeros(len(weights))
    for some in np.array_split(np.arange(len(weights)), max(1, len(weights) // CHUNK)):
        total[some] = np.diag(half_solved(likelihood.outer, at.roots, right[:, some])[1])
    return np.asarray(native.sigma2 * (total + (through**2).sum(axis=0)))


def rows_of(model: MixedModel) -> Design:
    """Return the matrices a model was fitted to. Raises ModelError for another engine, or sums made in a database."""
    design = _native(model).design
    if design is None:
        raise ModelError("This needs the rows of the model, which was fitted to sums made in the database.")
    return design


def _native(model: MixedModel) -> Native:
    if not isinstance(model.fitted, Native):
        raise ModelError("Errors of combinations of effects need a fit by the native engine.")
    return model.fitted
