"""The rows value added is computed from: a score, those of the year before, and who taught the student how long."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Literal, ParamSpec, cast, get_args

import numpy as np

from workbench.errors import BadInput, BadParameter
from workbench.paths import shown

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from workbench.store import Data

Asked = ParamSpec("Asked")
Subject = Literal["math", "reading"]
FLAGS = ("economically_disadvantaged", "english_learner", "disability")
COVARIATES = ("sex", "race_ethnicity", *FLAGS)


def read_once(read: Callable[Asked, pd.DataFrame]) -> Callable[Asked, pd.DataFrame]:
    """Read the rows of an open data folder once for all models; each caller has a copy, made when it is changed."""
    kept = cast("Callable[Asked, pd.DataFrame]", lru_cache(maxsize=len(get_args(Subject)))(read))

    @wraps(read)
    def again(*args: Asked.args, **kwargs: Asked.kwargs) -> pd.DataFrame:
        return kept(*args, **kwargs).copy(deep=False)

    return again


@read_once
def subject_tests(data: Data, subject: Subject) -> pd.DataFrame:
    """Return the scores on the subject's vertical scale: student, school_year, school_id, grade_level, score, error.

    Alternate assessments are left out; of several tests in a year the last counts. `cell` joins year and grade.
    Raises BadParameter for another subject, BadInput where no vertical scale with standard errors was used.
    """
    if subject not in get_args(Subject):
        raise BadParameter(f"subject is {subject!r}; value added is told for {' and '.join(get_args(Subject))}.")
    scales, tests = data.scales, data.assessments
    scales = scales.filter((scales.subject == subject) & scales.vertical & ~scales.alternate)
    tests = tests.semi_join(scales, "scale_id").filter(tests.scale_score.notnull() & (tests.standard_error > 0))
    sizes = tests.group_by("scale_id").agg(n=tests.count()).order_by("scale_id").to_pandas()
    if sizes.empty:
        raise BadInput(
            f"{shown(data.path)} has no scores in {subject!r} on a vertical scale with standard errors of measurement; "
            "value added over years cannot be told from them."
        )
    columns = ["student_id", "school_year", "test_date", "school_id", "grade_level"]
    rows = tests.filter(tests.scale_id == sizes.scale_id[sizes.n.idxmax()])
    rows = rows.select(*columns, score="scale_score", error="standard_error").to_pandas()
    rows = rows.sort_values(columns[:3]).drop_duplicates(columns[:2], keep="last", ignore_index=True)
    return rows.drop(columns="test_date").assign(cell=joined(rows.school_year, rows.grade_level))


@read_once
def value_added_rows(data: Data, subject: Subject) -> pd.DataFrame:
    """Return one row a student and school year with a score in this year and in both subjects the year before.

    Columns: those of `subject_tests`, `prior_math`, `prior_reading`, `error_math`, `error_reading` (standard errors of
    the prior scores) and `COVARIATES`. Raises BadInput where nobody has all of them.
    """
    rows = subject_tests(data, subject)
    for prior in get_args(Subject):
        before = subject_tests(data, prior).assign(school_year=lambda t: t.school_year + 1)
        before = before.rename(columns={"score": f"prior_{prior}", "error": f"error_{prior}"})
        rows = rows.merge(before[["student_id", "school_year", f"prior_{prior}", f"error_{prior}"]])
    if rows.empty:
        raise BadInput(
            f"{shown(data.path)} has nobody with {subject} scores in one year and both subjects' a year before."
        )
    flags = data.programs.select("student_id", "school_year", *FLAGS).to_pandas()
    rows = rows.merge(data.students.select("student_id", *COVARIATES[:2]).to_pandas(), on="student_id", how="left")
    rows = rows.merge(flags, on=["student_id", "school_year"], how="left")
    return rows.assign(**{flag: rows[flag].fillna(False).astype(float) for flag in FLAGS})


@read_once
def school_doses(data: Data) -> pd.DataFrame:
    """Return the share of each school year a student was on each school's roll: student_id, school_year, unit, dose.

    Half a year a term, in proportion to the days enrolled; who came late has less than one in all.
    """
    rows = data.attendance
    longest = rows.group_by("school_year", "term").agg(most=rows.days_enrolled.max())
    rows = rows.join(longest, ["school_year", "term"])
    dose = (0.5 * rows.days_enrolled / rows.most).sum()
    doses = rows.group_by("student_id", "school_year", unit=rows.school_id).agg(dose=dose)
    return _in_order(doses)


@read_once
def teacher_doses(data: Data, subject: Subject) -> pd.DataFrame:
    """Return the share of each school year a student had each teacher of a subject, with the teacher's school.

    Columns: student_id, school_year, unit (the teacher), school_id, dose. Half a year a term, shared evenly among
    the sections of the subject in it; a class teacher of an elementary school teaches both subjects.
    """
    sections = data.sections.filter(data.sections.subject == subject)
    taken = data.course_results.select("student_id", "section_id").join(sections, "section_id")
    held = taken.group_by("student_id", "school_year", "term", "school_id", "teacher_id").agg(sections=taken.count())
    in_term = held.group_by("student_id", "school_year", "term")
    held = in_term.mutate(dose=0.5 * held.sections / held.sections.sum())
    doses = held.group_by("student_id", "school_year", "school_id", unit=held.teacher_id)
    return _in_order(doses.agg(dose=held.dose.sum()))


def with_doses(rows: pd.DataFrame, doses: pd.DataFrame) -> pd.DataFrame:
    """Return a row a student, year and unit that taught him, with his `dose`: the full-roster method.

    Who was in two schools, or had two teachers, has a row for each; doses of a year add up to one (Hock & Isenberg
    2017). `unit_year` joins unit and year; `main` is the unit_year with the largest dose.
    """
    columns = [name for name in doses.columns if name not in ("dose", "unit", "school_id")]
    linked = rows.merge(doses.drop(columns="school_id", errors="ignore"), on=columns)
    linked["dose"] /= linked.groupby(columns).dose.transform("sum")
    linked["unit_year"] = joined(linked.unit, linked.school_year)
    largest = linked.loc[linked.groupby(columns).dose.idxmax(), [*columns, "unit_year"]]
    return linked.merge(largest.rename(columns={"unit_year": "main"}), on=columns)


def _in_order(doses: ibis.Table) -> pd.DataFrame:
    rows = doses.filter(doses.dose > 0).to_pandas()
    return rows.sort_values(["student_id", "school_year", "unit"], ignore_index=True)


def joined(left: pd.Series[str], right: pd.Series[str]) -> pd.Series[str]:
    """Two columns as one, such as `D001-003 2024`; made from the few pairs there are."""
    import pandas as pd

    pairs = pd.MultiIndex.from_arrays([left, right])
    code, levels = pairs.factorize()
    names = np.array([f"{a} {b}" for a, b in levels], dtype=object)
    return pd.Series(names[code], index=left.index, dtype="str")
