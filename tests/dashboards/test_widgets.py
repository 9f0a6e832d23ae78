"""Filters, and what changes with them."""

from __future__ import annotations

import pytest

from workbench.dashboards import choice, filters, from_address, guard, live


def test_moving_a_filter_makes_the_part_anew() -> None:
    school, grade = choice("School", {"Cedar High": "S1", "Zion": "S2"}), choice("Grade", ["9", "10", "9"])
    part = live(lambda school, grade: f"{school}, {grade}", school=school, grade=grade)
    assert part.value == "S1, 9"
    school.value = "S2"
    assert part.value == "S2, 9"
    grade.value = "10"
    assert part.value == "S2, 10"
    assert grade.options == ("9", "10")


def test_a_part_that_fails_says_so_and_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_log", lambda: guard.logging.getLogger("nowhere"))
    group = choice("Group", ["all", "none"])
    part = live(lambda group: str({"all": 1}[group]), group=group)
    group.value = "none"
    assert guard.SORRY in part.value
    group.value = "all"
    assert part.value == "1"


def test_filters_carry_their_names() -> None:
    box = filters(choice("School", ["A"]))
    assert box.children[0].description == "School"


def test_the_address_of_the_page_may_name_a_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUERY_STRING", "token=x&run_name=district")
    assert from_address("run_name", "demo") == "district"
    assert from_address("other", "demo") == "demo"
    monkeypatch.delenv("QUERY_STRING")
    assert from_address("run_name", "demo") == "demo"


def test_filters_and_parts_can_be_read_before_their_scripts_have_come() -> None:
    school, grade = choice("School", ["Cedar High", "<Zion>"]), choice("Grade", {"Grade 9": "9"})
    part = live(lambda school: f"<b>{school}</b>", school=school)
    school.value = "<Zion>"
    assert part._repr_mimebundle_()["application/vnd.workbench.still"] == "<b><Zion></b>"
    assert filters(school, grade)._repr_mimebundle_()["application/vnd.workbench.still"] == (
        '<div class="wb-filters">School: &lt;Zion&gt; · Grade: Grade 9</div>'
    )
