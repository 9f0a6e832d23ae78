"""Estimates from surveys that come with plausible values and replicate weights (NAEP, PISA, TIMSS, PIRLS).

What is offered: any estimate that is a function of the rows and one column of weights. Not offered is a mixed model
with sampling weights: `workbench.hlm` takes *precision* weights (how exactly a row was measured), and a multilevel
model of a sample drawn in stages needs a weight for each stage in a pseudo-likelihood (Rabe-Hesketh & Skrondal 2006).
Such a fit is refused here by name; the same weights put into `hlm.fit` would give wrong estimates and standard errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput, BadParameter, ModelError
from workbench.shares import LEVEL

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]
Replication = Literal["JK1", "JK2", "JK2 both halves", "BRR", "Fay"]
"""How replicate weights were made, which says how the squared deviations of R replicates are scaled:

JK1, one cluster left out at a time: (R − 1) / R. JK2, one replicate a pair of clusters (NAEP; TIMSS and PIRLS to 2011):
1. JK2 both halves, two replicates a pair (TIMSS and PIRLS since 2015): 1 / 2. BRR, balanced half samples: 1 / R. Fay,
BRR with weights of k and 2 − k instead of 0 and 2: 1 / (R (1 − k)²); PISA has R = 80 and k = 0.5, so 1 / 20."""

ROUNDING = 1e-10
"""Replicates that differ by a smaller share of the estimate than this differ by rounding."""

Estimator = Callable[["pd.DataFrame", str, str], Any]
"""Takes the data, the name of the column of scores and that of the column of weights; returns a number or vector."""


@dataclass(frozen=True)
class SurveyEstimate:
    """p estimates with their variances; every field is an array (p,), `plausible` is (M, p)."""

    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    df: Floats
    sampling_variance: Floats
    imputation_variance: Floats
    plausible: Floats


def survey_estimate(
    estimate: Estimator,
    data: pd.DataFrame,
    scores: Sequence[str],
    weight: str,
    replicates: Sequence[str],
    replication: Replication,
    *,
    fay: float = 0.5,
) -> SurveyEstimate:
    """Apply an estimator to every plausible value and replicate weight, and combine the answers.

    `scores` names the M columns of plausible values (one column: an ordinary score). Sampling variance is that of the
    replicates around the full-sample estimate, averaged over plausible values; the variance between plausible values is
    added (1 + 1/M times; Rubin 1987, ch. 3). Limits by t with the degrees of freedom of Barnard & Rubin (1999), of
    which the complete data are taken to have one a replicate (JK1: one less; both halves: one a pair).
    Raises BadParameter for an unknown column or replication, BadInput for missing or negative weights, ModelError where
    the estimator returns a fitted mixed model, is not finite or is the same with every replicate weight.
    """
    if isinstance(scores, str) or isinstance(replicates, str):
        raise BadParameter("`scores` and `replicates` are lists of columns: write ['PV1MATH'] for a single one.")
    rows: Any = data
    data = rows.to_pandas() if hasattr(rows, "to_pandas") else rows
    _check(data, [*scores, weight, *replicates], scores, replicates, replication, fay)
    plausible = np.array([_numbers(estimate(data, score, weight)) for score in scores])
    scale = _scale(replication, len(replicates), fay)
    deviations = np.zeros_like(plausible)
    for k, score in enumerate(scores):
        again = np.array([_numbers(estimate(data, score, replicate)) for replicate in replicates])
        deviations[k] = scale * ((again - plausible[k]) ** 2).sum(axis=0)
    return combine(plausible, deviations, _design_df(replication, len(replicates)))


def combine(plausible: Any, sampling_variances: Any, df: float = np.inf) -> SurveyEstimate:
    """Combine M analyses by Rubin's rules: estimates (M, p) and their sampling variances (M, p).

    With `df` degrees of freedom of each analysis by itself. Rubin (1987, eqs. 3.1.2 to 3.1.6); degrees of freedom by
    Barnard & Rubin (1999, eq. 3). Raises ModelError where an estimate has no sampling variance.
    """
    from scipy import stats

    values = np.asarray(plausible, dtype=float)
    sampling = np.asarray(sampling_variances, dtype=float).mean(axis=0)
    if (still := np.sqrt(sampling) <= ROUNDING * np.abs(values).max(axis=0)).any():
        raise ModelError(
            f"Estimate {int(np.flatnonzero(still)[0]) + 1} of {still.size} is the same with every replicate weight, so "
            "nothing tells its sampling error. Look whether the columns named are the replicate weights, and whether "
            "the estimator uses the weights that it is given."
        )
    m = len(values)
    between = values.var(axis=0, ddof=1) if m > 1 else np.zeros(values.shape[1:])
    imputation = (1 + 1 / m) * between
    total = sampling + imputation
    freedom = _barnard_rubin(np.divide(imputation, total, out=np.zeros_like(total), where=total > 0), m, df)
    reach = stats.t.ppf((1 + LEVEL) / 2, freedom) * np.sqrt(total)
    middle = values.mean(axis=0)
    return SurveyEstimate(middle, np.sqrt(total), middle - reach, middle + reach, freedom, sampling, imputation, values)


def _barnard_rubin(missing: Floats, m: int, df: float) -> Floats:
    """Degrees of freedom, of which `missing` is the share of variance that is due to imputation."""
    with np.errstate(divide="ignore"):
        imputed = (m - 1) / missing**2 if m > 1 else np.full(missing.shape, np.inf)
    if np.isinf(df):
        return np.asarray(imputed)
    observed = (df + 1) / (df + 3) * df * (1 - missing)
    return np.asarray(np.where(missing > 0, 1 / (1 / imputed + 1 / observed), df))


def _scale(replication: Replication, n: int, fay: float) -> float:
    return {
        "JK1": (n - 1) / n,
        "JK2": 1.0,
        "JK2 both halves": 0.5,
        "BRR": 1 / n,
        "Fay": 1 / (n * (1 - fay) ** 2),
    }[replication]


def _design_df(replication: Replication, n: int) -> float:
    return {"JK1": n - 1, "JK2 both halves": n / 2}.get(replication, n)


def _numbers(value: Any) -> Floats:
    """The answer of an estimator as a vector; refuses a fitted mixed model and what is not finite."""
    if hasattr(value, "modes") and hasattr(value, "variances"):
        raise ModelError(
            "The estimator returned a fitted mixed model. Mixed models with sampling weights are not offered: the "
            "weights of hlm.fit are precision weights, and weighting a multilevel model for a sample drawn in stages "
            "needs a pseudo-likelihood with a weight for each stage (Rabe-Hesketh & Skrondal 2006). Estimate a mean, a "
            "gap or a regression instead, or fit the mixed model without sampling weights and say so."
        )
    try:
        vector = np.atleast_1d(np.asarray(value, dtype=float))
    except (TypeError, ValueError):
        raise ModelError(
            f"The estimator must return a number or a vector of numbers; it returned a {type(value).__name__}. "
            "Of a Gap, for example, return gap.estimate."
        ) from None
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise ModelError(f"The estimator must return a number or a vector of finite numbers; it returned {value!r}.")
    return vector


def _check(
    data: pd.DataFrame,
    columns: list[str],
    scores: Sequence[str],
    replicates: Sequence[str],
    replication: str,
    fay: float,
) -> None:
    if replication not in get_args(Replication):
        raise BadParameter(f"replication is {replication!r}; it must be one of {', '.join(get_args(Replication))}.")
    if not 0 <= fay < 1:
        raise BadParameter(f"fay is {fay}; Fay's factor lies from 0 up to, not including, 1 (PISA: 0.5).")
    if not scores or len(replicates) < 2:
        raise BadParameter("Name at least one column of scores and two of replicate weights.")
    if absent := [column for column in columns if column not in data]:
        raise BadParameter(f"The data have no column {absent[0]!r}; they have: {', '.join(map(str, data.columns))}.")
    for column in columns[len(scores) :]:
        values = data[column].to_numpy(dtype=float)
        if not np.isfinite(values).all() or (values < 0).any() or not values.any():
            raise BadInput(f"Column {column!r} holds weights that are missing, negative or all zero.")
