"""What each role sees, on tables small enough to see it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.access.roles import ALL, AUDIENCES, NOTHING, ROLES, Scope, Units, Viewer, names_a_person, tells_of_meals

SCHOOLS = pa.table({"school_id": ["S1", "S2", "S3", None], "n": [10, 20, 30, 40]})
WITH_DISTRICT = pa.table(
    {"school_id": ["S1", "S2", "S3", "all"], "district_id": ["D1", "D1", "D2", "all"], "n": [1, 2, 3, 4]}
)


def some(*names: str) -> Units:
    return Units(frozenset(names))


def viewer(role: str | None, **scope: object) -> Viewer:
    return Viewer("lee", role, Scope(**({"tables": ALL} | scope)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("public", ["public"]),
        ("teacher", ["public", "school"]),
        ("counsellor", ["public", "school"]),
        ("principal", ["public", "school"]),
        ("district", ["public", "school", "district"]),
        ("state", list(AUDIENCES)),
        ("researcher", list(AUDIENCES)),
        (None, []),
    ],
)
def test_which_audiences_a_role_belongs_to(role: str | None, seen: list[str]) -> None:
    looks = viewer(role)
    assert [one for one in AUDIENCES if looks.sees({"audience": one, "unit": "school_id"}, "t")] == seen
    assert not looks.sees({"audience": "everyone"}, "t")
    assert not looks.sees({}, "t")


def test_a_table_outside_of_the_scope_is_not_seen() -> None:
    looks = viewer("state", tables=some("rates"))
    assert looks.sees({"audience": "public"}, "rates")
    assert looks.sees({"audience": "public", "name": "rates"})
    assert not looks.sees({"audience": "public"}, "risk")
    assert not looks.sees({"audience": "public"})


def test_a_table_without_units_is_for_those_whose_scope_is_everybody() -> None:
    about = {"audience": "state", "unit": None}
    assert viewer("state", districts=ALL, schools=ALL).sees(about, "t")
    assert not viewer("state", districts=some("D1"), schools=ALL).sees(about, "t")
    assert not viewer("state", districts=some("D1"), schools=ALL).sees({"audience": "state", "unit": "section_id"}, "t")


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        ({"schools": some("S1")}, ["S1"]),
        ({"schools": some("S1", "S9")}, ["S1"]),
        ({"schools": ALL, "districts": ALL}, ["S1", "S2", "S3"]),
        ({"schools": ALL, "districts": some("D1")}, []),
        ({"schools": ALL}, []),
        ({"districts": ALL}, []),
        ({}, []),
    ],
)
def test_only_rows_of_units_in_scope_are_seen(scope: dict[str, Units], seen: list[str]) -> None:
    assert viewer("principal", **scope).rows(SCHOOLS, "school_id")["school_id"].to_pylist() == seen


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        ({"schools": ALL, "districts": some("D1")}, [1, 2]),
        ({"schools": some("S1", "S3"), "districts": some("D1")}, [1]),
        ({"schools": some("S1", "S3")}, [1, 3]),
        ({"schools": ALL, "districts": ALL}, [1, 2, 3, 4]),
    ],
)
def test_all_schools_are_all_schools_of_the_districts_in_scope(scope: dict[str, Units], seen: list[int]) -> None:
    assert viewer("district", **scope).rows(WITH_DISTRICT, "school_id")["n"].to_pylist() == seen


def test_nobody_sees_rows_by_a_unit_that_is_none_or_is_not_there() -> None:
    whole = viewer("state", districts=ALL, schools=ALL)
    part = viewer("state", districts=some("D1"), schools=ALL)
    assert len(part.rows(WITH_DISTRICT, "n")) == 0
    assert len(part.rows(WITH_DISTRICT, "section_id")) == 0
    assert len(whole.rows(WITH_DISTRICT, "n")) == 4
    assert len(whole.rows_in(WITH_DISTRICT, ())) == 0
    assert len(whole.rows(WITH_DISTRICT, None)) == len(whole.rows(WITH_DISTRICT, "")) == 4
    assert len(viewer(None, districts=ALL, schools=ALL).rows(WITH_DISTRICT, None)) == 0


def test_a_teacher_sees_their_own_students_only() -> None:
    rows = pa.table({"school_id": ["S1", "S1", "S2"], "teacher_id": ["T1", "T2", "T1"], "n": [1, 2, 3]})
    looks = viewer("teacher", schools=some("S1"), teachers=some("T1"))
    assert looks.rows_in(rows, ("school_id", "teacher_id"))["n"].to_pylist() == [1]
    assert len(viewer("teacher", schools=some("S1")).rows_in(rows, ("school_id", "teacher_id"))) == 0


COLUMNS = ("student_id", "first_name", "school_name", "gpa", "economically_disadvantaged")


@pytest.mark.parametrize(
    ("role", "scope", "seen"),
    [
        ("counsellor", {"columns": ALL}, COLUMNS[:4]),
        ("counsellor", {"columns": ALL, "meal_programme": True}, COLUMNS),
        ("counsellor", {"columns": some("gpa", "economically_disadvantaged")}, ("gpa",)),
        ("counsellor", {}, ()),
        ("researcher", {"columns": ALL}, ("student_id", "school_name", "gpa")),
        ("researcher", {"columns": some("first_name")}, ()),
        (None, {"columns": ALL, "meal_programme": True}, ()),
    ],
)
def test_columns_of_rows_about_students(role: str | None, scope: dict[str, object], seen: tuple[str, ...]) -> None:
    assert viewer(role, **scope).columns(COLUMNS) == seen


@pytest.mark.parametrize("column", ["name", "firstName", "Last Name", "student_email", "guardian_phone", "SURNAME"])
def test_columns_that_name_a_person(column: str) -> None:
    assert names_a_person(column)


@pytest.mark.parametrize("column", ["school_name", "district_name", "test_name", "gpa", "student_id", "mean_risk"])
def test_columns_that_do_not(column: str) -> None:
    assert not names_a_person(column)


@pytest.mark.parametrize("text", ["economically_disadvantaged", "free lunch", "FRPL", "frl_eligible", "meal_status"])
def test_what_tells_of_meals(text: str) -> None:
    assert tells_of_meals(text)
    assert not tells_of_meals("oatmeal, enamel, profile, economics")


def test_every_role_is_in_the_tables_of_rules() -> None:
    from workbench.access.roles import AUDIENCES_OF

    assert set(AUDIENCES_OF) == set(ROLES)
    assert str(ALL) == "all"
    assert str(NOTHING) == "none"


def test_a_viewer_costs_a_dashboard_no_pandas(tmp_path: Path) -> None:
    code = (
        "import sys, pyarrow.parquet as pq; from workbench.access.roles import *;"
        "from workbench.disclosure import released;"
        "table = pq.ParquetFile(sys.argv[1]).read(); scope = Scope(schools=Units(frozenset(['S1'])));"
        "seen = Viewer('lee', 'principal', scope).rows(table, 'school_id'); assert len(seen) == 1;"
        "assert 'pandas' not in sys.modules"
    )
    pq.write_table(SCHOOLS, tmp_path / "schools.parquet")
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "schools.parquet")], check=True)


def test_nothing_of_other_rows_hides_in_a_dictionary() -> None:
    names = pa.array(["Jane", "Tom"]).dictionary_encode()
    rows = pa.table({"school_id": ["S1", "S2"], "pupil": names})
    seen = viewer("principal", schools=some("S2")).rows(rows, "school_id")
    assert seen["pupil"].type == pa.string()
    assert seen.to_pylist() == [{"school_id": "S2", "pupil": "Tom"}]
