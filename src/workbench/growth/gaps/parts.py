"""How much of a gap lies between schools, and how much within them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError
from workbench.growth.gaps.inputs import codes, flags, numbers
from workbench.shares import LEVEL

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]
PARTS = ("within", "ambiguous", "between", "total", "segregation")
FEWEST = 3
"""A group needs so many students in each stratum, in schools that have both groups, and so many clusters."""


@dataclass(frozen=True)
class GapParts:
    """`table` has a row for within, ambiguous, between, total and segregation: part, estimate, std_error, limits."""

    table: pd.DataFrame
    n_a: int
    n_b: int
    n_schools: int

    def __getitem__(self, part: str) -> float:
        return float(self.table.set_index("part").estimate[part])


def within_between(
    scores: Any, in_a: Any, schools: Any, *, strata: Any = None, clusters: Any = None, draws: int = 500, seed: int = 1
) -> GapParts:
    """Split a standardised gap into parts within schools, between schools, and an ambiguous one; they add up exactly.

    With p a school's share of group a, the regression score = β0 + β1·(in a) + β2·p gives the total difference of means
    as β1(1 − S) + β1·S + β2·S, where S, the variance of p over that of (in a), is the segregation of the schools
    (Reardon 2008). β1(1 − S), *within*: differences between students of one school. β2·S, *between*: what goes with the
    schools' composition. β1·S, *ambiguous*: within for a model with school fixed effects, between for a comparison of
    school means (Hanushek & Rivkin 2006). All divided by √((σa² + σb²) / 2), as for V.

    Arrays are (n,). With `strata`, such as the grade, each is split by itself and the parts are averaged. Standard
    errors are the spread over `draws` Bayesian bootstrap samples (Rubin 1981): of students, each in his school, where
    `clusters` is None, which speaks of these schools; of whole clusters otherwise, for schools that are themselves a
    sample of many. Weights are gamma with shape 1 − 2/n, n the draws of the group in the stratum, so that a mean has
    the variance s²/n. Limits are by t, with Welch's degrees of freedom for the total, or clusters less one.
    Raises BadInput where something is missing, ModelError where a stratum has fewer than two schools, or fewer than
    three students of one group in schools that have both: β1 is a comparison within those and cannot be told from
    students who attend school apart.
    """
    import pandas as pd
    from scipy.stats import t

    sample = _sample(scores, in_a, schools, strata)
    n = len(sample.scores)
    rng = np.random.default_rng(seed)
    estimate = _parts(sample, np.ones(n))
    draw, shape, freedom = _draws(sample, clusters)
    drawn = (rng.standard_gamma(shape)[draw] for _ in range(draws))
    spread = np.array([_parts(sample, weights) for weights in drawn]).std(axis=0, ddof=1)
    reach = float(t.ppf((1 + LEVEL) / 2, freedom)) * spread
    limits = {"conf_low": estimate - reach, "conf_high": estimate + reach}
    table = pd.DataFrame({"part": PARTS, "estimate": estimate, "std_error": spread, **limits})
    n_a = int(sample.in_a.sum())
    return GapParts(table, n_a, n - n_a, int(np.unique(np.asarray(schools)).size))


@dataclass(frozen=True)
class _Sample:
    """Scores (n,) and groups (n,), each student's place among the schools of the strata, each place's stratum."""

    scores: Floats
    in_a: Floats
    place: Floats
    stratum: Floats

    def sizes(self, group: Floats) -> Floats:
        """Students of a group in each stratum."""
        return np.bincount(self.stratum[self.place], group)


def _sample(scores: Any, in_a: Any, schools: Any, strata: Any) -> _Sample:
    values = numbers("scores", scores)
    a, n = flags(in_a, len(values)), len(values)
    _, school = codes("the schools", schools, n)
    levels, level = codes("the strata", np.zeros(n) if strata is None else strata, n)
    places, place = np.unique(level * (school.max() + 1) + school, return_inverse=True)
    stratum = places // (school.max() + 1)
    sample = _Sample(values, a, place, stratum)
    both = ((np.bincount(place, a) > 0) & (np.bincount(place, ~a) > 0))[place]
    for k, name in enumerate(levels):
        told = "" if strata is None else f" in {name}"
        if min(sample.sizes(group)[k] for group in (a, ~a)) < FEWEST:
            raise ModelError(f"There are fewer than three students of one group{told}; there is no gap to split.")
        if (stratum == k).sum() < 2:
            raise ModelError(f"All students{told} are in one school; a gap is split between two or more.")
        if min(sample.sizes(group & both)[k] for group in (a, ~a)) < FEWEST:
            raise ModelError(
                f"The groups{told} attend school apart: fewer than three students of one group are in schools that "
                "have both. What lies within schools cannot be told from so few; look at the gap as a whole."
            )
    return sample


def _draws(sample: _Sample, clusters: Any) -> tuple[Floats, Any, float]:
    """Each student's place among what is drawn, the shape of the weights, and degrees of freedom."""
    groups = (sample.in_a, ~sample.in_a)
    if clusters is not None:
        _, draw = codes("the clusters", clusters, len(sample.scores))
        fewest = min(np.unique(draw[group]).size for group in groups)
        if fewest < FEWEST:
            raise ModelError(f"One group is in {fewest} clusters; three are the least for telling how clusters differ.")
        shape: Any = np.full(draw.max() + 1, 1 - 2 / (draw.max() + 1))
        return draw, shape, float(fewest - 1)
    stratum = sample.stratum[sample.place]
    n = np.where(sample.in_a, *(sample.sizes(group)[stratum] for group in groups))
    squares = np.array([_variances(sample, group) / sample.sizes(group) for group in groups])
    squares = squares / np.mean([_variances(sample, group) for group in groups], axis=0)
    degrees = np.array([sample.sizes(group) - 1 for group in groups])
    return np.arange(len(n)), 1 - 2 / n, float(squares.sum() ** 2 / (squares**2 / degrees).sum())


def _variances(sample: _Sample, group: Floats, weights: Any = 1.0) -> Floats:
    """Variance of a group's scores in each stratum, with students less one."""
    stratum, n = sample.stratum[sample.place], sample.sizes(group)
    weights = weights * group
    all_ = np.bincount(stratum, weights)
    centred = sample.scores - (np.bincount(stratum, weights * sample.scores) / all_)[stratum]
    return np.asarray(np.bincount(stratum, weights * centred**2) / all_ * n / (n - 1))


def _parts(sample: _Sample, weights: Floats) -> Floats:
    """The five numbers of `PARTS`, each averaged over strata."""
    place, stratum, a = sample.place, sample.stratum, sample.in_a
    n_a, n_b = np.bincount(place, weights * a), np.bincount(place, weights * ~a)
    sum_a, sum_b = (np.bincount(place, weights * sample.scores * group, len(n_a)) for group in (a, ~a))

    def total(of: Floats) -> Floats:
        return np.bincount(stratum, of)

    all_a, all_b = total(n_a), total(n_b)
    mean_a, mean_b = total(sum_a) / all_a, total(sum_b) / all_b
    sd = np.sqrt((_variances(sample, a, weights) + _variances(sample, ~a, weights)) / 2)
    n, p = n_a + n_b, n_a / (n_a + n_b)
    share = all_a / (all_a + all_b)
    scale = (all_a + all_b) * share * (1 - share)
    segregation = total(n * (p - share[stratum]) ** 2) / scale
    mixed = n * p * (1 - p)
    # n_a·n_b / n · (mean a − mean b) of each school, without dividing by a group that it may not have.
    within = total((n_b * sum_a - n_a * sum_b) / n) / total(mixed)
    by_means = total((p - share[stratum]) * (sum_a + sum_b)) / scale
    parts = [within * (1 - segregation), within * segregation, by_means - within * segregation, mean_a - mean_b]
    return np.array([*(np.mean(part / sd) for part in parts), segregation.mean()])
