"""Next term's grade average, with intervals that keep their promise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench import features
from workbench.errors import BadInput
from workbench.forecast.intervals import TOP, ShortestInterval, trees

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

TARGET = "next_term_gpa"
COVERAGE = 0.9
FEWEST = 60


@dataclass(frozen=True)
class GpaForecast:
    """Forecasts of the next term's grade average for test students.

    `rows`: student_id, the groups, the outcome, `forecast`, `low`, `high`, and the constant-residual
    baseline's limits. `counts`: students in training, calibration and test.
    """

    rows: pd.DataFrame
    counts: tuple[int, int, int]
    level: float

    @property
    def coverage(self) -> float:
        """Share of test students whose grade average fell within the interval."""
        return float(_inside(self.rows, "low", "high").mean())

    @property
    def width(self) -> float:
        """Mean width of the interval, in grade points."""
        return float((self.rows.high - self.rows.low).mean())

    @property
    def baseline_width(self) -> float:
        """Mean width of the constant-residual interval, in grade points."""
        return float((self.rows.baseline_high - self.rows.baseline_low).mean())

    @property
    def baseline_coverage(self) -> float:
        """Share of test students within the constant-residual interval."""
        return float(_inside(self.rows, "baseline_low", "baseline_high").mean())

    @property
    def mean_error(self) -> float:
        """Mean absolute distance of forecast and outcome, in grade points."""
        return float((self.rows.forecast - self.rows[TARGET]).abs().mean())

    @property
    def summary(self) -> pd.DataFrame:
        """What the intervals promised and did, beside the constant-width baseline."""
        import pandas as pd

        rows = [
            ("Adaptive interval", self.level, self.coverage, self.width),
            ("Constant-width interval", self.level, self.baseline_coverage, self.baseline_width),
        ]
        return pd.DataFrame(rows, columns=["interval", "promised coverage", "measured coverage", "mean width (points)"])

    def by_group(self, groups: tuple[str, ...]) -> pd.DataFrame:
        """Coverage and width by group: one row a group."""
        import pandas as pd

        rows = self.rows.assign(inside=_inside(self.rows, "low", "high"), width=self.rows.high - self.rows.low)
        parts = []
        for kind in groups:
            part = (
                rows.assign(**{kind: features.in_groups(rows, kind)})
                .groupby(kind)
                .agg(n=("inside", "size"), coverage=("inside", "mean"), width=("width", "mean"))
            )
            parts.append(part.rename_axis("group").reset_index().assign(group_kind=kind))
        return pd.concat(parts, ignore_index=True)[["group_kind", "group", "n", "coverage", "width"]]


def _inside(rows: pd.DataFrame, low: str, high: str) -> pd.Series[bool]:
    return rows[TARGET].between(rows[low], rows[high])


def gpa_rows(data: Data, as_of: date | str, seed: int = 0) -> pd.DataFrame:
    """Return one row a high-school student: features on one of their days, and the next term's grade average.

    Days are `as_of` and the same day of earlier years; each student appears once, on a day drawn by
    `seed` among those with a next term known. The next term is the first whose grades were posted
    after the day, at most 200 days later; its average weights grade points by credits.
    """
    import pandas as pd

    day = date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    first = str(data.enrollments.entry_date.min().execute())[:10]
    days = [
        d
        for back in range(40)
        if str(d := day.replace(year=day.year - back, day=min(day.day, 28 if day.month == 2 else day.day))) > first
    ]
    if not days:
        raise BadInput(f"These data begin on {first}, and {day} is no later: choose a later day.")
    roster = features.roster(data, days)
    later = roster.join(data.course_results, "student_id")
    later = later.filter((later.posted_date > later.as_of) & (later.credits_attempted > 0))
    later = later.filter(later.posted_date.delta(later.as_of, unit="day") <= 200)
    terms = later.group_by(["student_id", "as_of", "posted_date"]).agg(
        **{TARGET: (later.grade_points * later.credits_attempted).sum() / later.credits_attempted.sum()}
    )
    rows = features.student_features(data, roster).join(terms, ["student_id", "as_of"]).to_pandas()
    if rows.empty:
        raise BadInput(f"No student on {day} has grades in a later term: choose an earlier day.")
    rows["as_of"] = pd.to_datetime(rows.as_of).dt.strftime("%Y-%m-%d")
    rows = rows.sort_values(["student_id", "as_of", "posted_date"]).drop_duplicates(["student_id", "as_of"])
    return (
        rows.sample(frac=1.0, random_state=seed)
        .drop_duplicates("student_id")
        .sort_values("student_id", ignore_index=True)
    )


def forecast_gpa(rows: pd.DataFrame, seed: int = 0, test: NDArray[np.bool_] | None = None) -> GpaForecast:
    """Forecast and bound each test student's next grade average at the 90 % level.

    The interval is the shortest that a location–scale model puts around the mean, conformalised
    (Romano, Patterson & Candès 2019, symmetric correction; by MAPIE); beside it the split-conformal
    interval of constant width around the median. Students are split at random, 30 % for
    training, 35 % each for calibration and test, which makes the coverage a promise; with `test` given (a later
    cohort, say) the others are halved, and coverage is measured, not promised. Limits are clipped to
    0…4. Raises BadInput below 60 students a part.
    """
    from mapie.regression import ConformalizedQuantileRegressor, SplitConformalRegressor

    part = _parts(len(rows), seed, test)
    learned, calibrated, tested = (int((part == k).sum()) for k in range(3))
    counts = (learned, calibrated, tested)
    if min(counts) < FEWEST:
        raise BadInput(
            f"A grade forecast needs {FEWEST} students each to learn, calibrate and test; there are {counts}."
        )
    x, y = rows[[*features.PREDICTORS]].astype(float), rows[TARGET].to_numpy()
    learn, fit_in, judge = (part == k for k in range(3))
    bounds = ShortestInterval(COVERAGE, seed).fit(x[learn], y[learn])
    middle = trees(seed, objective="reg:quantileerror", quantile_alpha=0.5).fit(x[learn], y[learn])
    adaptive = ConformalizedQuantileRegressor([*bounds.sides(), middle], COVERAGE, prefit=True)
    _, limits = adaptive.conformalize(x[fit_in], y[fit_in]).predict_interval(x[judge], symmetric_correction=True)
    constant = SplitConformalRegressor(middle, COVERAGE, prefit=True).conformalize(x[fit_in], y[fit_in])
    forecast, flat = constant.predict_interval(x[judge])
    columns = {
        "forecast": forecast, "low": limits[:, 0, 0], "high": limits[:, 1, 0],
        "baseline_low": flat[:, 0, 0], "baseline_high": flat[:, 1, 0],
    }  # fmt: skip
    judged = rows[judge].reset_index(drop=True)
    return GpaForecast(judged.assign(**{k: np.clip(v, 0, TOP) for k, v in columns.items()}), counts, COVERAGE)


def _parts(n: int, seed: int, test: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """0 to learn from, 1 to calibrate, 2 to test."""
    rng = np.random.default_rng(seed)
    if test is None:
        return rng.permutation(np.searchsorted([0.30 * n, 0.65 * n], np.arange(n), side="right"))
    part = np.full(n, 2)
    part[~test] = rng.permutation(np.arange(int((~test).sum())) % 2)
    return part
