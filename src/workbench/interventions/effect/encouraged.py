"""Did it help those who came because they were invited? The lottery as an instrument for taking part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import ModelError
from workbench.interventions.effect.random_assignment import difference, randomised
from workbench.interventions.effect.result import Better, Check, Effect, concluded
from workbench.interventions.effect.robust import Contrast
from workbench.interventions.effect.rows import arms, assigned_units, coded, complete, numbers

if TYPE_CHECKING:
    import pandas as pd

STRONG = 10.0
"""F of the first stage below which an instrument is called weak (Staiger & Stock 1997)."""


def encouragement(
    data: pd.DataFrame,
    outcome: str,
    invited: str,
    took_part: str,
    *,
    better: Better,
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    placebo: str | None = None,
) -> Effect:
    """The effect of taking part on those whom the invitation made take part: `invited` by lot, `took_part` by choice.

    Estimand LATE (Imbens & Angrist 1994): the effect of the invitation on the outcome over its effect on taking part.
    The error is that of the outcome less the estimate times taking part, CR2 at the level of assignment, over the first
    stage. Assumes that the invitation works through taking part alone and keeps nobody from it. Checks are those of
    `randomised` and the strength of the first stage. Raises as `randomised`, and ModelError where the invitation moves
    nobody (F below 1).
    """
    reduced = randomised(data, outcome, invited, better=better, covariates=covariates, cluster=cluster, placebo=placebo)
    names = [outcome, invited, took_part, *covariates, *([cluster] if cluster else [])]
    rows = complete(data, names)
    y, z, t = numbers(rows, outcome), arms(rows, invited), arms(rows, took_part)
    x, units = coded(rows, covariates).to_numpy(), assigned_units(rows, z, cluster)
    first = difference(t, z, x, units, cluster is None)
    if abs(first.estimate) < first.std_error:
        raise ModelError(f"Being invited ({invited}) moved hardly anybody into {took_part}, so it tells nothing of it.")
    value = difference(y, z, x, units, cluster is None).estimate / first.estimate
    rest = difference(y - value * t, z, x, units, cluster is None)
    found = Contrast(value, rest.std_error / abs(first.estimate), rest.df)
    strength = (first.estimate / first.std_error) ** 2
    check = Check("first stage", bool(strength >= STRONG), f"{first.estimate:+.1%} took part for it; F {strength:.0f}.")
    told = concluded(
        found,
        estimand="LATE",
        n=len(rows),
        n_clusters=len(np.unique(units)),
        method=f"invitation as instrument (Wald), CR2 by {cluster or 'row'}, Satterthwaite df",
        outcome=outcome,
        better=better,
        checks=(),
    )
    return replace(told, checks=(check, *reduced.checks))
