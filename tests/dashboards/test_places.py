"""Where numbers are from, and which schools are alike."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.dashboards.change import Estimate
from workbench.dashboards.places import Place, parts, place_of, places, similar, span, way_to, whole

SCHOOLS = [
    ("D1", "North", "A1", "Alder", "elementary", 400, 0.30),
    ("D1", "North", "A2", "Birch", "elementary", 360, 0.32),
    ("D1", "North", "A3", "Cedar", "elementary", 200, 0.80),
    ("D1", "North", "A4", "Dogwood", "high", 400, 0.30),
    ("D2", "South", "B1", "Alder", "elementary", 300, 0.50),
]


def directory() -> list[dict[str, Any]]:
    names = [
        "district_id",
        "district_name",
        "school_id",
        "school_name",
        "level",
        "n",
        "share_economically_disadvantaged",
    ]
    fixed = {"share_english_learner": 0.1, "share_disability": None}
    return [dict(zip(names, one, strict=True)) | fixed for one in SCHOOLS]


@pytest.fixture
def known() -> dict[str, Place]:
    return places(directory())


def test_from_the_whole_to_a_school_and_back(known: dict[str, Place]) -> None:
    assert whole(known).name == "All districts"
    assert [one.name for one in parts(known, "all")] == ["North", "South"]
    assert [one.id for one in parts(known, "D2")] == ["B1"]
    assert [one.id for one in parts(known, "A1")] == ["A1", "A2", "A3", "A4"]  # a school: those beside it
    assert [one.id for one in way_to(known, "B1")] == ["all", "D2"]
    assert way_to(known, "all") == []


def test_a_name_that_two_schools_share_carries_the_identifier(known: dict[str, Place]) -> None:
    assert (known["A1"].name, known["B1"].name, known["A2"].name) == ("Alder (A1)", "Alder (B1)", "Birch")


def test_with_one_district_it_is_the_whole() -> None:
    known = places([row for row in directory() if row["district_id"] == "D1"])
    assert whole(known).id == "D1"
    assert way_to(known, "A1") == [known["D1"]]


def test_a_row_tells_of_its_school_else_of_its_district() -> None:
    assert place_of({"district_id": "D1", "school_id": "A1"}) == "A1"
    assert place_of({"district_id": "D1", "school_id": "all"}) == "D1"
    assert place_of({"school_id": "all"}) == "all"


def test_similar_schools_by_hand(known: dict[str, Place]) -> None:
    """Of the four elementary schools ln(size) has SD 0.2643, the share 0.2005; a trait that is alike counts nothing."""
    found = similar(known, "A1")
    assert [one.id for one, _ in found] == ["A2", "B1", "A3"]
    assert [apart for _, apart in found] == pytest.approx([0.2906, 1.0440, 2.5592], abs=5e-4)


def test_a_school_of_another_level_is_never_similar(known: dict[str, Place]) -> None:
    assert similar(known, "A4") == []


def test_the_middle_and_the_span_of_what_is_shown() -> None:
    assert span([0.1, None, 0.4, 0.2]) == Estimate(0.2, 0.1, 0.4)
    assert span([None]) == Estimate(None)
