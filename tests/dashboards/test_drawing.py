"""Charts as SVG: what is drawn, and what they say to who cannot see them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from workbench.dashboards import drawing
from workbench.dashboards.change import Estimate
from workbench.dashboards.drawing import Line

LINES = [
    Line("North", {"2023": Estimate(0.2, 0.1, 0.3), "2024": Estimate(None), "2025": Estimate(0.4, 0.3, 0.5)}),
    Line("South <1>", {"2024": Estimate(0.3, 0.25, 0.35)}),
]


def test_an_axis_has_round_ends_and_holds_every_limit() -> None:
    low, high, ticks = drawing.axis(LINES[0].points.values(), "share")
    assert (low, high) == pytest.approx((0.1, 0.5))
    assert ticks == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert [drawing.label(one, "share") for one in ticks] == ["10 %", "20 %", "30 %", "40 %", "50 %"]
    assert drawing.axis([], "number")[:2] == (0.0, 1.0)
    low, high, _ = drawing.axis([Estimate(0.5)], "share")
    assert low < 0.5 < high


def test_every_number_has_its_limits_drawn_and_lines_differ_by_more_than_colour() -> None:
    svg = ET.fromstring(drawing.trend(LINES, "share", "Absence", "North rose."))
    space = "{http://www.w3.org/2000/svg}"
    whiskers = [one for one in svg.iter(f"{space}path") if "V" in one.get("d", "")]
    assert len(whiskers) == 3
    assert len(list(svg.iter(f"{space}circle"))) == 3  # two numbers and the legend
    assert len([one for one in svg.iter(f"{space}rect") if one.get("x")]) == 2
    assert {one.get("stroke-dasharray") for one in svg.iter(f"{space}polyline")} == {None, "7 4"}
    assert (svg.get("role"), svg.get("aria-label")) == ("img", "Absence. North rose.")
    assert svg.findtext(f"{space}title") == "Absence"


def test_a_line_breaks_where_a_number_is_missing() -> None:
    assert len(re.findall("<polyline", drawing.trend(LINES[:1], "share", "", ""))) == 2


def test_grades_and_years_stand_in_their_order() -> None:
    assert drawing.in_order(["10", "9", "0", "9"]) == ["0", "9", "10"]


def test_dots_and_what_is_withheld() -> None:
    svg = drawing.ranges([("Alder", Estimate(0.3, 0.2, 0.4)), ("Zion", Estimate(None))], "share", "Absence", "Two.")
    assert svg.count("<circle") == 1
    assert "withheld or not published" in svg
    ET.fromstring(svg)


@pytest.mark.parametrize("colour", drawing.COLOURS)
def test_colours_have_the_contrast_of_text_on_white(colour: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    luminance = sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    assert 1.05 / (luminance + 0.05) >= 4.5
