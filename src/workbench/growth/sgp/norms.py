"""Norms of growth: the distribution of a score given scores before, for those who had scored alike.

Betebenner (2009): 100 quantile regressions, at .005, .015 … .995, on cubic B-splines of each prior score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.errors import ModelError
from workbench.growth.sgp.quantiles import fit_quantiles
from workbench.hlm.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Whole = NDArray[np.int64]

Ties = Literal["below", "middle"]
PROBABILITIES = (np.arange(100) + 0.5) / 100
KNOTS_AT = (0.2, 0.4, 0.6, 0.8)
DEGREE = 3
PER_COEFFICIENT = 25
"""A norm wants at least so many students for each of its coefficients: 200 with one prior, 375 with two."""
_TIE = 1e-8  # of the range of scores: nearer than this, a score is the fitted quantile


@dataclass(frozen=True)
class Spline:
    """A cubic B-spline of one prior score: where its pieces meet, and where it ends."""

    knots: tuple[float, ...]
    boundary: tuple[float, float]

    def basis(self, score: Floats) -> Floats:
        """Scores × columns, the first left out for the intercept; scores beyond the boundary count as on it."""
        from scipy.interpolate import BSpline

        low, high = self.boundary
        places = np.r_[[low] * (DEGREE + 1), self.knots, [high] * (DEGREE + 1)]
        return BSpline.design_matrix(np.clip(score, low, high), places, DEGREE).toarray()[:, 1:]


@dataclass(frozen=True)
class GrowthNorm:
    """The coefficient matrix of one grade: `coefficients` is columns × 100, an intercept and a spline a prior.

    `year` is the year whose students it was made from, None where those of all years were pooled; `n` their number;
    `gap` the largest relative duality gap of its 100 fits.
    """

    subject: str
    grade: int
    year: int | None
    splines: tuple[Spline, ...]
    coefficients: Floats
    n: int
    gap: float

    @property
    def n_priors(self) -> int:
        """How many prior scores it looks at."""
        return len(self.splines)

    def quantiles(self, priors: Floats) -> Floats:
        """Students × 100 score quantiles, ascending, given `priors` (students × priors, most recent first)."""
        return np.sort(design(priors, self.splines) @ self.coefficients, axis=1)

    def percentiles(self, score: Floats, priors: Floats, ties: Ties = "below") -> Whole:
        """Growth percentiles, 1 to 99: see `rank`."""
        return rank(score, self.quantiles(priors), ties)

    def beyond(self, priors: Floats) -> float:
        """The share of students with a prior score outside the boundary of its spline, where it counts as on it."""
        low, high = np.array([each.boundary for each in self.splines]).T
        used = priors[:, : self.n_priors]
        return float(((used < low) | (used > high)).any(axis=1).mean())


def spline(scores: Floats) -> Spline:
    """Knots at the 20, 40, 60 and 80 % points of scores; a boundary a tenth of their range beyond the extremes."""
    low, high = float(scores.min()), float(scores.max())
    margin = (high - low) / 10
    boundary = (round(low - margin, 3), round(high + margin, 3))
    knots = np.unique(np.quantile(scores, KNOTS_AT).round(3))
    return Spline(tuple(float(knot) for knot in knots if boundary[0] < knot < boundary[1]), boundary)


def design(priors: Floats, splines: tuple[Spline, ...]) -> Floats:
    """Students × (1 + 7 a prior): the predictors of a norm."""
    parts = [each.basis(priors[:, back]) for back, each in enumerate(splines)]
    return np.hstack([np.ones((len(priors), 1)), *parts])


def fit_norm(
    score: Floats,
    priors: Floats,
    splines: tuple[Spline, ...],
    *,
    subject: str,
    grade: int,
    year: int | None,
    weights: Floats | None = None,
) -> GrowthNorm:
    """Fit the norm of one grade from students' scores and `priors` (students × priors, most recent first)."""
    try:
        with one_thread():
            fits = fit_quantiles(design(priors, splines), score, PROBABILITIES, weights)
    except ModelError as error:
        raise ModelError(
            f"No growth norm for {subject}, grade {grade}{'' if year is None else f', {year}'}, from {len(score):,} "
            f"students with {len(splines)} prior scores: these take too few different values for cubic splines. "
            "Leave this test out, or ask for fewer priors."
        ) from error
    return GrowthNorm(subject, grade, year, splines, fits.coefficients, len(score), float(fits.gap.max()))


def fewest_students(n_priors: int) -> int:
    """How many students a norm with so many priors wants."""
    return PER_COEFFICIENT * (1 + n_priors * (len(KNOTS_AT) + DEGREE))


def rank(score: Floats, quantiles: Floats, ties: Ties = "below") -> Whole:
    """How many of the sorted `quantiles` (students × 100) each score exceeds, held within 1 and 99.

    A quantile that a score equals is not exceeded (`below`, as in the SGP package), or counts one half (`middle`), a
    sum that ends in one half going to the even number: the mid-rank, which many tied scores need.
    """
    tie = _TIE * float(np.ptp(score)) if len(score) else 0.0
    exceeded = (quantiles < (score - tie)[:, None]).sum(axis=1)
    if ties == "middle":
        exceeded = np.rint((exceeded + (quantiles <= (score + tie)[:, None]).sum(axis=1)) / 2).astype(np.int64)
    return np.clip(exceeded, 1, 99)
