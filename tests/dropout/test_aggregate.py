"""Risks summed up by school, grade and group, held to sums done by hand."""

from __future__ import annotations

from types import SimpleNamespace

import ibis
import numpy as np
import pandas as pd
import pytest

from workbench.dropout.aggregate import RISK_HELP, RISK_KEYS, risk_by_school_group
from workbench.dropout.study import Study


@pytest.fixture
def table() -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "student_id": ["a", "b", "c", "d"],
            "school_id": ["s1", "s1", "s1", "s2"],
            "grade_level": [9, 9, 10, 9],
            "attendance_year": [1.0, 0.8, 0.9, 0.5],
            "gpa_all": [4.0, 2.0, None, 1.0],
            "sex": ["female", "male", "male", "female"],
            "outcome": [0, 0, 1, 1],
        }
    )
    study = Study("t", "left", "", rows.head(0), rows, "student_id", ("gpa_all",), ("sex",))
    assessment = SimpleNamespace(study=study, risk=np.array([0.1, 0.2, 0.3, 0.9]))
    schools = ibis.memtable(pd.DataFrame({"school_id": ["s1", "s2"], "name": ["Lake", "Bay"]}))
    return risk_by_school_group(assessment, SimpleNamespace(schools=schools), capacity=0.25)  # type: ignore[arg-type]


def cell(table: pd.DataFrame, *key: str) -> dict[str, float]:
    found = table[(table[["school_id", "grade_level", "group_kind", "group"]] == list(key)).all(axis=1)]
    assert len(found) == 1
    return found.iloc[0].to_dict()


def test_everybody(table: pd.DataFrame) -> None:
    row = cell(table, "all", "all", "all", "all")
    assert (row["school_name"], row["n"]) == ("All schools", 4)
    assert row["expected_leavers"] == pytest.approx(1.5)
    assert row["mean_risk"] == pytest.approx(0.375)
    assert row["share_high_risk"] == pytest.approx(0.25)
    assert row["attendance_rate"] == pytest.approx(0.8)
    assert row["mean_gpa"] == pytest.approx(7 / 3)


def test_one_group_of_one_grade_of_one_school(table: pd.DataFrame) -> None:
    row = cell(table, "s1", "9", "sex", "male")
    assert (row["school_name"], row["n"], row["expected_leavers"]) == ("Lake", 1, pytest.approx(0.2))


def test_margins_add_up_and_every_row_is_named(table: pd.DataFrame) -> None:
    assert list(table.columns) == [*RISK_KEYS, *RISK_HELP]
    by_school = table[(table.grade_level == "all") & (table.group_kind == "all") & (table.school_id != "all")]
    assert by_school.n.sum() == 4
    assert by_school.expected_leavers.sum() == pytest.approx(1.5)
    assert not table.duplicated(list(RISK_KEYS)).any()
    assert not table[list(RISK_KEYS)].isna().any(axis=None)
