"""Prior scores without their measurement error: what a student's true prior score is expected to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import ModelError

Floats = NDArray[Any]
PRIORS = ("math", "reading")


@dataclass(frozen=True)
class Calibrated:
    """Expected true prior scores (n × k), the reliability of each observed one within groups (k), and `surplus`.

    `surplus` (n × k × k) is by how much the error of the mean of a row's group varies more than the errors of single
    rows would make it: a mean is not shrunken as deviations from it are, so a model that learns the size of errors from
    deviations takes means to be surer than they are.
    """

    scores: Floats
    reliability: Floats
    surplus: Floats


def calibrated(scores: Floats, errors: Floats, groups: Any, covariates: Floats, nests: Any = None) -> Calibrated:
    """Return E[true prior scores | observed ones, covariates, group], by regression calibration.

    Within a group the true scores are x* = μ_group + γ'w + d, d ~ N(0, D), and the observed ones x = x* + e with known
    standard errors; so x̂ = μ̂ + γ̂'w + D(D + E)⁻¹(x − μ̂ − γ̂'w), D being the covariance within groups less the mean E.
    Group means are not shrunken. That matters: conditional on the group, as the outcome's model is, the adjustment is
    free of bias (Lockwood & McCaffrey 2014); shrunken towards one mean for all, groups with high intake would still be
    credited with it.

    Where groups are small, such as classes, `nests` (n) name what they are parts of: the true mean of a group is then
    N(mean of its nest, B + D/n), B (0 where students came together by chance, large where they were sorted) is
    estimated from the group means, and these are shrunken accordingly.

    `scores` and `errors` (n × k), `covariates` (n × w), `groups` (n) those whose effects are wanted.
    Raises ModelError where the errors leave no true variance.
    """
    group = pd.factorize(groups)[0]
    count = np.bincount(group).astype(float)

    def within(values: Floats) -> Floats:
        means = np.column_stack([np.bincount(group, column) / count for column in values.T])
        return values - means[group]

    gamma = np.linalg.lstsq(within(covariates), within(scores), rcond=None)[0]
    rest = within(scores) - within(covariates) @ gamma
    degrees = len(rest) - len(count) - np.linalg.matrix_rank(within(covariates))
    if degrees < 1:
        raise ModelError("There are as many groups as students: prior scores cannot be calibrated within groups.")
    observed = rest.T @ rest / degrees
    D = observed - np.diag((errors**2).mean(axis=0))
    if np.linalg.eigvalsh(D)[0] <= 0:
        raise ModelError(
            "The standard errors of the prior scores are as large as their spread within groups: nothing is left to "
            "adjust by. Check the unit of the standard errors."
        )
    E = _diagonal(errors**2)
    kept = np.linalg.solve(D + E, np.broadcast_to(D, E.shape))
    signal = (rest[:, None, :] @ kept)[:, 0, :]
    size = count[group][:, None, None]
    within_error = np.column_stack([np.bincount(group, c) / count for c in (E @ kept).reshape(len(E), -1).T])
    excess, mean_error = _of_means(scores - covariates @ gamma, errors, group, group if nests is None else nests, D)
    surplus = mean_error - within_error[group].reshape(E.shape) / size
    return Calibrated(scores - rest + signal - excess, np.diag(D) / np.diag(observed), surplus)


def _of_means(scores: Floats, errors: Floats, group: NDArray[np.intp], nests: Any, D: Floats) -> tuple[Floats, Floats]:
    """What measurement error is expected to have put into the mean of each row's group, beyond its nest's (n × k).

    With it the variance of the error that is left in that mean, its nest's included (n × k × k).
    """
    count = np.bincount(group).astype(float)
    of_group = [np.column_stack([np.bincount(group, c) / count for c in table.T]) for table in (scores, errors**2)]
    nest = pd.factorize(nests)[0][np.unique(group, return_index=True)[1]]
    size, groups = np.bincount(nest, count)[nest], np.bincount(nest)[nest]
    centre = np.column_stack([np.bincount(nest, count * c)[nest] / size for c in of_group[0].T])
    apart = of_group[0] - centre
    E = _diagonal(of_group[1] / count[:, None])
    chance = D / count[:, None, None]
    several = (groups > 1)[:, None, None]
    freed = (1 - count / size)[:, None, None]  # a mean that was taken off takes part of the variance with it
    spread = several * (apart[:, :, None] * apart[:, None, :] - freed * (chance + E))
    values, vectors = np.linalg.eigh(spread.sum(axis=0) / max((several * freed).sum(), 1e-12))
    between = (vectors * np.maximum(values, 0)) @ vectors.T
    shrinkage = several * (E @ np.linalg.inv(between + chance + E))
    expected = (shrinkage @ apart[:, :, None])[:, :, 0]
    return expected[group], (E - freed * (shrinkage @ E))[group]


def _diagonal(values: Floats) -> Floats:
    """A diagonal matrix for each row (n × k × k)."""
    return np.asarray(values[:, :, None] * np.eye(values.shape[1]))


def calibrate_priors(
    rows: pd.DataFrame, groups: pd.Series[str], covariates: Floats, nests: pd.Series[str] | None = None
) -> tuple[pd.DataFrame, Floats]:
    """Return rows with `prior_math` and `prior_reading` calibrated, and the surplus; see `calibrated`."""
    scores = rows[[f"prior_{name}" for name in PRIORS]].to_numpy(float)
    errors = rows[[f"error_{name}" for name in PRIORS]].to_numpy(float)
    found = calibrated(scores, errors, groups, covariates, nests)
    return rows.assign(**{f"prior_{name}": found.scores[:, k] for k, name in enumerate(PRIORS)}), found.surplus


def surplus_by_unit(rows: pd.DataFrame, groups: pd.Series[str], surplus: Floats, slopes: Floats) -> pd.Series[float]:
    """Return b'(surplus)b by `unit_year`: the variance that errors of group means add to a unit's mean outcome.

    A unit's mean is that of its groups by their shares of it (`dose`), whose errors are independent; `slopes` (k) are
    the coefficients of the prior scores.
    """
    added = np.einsum("j,njk,k->n", slopes, surplus, slopes)
    held = pd.DataFrame({"unit_year": rows.unit_year, "group": groups, "dose": rows.dose, "added": added})
    by_group = held.groupby(["unit_year", "group"]).agg(dose=("dose", "sum"), added=("added", "first"))
    share = by_group.dose / by_group.groupby("unit_year").dose.transform("sum")
    return (share**2 * by_group.added).groupby("unit_year").sum()
