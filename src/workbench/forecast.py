"""Next-term grade average, with prediction intervals that keep their promise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from workbench import features
from workbench.dropout.figures import Drawn
from workbench.dropout.metrics import share
from workbench.dropout.study import in_groups
from workbench.errors import BadInput
from workbench.style import figure

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from workbench.store import Data

    Floats = NDArray[np.float64]

TARGET = "next_term_gpa"
COVERAGE = 0.9
TOP = 4.0
FEWEST = 60
_TREES: dict[str, Any] = {
    "n_estimators": 200, "max_depth": 3, "learning_rate": 0.05, "subsample": 0.6, "colsample_bytree": 0.5,
    "min_child_weight": 10, "reg_lambda": 5, "tree_method": "hist", "n_jobs": 1,
}  # fmt: skip


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
                rows.assign(**{kind: in_groups(rows, kind)})
                .groupby(kind)
                .agg(n=("inside", "size"), coverage=("inside", "mean"), width=("width", "mean"))
            )
            parts.append(part.rename_axis("group").reset_index().assign(group_kind=kind))
        return pd.concat(parts, ignore_index=True)[["group_kind", "group", "n", "coverage", "width"]]


def _inside(rows: pd.DataFrame, low: str, high: str) -> pd.Series[bool]:
    return rows[TARGET].between(rows[low], rows[high])


@dataclass(frozen=True)
class NextTerm:
    """The forecast twice: with a test part drawn `at_random`, and `forward`, on the latest cohorts."""

    at_random: GpaForecast
    forward: GpaForecast | None

    @property
    def told(self) -> str:
        """What was measured, in a sentence or two."""
        one = self.at_random
        learned, calibrated, tested = one.counts
        later = (
            f" In the latest year, learned from earlier ones, it held for {100 * self.forward.coverage:.0f} %."
            if self.forward
            else ""
        )
        return (
            f"Learned on {learned:,} students, calibrated on {calibrated:,}, tested on {tested:,}: the 90 % "
            f"interval held for {100 * one.coverage:.1f} %, and is {one.width:.2f} points wide on average.{later}"
        )


def next_term(data: Data, as_of: date | str, seed: int = 0) -> NextTerm | None:
    """Forecast next-term grade averages from a data folder; None where there are too few students.

    Forward in time: learned and calibrated on students whose day lies in earlier school years, tested
    on those whose day is the latest; see `gpa_rows` and `forecast_gpa`.
    """
    rows = gpa_rows(data, as_of, seed)
    latest = (rows.as_of == rows.as_of.max()).to_numpy()
    if len(rows) < 4 * FEWEST:
        return None
    enough = min(latest.sum(), (~latest).sum() // 2) >= FEWEST
    return NextTerm(forecast_gpa(rows, seed), forecast_gpa(rows, seed, latest) if enough else None)


def coverage_figure(both: NextTerm, groups: tuple[str, ...]) -> Drawn:
    """How often the interval held by group and forward in time, with 95 % Wilson limits."""
    import pandas as pd

    one = both.at_random
    table = one.by_group(groups)
    table = table[table.n >= 30]
    extra = [("all", "all students", len(one.rows), one.coverage, one.width)]
    if both.forward:
        extra.append(("time", "latest year", len(both.forward.rows), both.forward.coverage, both.forward.width))
    table = pd.concat([pd.DataFrame(extra, columns=table.columns), table], ignore_index=True)
    limits = [share(round(c * n), n) for c, n in zip(table.coverage, table.n, strict=True)]
    table["low"], table["high"] = [low for _, low, _ in limits], [high for _, _, high in limits]
    fig, axes = figure(8, 0.34 * len(table) + 1.2)
    labels = [_label(kind, group) for kind, group in zip(table.group_kind, table.group, strict=True)][::-1]
    values = 100 * table[["coverage", "low", "high"]].to_numpy()[::-1].T
    axes.errorbar(
        values[0], labels, xerr=[values[0] - values[1], values[2] - values[0]], fmt="o", capsize=3, color="#0072B2"
    )
    axes.axvline(100 * one.level, color="#D55E00", linestyle="--", label=f"promised: {100 * one.level:.0f} %")
    axes.set(xlabel="Students within their interval (%)", xlim=(min(75, values[1].min() - 1), 100))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
    worst = table.iloc[int(table.coverage.to_numpy().argmin())]
    alt = (
        f"Dots of how often the 90 % interval held. All students: {100 * one.coverage:.0f} %. "
        f"Least: {_label(worst.group_kind, worst.group)}, {100 * worst.coverage:.0f} % of {worst.n:,}."
    )
    return Drawn(fig, alt, table)


def _label(kind: str, group: str) -> str:
    return group if kind in ("all", "time") else f"{kind.replace('_', ' ')}: {group.replace('_', ' ')}"


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
    counts = tuple(int((part == k).sum()) for k in range(3))
    if min(counts) < FEWEST:
        raise BadInput(
            f"A grade forecast needs {FEWEST} students each to learn, calibrate and test; there are {counts}."
        )
    x, y = rows[[*features.PREDICTORS]].astype(float), rows[TARGET].to_numpy()
    learn, fit_in, judge = (part == k for k in range(3))
    bounds = ShortestInterval(COVERAGE, seed).fit(x[learn], y[learn])
    middle = _trees(seed, objective="reg:quantileerror", quantile_alpha=0.5).fit(x[learn], y[learn])
    adaptive = ConformalizedQuantileRegressor([*bounds.sides(), middle], COVERAGE, prefit=True)
    _, limits = adaptive.conformalize(x[fit_in], y[fit_in]).predict_interval(x[judge], symmetric_correction=True)
    constant = SplitConformalRegressor(middle, COVERAGE, prefit=True).conformalize(x[fit_in], y[fit_in])
    forecast, flat = constant.predict_interval(x[judge])
    columns = {
        "forecast": forecast, "low": limits[:, 0, 0], "high": limits[:, 1, 0],
        "baseline_low": flat[:, 0, 0], "baseline_high": flat[:, 1, 0],
    }  # fmt: skip
    judged = rows[judge].reset_index(drop=True)
    return GpaForecast(judged.assign(**{k: np.clip(v, 0, TOP) for k, v in columns.items()}), (*counts,), COVERAGE)  # type: ignore[arg-type]


def _parts(n: int, seed: int, test: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """0 to learn from, 1 to calibrate, 2 to test."""
    rng = np.random.default_rng(seed)
    if test is None:
        return rng.permutation(np.searchsorted([0.30 * n, 0.65 * n], np.arange(n), side="right"))
    part = np.full(n, 2)
    part[~test] = rng.permutation(np.arange(int((~test).sum())) % 2)
    return part


def _trees(seed: int, **more: Any) -> Any:
    from xgboost import XGBRegressor

    return XGBRegressor(**{**_TREES, **more}, random_state=seed)


class ShortestInterval:
    """The shortest interval of a location–scale model, students × (low, high), before calibration.

    Mean and mean absolute residual are learned by boosted trees (the residuals out of fold), the shape
    is that of the standardised residuals. Of all intervals of the wanted probability the one that is
    shortest after clipping to 0…4 is taken; a side that reaches the end of the scale is left open, since
    many students sit exactly on it.
    """

    def __init__(self, level: float, seed: int) -> None:
        self.level, self.seed = level, seed

    def fit(self, x: pd.DataFrame, y: Floats) -> ShortestInterval:
        from sklearn.model_selection import cross_val_predict

        self.mean = _trees(self.seed).fit(x, y)
        residual = y - cross_val_predict(_trees(self.seed), x, y, cv=5)
        self.spread = _trees(self.seed, max_depth=2, min_child_weight=20).fit(x, np.abs(residual))
        standard = residual / self._scale(x)
        tails = np.linspace(0.0, 1.0 - self.level, 21)
        self.below, self.above = np.quantile(standard, tails), np.quantile(standard, tails + self.level)
        self.below[0], self.above[-1] = -np.inf, np.inf
        return self

    def _scale(self, x: pd.DataFrame) -> Floats:
        return np.maximum(self.spread.predict(x), 0.05)

    def bounds(self, x: pd.DataFrame) -> tuple[Floats, Floats]:
        """Return low and high limits, one a row; an open side lies a whole scale beyond its end."""
        mean, scale = self.mean.predict(x)[:, None], self._scale(x)[:, None]
        low, high = mean + scale * self.below, mean + scale * self.above
        best = (np.clip(high, 0, TOP) - np.clip(low, 0, TOP)).argmin(axis=1)
        rows = np.arange(len(best))
        low, high = low[rows, best], high[rows, best]
        return np.where(low <= 0, -TOP, low), np.where(high >= TOP, 2 * TOP, high)

    def sides(self) -> tuple[_Side, _Side]:
        """The two limits as the fitted regressors that MAPIE takes."""
        return _Side(self, 0), _Side(self, 1)


class _Side(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    def __init__(self, interval: ShortestInterval, side: int) -> None:
        self.interval, self.side, self.fitted_ = interval, side, True

    def fit(self, x: Any, y: Any) -> _Side:
        return self

    def predict(self, x: Any) -> Floats:
        return self.interval.bounds(x)[self.side]
