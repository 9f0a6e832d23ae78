"""How teachers' effects drift: autocovariances of class means over years, and a year predicted from the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError
from workbench.growth.value_added.rows import Subject, teacher_doses, value_added_rows, with_doses

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

Floats = NDArray[Any]
DRAWS = 200


@dataclass(frozen=True)
class Drift:
    """What teachers' means of different years have in common.

    `autocovariances`: lag, pairs, covariance, std_error (of which lag 0 is the variance of the means less their
    sampling variance). Effects are taken to have the covariance `variance` · `drift`^lag, fitted to lags from 1 on, so
    that what hits one class in one year does not count as the teacher's; both with bootstrap standard errors.
    `means`, a row a teacher and year: teacher_id, school_year, n, mean, predicted (best linear prediction from the
    teacher's other years). Means rise by `slope` for each point predicted: 1 where the prediction is unbiased.
    """

    autocovariances: pd.DataFrame
    variance: float
    variance_error: float
    drift: float
    drift_error: float
    means: pd.DataFrame = field(repr=False)
    slope: float
    slope_error: float


def teacher_drift(data: Data, subject: Subject, seed: int = 1) -> Drift:
    """Estimate how teachers' effects drift, after Chetty, Friedman & Rockoff (2014, sections II and IV).

    The mean gain of a teacher's students in a year, as it differs from that of the same grade and year, is followed
    over years; what the school adds is in it. Gains need no correction for measurement error, which only widens their
    spread. For research only; `TEACHER_WARNING` belongs beside every use. Raises ModelError below three years.
    """
    rows = with_doses(value_added_rows(data, subject), teacher_doses(data, subject))
    rows["gain"] = rows.score - rows[f"prior_{subject}"]
    weighted = (rows.gain * rows.dose).groupby(rows.cell).transform("sum")
    rows["rest"] = rows.gain - weighted / rows.groupby("cell").dose.transform("sum")
    by = rows.assign(total=rows.rest * rows.dose).groupby(["unit", "school_year"])
    means = by.agg(n=("dose", "sum"), total=("total", "sum")).reset_index().rename(columns={"unit": "teacher_id"})
    means["mean"] = means.total / means.n
    apart = (
        rows.rest - rows.merge(means, left_on=["unit", "school_year"], right_on=["teacher_id", "school_year"])["mean"]
    )
    noise = float((apart**2 * rows.dose).sum() / (rows.dose.sum() - len(means)))
    return drift_of_means(means.drop(columns="total"), noise, seed)


def drift_of_means(means: pd.DataFrame, noise: float, seed: int = 1, draws: int = DRAWS) -> Drift:
    """Estimate drift from the means of teachers' students by year; `noise` is the variance of one student about them.

    `means`: teacher_id, school_year, n (students), mean. Bootstrap of whole teachers.
    """
    import pandas as pd

    m, n = (means.pivot(index="teacher_id", columns="school_year", values=name).to_numpy() for name in ("mean", "n"))
    if m.shape[1] < 3:
        raise ModelError("Drift needs means of three school years or more.")
    products, weights, pairs = _products(m, n, noise)
    covariance, (variance, drift) = _fitted(products.sum(axis=0), weights.sum(axis=0))
    predicted = _predicted(m, n, noise, variance, drift)
    use = np.isfinite(m) & np.isfinite(predicted)
    up, down = (np.where(use, n * predicted * other, 0).sum(axis=1) for other in (m, predicted))
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws):
        who = rng.integers(0, len(m), len(m))
        again, curve = _fitted(products[who].sum(axis=0), weights[who].sum(axis=0))
        drawn.append([*again, *curve, up[who].sum() / down[who].sum()])
    errors = np.std(drawn, axis=0, ddof=1)
    lags = np.arange(m.shape[1])
    table = pd.DataFrame({"lag": lags, "pairs": pairs, "covariance": covariance, "std_error": errors[: len(lags)]})
    years = np.sort(means.school_year.unique())
    at = (
        np.searchsorted(np.sort(means.teacher_id.unique()), means.teacher_id),
        np.searchsorted(years, means.school_year),
    )
    return Drift(
        table, variance, float(errors[-3]), drift, float(errors[-2]), means.assign(predicted=predicted[at]),
        float(up.sum() / down.sum()), float(errors[-1]),
    )  # fmt: skip


def _products(m: Floats, n: Floats, noise: float) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """For each teacher and lag, sums of weighted products of means and of weights (students taught), and pairs."""
    years = m.shape[1]
    products, weights, pairs = np.zeros((len(m), years)), np.zeros((len(m), years)), np.zeros(years, int)
    for lag in range(years):
        a, b = m[:, : years - lag], m[:, lag:]
        weight = np.where(np.isfinite(a * b), n[:, : years - lag] + n[:, lag:], 0)
        product = a * b - (noise / n if lag == 0 else 0)
        products[:, lag] = np.nansum(product * weight, axis=1)
        weights[:, lag], pairs[lag] = weight.sum(axis=1), (weight > 0).sum()
    return products, weights, pairs


def _fitted(products: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Autocovariances by lag, and variance and drift of the curve variance · drift^lag through those from lag 1 on."""
    from scipy.optimize import minimize_scalar

    covariance = products / np.maximum(weights, 1e-12)
    lag, weight = np.arange(1, len(weights)), weights[1:]

    def height(drift: float) -> float:
        return float((weight * drift**lag) @ covariance[1:] / ((weight * drift**lag) @ drift**lag))

    def misfit(drift: float) -> float:
        return float(weight @ (covariance[1:] - height(drift) * drift**lag) ** 2)

    drift = float(minimize_scalar(misfit, bounds=(0.05, 1.0), method="bounded").x)
    return covariance, np.array([max(height(drift), 0.0), drift])


def _predicted(m: Floats, n: Floats, noise: float, variance: float, drift: float) -> Floats:
    """Best linear prediction of each teacher-year from the teacher's other years (teachers × years)."""
    years = np.arange(m.shape[1])
    prior = variance * drift ** np.abs(years[:, None] - years[None, :])
    predicted = np.full(m.shape, np.nan)
    for j, (means, counts) in enumerate(zip(m, n, strict=True)):
        have = np.flatnonzero(np.isfinite(means))
        for t in have if len(have) > 1 else ():
            others = have[have != t]
            Sigma = prior[np.ix_(others, others)] + np.diag(noise / counts[others])
            predicted[j, t] = prior[t, others] @ np.linalg.solve(Sigma, means[others])
    return predicted
