"""Growth at each school: the mean curve's gain over its grades, what the school adds, and what its classes add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.growth.curves.models import values_at
from workbench.growth.curves.rows import CurveData, unit_years
from workbench.hlm.combinations import outer_effects, posterior_variance
from workbench.hlm.design import Floats
from workbench.shares import LEVEL

if TYPE_CHECKING:
    import pandas as pd

    from workbench.hlm.result import MixedModel


def school_growth(curve: CurveData, model: MixedModel) -> pd.DataFrame:
    """Return mean growth a year at each school: the mean curve's gain over its grades and what is added there.

    Columns: school, name, level, n (students with a score who spent time there), years (of the students there), growth,
    conf_low, conf_high, difference (from the mean curve), std_error (of the difference), reliability (1 − SE² / its
    variance before the data). What is added is the school's own part and the mean of its classes', weighted by the time
    of students tested in two springs in a row. Intervals know of the mean curve's error; the variances are taken as
    known. `model` is one of `school_model`.
    """
    from scipy import stats

    table = _time_there(curve)
    effects = outer_effects(model)
    weights = school_weights(curve, effects, list(table.school))
    first = np.maximum(table.first_grade, curve.rows.grade.min() + 1)
    gains = np.array([_gain(curve, model, low, high) for low, high in zip(first, table.last_grade, strict=True)])
    difference = weights @ effects.estimate.to_numpy()
    error = np.sqrt(posterior_variance(model, weights))
    reach = stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt(posterior_variance(model, weights, gains))
    before = weights**2 @ effects.variance.to_numpy()
    growth = gains @ model.beta + difference
    table = table.assign(
        growth=growth, conf_low=growth - reach, conf_high=growth + reach, difference=difference, std_error=error,
        reliability=np.where(before > 0, np.maximum(1 - error**2 / np.where(before > 0, before, 1.0), 0.0), 0.0),
    )  # fmt: skip
    wanted = ["school", "name", "level", "n", "years", "growth", "conf_low", "conf_high", "difference", "std_error"]
    return table[[*wanted, "reliability"]].sort_values("difference", ignore_index=True)


def _time_there(curve: CurveData) -> pd.DataFrame:
    spent = curve.doses.merge(curve.rows.groupby("student").school_year.max().rename("last"), on="student")
    spent = spent[spent.school_year <= spent["last"]]
    sums = spent.groupby("school").agg(n=("student", "nunique"), years=("share", "sum")).reset_index()
    return curve.schools.merge(sums, on="school")


def district_growth(curve: CurveData, model: MixedModel) -> tuple[float, float, float]:
    """Return mean growth from one spring to the next of all students tested in both, with its 95 % limits (points).

    The mean curve's gains at their grades, and what their schools and classes added. `model` is one of `school_model`.
    """
    from scipy import stats

    effects = outer_effects(model)
    grew = _grew(curve)
    gains = grew.groupby("grade").size().rename("n").reset_index()
    steps = np.array([_gain(curve, model, grade, grade) for grade in gains.grade])
    contrast = (gains.n.to_numpy(float) @ steps / gains.n.sum())[None, :]
    schools = curve.doses.merge(grew[["student", "school_year"]], on=["student", "school_year"])
    taught = curve.taught.merge(grew[["student", "school_year"]], on=["student", "school_year"])
    weights = np.zeros((1, len(effects)))
    _add(weights, effects, "school_growth", 0, schools.school, schools.share / len(grew))
    _add(weights, effects, "teaching", 0, taught.unit, taught.share / len(grew))
    _add(weights, effects, "teaching_by_year", 0, unit_years(taught), taught.share / len(grew))
    growth = float(contrast[0] @ model.beta + weights[0] @ effects.estimate.to_numpy())
    reach = float(stats.norm.ppf((1 + LEVEL) / 2) * np.sqrt(posterior_variance(model, weights, contrast)[0]))
    return growth, growth - reach, growth + reach


def school_weights(curve: CurveData, effects: pd.DataFrame, schools: list[str]) -> Floats:
    """Return how much of each effect of `hlm.combinations.outer_effects` is in each school's growth (schools × Q)."""
    import pandas as pd

    weights = np.zeros((len(schools), len(effects)))
    _add(weights, effects, "school_growth", np.arange(len(schools)), pd.Series(schools), 1.0)
    spent = curve.taught[curve.taught.school.isin(schools)]
    spent = spent.merge(_grew(curve)[["student", "school_year"]], on=["student", "school_year"])
    share = spent.share / spent.groupby("school").share.transform("sum")
    at = pd.Index(schools).get_indexer(pd.Index(spent.school))
    _add(weights, effects, "teaching", at, spent.unit, share)
    _add(weights, effects, "teaching_by_year", at, unit_years(spent), share)
    return weights


def _add(weights: Floats, effects: pd.DataFrame, group: str, row: Any, levels: pd.Series[str], share: Any) -> None:
    """Add shares to the weights of a group's levels; nothing where the model has no such group."""
    import pandas as pd

    mine = np.flatnonzero(effects.group == group)
    if len(mine):
        at = pd.Index(effects.level.iloc[mine]).get_indexer(pd.Index(levels))
        known = at >= 0
        row, share = np.broadcast_to(row, len(at)), np.broadcast_to(share, len(at))
        np.add.at(weights, (row[known], mine[at[known]]), share[known])


def _grew(curve: CurveData) -> pd.DataFrame:
    """Student, school_year and grade of each score whose student also has one of the spring before."""
    springs = curve.rows[["student", "school_year", "grade"]]
    return springs.merge(springs[["student", "school_year"]].assign(school_year=springs.school_year + 1))


def _gain(curve: CurveData, model: MixedModel, first: float, last: float) -> Floats:
    """The contrast of the mean curve's mean gain over the grades `first` to `last`."""
    change = values_at(curve, model.columns, last, {}) - values_at(curve, model.columns, first - 1, {})
    return np.asarray(change / (last - first + 1))
