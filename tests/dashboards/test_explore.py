"""Tables and charts of one's own."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from workbench.dashboards import explore
from workbench.dashboards.change import Estimate
from workbench.disclosure.published import PublishedTable
from workbench.errors import BadInput

ROWS = [
    {"school_id": s, "year": y, "n": 100.0, "share_met": v, "low": v - 0.1, "high": v + 0.1, "suppressed": False}
    for s, y, v in (("A1", 2024, 0.5), ("A1", 2025, 0.6), ("A2", 2025, 0.3))
]
VALUES = ("share_met", "low", "high")


def made(rows: list[dict[str, Any]]) -> PublishedTable:
    keys = tuple(name for name in rows[0] if name not in ("n", "suppressed", *VALUES))
    return PublishedTable(
        pa.Table.from_pylist(rows), "Met", keys, "n", VALUES, {"share_met": "a share"}, 10, None, "", "run-1", "2025"
    )


MET = made(ROWS)
NAMES = made([{"district_id": "D1", "district_name": "North", "school_id": "A1", "school_name": "Alder", **ROWS[0]}])


def test_what_can_be_chosen() -> None:
    rows = explore.readable(MET, NAMES)
    assert explore.keys(MET, rows) == ["school_id", "year"]
    assert explore.measures(MET) == ["share_met", "n"]
    assert explore.options(rows, "school_id") == {"any": "any", "A2": "A2", "Alder (A1)": "A1"}
    assert explore.first({"gaps": MET, "indicators": MET}, "spring") == "indicators"
    blank = made([{**ROWS[0], "school_id": "A1", "suppressed": True, "n": None, **dict.fromkeys(VALUES)}])
    assert explore.first({"gaps": MET, "indicators": blank}, "spring") == "gaps"
    assert explore.first({"gaps": blank, "indicators": blank}, "spring") == "indicators"
    assert explore.first({"gaps": MET, "indicators": MET}, "spring", "gaps") == "gaps"
    with pytest.raises(BadInput, match="no published table of “spring”"):
        explore.first({}, "spring")


def test_a_chart_narrows_what_is_left_open_and_says_so() -> None:
    found = explore.chart(explore.readable(MET, NAMES), "school_id", "none", "share_met", MET)
    assert found.title == "Met: share met (year 2025)"
    assert [(one.name, one.estimate) for one in found.ranges] == [
        ("Alder (A1)", Estimate(0.6, 0.5, 0.7)),
        ("A2", Estimate(0.3, pytest.approx(0.2), 0.4)),
    ]
    assert found.ranges[0].text == "60.0 % (50.0 to 70.0)"


def test_lines_by_a_second_key() -> None:
    found = explore.chart(explore.readable(MET, None), "year", "school_id", "share_met", MET)
    assert [(line.name, list(line.points)) for line in found.lines] == [("A1", ["2024", "2025"]), ("A2", ["2025"])]
    assert explore.chart([], "year", "none", "n", MET).said.startswith("No row is left")


def test_indicators_are_said_as_on_the_other_pages() -> None:
    assert explore.said({"indicator": "graduation_4yr"}, "indicator") == "Graduated within four years"
    assert explore.said({"indicator": "made_up"}, "indicator") == "made up"


def test_too_many_dots_are_refused_in_words() -> None:
    many = made(
        [{"school_id": f"S{n}", **{name: ROWS[0][name] for name in ("n", *VALUES, "suppressed")}} for n in range(99)]
    )
    assert explore.chart(explore.readable(many, None), "school_id", "none", "n", many).said.startswith("99 dots")


def test_what_is_withheld_is_marked_in_the_table_and_the_chart() -> None:
    blank = {"n": None, "share_met": None, "low": None, "high": None, "suppressed": True}
    some = made([ROWS[1], {"school_id": "A2", "year": 2025, **blank}])
    rows = explore.readable(some, None)
    assert [one.text for one in explore.chart(rows, "school_id", "none", "share_met", some).ranges][1] == "withheld"
    assert explore.columns(rows, some)[1] == [False, True]
