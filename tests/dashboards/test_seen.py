"""Tables cut to their viewer, and looks written down."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.access import Scope, Viewer
from workbench.access.roles import ALL, Units
from workbench.access.signed_in import AHEAD
from workbench.dashboards import seen
from workbench.disclosure import published
from workbench.errors import AccessDenied, AuditError

AT = "2025-01-31T09:00:00+00:00"
CEDAR = Viewer("m.lee", "principal", Scope(schools=Units(frozenset({"S01"})), tables=ALL))


@pytest.fixture
def by_school(site: Path) -> Path:
    rows = pd.DataFrame({"school_id": ["S01", "S02"], "n": [360, 240]})
    wb.publish("by_school", rows, keys=["school_id"])
    manifest = published.commit("demo", {"caseload": site / "runs" / "study-1" / "caseload"}, "demo-1")
    assert manifest is not None
    told = json.loads(manifest.read_text())
    told["tables"]["by_school"] |= {"audience": "school", "unit": "school_id"}
    manifest.write_text(json.dumps(told))
    return site


def lines(site: Path) -> list[dict[str, object]]:
    return [json.loads(line) for file in (site / "audit").glob("*.jsonl") for line in file.read_text().splitlines()]


def test_rows_of_other_schools_are_left_out_and_the_look_is_written_down(by_school: Path) -> None:
    one = seen.read("demo", "by_school", at=AT, filters={"grade": "9"}, viewer=CEDAR)
    assert one.published.table.to_pylist() == [{"school_id": "S01", "n": 360.0, "suppressed": False}]
    assert one.not_shown == "Rows of other schools than those of your role (S01) are not shown."
    (line,) = lines(by_school)
    assert (line["who"], line["what"], line["thing"], line["rows"]) == ("m.lee", "saw", "demo/by_school", 1)
    assert (line["filters"], line["at"]) == ({"grade": "9"}, AT)


def test_the_public_is_refused_in_the_same_words_as_for_a_table_that_is_not_there(by_school: Path) -> None:
    for name in ("by_school", "nothing"):
        with pytest.raises(AccessDenied, match="not there, or it is not for you"):
            seen.read("demo", name, at=AT, viewer=Viewer("", "public", Scope(tables=Units(frozenset({"open"})))))
    assert [line["what"] for line in lines(by_school)] == ["was refused", "was refused"]


def test_what_is_read_before_anybody_looks_is_written_of_no_person(
    by_school: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(AHEAD, "1")
    seen.read("demo", "by_school", at=AT, viewer=CEDAR)
    with pytest.raises(AccessDenied):
        seen.read("demo", "by_school", at=AT, viewer=replace(CEDAR, scope=Scope()))
    found = [(line["who"], line["what"]) for line in lines(by_school)]
    assert found == [("dashboards", "prepared"), ("dashboards", "was refused")]


def test_what_cannot_be_written_down_is_not_shown(by_school: Path) -> None:
    with pytest.raises(AuditError):
        seen.read("demo", "by_school", at="yesterday", viewer=CEDAR)


GROUPS = [
    ("all", "all"),
    ("sex", "female"),
    ("economically_disadvantaged", "yes"),
    ("economically_disadvantaged", "no"),
]
FOR_SCHOOLS = {"audience": "school", "unit": "school_id"}


def publish_groups(site: Path, about: dict[str, str]) -> None:
    """Publish groups of one school, whose size stands beside how many of them get free lunch, and their mean grade."""
    rows = pd.DataFrame(
        [("S01", kind, group, n, 0.5, 2.5) for (kind, group), n in zip(GROUPS, (360, 180, 120, 240), strict=True)],
        columns=["school_id", "group_kind", "group", "n", "free_lunch_rate", "mean_gpa"],
    )
    wb.publish("by_group", rows, keys=["school_id", "group_kind", "group"])
    manifest = published.commit("demo", {"caseload": site / "runs" / "study-1" / "caseload"}, "demo-1")
    assert manifest is not None
    told = json.loads(manifest.read_text())
    told["tables"]["by_group"] |= about
    manifest.write_text(json.dumps(told))


def who(role: str, **scope: object) -> Viewer:
    return Viewer("a", role, Scope(districts=ALL, schools=ALL, tables=ALL, **scope))  # type: ignore[arg-type]


def test_who_is_not_granted_meal_eligibility_sees_no_group_and_no_column_that_tells_of_it(site: Path) -> None:
    publish_groups(site, FOR_SCHOOLS)
    one = seen.read("demo", "by_group", at=AT, viewer=who("district"))
    assert [row["group"] for row in one.published.table.to_pylist()] == ["all", "female"]
    assert one.published.table.column_names == ["school_id", "group_kind", "group", "n", "mean_gpa", "suppressed"]
    assert one.published.values == ("mean_gpa",)
    assert one.not_shown.endswith(seen.MEALS)
    assert [line["rows"] for line in lines(site)] == [2]
    granted = seen.read("demo", "by_group", at=AT, viewer=who("district", meal_programme=True))
    assert (granted.published.table.num_rows, "free_lunch_rate" in granted.published.values) == (4, True)
    assert seen.MEALS not in granted.not_shown


def test_a_table_for_the_public_is_whole_for_everybody(site: Path) -> None:
    publish_groups(site, {})
    for viewer in (Viewer("", "public", Scope(tables=ALL)), CEDAR, who("researcher")):
        table = seen.read("demo", "by_group", at=AT, viewer=viewer).published.table
        assert (table.num_rows, "free_lunch_rate" in table.column_names) == (4, True)


def test_a_researcher_sees_the_values_of_their_columns_only(site: Path) -> None:
    publish_groups(site, FOR_SCHOOLS)
    some = who("researcher", columns=Units(frozenset({"mean_gpa"})), meal_programme=True)
    one = seen.read("demo", "by_group", at=AT, viewer=some)
    assert one.published.table.column_names == ["school_id", "group_kind", "group", "n", "mean_gpa", "suppressed"]
    assert one.not_shown.endswith(seen.COLUMNS)
    none = seen.read("demo", "by_group", at=AT, viewer=who("researcher", meal_programme=True))
    assert none.published.values == ()
    every = seen.read("demo", "by_group", at=AT, viewer=who("researcher", columns=ALL, meal_programme=True))
    assert every.published.values == ("free_lunch_rate", "mean_gpa")


def test_a_key_that_is_eligibility_leaves_its_total(site: Path) -> None:
    rows = pd.DataFrame({"school_id": "S01", "lunch_status": ["all", "free", "paid"], "n": [360, 120, 240]})
    wb.publish("by_school", rows, keys=["school_id", "lunch_status"])
    manifest = published.commit("demo", {"caseload": site / "runs" / "study-1" / "caseload"}, "demo-1")
    assert manifest is not None
    told = json.loads(manifest.read_text())
    told["tables"]["by_school"] |= FOR_SCHOOLS
    manifest.write_text(json.dumps(told))
    table = seen.read("demo", "by_school", at=AT, viewer=who("state")).published.table
    assert [(row["lunch_status"], row["n"]) for row in table.to_pylist()] == [("all", 360.0)]
