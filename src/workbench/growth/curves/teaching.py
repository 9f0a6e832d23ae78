"""Who taught a student when: teachers where sections are known, otherwise the grades of each school."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from workbench.growth.value_added.rows import Subject, teacher_doses

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

TaughtBy = Literal["teachers", "grades of a school"]


def taught(data: Data, subject: str, rows: pd.DataFrame, doses: pd.DataFrame) -> tuple[pd.DataFrame, TaughtBy]:
    """Return student, school_year, school, unit and the share of the school year with each unit, and what units are.

    Classmates share what their teacher adds. Units are teachers of the subject where the data tell who taught whom;
    otherwise a grade of a school, whose teachers stay much the same from year to year.
    """
    if subject in get_args(Subject) and {"sections", "course_results"} <= set(data.manifest["tables"]):
        found = teacher_doses(data, cast(Subject, subject))
        names = {"student_id": "student", "school_id": "school", "dose": "share"}
        found = found.rename(columns=names)
        found = found[found.student.isin(rows.student.unique())].reset_index(drop=True)
        if len(found):
            return found[["student", "school_year", "school", "unit", "share"]], "teachers"
    return _grades(rows, doses), "grades of a school"


def _grades(rows: pd.DataFrame, doses: pd.DataFrame) -> pd.DataFrame:
    """A unit a school and grade; in a year without a test the grade is the one that fits the nearest test before."""
    spent = doses.merge(rows[["student", "school_year", "grade"]], on=["student", "school_year"], how="left")
    spent = spent.sort_values(["student", "school_year", "school"], ignore_index=True)
    began = (spent.grade - spent.school_year).groupby(spent.student)
    grade = spent.school_year + began.ffill().fillna(began.bfill())
    spent = spent[grade.notna()].reset_index(drop=True)
    level = grade.dropna().astype(int).astype(str).reset_index(drop=True)
    return spent.assign(unit=spent.school + " grade " + level)[["student", "school_year", "school", "unit", "share"]]


def members(keys: pd.DataFrame, spent: pd.DataFrame, level: Any) -> pd.DataFrame:
    """Return row, level and weight, for `hlm.fit`: the years spent at each `level` by the day of each row's test.

    `keys` has student and school_year of each row; `level` names the unit of each row of `spent`, whose `share` counts.
    """
    spent = spent[["student", "share"]].assign(year=spent.school_year, level=np.asarray(level))
    met = keys.assign(row=np.arange(len(keys))).merge(spent, on="student")
    met = met[met.year <= met.school_year].rename(columns={"share": "weight"})
    return met.groupby(["row", "level"])[["weight"]].sum().reset_index()
