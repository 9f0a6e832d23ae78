"""The data model: rules that every declaration follows, and what a person is shown of it."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

import workbench as wb
from workbench.errors import BadInput
from workbench.tables import TABLES, Table, data_model_page, table

ALL = [pytest.param(each, id=name) for name, each in TABLES.items()]
DATES = {"enrollments": "entry_date", "attendance": "end_date", "course_results": "posted_date"}


@pytest.mark.parametrize("declared", ALL)
def test_a_declaration_is_complete(declared: Table) -> None:
    names = [column.name for column in declared.columns]
    assert len(set(names)) == len(names)
    assert set(declared.key) <= set(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in (declared.name, *names))
    assert declared.help.endswith(".")
    assert all(column.help for column in declared.columns)


@pytest.mark.parametrize("declared", ALL)
def test_limits_go_with_their_types(declared: Table) -> None:
    for column in declared.columns:
        assert not column.allowed or column.type == "string"
        assert (column.minimum is None and column.maximum is None) or column.type in ("int", "float")
        assert not (column.name in declared.key and column.nullable)


@pytest.mark.parametrize("declared", ALL)
def test_a_table_split_by_year_says_the_year(declared: Table) -> None:
    assert not declared.by_year or "school_year" in declared.names


def test_a_student_is_personal_in_every_table() -> None:
    found = [c.personal for t in TABLES.values() for c in t.columns if c.name == "student_id"]
    assert len(found) >= 9
    assert all(found)
    personal = {c.name for c in TABLES["students"].columns if c.personal}
    assert {"student_id", "birth_date", "sex", "race_ethnicity"} <= personal


@pytest.mark.parametrize(("name", "column"), DATES.items())
def test_a_fact_carries_the_day_on_which_it_was_known(name: str, column: str) -> None:
    (declared,) = [c for c in TABLES[name].columns if c.name == column]
    assert (declared.type, declared.nullable) == ("date", False)


def test_the_arrow_schema_has_the_declared_order_types_and_gaps() -> None:
    schema = TABLES["enrollments"].arrow_schema()
    assert tuple(schema.names) == TABLES["enrollments"].names
    assert schema.field("school_year") == pa.field("school_year", pa.int64(), False)
    assert schema.field("exit_date") == pa.field("exit_date", pa.date32(), True)


def test_all_tables_are_described_and_each_of_them() -> None:
    tables = wb.describe_tables()
    assert list(tables.index) == list(TABLES)
    assert tables.loc["attendance", "key"] == ", ".join(TABLES["attendance"].key)
    columns = wb.describe_tables("enrollments")
    assert tuple(columns.index) == TABLES["enrollments"].names
    assert columns.loc["grade_level", "allowed"] == "0…12"
    assert columns.loc["exit_date", "allowed"] == "may be empty"
    assert columns.loc["student_id", "personal"] == "yes"


def test_an_unknown_table_is_told_with_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"There is no table 'pupils' in the data model. Its tables are: districts, "):
        table("pupils")


def test_the_page_shows_every_column() -> None:
    page = data_model_page()
    for declared in TABLES.values():
        section = page.split(f"\n## {declared.name}\n")[1].split("\n## ")[0]
        assert [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")] == list(declared.names)
