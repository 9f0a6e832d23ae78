"""Cohort-forward: nobody in both parts, nothing from the future."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench import dropout
from workbench.dropout import Study
from workbench.errors import BadInput, BadParameter
from workbench.store import Data


def test_nobody_is_in_both_parts(study: Study) -> None:
    assert study.test is not None
    assert not set(study.train.student_id) & set(study.test.student_id)
    assert not study.test.student_id.duplicated().any()
    assert study.train.ninth_grade_year.max() == 2020
    assert set(study.test.ninth_grade_year) == {2021, 2022, 2023, 2024}


def test_no_training_outcome_was_known_only_after_the_day(study: Study) -> None:
    assert study.test is not None
    assert set(study.test.as_of) == {"2024-01-31"}
    assert study.train.as_of.max() == "2023-01-31"
    assert (study.train.school_year - study.train.ninth_grade_year < 4).all()


def test_outcomes_are_those_of_the_year_after(study: Study, data: Data) -> None:
    assert study.test is not None
    ends = data.outcomes.to_pandas().set_index("student_id").reindex(study.test.student_id)
    when = pd.to_datetime(ends.outcome_date)
    left = ends.status.eq("dropped_out") & (when > "2024-01-31") & (when <= "2025-01-31")
    assert list(left.astype(int)) == list(study.test.outcome)
    assert not (ends.status.eq("transferred") & (when <= "2025-01-31")).any()
    assert 10 < study.test.outcome.sum() < 80


def test_outcomes_of_a_term_are_those_until_its_end(data: Data) -> None:
    """On 1 April the term of that spring is looked at, and of earlier years the springs, this year's not among them."""
    found = dropout.study(data, "2024-04-01", "term")
    assert found.test is not None
    for part, year in ((found.test, 2024), (found.train[found.train.as_of == "2023-04-01"], 2023)):
        ends = data.outcomes.to_pandas().set_index("student_id").reindex(part.student_id)
        when = pd.to_datetime(ends.outcome_date)
        left = ends.status.eq("dropped_out") & (when > f"{year}-04-01") & (when <= f"{year}-06-30")
        assert list(left.astype(int)) == list(part.outcome)
    assert found.train.as_of.max() == "2023-04-01"
    assert "by who had left by 30 June 2024" in found.how
    assert found.ceiling is not None
    cases = found.test.outcome.sum()
    assert found.ceiling.attainable.sum() == pytest.approx(cases, abs=3 * cases**0.5)
    year = dropout.study(data, "2024-04-01", 1)
    assert year.test is not None
    assert 5 < cases < year.test.outcome.sum()


def test_race_sex_and_disability_audit_and_do_not_predict(study: Study, data: Data) -> None:
    assert not {"sex", "race_ethnicity", "disability"} & set(study.predictors)
    assert {"sex", "race_ethnicity", "disability"} <= set(study.groups)
    asked = dropout.study(data, "2024-01-31", sensitive_predictors=True)
    assert {"sex", "race_ethnicity", "disability"} <= set(asked.predictors)
    assert asked.notes == ("Race, sex and disability are among the predictors, as asked.",)


def test_records_of_later_days_change_nothing(study: Study, data: Data, tmp_path: Path) -> None:
    """Every test student fails everything, is absent always and suspended daily, after the day: the same study."""
    assert study.test is not None
    path = tmp_path / "doomed"
    shutil.copytree(data.path, path)
    who = pa.array(study.test.student_id)
    for name, column, changes in (
        ("attendance", "end_date", {"days_absent": 90}),
        ("course_results", "posted_date", {"letter": "F", "grade_points": 0.0, "credits_earned": 0.0}),
        ("assessments", "test_date", {"scale_score": 1.0}),
        ("discipline", "incident_date", {"days_removed": 10}),
    ):
        for file in sorted((path / name).glob("year-202[45].parquet")):
            rows = pq.read_table(file).to_pandas()
            later = pd.to_datetime(rows[column]) > "2024-01-31"
            rows.loc[later & rows.student_id.isin(who.to_pylist()), list(changes)] = list(changes.values())
            pq.write_table(pa.Table.from_pandas(rows, pq.read_schema(file), preserve_index=False), file)
    again = dropout.study(Data(path, "duckdb", data.manifest, data.connection), "2024-01-31")
    assert again.test is not None
    pd.testing.assert_frame_equal(again.train, study.train)
    pd.testing.assert_frame_equal(again.test, study.test)


def test_the_ceiling_is_in_the_order_of_the_test_rows(study: Study) -> None:
    assert study.test is not None
    assert study.ceiling is not None
    assert len(study.ceiling) == len(study.test)
    assert study.ceiling.notna().all().all()
    assert study.ceiling.oracle[study.test.outcome == 1].mean() > 3 * study.ceiling.oracle.mean()


def test_a_day_whose_outcome_is_not_known_yet_is_refused(data: Data) -> None:
    with pytest.raises(
        BadParameter, match=r"who left by 2026-01-31 is not known yet. Choose a day on or before 2024-06-30"
    ):
        dropout.study(data, "2025-01-31")


def test_a_summer_day_has_no_students(data: Data) -> None:
    with pytest.raises(BadInput, match=r"There are no test students for 2023-07-15\. Is that a school day"):
        dropout.study(data, "2023-07-15")


def test_the_first_years_have_no_older_cohorts_to_learn_from(data: Data) -> None:
    with pytest.raises(BadInput, match="There are no training students for 2017-10-15"):
        dropout.study(data, "2017-10-15")


def test_what_is_no_date_is_refused(data: Data) -> None:
    with pytest.raises(BadParameter, match="'January' is not a date; write year-month-day"):
        dropout.study(data, "January")
