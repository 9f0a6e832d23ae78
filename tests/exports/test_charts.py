"""Charts as SVG and PNG: whole in themselves, with whose data they show written below."""

from __future__ import annotations

import base64
import io
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from workbench.errors import BadInput
from workbench.exports.charts import PNG_WIDTH, picture, png_bytes, svg_bytes, told

SVG = "{http://www.w3.org/2000/svg}"
CHART = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 300"><title>Gap by grade</title><desc>It closes.</desc>'
    '<rect width="600" height="300" fill="#0b5c8a"/></svg>'
)
ABOUT = {"data": "Data of made-up students", "up to": "up to 2025-01-31", "run": "run demo-1"}


def test_the_source_and_the_date_stand_below_the_chart_and_in_its_metadata() -> None:
    root = ET.fromstring(svg_bytes(CHART, ABOUT))
    line = root.find(f"{SVG}text")
    assert line is not None
    assert line.text == "Data of made-up students · up to 2025-01-31 · run demo-1"
    assert float(line.attrib["y"]) > 300
    assert root.attrib["viewBox"] == "0 0 600 322.4", "two lines of 1.4 x 8 points each are added to 300"
    assert root.findtext(f"{SVG}metadata") == "data: Data of made-up students\nup to: up to 2025-01-31\nrun: run demo-1"


def test_a_chart_by_its_width_and_height_gets_a_box() -> None:
    chart = '<svg xmlns="http://www.w3.org/2000/svg" width="600px" height="300"/>'
    assert ET.fromstring(svg_bytes(chart, {"run": "demo-1"})).attrib["viewBox"] == "0 0 600 322.4"


@pytest.mark.parametrize(
    "inside",
    [
        '<image href="https://example.org/pixel.png"/>',
        '<use xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="file:///etc/hostname"/>',
        "<style>@import url(https://example.org/a.css);</style>",
        "<style>@import 'https://example.org/a.css';</style>",
        '<rect style="fill: url(//example.org/a.svg#b)"/>',
        "<script>fetch('https://example.org')</script>",
        '<rect onload="alert(1)"/>',
        '<a href="javascript:alert(1)"/>',
        "<foreignObject/>",
    ],
)
def test_a_chart_that_asks_others_or_runs_code_is_refused(inside: str) -> None:
    with pytest.raises(BadInput, match="holds more than a drawing"):
        svg_bytes(CHART.replace("</svg>", f"{inside}</svg>"), ABOUT)


def test_what_a_chart_holds_itself_may_be_referred_to() -> None:
    inside = '<rect fill="url(#a)"/><use href="#b"/><image href="data:image/png;base64,AA"/>'
    assert b"url(#a)" in svg_bytes(CHART.replace("</svg>", f"{inside}</svg>"), ABOUT)


@pytest.mark.parametrize("chart", ["<svg", "<svg/>", '<svg viewBox="0 0 0 300"/>', '<svg width="wide" height="3"/>'])
def test_what_is_no_chart_is_told_in_a_sentence(chart: str) -> None:
    with pytest.raises(BadInput, match="cannot be saved"):
        svg_bytes(chart, ABOUT)


def test_a_png_has_the_shape_of_the_chart_and_says_what_it_shows() -> None:
    picture = Image.open(io.BytesIO(png_bytes(CHART, ABOUT)))
    assert (picture.width, picture.height) == (PNG_WIDTH, pytest.approx(PNG_WIDTH * 322.4 / 600, abs=2))
    assert picture.info == ABOUT
    assert picture.convert("RGB").getpixel((960, 480)) == (11, 92, 138)
    below = picture.convert("L").crop((0, 980, 1920, 1010))
    assert below.getextrema()[0] < 120, "the line below the chart is drawn"


def test_a_chart_tells_its_title_and_description() -> None:
    assert told(CHART) == "Gap by grade It closes."
    assert told('<svg aria-label="Gap"/>') == "Gap"
    assert told("<svg") == ""
    assert base64.b64decode(picture(b"<svg/>").partition("base64,")[2]) == b"<svg/>"
