"""The published indicators, looked up."""

from __future__ import annotations

from typing import Any

from workbench.dashboards.change import Estimate
from workbench.dashboards.facts import facts, group_name, students_name


def row(year: str, school: str = "all", grade: str = "all", group: str = "", **numbers: Any) -> dict[str, Any]:
    kind, _, name = group.partition("=")
    names = {"indicator": "proficient_math", "school_year": year, "district_id": "D1", "school_id": school}
    whole = {"n": 100.0, "value": 0.5, "low": 0.4, "high": 0.6, "suppressed": False}
    return names | {"grade": grade, "group_kind": kind or "all", "group": name or "all"} | whole | numbers


BLANK = {"n": None, "value": None, "low": None, "high": None, "suppressed": True}
FOUND = facts(
    [
        row("2024"),
        row("2025"),
        row("2025", grade="0"),
        row("2025", group="sex=female", n=60.0),
        row("2025", "A1", **BLANK),
    ],
    [row("2025", value=0.9), row("2025", "A1", group="sex=male"), row("2025", group="sex=male", n=40.0)],
)
ASKED = ("proficient_math", "D1", "all", "2025")


def test_a_number_and_why_there_is_none() -> None:
    assert FOUND.text(*ASKED) == "50.0 % (40.0 to 60.0)"  # the first table goes before
    assert FOUND.short(*ASKED) == "50.0 %"
    assert FOUND.text("proficient_math", "A1", "all", "2025") == "withheld"
    assert FOUND.text("proficient_math", "A2", "all", "2025") == "not published"
    assert FOUND.at("proficient_math", "A2", "all", "2025") == Estimate(None)
    assert FOUND.count(*ASKED) == 100


def test_what_can_be_chosen() -> None:
    assert FOUND.years() == ["2024", "2025"]
    assert FOUND.indicators() == {"Proficient in math": "proficient_math"}
    assert list(FOUND.students()) == ["All students", "Grade K", "Sex: female", "Sex: male"]
    assert FOUND.kinds() == {"Grade": "grade", "Sex": "sex"}
    assert FOUND.groups("proficient_math", "D1", "sex", "2025") == ["sex=female", "sex=male"]
    assert FOUND.split("A1", "2025") == {"Proficient in math": "proficient_math"}
    assert FOUND.split("A1", "2024") == {}


def test_a_page_opens_with_a_number_where_there_is_one() -> None:
    names = {"District": "D1", "Alder": "A1", "Birch": "A2"}
    assert FOUND.to_open(names) == (names, ["2025", "2024"])
    one_school = facts([row("2025", **BLANK), row("2025", "A1", **BLANK), row("2024", "A1"), row("2024", "A2")])
    assert one_school.to_open(names) == ({"Alder": "A1", "District": "D1", "Birch": "A2"}, ["2024", "2025"])
    nothing = facts([row("2025", **BLANK)])
    assert nothing.to_open(names) == (names, ["2025"])
    assert facts([]).to_open(names) == (names, [])


def test_the_measure_that_comes_first_has_a_number_in_the_newest_year() -> None:
    older = [row(year) for year in ("2021", "2022", "2023")]
    newer = row("2025", indicator="chronic_absence")
    assert next(iter(facts([*older, newer]).indicators().values())) == "chronic_absence"


def test_years_before_and_up_to() -> None:
    assert FOUND.latest("proficient_math", "2030") == "2025"
    assert FOUND.earlier("proficient_math", "2025") == "2024"
    assert FOUND.earlier("proficient_math", "2024") == ""
    assert list(FOUND.series("proficient_math", "D1", "all")) == ["2024", "2025"]


def test_a_measure_beside_the_year_before_or_an_earlier_publication() -> None:
    (one,) = FOUND.measured("D1", "all", "2025")
    assert (one.words, one.then.value, one.now.value) == ("proficient in math", 0.5, 0.5)
    (then,) = FOUND.measured("D1", "all", "2025", facts([row("2024", value=0.3)]))
    assert then.then.value == 0.3


def test_students_in_words() -> None:
    assert students_name("race_ethnicity=american_indian") == "Race or ethnicity: American Indian"
    assert group_name("race_ethnicity=american_indian") == "American Indian"
    assert group_name("grade=9") == "Grade 9"
