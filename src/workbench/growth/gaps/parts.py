"""How much of a gap lies between schools, and how much within them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError
from workbench.growth.gaps.measures import Z

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]
PARTS = ("within", "ambiguous", "between", "total", "segregation")


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
    sample of many. Raises ModelError where a stratum has one group only or fewer than two schools.
    """
    import pandas as pd

    sample = _sample(scores, in_a, schools, strata)
    n = len(sample.scores)
    _, cluster = np.unique(np.arange(n) if clusters is None else np.asarray(clusters), return_inverse=True)
    rng = np.random.default_rng(seed)
    estimate = _parts(sample, np.ones(n))
    drawn = (rng.standard_exponential(cluster.max() + 1)[cluster] for _ in range(draws))
    spread = np.array([_parts(sample, weights) for weights in drawn]).std(axis=0, ddof=1)
    limits = {"conf_low": estimate - Z * spread, "conf_high": estimate + Z * spread}
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


def _sample(scores: Any, in_a: Any, schools: Any, strata: Any) -> _Sample:
    values, a = np.asarray(scores, dtype=float), np.asarray(in_a, dtype=bool)
    _, school = np.unique(np.asarray(schools), return_inverse=True)
    levels, level = np.unique(np.zeros(len(values)) if strata is None else np.asarray(strata), return_inverse=True)
    places, place = np.unique(level * (school.max() + 1) + school, return_inverse=True)
    stratum = places // (school.max() + 1)
    for k, name in enumerate(levels):
        told = "" if strata is None else f" in {name}"
        if min((a & (level == k)).sum(), (~a & (level == k)).sum()) < 2:
            raise ModelError(f"There are fewer than two students of one group{told}; there is no gap to split.")
        if (stratum == k).sum() < 2:
            raise ModelError(f"All students{told} are in one school; a gap is split between two or more.")
    return _Sample(values, a, place, stratum)


def _parts(sample: _Sample, weights: Floats) -> Floats:
    """The five numbers of `PARTS`, each averaged over strata."""
    place, stratum, a = sample.place, sample.stratum, sample.in_a
    n_a, n_b = np.bincount(place, weights * a), np.bincount(place, weights * ~a)
    sum_a, sum_b = (np.bincount(place, weights * sample.scores * group, len(n_a)) for group in (a, ~a))
    squares_a, squares_b = (np.bincount(stratum[place], weights * sample.scores**2 * group) for group in (a, ~a))

    def total(of: Floats) -> Floats:
        return np.bincount(stratum, of)

    all_a, all_b = total(n_a), total(n_b)
    mean_a, mean_b = total(sum_a) / all_a, total(sum_b) / all_b
    sd = np.sqrt((squares_a / all_a - mean_a**2 + squares_b / all_b - mean_b**2) / 2)
    n, p = n_a + n_b, n_a / (n_a + n_b)
    share = all_a / (all_a + all_b)
    scale = (all_a + all_b) * share * (1 - share)
    segregation = total(n * (p - share[stratum]) ** 2) / scale
    mixed = n * p * (1 - p)
    # n_a·n_b / n · (mean a − mean b) of each school, without dividing by a group that it may not have.
    within = total((n_b * sum_a - n_a * sum_b) / n) / np.maximum(total(mixed), 1e-300)
    by_means = total((p - share[stratum]) * (sum_a + sum_b)) / scale
    parts = [within * (1 - segregation), within * segregation, by_means - within * segregation, mean_a - mean_b]
    return np.array([*(np.mean(part / sd) for part in parts), segregation.mean()])
