"""Did it help those who were drawn by lot? Randomised comparisons of students, or of whole schools and classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.interventions.effect.result import Better, Check, Effect, concluded
from workbench.interventions.effect.robust import Contrast, contrast, least_squares
from workbench.interventions.effect.rows import (
    arms,
    assigned_units,
    coded,
    complete,
    numbers,
    outcome_of,
    standardised_differences,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]
FEWEST_DF = 4
LEVEL = 0.01
"""Five looks at a sound lottery should seldom raise a false alarm."""


def randomised(
    data: pd.DataFrame,
    outcome: str,
    arm: str,
    *,
    better: Better,
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    placebo: str | None = None,
) -> Effect:
    """The effect of being assigned, in units of the outcome: one row a student, `arm` 1 for those drawn, 0 for others.

    Estimand ITT, whoever took part. Least squares of the outcome on the arm and on centred `covariates` measured before
    (name the blocks of a blocked lottery among them): interacted with the arm where rows were assigned (Lin 2013), not
    interacted where whole groups of `cluster` were. CR2 errors at the level of assignment with Satterthwaite's degrees
    of freedom. Rows without an outcome are left out and looked at; `placebo` is an outcome from before.
    Raises BadParameter, BadInput for columns; ModelError for an empty arm, fewer than five units in one, or an outcome
    that never varies.
    """
    names = [outcome, arm, *covariates, *([cluster] if cluster else []), *([placebo] if placebo else [])]
    complete(data, names)
    everybody = complete(data.assign(_seen=data[outcome].notna()), ["_seen", *names[1:]])
    rows = complete(data, names)
    y, d, x = outcome_of(rows, outcome), arms(rows, arm), coded(rows, covariates)
    units = assigned_units(rows, d, cluster)
    found = difference(y, d, x.to_numpy(), units, interacted=cluster is None)
    checks = [_assignment(d, units, found), _balance(d, x, units), _attrition(everybody, arm, cluster)]
    checks.append(placebo_check(rows, placebo, d, x.to_numpy(), units, cluster is None))
    checks.append(_sensitivity(y, d, x.to_numpy(), units, found))
    how = "interacted covariates (Lin)" if cluster is None and x.shape[1] else "covariates" if x.shape[1] else "means"
    return concluded(
        found,
        estimand="ITT",
        n=len(rows),
        n_clusters=int(units.max()) + 1,
        method=f"randomised comparison, {how}, CR2 by {cluster or 'row'}, Satterthwaite df",
        outcome=outcome,
        better=better,
        checks=tuple(checks),
    )


def difference(y: Floats, d: Floats, x: Floats, units: Any, interacted: bool) -> Contrast:
    """The adjusted difference between arms, with CR2 error by `units`."""
    centred = x - x.mean(axis=0)
    parts = [np.ones(len(y)), d, centred, *([centred * d[:, None]] if interacted else [])]
    design = np.column_stack(parts)
    return contrast(least_squares(design, y, units), np.eye(design.shape[1])[1])


def placebo_check(rows: pd.DataFrame, placebo: str | None, d: Floats, x: Floats, units: Any, interacted: bool) -> Check:
    """Whether an outcome from before, which nothing later can have moved, shows no effect."""
    if placebo is None:
        return Check("placebo", None, "No outcome from before was named, so none could be looked at.")
    found = difference(numbers(rows, placebo), d, x, units, interacted)
    said = f"{placebo}, which was settled before, differs by {found.estimate:+.3g} (p {found.p:.3f})."
    return Check("placebo", found.p >= LEVEL, said)


def _assignment(d: Floats, units: Any, found: Contrast) -> Check:
    """Whether enough was assigned for the interval to be trusted: four degrees of freedom (Tipton 2015)."""
    n = [len(np.unique(units[d == side])) for side in (1, 0)]
    said = f"{n[0]:,} units were assigned and {n[1]:,} were not: {found.df:.1f} degrees of freedom."
    return Check("overlap", found.df >= FEWEST_DF, said)


def _balance(d: Floats, x: pd.DataFrame, units: Any) -> Check:
    """Standardised differences, judged by chance over all covariates (Holm): a lottery leaves nothing else."""
    if x.shape[1] == 0:
        return Check("balance", None, "No covariates were named, so balance could not be looked at.")
    smd = standardised_differences(d, x)
    p = np.array([difference(x[name].to_numpy(), d, np.empty((len(d), 0)), units, False).p for name in x])
    worst = str(smd.abs().idxmax())
    least = min(1.0, float(p.min()) * len(p))
    said = f"Largest standardised difference {smd[worst]:+.2f} ({worst}); least p after Holm {least:.3f}."
    return Check("balance", least >= LEVEL, said)


def _attrition(everybody: pd.DataFrame, arm: str, cluster: str | None) -> Check:
    """Whether outcomes are missing in one arm more than in the other."""
    lost, d = 1 - numbers(everybody, "_seen"), arms(everybody, arm)
    if not lost.any():
        return Check("attrition", True, "Every row has its outcome.")
    units = assigned_units(everybody, d, cluster)
    found = difference(lost, d, np.empty((len(d), 0)), units, False)
    said = f"{lost.mean():.1%} of outcomes are missing, {100 * found.estimate:+.1f} points in the assigned arm."
    return Check("attrition", found.p >= LEVEL, f"{said} (p {found.p:.3f})")


def _sensitivity(y: Floats, d: Floats, x: Floats, units: Any, found: Contrast) -> Check:
    """Whether the sign hangs on the covariates: the plain difference beside the adjusted one."""
    plain = difference(y, d, np.empty((len(y), 0)), units, False)
    apart = abs(plain.estimate - found.estimate) <= 2 * max(plain.std_error, found.std_error)
    said = f"Without covariates {plain.estimate:+.3g}, with them {found.estimate:+.3g}."
    return Check("sensitivity", bool(apart), said)
