"""Whether a norm fits the scores it places: ties that pull its mean away from 50, and scores of another scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput, ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.growth.sgp.norms import GrowthNorm, Ties
    from workbench.growth.sgp.panel import Panel

    Places = NDArray[Any]

OFF, FAR_OFF = 1.0, 5.0  # points of the mean percentile: a word, and no result; a growth level is 20 wide
BEYOND, MOST_BEYOND = 0.01, 0.5  # of the students placed


def check_fit(norm: GrowthNorm, people: Panel, made_from: Places, used_for: Places, ties: Ties) -> Iterator[str]:
    """Yield what a reader must know of a norm and those it was made from and used for (places in the panel).

    Raises ModelError where ties pull its mean further than 5 points from what it is without them, and BadInput where
    more than half of the students placed have prior scores beyond those it was made from.
    """
    if len(made_from):
        yield from _off_centre(norm, people, made_from, ties)
    share = norm.beyond(people.priors[used_for])
    if share > MOST_BEYOND:
        raise BadInput(
            f"{100 * share:.0f} % of the students with {_named(norm)} have a prior score beyond its boundary "
            f"({', '.join(f'{low:g} to {high:g}' for low, high in (each.boundary for each in norm.splines))}): these "
            "scores seem to be on another scale than the norm. Give norms of the same scale."
        )
    if share > BEYOND:
        yield (
            f"{100 * share:.1f} % of the students with {_named(norm)} have a prior score beyond its boundary, and are "
            "placed as if on it."
        )


def _off_centre(norm: GrowthNorm, people: Panel, made_from: Places, ties: Ties) -> Iterator[str]:
    """Students without ties have a mean of 50, less half a step for each coefficient where a tie is not exceeded."""
    mean = float(norm.percentiles(people.current[made_from], people.priors[made_from], ties).mean())
    untied = 50.0 - (50 * len(norm.coefficients) / norm.n if ties == "below" else 0.0)
    if abs(mean - untied) <= OFF:
        return
    said = (
        f"The {norm.n:,} students of {_named(norm)} have a mean percentile of {mean:.1f} instead of {untied:.1f}: the "
        "test has few different scores, and many lie on the norm's quantiles"
    )
    remedy = "Ask for mid-ranks (ties='middle')" if ties == "below" else "Leave this test out"
    if abs(mean - untied) > FAR_OFF:
        raise ModelError(f"{said}. {remedy}.")
    yield f"{said}."


def _named(norm: GrowthNorm) -> str:
    year = "" if norm.year is None else f", {norm.year}"
    priors = "1 prior score" if norm.n_priors == 1 else f"{norm.n_priors} prior scores"
    return f"the norm of {norm.subject}, grade {norm.grade}{year}, {priors}"
