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
FOLDS = 10
LOWEST, HIGHEST = 0.05, 1.0  # of drift
EDGE = 1e-3
OFTEN = 0.05  # of bootstrap samples: as the tails of an interval


@dataclass(frozen=True)
class Drift:
    """What teachers' means of different years have in common.

    `autocovariances`: lag, pairs, covariance, std_error (of which lag 0 is the variance of the means less their
    sampling variance). Effects are taken to have the covariance `variance` · `drift`^lag, fitted to lags from 1 on, so
    that what hits one class in one year does not count as the teacher's; both with bootstrap standard errors.
    `means`, a row a teacher and year: teacher_id, school_year, n, mean, predicted: best linear prediction from the
    teacher's other years, with variance and drift fitted to other teachers (ten folds). Means rise by `slope` for each
    point predicted: 1 where the prediction is unbiased. Where `variance` is estimated as zero, drift and slope are
    missing. `messages` say that, and when drift lies at the edge of what was searched, a sentence each.
    """

    autocovariances: pd.DataFrame
    variance: float
    variance_error: float
    drift: float
    drift_error: float
    means: pd.DataFrame = field(repr=False)
    slope: float
    slope_error: float
    messages: tuple[str, ...] = ()


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
    rng = np.random.default_rng(seed)
    predicted = _held_out(m, n, noise, products, weights, rng.permutation(len(m)) % FOLDS)
    use = np.isfinite(m) & np.isfinite(predicted)
    up, down = (np.where(use, n * predicted * other, 0).sum(axis=1) for other in (m, predicted))
    rows = []
    for _ in range(draws):
        who = rng.integers(0, len(m), len(m))
        again, curve = _fitted(products[who].sum(axis=0), weights[who].sum(axis=0))
        rows.append([*again, *curve, _ratio(up[who].sum(), down[who].sum())])
    drawn = pd.DataFrame(rows)
    errors = drawn.std().to_numpy(copy=True)
    measured = variance > 0 and down.sum() > 0
    errors[-2:] = errors[-2:] if measured else np.nan
    lags = np.arange(m.shape[1])
    table = pd.DataFrame({"lag": lags, "pairs": pairs, "covariance": covariance, "std_error": errors[: len(lags)]})
    years = np.sort(means.school_year.unique())
    at = (
        np.searchsorted(np.sort(means.teacher_id.unique()), means.teacher_id),
        np.searchsorted(years, means.school_year),
    )
    slope = _ratio(up.sum(), down.sum()) if measured else np.nan
    return Drift(
        table, variance, float(errors[-3]), drift, float(errors[-2]), means.assign(predicted=predicted[at]),
        slope, float(errors[-1]), _messages(variance, drift, drawn.iloc[:, -2].to_numpy(float)),
    )  # fmt: skip


def _messages(variance: float, drift: float, drawn: Floats) -> tuple[str, ...]:
    """What a reader must know of an estimate of drift and of its bootstrap."""
    if variance <= 0:
        return (
            "What teachers' classes of different years have in common is estimated as nothing: how it drifts cannot be "
            "measured, and nothing can be forecast from it.",
        )
    told = []
    if _at_edge(np.array([drift]))[0]:
        told.append(f"Drift is estimated at the edge of what is possible ({LOWEST} to {HIGHEST:.0f}).")
    edge = float((_at_edge(drawn) | np.isnan(drawn)).mean())
    if edge > OFTEN:
        told.append(
            f"Drift lies at the edge, or cannot be measured, in {100 * edge:.0f} % of bootstrap samples: its standard "
            "error is too small, and these data hardly tell it."
        )
    return tuple(told)


def _at_edge(drift: Floats) -> NDArray[np.bool_]:
    return (drift < LOWEST + EDGE) | (drift > HIGHEST - EDGE)


def _ratio(up: float, down: float) -> float:
    return float(up / down) if down > 0 else np.nan


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
    """Autocovariances by lag, and variance and drift of the curve variance · drift^lag through those from lag 1 on.

    Without a variance above zero there is no drift: it is missing.
    """
    from scipy.optimize import minimize_scalar

    covariance = products / np.maximum(weights, 1e-12)
    lag, weight = np.arange(1, len(weights)), weights[1:]

    def height(drift: float) -> float:
        return float((weight * drift**lag) @ covariance[1:] / ((weight * drift**lag) @ drift**lag))

    def misfit(drift: float) -> float:
        return float(weight @ (covariance[1:] - height(drift) * drift**lag) ** 2)

    drift = float(minimize_scalar(misfit, bounds=(LOWEST, HIGHEST), method="bounded").x)
    variance = height(drift)
    return covariance, np.array([variance, drift] if variance > 0 else [0.0, np.nan])


def _held_out(m: Floats, n: Floats, noise: float, products: Floats, weights: Floats, fold: Floats) -> Floats:
    """Each teacher-year predicted with variance and drift fitted to the teachers of other folds (teachers × years)."""
    predicted = np.full(m.shape, np.nan)
    for k in range(FOLDS):
        _, (variance, drift) = _fitted(products[fold != k].sum(axis=0), weights[fold != k].sum(axis=0))
        mine = fold == k
        predicted[mine] = _predicted(m[mine], n[mine], noise, variance, drift if variance > 0 else 1.0)
    return predicted


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
