"""What chance does to growth percentiles: which students a norm was made from, and error in prior scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from workbench.errors import BadInput, BadParameter
from workbench.growth.sgp.norms import PROBABILITIES, GrowthNorm, fit_norm, rank, spline
from workbench.growth.sgp.percentiles import Cohort, GrowthPercentiles

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

Extrapolation = Literal["linear", "quadratic"]
ERROR_ADDED = (0.5, 1.0, 1.5, 2.0)
"""Multiples of the error variance that SIMEX adds; with none added, it extrapolates to −1, which is none at all."""


def percentile_sampling_error(found: GrowthPercentiles, draws: int = 25, seed: int = 1) -> pd.Series:
    """Return, for each row of `found.table`, the standard deviation of its percentile over norms of other students.

    Bootstrap: the students behind each norm are drawn anew with replacement, the norm is fitted again, and everybody is
    placed by it with the scores they have. Norms that were given are held fixed (zero).
    """
    import pandas as pd

    _check_draws(draws)
    rng = np.random.default_rng(seed)
    parts = []
    for cohort in found.cohorts:
        score, priors = found.panel.current[cohort.used_for], found.panel.priors[cohort.used_for]
        placed = [_resampled(found, cohort, rng).percentiles(score, priors, found.ties) for _ in range(draws)]
        parts.append(pd.Series(np.std(placed, axis=0, ddof=1), index=cohort.used_for))
    return pd.concat(parts).reindex(found.table.index).rename("sampling_se")


def corrected_percentiles(
    found: GrowthPercentiles, draws: int = 10, seed: int = 1, extrapolation: Extrapolation = "linear"
) -> pd.Series:
    """Return, for each row of `found.table`, the percentile corrected for measurement error in prior scores.

    Simulation–extrapolation (SIMEX; Cook & Stefanski 1994; for growth percentiles Shang, VanIwaarden & Betebenner
    2015): prior scores get still more error, of λ = 0.5, 1, 1.5 and 2 times their error variance, `draws` times each;
    norms are fitted to them; each student's 100 score quantiles, averaged over draws, are followed by a line (or a
    parabola) in λ down to λ = −1, no error. The score as it was observed is placed among them.

    It takes away the bias against students whose true prior achievement is low; a single student's percentile becomes
    noisier by it. Needs standard errors of measurement and students to fit norms to; raises BadInput without.
    """
    import pandas as pd

    _check_draws(draws)
    if extrapolation not in get_args(Extrapolation):
        raise BadParameter(
            f"extrapolation is {extrapolation!r}; it must be one of {', '.join(get_args(Extrapolation))}."
        )
    if found.panel.prior_errors is None:
        raise BadInput("The correction needs standard errors of measurement: name their column in standard_error.")
    rng = np.random.default_rng(seed)
    parts = []
    for cohort in found.cohorts:
        _need_students(cohort)
        seen = [cohort.norm.quantiles(found.panel.priors[cohort.used_for])]
        seen += [_with_error(found, cohort, added, draws, rng) for added in ERROR_ADDED]
        weights = extrapolation_weights((0.0, *ERROR_ADDED), 1 if extrapolation == "linear" else 2)
        quantiles = np.sort(np.tensordot(weights, np.array(seen), 1), axis=1)
        parts.append(
            pd.Series(rank(found.panel.current[cohort.used_for], quantiles, found.ties), index=cohort.used_for)
        )
    return pd.concat(parts).reindex(found.table.index).rename("corrected_percentile")


def extrapolation_weights(at: tuple[float, ...], degree: int, to: float = -1.0) -> Floats:
    """Weights that turn values at `at` into the value at `to` of the polynomial fitted to them by least squares."""
    return np.vander([to], degree + 1)[0] @ np.linalg.pinv(np.vander(at, degree + 1))


def _with_error(found: GrowthPercentiles, cohort: Cohort, added: float, draws: int, rng: np.random.Generator) -> Floats:
    """Mean quantiles of those a norm is used for, when all priors have `added` times their error variance more."""
    norm, people = cohort.norm, found.panel
    errors = people.prior_errors
    assert errors is not None
    back = slice(0, norm.n_priors)
    used = np.searchsorted(cohort.made_from, cohort.used_for)
    total = np.zeros((len(used), len(PROBABILITIES)))
    for _ in range(draws):
        spread = np.sqrt(added) * errors[cohort.made_from, back]
        priors = people.priors[cohort.made_from, back] + spread * rng.standard_normal(spread.shape)
        splines = tuple(spline(column) for column in priors.T)
        score = people.current[cohort.made_from]
        again = fit_norm(score, priors, splines, subject=norm.subject, grade=norm.grade, year=norm.year)
        total += again.quantiles(priors[used])
    return total / draws


def _resampled(found: GrowthPercentiles, cohort: Cohort, rng: np.random.Generator) -> GrowthNorm:
    norm, people = cohort.norm, found.panel
    if not len(cohort.made_from):
        return norm
    times = rng.multinomial(len(cohort.made_from), np.full(len(cohort.made_from), 1 / len(cohort.made_from)))
    drawn, weights = cohort.made_from[times > 0], times[times > 0].astype(float)
    return fit_norm(
        people.current[drawn],
        people.priors[drawn],
        norm.splines,
        subject=norm.subject,
        grade=norm.grade,
        year=norm.year,
        weights=weights,
    )


def _need_students(cohort: Cohort) -> None:
    if not len(cohort.made_from):
        raise BadInput(
            "The correction fits norms anew with error added, which needs the students they were made from; these "
            "norms were given. Compute percentiles with reference='cohort' or 'pooled'."
        )


def _check_draws(draws: int) -> None:
    if draws < 2:
        raise BadParameter(f"draws is {draws}; it must be at least 2.")
