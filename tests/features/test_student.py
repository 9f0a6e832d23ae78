"""What is known about a student on a day, computed by hand and compared across engines."""

from __future__ import annotations

import importlib.util
import math
import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from workbench import features, store
from workbench.errors import BadParameter

DAYS = ["2023-10-01", "2024-10-01"]
Z = 5 / 7.071068  # two scores ten points apart: half the distance over their SD, to six decimals
DATE = {
    "enrollments": "entry_date",
    "attendance": "end_date",
    "discipline": "incident_date",
    "course_results": "posted_date",
    "assessments": "test_date",
    "events": "timestamp",
    "interventions": "assigned_date",
}


def frame(data: store.Data, days: list[str], grades: tuple[int, int] = (9, 12)) -> pd.DataFrame:
    table = features.student_features(data, features.roster(data, days, grades))
    return data.connection.to_pandas(table)


def of(table: pd.DataFrame, student: str, day: str) -> dict[str, float]:
    found = table[(table.student_id == student) & (table.as_of.astype(str) == day)]
    assert len(found) == 1
    return found.iloc[0].to_dict()


def assert_values(found: dict[str, float], wanted: dict[str, float | None]) -> None:
    for name, value in wanted.items():
        if value is None:
            assert pd.isna(found[name]), name
        else:
            assert found[name] == pytest.approx(value, abs=1e-9), name


@pytest.fixture(scope="module")
def table(tiny: store.Data) -> pd.DataFrame:
    return frame(tiny, DAYS)


def test_a_full_record_computed_by_hand(table: pd.DataFrame) -> None:
    assert_values(
        of(table, "ana", "2024-10-01"),
        {
            "attendance_last_term": 72 / 90,  # both schools of the spring term count
            "attendance_year": 148 / 170,
            "attendance_change": 72 / 90 - 229 / 250,
            "absence_history": 17 / 170,
            "chronic_absence": 1,
            "school_attendance_year": 132 / 140,
            "incidents_year": 2,  # 364 days ago and that very day; not 365 days ago, not tomorrow
            "incidents_ever": 3,
            "days_removed_year": 5,
            "gpa_last_term": (3 * 0.5 + 2 * 1.5) / 2,
            "gpa_all": (4 + 0 + 1.5 + 3) / 4,
            "gpa_change": 2.25 - 2,
            "grade_spread": math.sqrt((4**2 + 0 + 3**2 + 2**2 - 9**2 / 4) / 3),
            "courses_last_term": 2,
            "courses_failed_last_term": 0,
            "courses_failed_ever": 1,
            "credits_earned_share": 3 / 4,
            "math_score_z": -1,
            "reading_score_z": -Z,
            "mean_score_z": (-1 - 2 * Z) / 3,
            "schools_3_years": 3,
            "late_entry": 1,  # joined this school in March of the year before
            "grade_level": 10,
            "years_since_grade_9": 1,
            "behind_cohort": 0,
            "years_over_age": 5663 / 365.25 - 15.5,
            "economically_disadvantaged": 1,
            "english_learner": 0,
            "disability": 1,
            "events_60_days": 4,
            "active_days_60": 3,
            "days_since_event": 0,
            "events_change": 4 - 2,
            "quiz_score": 0.7,
            "supports_assigned": 1,
        },
    )


def test_the_same_student_a_year_earlier(table: pd.DataFrame) -> None:
    assert_values(
        of(table, "ana", "2023-10-01"),
        {
            "attendance_last_term": 0.9,
            "attendance_change": 0,
            "absence_history": None,
            "chronic_absence": 1,  # exactly 10 % of the days is chronic
            "school_attendance_year": None,
            "incidents_ever": 0,
            "gpa_all": None,
            "courses_failed_ever": 0,
            "math_score_z": -Z,
            "reading_score_z": None,
            "schools_3_years": 3,
            "years_since_grade_9": 0,
            "economically_disadvantaged": 0,
            "english_learner": 1,
            "days_since_event": None,
        },
    )


def test_repeating_a_grade_and_an_old_event(table: pd.DataFrame) -> None:
    assert_values(
        of(table, "ben", "2024-10-01"),
        {
            "behind_cohort": 1,
            "years_over_age": 6210 / 365.25 - 15.5,
            "attendance_last_term": 1,
            "attendance_change": None,
            "chronic_absence": 0,
            "gpa_last_term": None,  # no credits attempted
            "courses_failed_ever": 0,
            "days_since_event": 365,
            "events_60_days": 0,
            "quiz_score": None,
            "math_score_z": 0,
            "economically_disadvantaged": None,
        },
    )


def test_a_student_without_records_has_counts_of_zero_and_nothing_else(table: pd.DataFrame) -> None:
    found = of(table, "cal", "2024-10-01")
    own = {"enrollments", "students"}
    wanted = {
        f.name: f.nothing for f in features.FEATURES if f.source not in own and f.name != "school_attendance_year"
    }
    assert_values(found, wanted)
    assert sum(value == 0 for value in wanted.values()) == 10
    assert_values(found, {"late_entry": 1, "schools_3_years": 1, "years_since_grade_9": None, "behind_cohort": None})


def test_entry_into_grade_9_is_unknown_before_it_happens(tiny: store.Data) -> None:
    found = of(frame(tiny, ["2022-10-01"], (8, 12)), "ana", "2022-10-01")
    assert_values(found, {"years_since_grade_9": None, "behind_cohort": None, "grade_level": 8})


def test_columns_are_the_roster_the_features_and_the_audit_columns(table: pd.DataFrame) -> None:
    declared = [f.name for f in (*features.FEATURES, *features.AUDIT) if f.name not in features.ROSTER]
    assert list(table.columns) == [*features.ROSTER, *declared]
    assert set(features.AUDIT_COLUMNS).isdisjoint(features.PREDICTORS)
    assert {str(table[name].dtype) for name in features.PREDICTORS} == {"float64", "int64"}


def test_rows_are_the_roster_in_order(table: pd.DataFrame) -> None:
    assert list(zip(table.as_of.astype(str), table.student_id, strict=True)) == [
        ("2023-10-01", "ana"),
        ("2023-10-01", "ben"),
        ("2023-10-01", "eve"),
        ("2024-10-01", "ana"),
        ("2024-10-01", "ben"),
        ("2024-10-01", "cal"),
    ]


def known_on(facts: dict, day: str) -> dict:
    """Leave out every fact of a later date."""
    last = date.fromisoformat(day)
    kept = {}
    for name, rows in facts.items():
        kept[name] = [r for r in rows if name not in DATE or _day(r[DATE[name]]) <= last]
    return kept


def _day(value: date | datetime) -> date:
    return value.date() if isinstance(value, datetime) else value


@pytest.mark.parametrize("day", ["2023-01-15", "2023-10-01", "2024-05-20"])
def test_later_facts_change_nothing(awkward: Path, awkward_facts: dict, day: str, write, tmp_path: Path) -> None:
    then = store.open_data(write(tmp_path / "then", known_on(awkward_facts, day)))
    now = store.open_data(awkward)
    assert now.manifest["tables"]["events"]["rows"] > then.manifest["tables"]["events"]["rows"]
    pd.testing.assert_frame_equal(frame(then, [day], (0, 12)), frame(now, [day], (0, 12)), check_exact=True)


def test_many_days_at_once_are_the_same_as_one_by_one(awkward: Path) -> None:
    data = store.open_data(awkward)
    days = ["2022-10-01", "2023-10-01", "2024-10-01"]
    alone = pd.concat([frame(data, [day]) for day in days], ignore_index=True)
    pd.testing.assert_frame_equal(frame(data, days), alone, check_exact=True)


def test_a_missing_table_leaves_its_features_unknown(tiny_facts: dict, write, tmp_path: Path) -> None:
    del tiny_facts["events"], tiny_facts["scales"]
    found = of(frame(store.open_data(write(tmp_path / "less", tiny_facts)), DAYS), "ana", "2024-10-01")
    assert_values(found, {"events_60_days": None, "quiz_score": None, "math_score_z": None, "gpa_last_term": 2.25})


def test_a_roster_without_its_columns_is_refused(tiny: store.Data) -> None:
    with pytest.raises(BadParameter, match="no column as_of, school_year, grade_level"):
        features.student_features(tiny, tiny.enrollments.select("student_id", "school_id"))


def compare(one: pd.DataFrame, other: pd.DataFrame) -> None:
    assert len(one)
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-9, atol=0)


@pytest.fixture(scope="module")
def spark() -> Iterator[None]:
    pytest.importorskip("pyspark", reason="PySpark is not installed: type make setup")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java: apt-get install openjdk-17-jre-headless")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_SPARK_PARTITIONS", "2")  # small data: fewer tasks, same answer
        yield


@pytest.mark.usefixtures("spark")
def test_spark_gives_the_same_table(awkward: Path) -> None:
    days = ["2023-01-15", "2023-10-01", "2024-10-01"]
    compare(frame(store.open_data(awkward), days), frame(store.open_data(awkward, "spark"), days))


@pytest.mark.usefixtures("spark")
def test_spark_gives_the_same_table_for_the_sample(sample: Path) -> None:
    days = ["2024-01-31", "2025-01-31"]
    compare(frame(store.open_data(sample), days), frame(store.open_data(sample, "spark"), days))


def test_plain_pandas_gives_the_same_table(awkward: Path) -> None:
    days = ["2023-01-15", "2023-10-01", "2024-10-01"]
    compare(frame(store.open_data(awkward), days), _in_pandas().features(awkward, days))


def test_plain_pandas_gives_the_same_table_for_the_sample(sample: Path) -> None:
    days = ["2023-01-31", "2024-01-31", "2025-01-31"]
    compare(frame(store.open_data(sample), days), _in_pandas().features(sample, days))


def _in_pandas() -> ModuleType:
    file = Path(__file__).parents[2] / "benchmarks" / "features_pandas.py"
    spec = importlib.util.spec_from_file_location("features_pandas", file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
