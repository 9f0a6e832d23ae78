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
    """Expected true prior scores (n × k), and the reliability of each observed one within groups (k)."""

    scores: Floats
    reliability: Floats


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
    E = np.zeros((len(rest), *D.shape))
    E[:, range(len(D)), range(len(D))] = errors**2
    signal = np.linalg.solve(D + E, rest[:, :, None])[:, :, 0] @ D
    excess = 0.0 if nests is None else _excess(scores - covariates @ gamma, errors, group, nests, D)
    return Calibrated(scores - rest + signal - excess, np.diag(D) / np.diag(observed))


def _excess(scores: Floats, errors: Floats, group: NDArray[np.intp], nests: Any, D: Floats) -> Floats:
    """What measurement error is expected to have put into the mean of each row's group, beyond its nest's (n × k)."""
    count = np.bincount(group).astype(float)
    of_group = [np.column_stack([np.bincount(group, c) / count for c in table.T]) for table in (scores, errors**2)]
    nest = pd.factorize(nests)[0][np.unique(group, return_index=True)[1]]
    size, groups = np.bincount(nest, count), np.bincount(nest)
    centre = np.column_stack([np.bincount(nest, count * c) / size for c in of_group[0].T])
    apart = of_group[0] - centre[nest]
    E = np.zeros((len(count), *D.shape))
    E[:, range(len(D)), range(len(D))] = of_group[1] / count[:, None]
    chance = D / count[:, None, None]
    several = groups[nest] > 1
    freed = (1 - count / size[nest])[:, None, None]  # a mean that was taken off takes part of the variance with it
    spread = apart[:, :, None] * apart[:, None, :] - freed * (chance + E)
    values, vectors = np.linalg.eigh(spread[several].sum(axis=0) / max(freed[several].sum(), 1e-12))
    between = (vectors * np.maximum(values, 0)) @ vectors.T
    expected = (E @ np.linalg.solve(between + chance + E, apart[:, :, None]))[:, :, 0]
    return np.asarray(np.where(several[:, None], expected, 0.0)[group])


def calibrate_priors(
    rows: pd.DataFrame, groups: pd.Series[str], covariates: Floats, nests: pd.Series[str] | None = None
) -> pd.DataFrame:
    """Return rows with `prior_math` and `prior_reading` replaced by their calibrated values; see `calibrated`."""
    scores = rows[[f"prior_{name}" for name in PRIORS]].to_numpy(float)
    errors = rows[[f"error_{name}" for name in PRIORS]].to_numpy(float)
    found = calibrated(scores, errors, groups, covariates, nests).scores
    return rows.assign(**{f"prior_{name}": found[:, k] for k, name in enumerate(PRIORS)})
