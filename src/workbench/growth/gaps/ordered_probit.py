"""Means and spreads of groups from counts of students in proficiency categories: ordered probit models.

Scores of group g are taken to be normal after some one transformation common to all groups, N(μg, σg²), and cut at the
same points c1 < … < cK−1. The counts then tell every μg and σg up to a linear scale, which is chosen so that all groups
together have mean 0 and SD 1 (Reardon, Shear, Castellano & Ho 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from workbench.errors import ModelError
from workbench.growth.gaps.measures import Gap, Z

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]
FEWEST_CATEGORIES = 3
FEWEST_FOR_SD = 50
"""With fewer students an SD estimated from counts is mostly noise; Reardon et al. (2017) pool those of small groups."""


@dataclass(frozen=True)
class Hetop:
    """Estimates on the scale where all students together have mean 0 and SD 1.

    `groups` has one row a group: group, n, mean, mean_se, conf_low, conf_high, sd, sd_se, own_sd (is the SD the group's
    own, or pooled?). `cuts` (K − 1,), `covariance` (2G, 2G) of means then SDs, `between_share` the share of variance
    between these groups, freed of the noise in the means, with its standard error and 95 % limits.
    """

    groups: pd.DataFrame
    cuts: Floats
    between_share: float
    between_se: float
    between_low: float
    between_high: float
    log_likelihood: float
    covariance: Floats = field(repr=False)


@dataclass(frozen=True)
class _Model:
    """Counts (G, K) and how log SDs follow from free ones: log σ = pooling @ γ, pooling (G, m)."""

    counts: Floats
    pooling: Floats
    first_cuts: Floats

    def unpack(self, parameters: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Means (G,), log SDs (G,), cuts (K − 1,) and the distances between later cuts (K − 3,)."""
        n_groups, n_free = self.pooling.shape
        steps = np.exp(parameters[n_groups + n_free :])
        cuts = np.concatenate([self.first_cuts, self.first_cuts[-1] + np.cumsum(steps)])
        return parameters[:n_groups], self.pooling @ parameters[n_groups : n_groups + n_free], cuts, steps

    def cells(self, parameters: Floats) -> tuple[Floats, Floats]:
        """Probabilities (G, K), and their derivatives (G, K, 2 + K − 3) by μ, log σ and log distances of cuts."""
        means, log_sds, cuts, steps = self.unpack(parameters)
        sds = np.exp(log_sds)[:, None]
        edges = (cuts - means[:, None]) / sds
        density = np.exp(-0.5 * edges**2) / np.sqrt(2 * np.pi)
        later = np.arange(len(cuts))[:, None] >= np.arange(len(steps)) + 2
        by_steps = (density / sds)[:, :, None] * (later * steps)
        moved = np.concatenate([np.stack([-density / sds, -edges * density], axis=2), by_steps], axis=2)
        bounds = np.pad(edges, ((0, 0), (1, 1)), constant_values=np.inf)
        bounds[:, 0] = -np.inf
        # In the upper tail the difference of two numbers near 1 is taken of their complements.
        low, high = bounds[:, :-1], bounds[:, 1:]
        flip = low > 0
        inside = special.ndtr(np.where(flip, -low, high)) - special.ndtr(np.where(flip, -high, low))
        return np.maximum(inside, 1e-300), np.diff(moved, axis=1, prepend=0, append=0)

    def loss(self, parameters: Floats) -> tuple[float, Floats]:
        """Minus the log-likelihood and its gradient."""
        inside, moved = self.cells(parameters)
        score = np.einsum("gk,gkp->gp", self.counts / inside, moved)
        gradient = np.concatenate([score[:, 0], self.pooling.T @ score[:, 1], score[:, 2:].sum(axis=0)])
        return -float((self.counts * np.log(inside)).sum()), -gradient

    def information(self, parameters: Floats) -> Floats:
        """The expected information, which near the maximum is the curvature of the loss."""
        inside, moved = self.cells(parameters)
        n = self.counts.sum(axis=1)[:, None] / inside
        each = np.einsum("gk,gkp,gkq->gpq", n, moved, moved)
        to_sd = self.pooling * each[:, 0, 1][:, None]
        sd_cut = self.pooling.T @ each[:, 1, 2:]
        mean_cut = each[:, 0, 2:]
        sd = self.pooling.T @ (self.pooling * each[:, 1, 1][:, None])
        return np.block(
            [
                [np.diag(each[:, 0, 0]), to_sd, mean_cut],
                [to_sd.T, sd, sd_cut],
                [mean_cut.T, sd_cut.T, each[:, 2:, 2:].sum(axis=0)],
            ]
        )


def hetop(counts: Any, groups: Sequence[object] | None = None, own_sd_from: int | None = FEWEST_FOR_SD) -> Hetop:
    """Estimate means and SDs of groups from counts (G, K), rows groups and columns categories from low to high.

    A group has an SD of its own if it has at least `own_sd_from` students, in three or more categories. All others have
    the mean of those log SDs, weighted by students (partially pooled, PHOP); `own_sd_from` 0 asks for an SD for every
    group that can have one (HETOP), None for one SD for all (HOMOP). Maximum likelihood with expected information;
    standard errors by the delta method, the groups' shares of students taken as given (Reardon et al. 2017). SDs are
    maximum-likelihood estimates, a little low in small groups.

    Raises ModelError, naming what is wrong: below three categories; a category that nobody is in; fewer than two
    groups; an empty group; a group with everybody in the lowest or highest category, whose mean has no finite estimate;
    no group that could have an SD of its own where one is needed.
    """
    try:
        table = np.asarray(counts, dtype=float)
    except (TypeError, ValueError):
        raise ModelError("Counts are numbers alone, a row a group; give the groups' names by themselves.") from None
    names = list(range(len(table))) if groups is None else list(groups)
    _check(table, names)
    model = _model(table, own_sd_from)
    best = _maximum(model)
    means, log_sds, cuts, _ = model.unpack(best)
    n_groups, n_free = model.pooling.shape
    lift = np.zeros((2 * n_groups, len(best)))
    lift[:n_groups, :n_groups] = np.eye(n_groups)
    lift[n_groups:, n_groups : n_groups + n_free] = model.pooling
    raw = lift @ np.linalg.solve(model.information(best), lift.T)
    return _standardised(names, model, (means, np.exp(log_sds), cuts), raw, -model.loss(best)[0])


def v_from_counts(counts_a: Any, counts_b: Any) -> Gap:
    """V from the two groups' counts in K ≥ 3 ordered categories (Ho & Reardon 2012, the two-group HETOP).

    (μa − μb) / √((σa² + σb²) / 2) of the fitted normals, standard error by the delta method (Reardon & Ho 2015). Raises
    ModelError as `hetop` does, and where a group has students in fewer than three categories: then its SD cannot be
    told from its mean.
    """
    table = np.array([counts_a, counts_b], dtype=float)
    _check(table, ["a", "b"])
    for name, row in zip("ab", table, strict=True):
        if (row > 0).sum() < FEWEST_CATEGORIES:
            raise ModelError(
                f"Group {name} has students in only {int((row > 0).sum())} of {table.shape[1]} categories, counts "
                f"{row.astype(int).tolist()}: its spread cannot be told from its mean. V from counts needs students in "
                "three categories of each group; use scores, larger groups or other cuts."
            )
    fit = hetop(table, ["a", "b"], own_sd_from=0)
    (mean_a, mean_b), (sd_a, sd_b) = fit.groups["mean"], fit.groups["sd"]
    pooled = np.sqrt((sd_a**2 + sd_b**2) / 2)
    gap = (mean_a - mean_b) / pooled
    slope = np.array([1 / pooled, -1 / pooled, *(-gap * sd / (2 * pooled**2) for sd in (sd_a, sd_b))])
    std_error = float(np.sqrt(slope @ fit.covariance @ slope))
    n_a, n_b = (int(n) for n in table.sum(axis=1))
    return Gap(float(gap), std_error, float(gap - Z * std_error), float(gap + Z * std_error), n_a, n_b)


def _check(table: Floats, names: list[Any]) -> None:
    if table.ndim != 2 or table.shape[1] < FEWEST_CATEGORIES:
        found = table.shape[1] if table.ndim == 2 else 0
        raise ModelError(
            f"An ordered probit of means and SDs needs at least three categories; there are {found}. From a single cut "
            "(proficient or not) a difference of means cannot be told from a difference of spreads."
        )
    if not np.isfinite(table).all() or (table < 0).any():
        raise ModelError("Counts of students must be whole numbers, none missing and none negative.")
    if (table % 1 > 0).any() and table.sum(axis=1).min() < FEWEST_CATEGORIES:
        raise ModelError("These are shares of a group. How sure a gap is follows from how many they are: give counts.")
    if len(table) < 2 or len(names) != len(table):
        raise ModelError(
            f"Give counts of two or more groups, and a name for each: {len(table)} rows, {len(names)} names."
        )
    if empty := np.flatnonzero(table.sum(axis=0) == 0).tolist():
        raise ModelError(
            f"Nobody in any group is in category {empty[0] + 1} of {table.shape[1]} (counting from the lowest). Merge "
            "it with its neighbour: the cut between them cannot be estimated."
        )
    for name, row in zip(names, table, strict=True):
        if not row.sum():
            raise ModelError(f"Group {name!r} has no students; leave it out.")
        if max(row[0], row[-1]) == row.sum():
            raise ModelError(
                f"All {int(row.sum())} students of group {name!r} are in the {'lowest' if row[0] else 'highest'} "
                "category, so that its mean has no finite estimate. Leave the group out or merge it with another, and "
                "say so."
            )


def _model(table: Floats, own_sd_from: int | None) -> _Model:
    n, populated = table.sum(axis=1), (table > 0).sum(axis=1)
    if own_sd_from is None:
        pooling = np.ones((len(table), 1))
        enough = bool((populated >= FEWEST_CATEGORIES).any())
    else:
        own = np.flatnonzero((n >= own_sd_from) & (populated >= FEWEST_CATEGORIES))
        enough = len(own) > 0
        pooling = np.tile(n[own] / max(n[own].sum(), 1), (len(table), 1))
        pooling[own] = np.eye(len(own))
    if not enough:
        raise ModelError(
            "No group has students enough, in three or more categories, for an SD to be estimated. Lower own_sd_from, "
            "ask for one SD for all (own_sd_from=None), or use scores."
        )
    shares = np.cumsum(table.sum(axis=0))[:2] / table.sum()
    return _Model(table, pooling, special.ndtri(shares))


def _maximum(model: _Model) -> Floats:
    from scipy.optimize import minimize

    shares = np.cumsum(model.counts.sum(axis=0)) / model.counts.sum()
    all_cuts = special.ndtri(shares[:-1])
    # Start each mean at the average normal score of its categories (the middle of each category's share).
    middles = special.ndtri(shares - 0.5 * np.diff(shares, prepend=0))
    means = model.counts @ middles / model.counts.sum(axis=1)
    start = np.concatenate([means, np.zeros(model.pooling.shape[1]), np.log(np.diff(all_cuts[1:]))])
    found = minimize(
        model.loss,
        start,
        jac=True,
        hess=model.information,
        method="trust-exact",
        options={"gtol": 1e-6, "maxiter": 500},
    )
    if np.linalg.norm(found.jac) > 1e-3:
        raise ModelError(
            f"The ordered probit model did not settle ({found.message}). Look for groups with nearly everybody in one "
            "category; leave them out, or pool SDs (a larger own_sd_from)."
        )
    return np.asarray(found.x)


def _standardised(
    names: list[Any], model: _Model, fitted: tuple[Floats, Floats, Floats], raw: Floats, log_likelihood: float
) -> Hetop:
    """Put estimates on the scale of mean 0 and SD 1 over all students; `raw` (2G, 2G) is of means and log SDs."""
    import pandas as pd

    means, sds, cuts = fitted
    n = model.counts.sum(axis=1)
    share = n / n.sum()
    centre = share @ means
    total = share @ (sds**2 + (means - centre) ** 2)
    scale = np.sqrt(total)
    mean, sd = (means - centre) / scale, sds / scale
    moves_log_scale = np.concatenate([share * (means - centre), share * sds**2]) / total
    n_groups = len(n)
    slope = -np.concatenate([mean, sd])[:, None] * moves_log_scale
    slope[:n_groups, :n_groups] += (np.eye(n_groups) - share) / scale
    slope[n_groups:, n_groups:] += np.diag(sd)
    covariance = slope @ raw @ slope.T
    mean_se, sd_se = np.split(np.sqrt(np.diag(covariance)), 2)
    groups = pd.DataFrame(
        {
            "group": names,
            "n": n.astype(int),
            "mean": mean,
            "mean_se": mean_se,
            "conf_low": mean - Z * mean_se,
            "conf_high": mean + Z * mean_se,
            "sd": sd,
            "sd_se": sd_se,
            "own_sd": (model.pooling == 1).any(axis=1) & (model.pooling.shape[1] > 1),
        }
    )
    between = _between(share, mean, covariance[:n_groups, :n_groups])
    return Hetop(groups, (cuts - centre) / scale, *between, log_likelihood, covariance)


def _between(share: Floats, mean: Floats, covariance: Floats) -> tuple[float, float, float, float]:
    """Σ share · mean² freed of the noise in the means, with standard error and limits within 0 and 1.

    With S the diagonal matrix of shares and C the covariance of the means, m'Sm is too large by tr(SC) and has variance
    4 m'SCSm + 2 tr(SCSC) at the true m; at the estimated m the first term is too large by 4 tr(SCSC).
    """
    noise = share[:, None] * covariance
    square = float(np.einsum("ij,ji->", noise, noise))
    slope = share * mean
    variance = max(4 * float(slope @ covariance @ slope) - 2 * square, 2 * square)
    estimate, error = float(share @ mean**2 - np.trace(noise)), float(np.sqrt(variance))
    told, low, high = np.clip([estimate, estimate - Z * error, estimate + Z * error], 0.0, 1.0)
    return float(told), error, float(low), float(high)
