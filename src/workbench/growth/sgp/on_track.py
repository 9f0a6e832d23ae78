"""Growth to standard: who grew enough to reach a cut score in time, or to stay at it, and whether that came true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import BadInput
from workbench.growth.sgp.percentiles import GrowthPercentiles
from workbench.growth.sgp.targets import percentile_targets
from workbench.shares import wilson

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

BELOW, AT = "below the standard a year before", "at or above it a year before"
TRACK_HELP = {
    "n": "students with a growth percentile and a standard in their grade",
    "on_track": "share whose percentile is enough to reach, or to keep, the standard in time",
    "conf_low": "lower limit of its 95 % interval",
    "conf_high": "upper limit of its 95 % interval",
}


def on_track(
    found: GrowthPercentiles, cuts: Mapping[tuple[str, int], float], years_ahead: int, year: int
) -> pd.DataFrame:
    """Return who grew enough in `year` to reach the standard within `years_ahead` years, or to stay at it throughout.

    Each student is carried forward from the score a year before, so that `year` is the first of these years. `needed`
    is the lowest percentile that reaches the cut in one of them (for a student below it a year before: catch up), or
    that stays at or above it in all (keep up); 100 where none does. Near the last tested grade there are fewer years.
    Columns: those of `found.table`, `standing`, `needed`, `on_track`. Raises BadInput where `year` has no percentiles.
    Betebenner (2009), adequate growth.
    """
    student, subject, grade = (found.names[role] for role in ("student", "subject", "grade"))
    now = found.table[found.table[found.names["year"]] == year]
    if now.empty:
        raise BadInput(f"Nobody has a growth percentile in {year}, so nobody can be said to be on track.")
    targets: Any = percentile_targets(found, cuts, years_ahead, year=year - 1).groupby([student, subject]).target
    rows = now.merge(targets.agg(catch_up="min", keep_up="max").reset_index(), on=[student, subject])
    before = np.array([cuts.get((s, int(g) - 1), np.nan) for s, g in zip(rows[subject], rows[grade], strict=True)])
    was_at = rows.prior_score >= before
    needed = rows.pop("keep_up").where(was_at, rows.pop("catch_up"))
    rows = rows.assign(standing=np.where(was_at, AT, BELOW), needed=needed, on_track=rows.percentile >= needed)
    return rows[np.isfinite(before)].reset_index(drop=True)


def shares_on_track(track: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return n and the share on track with Wilson's 95 % limits, a row a group."""
    return _shares(track, by, "on_track")


def at_standard(tests: pd.DataFrame, cuts: Mapping[tuple[str, int], float]) -> NDArray[np.bool_]:
    """Return whether each score is at or above the cut of its subject and grade; `tests` has the data model's names."""
    cut = [cuts.get((s, int(g)), np.nan) for s, g in zip(tests.subject, tests.grade_level, strict=True)]
    return tests.scale_score.to_numpy(float) >= np.array(cut)


def came_true(track: pd.DataFrame, at_standard: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return the share at the standard in a later year, by standing then and whether `on_track` said so.

    `track` is of an earlier year; `at_standard` has the columns `by` (which tell student and subject) and a yes or no,
    `at_standard`, in the later one. Who has no score then is left out. Limits are Wilson's, 95 %.
    """
    return _shares(track.merge(at_standard, on=list(by)), ["standing", "on_track"], "at_standard")


def _shares(rows: pd.DataFrame, by: Sequence[str], what: str) -> pd.DataFrame:
    groups: Any = rows.groupby(list(by))[what]
    found = groups.agg(n="size", total="sum", share="mean").reset_index()
    low, high = wilson(found.pop("total"), found.n)
    return found.rename(columns={"share": what}).assign(conf_low=low, conf_high=high)
