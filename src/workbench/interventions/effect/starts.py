"""Did it help the schools that began, some earlier, some later? Difference in differences with staggered starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput, ModelError
from workbench.interventions.effect.result import Better, Check, Effect, concluded
from workbench.interventions.effect.robust import Contrast, contrast, least_squares
from workbench.interventions.effect.rows import SMALLEST_ARM, complete, numbers, outcome_of

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]
LEVEL = 0.05
NEVER = np.inf


@dataclass(frozen=True)
class Panel:
    """Means of units (n, t) over periods (t,), and the place of each unit's start (n,), infinite if never."""

    values: Floats
    periods: Floats
    starts: Floats
    left_out: int


def staggered(data: pd.DataFrame, outcome: str, unit: str, period: str, start: str, *, better: Better) -> Effect:
    """The effect on units (schools) in the periods since their `start`; rows are units in periods, or their students.

    Estimand ATT, units and periods under treatment alike. For units of a start g and a period t from g on, their change
    since the last period before g less that of units not yet under treatment in t (Callaway & Sant'Anna 2021, without
    covariates), averaged over all such pairs by the number of units. No unit under treatment is ever a comparison, as
    in two-way fixed effects (Goodman-Bacon 2021). Everything is one contrast of the periods for each start, so the
    error is the spread of that contrast between units of one start (CR2 and Satterthwaite, which is Welch's here).
    A missing `start` says never. Units without all periods are left out and counted.
    Raises BadInput for units under treatment from the first period and for starts that change; ModelError for fewer
    than five units begun or not begun, a start with one unit, and an outcome that never varies.
    """
    rows = complete(data, [outcome, unit, period])
    outcome_of(rows, outcome)
    panel = panel_of(data, outcome, unit, period, start)
    _enough(panel)
    pairs = [(g, t) for g in _begun(panel) for t in range(int(g), len(panel.periods)) if _comparison(panel, g, t).any()]
    if not pairs:
        raise ModelError("In no period under treatment are there units not yet under it, so nothing tells the effect.")
    found = _averaged(panel, pairs)
    total = sum(len(panel.periods) - int(g) for g in _begun(panel))
    before = {event: _averaged(panel, at) for event, at in _by_event(panel).items() if event < -1}
    return concluded(
        found,
        estimand="ATT",
        n=len(rows),
        n_clusters=len(panel.starts),
        method="difference in differences, units not yet treated (Callaway & Sant'Anna), CR2 by unit",
        outcome=outcome,
        better=better,
        checks=(
            _overlap(panel, len(pairs), total),
            _complete_panel(panel),
            _before(before),
            _hidden(found, before, float(np.mean([t - g + 1 for g, t in pairs]))),
        ),
    )


def event_study(data: pd.DataFrame, outcome: str, unit: str, period: str, start: str) -> pd.DataFrame:
    """The effect by periods since the start, against the last one before it: event, estimate, limits, p, units.

    Events below −1 are the course before, and should be near zero (pre-trends). Raises as `staggered`.
    """
    import pandas as pd

    panel = panel_of(data, outcome, unit, period, start)
    _enough(panel)
    rows = []
    for event, pairs in _by_event(panel).items():
        found = _averaged(panel, pairs)
        n = sum(int((panel.starts == g).sum()) for g, _ in pairs)
        rows.append((event, found.estimate, found.std_error, *found.interval(), found.p, n))
    names = ["event", "estimate", "std_error", "conf_low", "conf_high", "p", "units"]
    return pd.DataFrame(rows, columns=names)


def panel_of(data: pd.DataFrame, outcome: str, unit: str, period: str, start: str) -> Panel:
    """Means by unit and period of the units that have them all. Raises BadInput as told in `staggered`."""
    rows = complete(data, [outcome, unit, period])
    if start not in data:
        complete(data, [start])
    began = data.groupby(unit)[start]
    if (began.nunique(dropna=False) > 1).any():
        raise BadInput(f"Some {unit!r} have more than one {start!r}; a unit begins once, or never (missing).")
    means = rows.assign(_y=numbers(rows, outcome)).pivot_table(index=unit, columns=period, values="_y", aggfunc="mean")
    whole = means.dropna()
    if whole.empty:
        raise BadInput(f"No {unit!r} has rows in every {period!r}.")
    periods = whole.columns.to_numpy(dtype=float)
    first = began.first().reindex(whole.index).to_numpy(dtype=float)
    if (first <= periods[0]).any():
        raise BadInput(
            f"{int((first <= periods[0]).sum())} of {unit!r} began by {periods[0]:g}, the first period, so nothing is "
            "known of them before. Leave them out, or add earlier periods."
        )
    place = np.searchsorted(periods, np.where(np.isnan(first), np.inf, first)).astype(float)
    return Panel(whole.to_numpy(), periods, np.where(place < len(periods), place, NEVER), len(means) - len(whole))


def _averaged(panel: Panel, pairs: list[tuple[float, int]]) -> Contrast:
    """The mean over (start, period) pairs by their units, as one contrast of periods for each start."""
    cohorts = np.unique(panel.starts)
    sizes = {g: int((panel.starts == g).sum()) for g in cohorts}
    weights = {g: np.zeros(len(panel.periods)) for g in cohorts}
    total = sum(sizes[g] for g, _ in pairs)
    for g, t in pairs:
        change = np.zeros(len(panel.periods))
        change[t], change[int(g) - 1] = 1.0, -1.0
        weights[g] += change * sizes[g] / total
        compared = [c for c in cohorts if c > max(t, g)]
        n = sum(sizes[c] for c in compared)
        for c in compared:
            weights[c] -= change * sizes[g] / total * sizes[c] / n
    used = [g for g in cohorts if weights[g].any()]
    if alone := [g for g in used if sizes[g] == 1]:
        when = "never" if alone[0] == NEVER else f"in {panel.periods[int(alone[0])]:g}"
        raise ModelError(f"Only one unit began {when}, so nothing tells its chance. Leave it out, or join starts.")
    kept = np.isin(panel.starts, used)
    changes = np.array([weights[g] @ y for g, y in zip(panel.starts[kept], panel.values[kept], strict=True)])
    design = (panel.starts[kept][:, None] == np.array(used)).astype(float)
    return contrast(least_squares(design, changes), np.ones(len(used)))


def _by_event(panel: Panel) -> dict[int, list[tuple[float, int]]]:
    """Pairs of start and period with units to compare with, by periods since the start; −1 is the base of all."""
    length = len(panel.periods)
    found = {}
    for event in range(1 - length, length):
        pairs = [(g, int(g) + event) for g in _begun(panel) if event != -1 and 0 <= g + event < length]
        if pairs := [(g, t) for g, t in pairs if _comparison(panel, g, t).any()]:
            found[event] = pairs
    return found


def _begun(panel: Panel) -> list[float]:
    return [float(g) for g in np.unique(panel.starts) if g != NEVER]


def _comparison(panel: Panel, g: float, t: int) -> NDArray[np.bool_]:
    """Units under treatment neither in t nor in the period before g."""
    return panel.starts > max(t, g)


def _enough(panel: Panel) -> None:
    begun = int((panel.starts != NEVER).sum())
    later = int((panel.starts > min(_begun(panel), default=NEVER)).sum())
    if min(begun, later) < SMALLEST_ARM:
        raise ModelError(
            f"{begun} units began and {later} were not under treatment when the first did; {SMALLEST_ARM} of each are "
            "the least."
        )


def _overlap(panel: Panel, told: int, total: int) -> Check:
    never = int((panel.starts == NEVER).sum())
    said = f"{never} units never began; {told} of {total} start-by-period effects have units to compare with."
    return Check("overlap", told == total, said)


def _complete_panel(panel: Panel) -> Check:
    share = panel.left_out / (panel.left_out + len(panel.starts))
    return Check("balance", share <= 0.1, f"{panel.left_out} units lacked a period and were left out ({share:.1%}).")


def _before(before: dict[int, Contrast]) -> Check:
    """Whether units that would begin went the way of the others before (pre-trends), Holm over all looks."""
    if not before:
        return Check("placebo", None, "One period before the start only, so the course before could not be compared.")
    least = min(1.0, min(found.p for found in before.values()) * len(before))
    largest = max((found.estimate for found in before.values()), key=abs)
    said = f"Before the start the largest departure was {largest:+.3g}"
    return Check("placebo", least >= LEVEL, f"{said} (pre-trends, least p of {len(before)} after Holm {least:.3f}).")


def _hidden(found: Contrast, before: dict[int, Contrast], length: float) -> Check:
    """How far from parallel would explain it away, beside what was seen before (after Rambachan & Roth 2023).

    A larger departure before, which may be chance, leaves open whether it would; what is more than chance fails as
    placebo.
    """
    low, high = found.interval()
    if low <= 0 <= high:
        return Check("sensitivity", None, "No effect is not excluded, so there is nothing to explain away.")
    if not before:
        return Check("sensitivity", None, "Nothing was seen before the start by which to measure a departure.")
    largest = max(abs(seen.estimate) / (-1 - event) for event, seen in before.items())
    drift = min(abs(low), abs(high)) / length
    said = f"A drift apart of {drift:.3g} a period since the start would make no effect possible"
    return Check("sensitivity", drift >= largest or None, f"{said}; before it was {largest:.3g} at most.")
