"""One model fitted to many outcomes of the same rows: all that the outcome does not change is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from workbench.errors import ModelError
from workbench.hlm.design import Design, Floats
from workbench.hlm.deviance import Likelihood
from workbench.hlm.elimination import with_moments
from workbench.hlm.native import Native, result_of
from workbench.hlm.optimise import minimise
from workbench.hlm.result import MixedModel
from workbench.hlm.threads import threads_for


def refits(native: Native, Y: Floats) -> Iterator[MixedModel | None]:
    """Fit the model of `native` to each column of Y (n × draws), by the same method; None where that fails.

    The units of X and Z, the patterns of the inner factor and all cross-products without y stay as they are. New
    are Z'We and e'We for the residuals e of the least-squares fit that the units take off.
    """
    if native.design is None:
        raise ModelError("Refitting needs the rows, and this model was fitted to sums. Fit it to a data frame.")
    design = native.design
    w = np.ones((design.n, 1)) if design.weights is None else design.weights[:, None]
    shift, fits, rest = _least_squares(native, design, w, Y)
    inner, *outers = _by_effect(native, design, w * rest)
    outer = np.concatenate([np.zeros((0, Y.shape[1])), *outers])
    levels, q = native.likelihood.m.R.shape[:2]
    with threads_for(native.likelihood.outer.length):
        for draw, squares in enumerate(np.sum(w * rest**2, axis=0)):
            likelihood = _outcome(native.likelihood, inner[:, draw].reshape(q, levels).T, outer[:, draw], squares)
            yield _fitted(
                replace(
                    native,
                    likelihood=likelihood,
                    units=replace(native.units, y=fits[:, draw]),
                    centre=replace(native.centre, shift=shift[:, draw]),
                )
            )


def _least_squares(native: Native, design: Design, w: Floats, Y: Floats) -> tuple[Floats, Floats, Floats]:
    """The levels taken off Y (p × draws), the coefficients of the centred X (p × draws), the residuals."""
    shift = np.zeros((design.X.shape[1], Y.shape[1]))
    if "(Intercept)" in design.columns:
        shift[design.columns.index("(Intercept)")] = Y.mean(axis=0)
    X, T = design.X @ native.centre.change, native.units.X
    rest = Y - design.X @ shift
    fits = T @ (T.T @ (X.T @ (w * rest))) / design.n
    return shift, fits, rest - X @ fits


def _by_effect(native: Native, design: Design, e: Floats) -> list[Floats]:
    """Z'e of each factor, inner first, in the units of the moments (qL × draws)."""
    place = {factor.name: k for k, factor in enumerate(native.factors)}
    sums = []
    for factor, units in zip(native.likelihood.m.factors, native.units.Z, strict=True):
        raw = design.random_columns(place[factor.name]).T @ e
        sums.append(np.tensordot(units.T, raw.reshape(len(units), -1), axes=1).reshape(raw.shape))
    return sums


def _outcome(likelihood: Likelihood, inner: Floats, outer: Floats, squares: float) -> Likelihood:
    """The likelihood of an outcome that least squares leave nothing of X in."""
    m, p = likelihood.m, likelihood.p
    R, outer_f, ff = m.R.copy(), m.outer_f.copy(), m.ff.copy()
    R[:, :, p], outer_f[:, p] = inner, outer
    ff[:p, p] = ff[p, :p] = 0.0
    ff[p, p] = squares
    m = replace(m, R=R, outer_f=outer_f, ff=ff)
    return replace(likelihood, m=m, inner=with_moments(likelihood.inner, m))


def _fitted(native: Native) -> MixedModel | None:
    assert native.design is not None
    try:
        found = replace(native, optimum=minimise(native.likelihood, native.optimum.theta))
    except np.linalg.LinAlgError:
        return None
    return result_of(replace(found, fixed_spread=native.design.spread(native.design.X @ found.beta)))
