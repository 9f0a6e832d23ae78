"""Profile likelihood: how far an estimate can be moved before the data speak against it.

The interval of a parameter ψ is the region in which the ML deviance, made least over all other parameters, is at
most χ²₁ above its minimum. A fixed effect is held by taking its share off y and its column out of X.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import optimize, stats
from scipy.linalg import null_space

from workbench.errors import BadParameter, ModelError
from workbench.hlm.design import Floats
from workbench.hlm.deviance import Likelihood
from workbench.hlm.estimates import layout
from workbench.hlm.held import Held, correlation, residual, standard_deviation
from workbench.hlm.native import Native
from workbench.hlm.optimise import minimise
from workbench.hlm.resampling import check_level
from workbench.hlm.result import LEVEL, RESIDUAL, MixedModel
from workbench.hlm.threads import threads_for

Which = Literal["all", "fixed", "random"]
EFFECTS = {"all": ("fixed", "sd", "correlation"), "fixed": ("fixed",), "random": ("sd", "correlation")}


@dataclass(frozen=True)
class Profile:
    """Profile-likelihood intervals, those of the ML fit `model`.

    `table` has effect (fixed, sd, correlation), group, term, other_term, estimate, conf_low and conf_high.
    """

    model: MixedModel
    table: pd.DataFrame
    level: float
    messages: tuple[str, ...]


def profile(model: MixedModel, level: float = LEVEL, which: Which = "all") -> Profile:
    """Return profile-likelihood intervals of fixed effects, standard deviations and correlations.

    They belong to the maximum-likelihood fit; a model fitted by REML is fitted again. A limit at the end of its
    scale (0 for a standard deviation, −1 or 1 for a correlation) says that the data do not exclude the end. Raises
    BadParameter, or ModelError for a fit by another engine. Source: Bates, Mächler, Bolker & Walker (2015), 5.1.
    """
    check_level(level)
    if which not in EFFECTS:
        raise BadParameter(f"which is 'all', 'fixed' or 'random', not {which!r}.")
    ml = model if model.method == "ML" else model.refit(method="ML")
    if not isinstance(ml.fitted, Native):
        raise ModelError("Profile intervals need a fit by the native engine: fit with engine='native', or bootstrap.")
    order = layout(ml)
    table = order.table.assign(estimate=order.values(ml))
    table = table[table["effect"].isin(EFFECTS[which])].reset_index(drop=True)
    reach = float(np.sqrt(stats.chi2.ppf(level, 1)))
    with threads_for(ml.fitted.likelihood.outer.length):
        limits = [_limits(ml.fitted, row, reach) for row in table.to_dict("records")]
    low, high = np.array(limits).T
    said = () if ml is model else ("Fitted again by maximum likelihood; these are the intervals of that fit.",)
    return Profile(ml, table.assign(conf_low=low, conf_high=high), level, (*said, *ml.messages))


def _limits(native: Native, row: Mapping[Hashable, Any], reach: float) -> tuple[float, float]:
    """Both ends of the interval of one estimate."""
    group, term = row["group"], row["term"]
    if row["effect"] == "fixed":
        held = fixed_effect(native, native.columns.index(term), reach)
    elif group == RESIDUAL:
        held = residual(native)
    elif row["effect"] == "sd":
        held = standard_deviation(native, group, term)
    else:
        held = correlation(native, group, term, row["other_term"])
    return crossing(held, row["estimate"], -1.0, reach), crossing(held, row["estimate"], 1.0, reach)


def fixed_effect(native: Native, place: int, reach: float) -> Held:
    """Hold one fixed effect: Xβ = Xl(ψ − c)/l'l + XNγ, with l'β + c the effect in the engine's units and l'N = 0."""
    likelihood, optimum = native.likelihood, native.optimum
    row = native.to_columns[place]
    offset = float(native.beta[place] - row @ optimum.at.beta)
    change = np.zeros((len(row) + 1, len(row)))
    change[:-1, :-1], change[-1, -1] = null_space(row[None, :]), 1.0
    theta = optimum.theta

    def least(value: float) -> float:
        nonlocal theta
        change[:-1, -1] = -row * (value - offset) / (row @ row)
        found = minimise(_changed(likelihood, change), theta)
        theta = found.theta
        return found.at.criterion - optimum.at.criterion

    return Held(least, reach * float(np.sqrt(native.covariance[place, place])), -np.inf, np.inf)


def _changed(likelihood: Likelihood, change: Floats) -> Likelihood:
    """The likelihood with [X, y] times `change` in the place of [X, y]."""
    m, e = likelihood.m, likelihood.inner
    m = replace(m, R=m.R @ change, outer_f=m.outer_f @ change, ff=change.T @ m.ff @ change)
    return replace(likelihood, m=m, inner=replace(e, R=e.R @ change, C_R=e.C_R @ change))


def crossing(held: Held, estimate: float, side: float, reach: float) -> float:
    """Where √(excess deviance) first reaches `reach` on one side of the estimate, or the end of the scale."""
    end = held.lowest if side < 0 else held.highest
    if np.isnan(estimate):
        return end

    def root(value: float) -> float:
        return float(np.sqrt(max(held.excess(value), 0.0))) - reach if value != estimate else -reach

    step, inside = held.step, estimate
    outside = float(np.clip(estimate + side * step, held.lowest, held.highest))
    while root(outside) < 0:
        if outside == end:
            return end
        inside, step = outside, 2 * step
        outside = float(np.clip(inside + side * step, held.lowest, held.highest))
    return float(optimize.brentq(root, inside, outside, xtol=1e-6 * held.step, rtol=1e-9))
