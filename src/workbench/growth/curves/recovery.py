"""Growth curves beside the answer key of synthetic data: which truth belongs to which estimate, and is it met?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import BadInput
from workbench.growth.curves.models import values_at
from workbench.growth.curves.rows import CurveData
from workbench.growth.curves.schools import district_growth, school_growth
from workbench.growth.curves.variance import variance_intervals
from workbench.store import ANSWER_KEY
from workbench.synthetic.answer_key import read_parameters
from workbench.synthetic.equations import curve as mean_curve
from workbench.synthetic.scores import CENTRE_GRADE

if TYPE_CHECKING:
    import pandas as pd

    from workbench.hlm.result import MixedModel
    from workbench.synthetic.truth import Truth

Z95 = 1.959963984540054
NET_GAPS = {"economically_disadvantaged": "standing_disadvantaged", "disability": "standing_disability"}


def has_answer_key(curve: CurveData) -> bool:
    """Are true scores known, as they are of synthetic data only?"""
    return "true_score" in curve.rows and (curve.data.path / ANSWER_KEY / "parameters.json").is_file()


def parameters_recovered(curve: CurveData, schools: MixedModel, groups: MixedModel) -> pd.DataFrame:
    """Return true values beside estimates: what, truth, estimate, conf_low, conf_high, inside.

    `schools` is a `school_model` with the quadratic shape, `groups` a `group_model` with all groups. The slope of the
    mean curve is in the mean growth of those tested in two springs in a row. The net gaps are score_sd times those in
    standing.
    """
    import pandas as pd

    truth = _truth(curve)
    students = true_students(curve)
    mean = schools.contrasts(_derivatives(curve, schools), ["level", "bend"])
    at = lambda grade: float(mean_curve(truth, _subject(curve), np.array(float(grade))))  # noqa: E731
    c = curve.centre
    rows: list[tuple[object, ...]] = [
        (f"mean score in grade {c}", at(c) + float(students.level.mean()), *_interval(mean, 0)),
        ("mean growth from one spring to the next", true_mean_growth(curve), *district_growth(curve, schools)),
        ("change of growth from grade to grade, halved", (at(c + 1) - 2 * at(c) + at(c - 1)) / 2, *_interval(mean, 1)),
    ]
    own = {row[:2]: row[2:] for row in variance_intervals(schools).itertuples(index=False, name=None)}
    sds = {key: tuple(float(np.sqrt(value)) for value in values) for key, values in own.items()}
    level = float((students.level - students.groupby("first_school")["level"].transform("mean")).std())
    rows += [
        ("SD of students' levels within a first school", level, *sds["student", "(Intercept)"]),
        ("SD of students' own growth", float(students.slope.std()), *sds["student", "time"]),
    ]
    net = groups.fixed.set_index("term")
    for group, name in NET_GAPS.items():
        if f"{group}yes" in net.index:
            gap = truth.score_sd * float(getattr(truth, name))
            rows.append((f"net gap in level, {group.replace('_', ' ')}", gap, *_interval(net, f"{group}yes")))
            rows.append((f"net gap in growth, {group.replace('_', ' ')}", 0.0, *_interval(net, f"time:{group}yes")))
    table = pd.DataFrame(rows, columns=["what", "truth", "estimate", "conf_low", "conf_high"])
    return table.assign(inside=(table.conf_low <= table.truth) & (table.truth <= table.conf_high))


def modes_recovered(curve: CurveData, model: MixedModel) -> pd.DataFrame:
    """Return how near conditional modes come to the truth: of, n, correlation, expected, coverage of 95 % intervals.

    Students' levels and slopes are held against their own, around the mean of their first school; schools' growth
    against the mean that a full year there really added to a student's score, teachers included. `expected` is the
    square root of the reliability, for slopes times the truth's share of the estimated SD.
    """
    import pandas as pd

    students = true_students(curve).set_index("student")
    centred = students[["level", "slope"]] - students.groupby("first_school")[["level", "slope"]].transform("mean")
    reliability = model.reliability.set_index(["group", "term"]).reliability
    own = model.variances[model.variances.other_term.isna()].set_index(["group", "term"]).estimate
    rows = []
    for term, truth, what in (
        ("(Intercept)", centred.level, "students' levels"),
        ("time", centred.slope, "students' own growth"),
    ):
        modes = model.modes[(model.modes.group == "student") & (model.modes.term == term)].set_index("level")
        both = modes.join(truth.rename("truth"), how="inner")
        expected = float(np.sqrt(reliability["student", term]))
        if term == "time":
            expected *= min(float(both.truth.std() / np.sqrt(own["student", term])), 1.0)
        held = (both.estimate - both.truth).abs() <= Z95 * both.std_error
        rows.append((what, len(both), float(np.corrcoef(both.estimate, both.truth)[0, 1]), expected, held.mean()))
    schools = school_growth(curve, model).set_index("school").join(true_school_growth(curve), how="inner")
    held = schools.truth.between(schools.conf_low, schools.conf_high)
    correlation = float(np.corrcoef(schools.difference, schools.added)[0, 1])
    expected = float(np.sqrt(schools.reliability.mean()))
    rows.append(("schools' growth a year", len(schools), correlation, expected, held.mean()))
    return pd.DataFrame(rows, columns=["of", "n", "correlation", "expected", "coverage"])


def true_school_growth(curve: CurveData) -> pd.DataFrame:
    """Return, by school, `added` (what a full year there really added to a score, teachers included) and `truth`.

    The truth is growth a year: the true mean curve's gain over the school's grades, students' mean slope, and `added`.
    """
    truth, low = _truth(curve), curve.rows.grade.min()
    added = yearly_gains(curve).groupby("school").gain.mean().rename("added")
    table = curve.schools.set_index("school").join(added, how="inner")
    first, last = np.maximum(table.first_grade, low + 1).to_numpy(float), table.last_grade.to_numpy(float)
    rise = mean_curve(truth, _subject(curve), last) - mean_curve(truth, _subject(curve), first - 1)
    own = float(true_students(curve).slope.mean())
    return table[["added"]].assign(truth=rise / (last - first + 1) + own + table.added)


def true_mean_growth(curve: CurveData) -> float:
    """Return true mean growth from one spring to the next of students tested in both: curve, own slopes, additions."""
    truth = _truth(curve)
    rows = curve.rows.merge(true_students(curve)[["student", "slope"]], on="student")
    before = rows[["student", "school_year", "value_added"]].assign(school_year=rows.school_year + 1)
    grew = rows.merge(before, on=["student", "school_year"], suffixes=("", "_before"))
    grade = grew.grade.to_numpy(float)
    rise = mean_curve(truth, _subject(curve), grade) - mean_curve(truth, _subject(curve), grade - 1)
    return float((rise + grew.slope + grew.value_added - grew.value_added_before).mean())


def true_growth(curve: CurveData, years: int) -> pd.DataFrame:
    """Return true mean growth over the last `years` of the students of `growth_with_missing`: of, n, growth.

    What schools and teachers added in between is known of the tested only; the missing are given their grade's mean.
    """
    import pandas as pd

    truth = _truth(curve)
    last, top = curve.rows.school_year.max(), curve.rows.grade.max()
    start = curve.rows[(curve.rows.school_year == last - years) & (curve.rows.grade <= top - years)]
    end = curve.rows.loc[curve.rows.school_year == last, ["student", "value_added"]]
    cohort = start.merge(end, on="student", how="left", suffixes=("", "_end")).merge(true_students(curve), on="student")
    seen = cohort.value_added_end.notna()
    added = cohort.value_added_end - cohort.value_added
    added = added.fillna(added.groupby(cohort.grade).transform("mean"))
    grade = cohort.grade.to_numpy(float)
    rise = mean_curve(truth, _subject(curve), grade + years) - mean_curve(truth, _subject(curve), grade)
    growth = rise + years * cohort.slope + added
    parts = {"all": growth, "tested at the end": growth[seen], "missing at the end": growth[~seen]}
    return pd.DataFrame(
        {"of": list(parts), "n": map(len, parts.values()), "growth": [p.mean() for p in parts.values()]}
    )


def true_students(curve: CurveData) -> pd.DataFrame:
    """Return student, first_school, true level in the centre grade (points around the mean curve) and own slope."""
    import pandas as pd

    truth = _truth(curve)
    key = pd.read_parquet(curve.data.path / ANSWER_KEY / "students.parquet").rename(columns={"student_id": "student"})
    who = curve.rows.drop_duplicates("student")[["student", "first_school"]].merge(key, on="student")
    level = truth.score_sd * (who.standing + who[f"{curve.subject}_deviation"])
    return pd.DataFrame(
        {
            "student": who.student, "first_school": who.first_school,
            "level": level + who.growth_slope * (curve.centre - CENTRE_GRADE), "slope": who.growth_slope,
        }
    )  # fmt: skip


def yearly_gains(curve: CurveData) -> pd.DataFrame:
    """Return student, school, school_year and what schools and teachers added to the score in a full year there."""
    rows = curve.rows.sort_values(["student", "school_year"])
    before = rows.groupby("student")[["value_added", "school_year"]].shift()
    full = (before.school_year == rows.school_year - 1) & ~rows.moved
    gains = rows.assign(gain=rows.value_added - before.value_added)
    return gains.loc[full, ["student", "school", "school_year", "gain"]].reset_index(drop=True)


def _derivatives(curve: CurveData, model: MixedModel) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Contrasts for level and half the change of slope of the mean curve at the centre grade."""
    low, mid, high = (values_at(curve, model.columns, curve.centre + step, {}) for step in (-1, 0, 1))
    return np.array([mid, (high - 2 * mid + low) / 2])


def _interval(table: pd.DataFrame, row: object) -> tuple[float, float, float]:
    estimate, low, high = table.loc[row, ["estimate", "conf_low", "conf_high"]].astype(float)  # type: ignore[index]
    return float(estimate), float(low), float(high)


def _subject(curve: CurveData) -> int:
    return 0 if curve.subject == "math" else 1


def _truth(curve: CurveData) -> Truth:
    if not has_answer_key(curve):
        raise BadInput("These data have no answer key; only synthetic data can be held against the truth.")
    return read_parameters(curve.data.path)[1]
