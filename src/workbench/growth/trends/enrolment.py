"""How many students next year? Grades carried forward by the shares that went on from the grade below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput
from workbench.growth.trends.forecast import FEWEST, moves, predict
from workbench.growth.trends.indicators import ALL
from workbench.shares import LEVEL

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from workbench.store import Data

Floats = NDArray[np.float64]
DRAWS = 4000
YEARS = FEWEST + 1  # one more, because ratios lie between years


def on_roll(data: Data) -> ibis.Table:
    """Return the enrollments that hold on 1 October of their school year."""
    import ibis

    spells = data.enrollments
    day = ibis.date(spells.school_year - 1, 10, 1)
    return spells.filter(spells.entry_date <= day, spells.exit_date.isnull() | (spells.exit_date > day))


def membership(data: Data) -> pd.DataFrame:
    """Return students on the roll on 1 October by `school_year` and `grade_level`: `n`, one row a year and grade."""
    there = on_roll(data)
    counts = there.group_by("school_year", "grade_level").agg(n=there.student_id.nunique())
    return counts.order_by("school_year", "grade_level").to_pandas()


def forecast_membership(table: pd.DataFrame, horizon: int, seed: int) -> pd.DataFrame:
    """Forecast membership by grade and in all: `school_year`, `grade` (text; "all"), `value`, `low`, `high`.

    Cohort-component method by grade progression (Shryock & Siegel 1976): a grade's students are those of the grade
    below the year before, times the grade's ratio over all years, times a factor common to all grades of a year. The
    lowest grade and the logarithm of the common factor are short series of their own, forecast by `predict`. Besides,
    counts vary around what is expected with variance φ × expected, φ pooled over grades and years; it and the ratios
    are drawn with their own errors. Limits are points of 4,000 draws. Raises BadInput for fewer than five years in a
    row.
    """
    counts = table.pivot(index="school_year", columns="grade_level", values="n").fillna(0.0)
    if len(counts) < YEARS or (np.diff(counts.index) != 1).any():
        raise BadInput(f"A forecast of membership needs {YEARS} years in a row; these are {list(counts.index)}.")
    rng = np.random.default_rng(seed)
    past = counts.to_numpy(float)
    entry = np.maximum(_drawn(past[:, 0], horizon, rng), 0.0)
    futures = _carried(past, entry, rng)
    return _limits(futures, int(counts.index[-1]), [str(grade) for grade in counts.columns])


def back_test_membership(table: pd.DataFrame, horizon: int, seed: int) -> pd.DataFrame:
    """Forecast from the years up to each earlier one, and compare: adds `stood_in`, `came` and `held`."""
    import pandas as pd

    total = table.groupby("school_year", as_index=False).n.sum().assign(grade=ALL)
    came = pd.concat([table.assign(grade=table.grade_level.astype(str)), total])[["school_year", "grade", "n"]]
    years = sorted(table.school_year.unique())
    parts = []
    for last in years[YEARS - 1 : -1]:
        said = forecast_membership(table[table.school_year <= last], horizon, seed)
        parts.append(said.assign(stood_in=last).merge(came, on=["school_year", "grade"]))
    if not parts:
        raise BadInput(f"A back-test of membership needs {YEARS + 1} years or more; these are {len(years)}.")
    rows = pd.concat(parts, ignore_index=True).rename(columns={"n": "came"})
    return rows.assign(held=(rows.low <= rows.came) & (rows.came <= rows.high))


def _carried(past: Floats, entry: Floats, rng: np.random.Generator) -> Floats:
    """Draws of the years to come, draws × years × grades, from counts (years × grades) and draws of the entry grade."""
    below, above = past[:-1, :-1], past[1:, 1:]
    base = np.maximum(below.sum(axis=0), 1.0)
    ratio = above.sum(axis=0) / base
    common = above.sum(axis=1) / (ratio * below).sum(axis=1)
    factors = np.exp(_drawn(np.log(common), entry.shape[1], rng))
    expected = np.maximum(common[:, None] * ratio * below, 1e-9)
    df = below.size - below.shape[1] - len(common) + 1
    spread = ((above - expected) ** 2 / expected).sum() / rng.chisquare(df, len(entry))[:, None]
    ratios = ratio + np.sqrt(spread * ratio / base) * rng.normal(size=(len(entry), len(ratio)))
    now, years = np.broadcast_to(past[-1], (len(entry), past.shape[1])), []
    for year, first in enumerate(entry.T):
        middle = np.maximum(factors[:, [year]] * ratios * now[:, :-1], 0.0)
        drawn = middle + np.sqrt(spread * middle) * rng.normal(size=middle.shape)
        now = np.column_stack([first, np.maximum(drawn, 0.0)])
        years.append(now)
    return np.stack(years, axis=1)


def _drawn(values: Floats, horizon: int, rng: np.random.Generator) -> Floats:
    """Draws of a series' next years; one that never moved, such as a capped entry grade, is taken to stay."""
    if moves(values, "level"):
        return predict(values, horizon).draws(DRAWS, rng)
    return np.full((DRAWS, horizon), values[-1])


def _limits(futures: Floats, last: int, grades: list[str]) -> pd.DataFrame:
    import pandas as pd

    each = np.concatenate([futures, futures.sum(axis=2, keepdims=True)], axis=2)
    value, low, high = np.percentile(each, [50, 50 * (1 - LEVEL), 50 * (1 + LEVEL)], axis=0)
    years = last + 1 + np.arange(each.shape[1])
    place = pd.MultiIndex.from_product([years, [*grades, ALL]], names=["school_year", "grade"])
    return pd.DataFrame({"value": value.ravel(), "low": low.ravel(), "high": high.ravel()}, index=place).reset_index()
