"""Did it help those just past the cut-off? Regression discontinuity with robust bias-corrected intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadParameter, ModelError
from workbench.interventions.effect.density import density_jump
from workbench.interventions.effect.local_polynomial import FEWEST, bandwidth, jump
from workbench.interventions.effect.result import Better, Check, Effect, concluded
from workbench.interventions.effect.robust import Contrast
from workbench.interventions.effect.rows import arms, coded, complete, numbers, outcome_of

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]
LEVEL = 0.05
DONUT = 0.05
"""The share of rows within the bandwidth, nearest to the cut-off, that the donut leaves out."""


def discontinuity(
    data: pd.DataFrame,
    outcome: str,
    score: str,
    cutoff: float,
    *,
    treated: Literal["below", "above"],
    better: Better,
    took_part: str | None = None,
    covariates: Sequence[str] = (),
    cluster: str | None = None,
) -> Effect:
    """The effect on those at the cut-off of a score that decided: `treated` below it, or above (at it and more).

    Lines on either side within the bandwidth of least mean squared error; the estimate is less its bias, and its
    interval knows that the bias was estimated (robust bias-corrected: Calonico, Cattaneo & Titiunik 2014, remark 7),
    with CR2 errors by row or `cluster`. With `took_part` the cut-off is an instrument for it (fuzzy design). `n` counts
    rows within the bandwidth. `covariates`, measured before, must not jump and are not adjusted for. Further checks:
    density (McCrary 2008), cut-offs where nothing happens, the rows nearest left out, half and double the bandwidth.
    Raises ModelError for fewer than ten rows or a handful of scores on one side, and for an outcome that never varies.
    """
    names = [outcome, score, *covariates, *([cluster] if cluster else []), *([took_part] if took_part else [])]
    rows = complete(data, names)
    if treated not in ("below", "above"):
        raise BadParameter(f"treated is {treated!r}; write 'below' or 'above', the side of the cut-off that had it.")
    y, x = outcome_of(rows, outcome), numbers(rows, score) - cutoff
    few_on_a_side(x)
    sign = 1.0 if treated == "above" else -1.0
    clusters = None if cluster is None else rows[cluster].to_numpy()
    h = bandwidth(x, y)
    t = sign * (x >= 0) if took_part is None else arms(rows, took_part)
    found = _effect(x, y, t, h, clusters)
    checks = (
        _density(x),
        _continuity(x, coded(rows, covariates), clusters),
        _placebos(x, y, clusters),
        _steady("donut", "without the rows nearest to the cut-off", found, *_donut(x, y, t, h, clusters)),
        _steady("bandwidth", "with half and double the bandwidth", found, *_bandwidths(x, y, t, h, clusters)),
    )
    inside = np.abs(x) < h
    return concluded(
        found,
        estimand="LATE at the cut-off",
        n=int(inside.sum()),
        n_clusters=int(inside.sum()) if clusters is None else len(set(clusters[inside])),
        method=f"regression discontinuity, bandwidth {h:.3g}, robust bias-corrected, CR2 by {cluster or 'row'}",
        outcome=outcome,
        better=better,
        checks=checks,
    )


def few_on_a_side(x: Floats) -> None:
    """Raises ModelError where one side of the cut-off has fewer than ten rows."""
    if (few := min((x >= 0).sum(), (x < 0).sum())) < FEWEST:
        raise ModelError(
            f"Only {few} rows lie on one side of the cut-off; {FEWEST} are the least. Is it on this scale?"
        )


def _effect(x: Floats, y: Floats, t: Floats, h: float, clusters: Any) -> Contrast:
    """The jump of y over the jump of t (which is ±1 in a sharp design), bias-corrected."""
    moved = jump(x, t, h, 2, clusters) if len(np.unique(t[np.abs(x) < h])) > 2 or _mixed(x, t) else None
    first = moved.estimate if moved else float(np.sign(np.mean(t[x >= 0]) - np.mean(t[x < 0])))
    if moved and abs(first) < 2 * moved.std_error:
        raise ModelError("Hardly anybody took part because of the cut-off, so it tells nothing of taking part.")
    value = jump(x, y, h, 2, clusters).estimate / first
    rest = jump(x, y - value * t if moved else y, h, 2, clusters)
    return Contrast(value, rest.std_error / abs(first), rest.df)


def _mixed(x: Floats, t: Floats) -> bool:
    """Whether somebody took part on the wrong side, or did not on the right one."""
    return bool(np.ptp(t[x >= 0]) > 0 or np.ptp(t[x < 0]) > 0)


def _density(x: Floats) -> Check:
    found = density_jump(x)
    said = (
        f"Rows per unit of score change by a factor of {np.exp(found.estimate):.2f} at the cut-off (p {found.p:.3f})."
    )
    return Check("density", found.p >= LEVEL, said)


def _continuity(x: Floats, covariates: pd.DataFrame, clusters: Any) -> Check:
    if covariates.shape[1] == 0:
        return Check("balance", None, "No covariates were named, so none was looked at for a jump.")
    p = {}
    for name in covariates:
        values = covariates[name].to_numpy()
        p[name] = jump(x, values, bandwidth(x, values), 2, clusters).p
    worst = min(p, key=lambda name: p[name])
    least = min(1.0, p[worst] * len(p))
    return Check("balance", least >= LEVEL, f"{worst} jumps most among {len(p)} covariates (p after Holm {least:.3f}).")


def _placebos(x: Floats, y: Floats, clusters: Any) -> Check:
    """Jumps at the middle of each side's own rows, where nothing was decided."""
    p = []
    for side in (x < 0, x >= 0):
        shifted = x[side] - np.median(x[side])
        where = None if clusters is None else clusters[side]
        try:
            p.append(jump(shifted, y[side], bandwidth(shifted, y[side]), 2, where).p)
        except ModelError:
            continue
    if not p:
        return Check("placebo", None, "Too few rows for a cut-off elsewhere.")
    least = min(1.0, min(p) * len(p))
    return Check(
        "placebo", least >= LEVEL, f"At {len(p)} cut-offs where nothing was decided least p {least:.3f} (Holm)."
    )


def _donut(x: Floats, y: Floats, t: Floats, h: float, clusters: Any) -> list[Contrast | None]:
    away = np.abs(x) >= np.quantile(np.abs(x)[np.abs(x) < h], DONUT)
    return [_tried(x[away], y[away], t[away], h, None if clusters is None else clusters[away])]


def _bandwidths(x: Floats, y: Floats, t: Floats, h: float, clusters: Any) -> list[Contrast | None]:
    return [_tried(x, y, t, factor * h, clusters) for factor in (0.5, 2.0)]


def _tried(x: Floats, y: Floats, t: Floats, h: float, clusters: Any) -> Contrast | None:
    try:
        return _effect(x, y, t, h, clusters)
    except ModelError:
        return None


def _steady(name: str, how: str, found: Contrast, *others: Contrast | None) -> Check:
    """Whether other choices give an answer within two of the larger standard errors."""
    seen = [other for other in others if other is not None]
    if not seen:
        return Check(name, None, f"Too few rows to look {how}.")
    held = all(abs(o.estimate - found.estimate) <= 2 * max(o.std_error, found.std_error) for o in seen)
    return Check(name, held, f"{found.estimate:+.3g}; {how} {' and '.join(f'{o.estimate:+.3g}' for o in seen)}.")
