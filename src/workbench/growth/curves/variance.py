"""Where the variance of level and of growth lies, and how well it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import ModelError
from workbench.shares import LEVEL

if TYPE_CHECKING:
    import pandas as pd

    from workbench.growth.curves.rows import CurveData
    from workbench.hlm.result import MixedModel

VAGUE = 3.0  # standard error of a log variance from which limits tell nothing: a factor of 350 on either side


def variance_parts(curve: CurveData, model: MixedModel) -> pd.DataFrame:
    """Return where scores in the centre grade, and growth a year, vary.

    Columns: of, part, variance, conf_low, conf_high, sd, share. `model` is one of `school_model`. The residual is
    split by the known error of measurement: with precision weights σ² is the variance of a score that has the mean
    squared standard error, so what exceeds that mean is not error of the test.
    """
    import pandas as pd

    found = {row[:2]: row[2:] for row in variance_intervals(model).itertuples(index=False, name=None)}
    known = min(float((curve.rows.error**2).mean()), model.sigma2) if curve.rows.error.notna().all() else 0.0
    level, growth = f"scores in grade {curve.centre}", "growth a year"
    parts = [
        (level, "first schools", *found["first_school", "(Intercept)"]),
        (level, "students of one school", *found["student", "(Intercept)"]),
        (level, "occasions, real ups and downs", *(max(value - known, 0.0) for value in found["Residual", ""])),
        (level, "occasions, error of the test", known, np.nan, np.nan),
        (growth, "schools", *found["school_growth", "(Intercept)"]),
        (growth, f"{curve.taught_by}, lasting", *found["teaching", "(Intercept)"]),
    ]
    if ("teaching_by_year", "(Intercept)") in found:
        parts.append((growth, f"{curve.taught_by}, single years", *found["teaching_by_year", "(Intercept)"]))
    parts.append((growth, "students", *found["student", "time"]))
    table = pd.DataFrame(parts, columns=["of", "part", "variance", "conf_low", "conf_high"])
    whole = table.groupby("of").variance.transform("sum")
    return table.assign(sd=np.sqrt(table.variance), share=table.variance / whole)


def said(parts: pd.DataFrame) -> list[str]:
    """Return sentences on a table of `variance_parts`: shares, largest first, and how well that of schools is known.

    What the limits of schools' variance say of their share takes the other parts as they were estimated.
    """
    sentences = []
    for of, rows in parts.groupby("of", sort=False):
        ordered = rows.sort_values("share", ascending=False, kind="stable")
        shares = "; ".join(f"{100 * s:.0f} % {part}" for part, s in zip(ordered.part, ordered.share, strict=True))
        sentences.append(f"Of the variance of {of}: {shares}.{_share_of_schools(rows)}")
    return sentences


def _share_of_schools(rows: pd.DataFrame) -> str:
    schools = rows[rows.part.isin(("first schools", "schools"))].iloc[0]
    if np.isnan(schools.conf_low):
        return f" How much {schools.part} hold is not known well enough for an interval."
    others = rows.variance.sum() - schools.variance
    low, high = (100 * limit / (limit + others) for limit in (schools.conf_low, schools.conf_high))
    return f" Within their 95 % interval, {schools.part} may hold from {low:.0f} to {high:.0f} %."


def variance_intervals(model: MixedModel) -> pd.DataFrame:
    """Return group, term, estimate, conf_low and conf_high (95 %) of each variance, symmetric on the log scale.

    Wald intervals: log τ² = log σ² + log (ΛΛ')ₖₖ, by the delta method from the asymptotic covariance of (θ, log σ²).
    They need many groups; where schools are few, `hlm.profile` is better and slower. A variance near zero has no
    such interval: its limits are missing.
    Raises ModelError for a fit by another engine.
    """
    import pandas as pd
    from scipy import stats

    from workbench.hlm.native import Native

    native = model.fitted
    if not isinstance(native, Native):
        raise ModelError("Intervals of variances need a fit by the native engine.")
    gradients, names = log_variance_gradients(native)
    error = np.sqrt(np.einsum("mk,kj,mj->m", gradients, native.curvature.covariance, gradients))
    own = model.variances[model.variances.other_term.isna()].assign(term=lambda t: t.term.fillna(""))
    estimate = own.set_index(["group", "term"]).estimate.loc[names].to_numpy()
    reach = np.exp(stats.norm.ppf((1 + LEVEL) / 2) * np.where(error < VAGUE, error, np.nan))
    table = pd.DataFrame(names, columns=["group", "term"])
    return table.assign(estimate=estimate, conf_low=estimate / reach, conf_high=estimate * reach)


def log_variance_gradients(native: Any) -> tuple[Any, list[tuple[str, str]]]:
    """Derivatives of each log variance in (θ, log σ²), m × (k + 1), and the group and term of each.

    With Σ = σ²(TΛ)(TΛ)', T the units of the engine: ∂ log Σₖₖ / ∂Λᵢⱼ = 2 (TΛ)ₖⱼ Tₖᵢ / (TΛΛ'T')ₖₖ.
    """
    size = len(native.optimum.theta)
    rows: list[Any] = []
    names: list[tuple[str, str]] = []
    start = 0
    for factor, Lambda, T in zip(native.likelihood.m.factors, native.optimum.at.factors, native.units.Z, strict=True):
        at, to = factor.free
        root = T @ Lambda
        for k, term in enumerate(factor.columns):
            gradient = np.zeros(size + 1)
            gradient[start : start + len(at)] = 2 * root[k, to] * T[k, at] / max(root[k] @ root[k], 1e-300)
            gradient[-1] = 1.0
            rows.append(gradient)
            names.append((factor.name, term))
        start += len(at)
    return np.array([*rows, np.eye(size + 1)[-1]]), [*names, ("Residual", "")]
