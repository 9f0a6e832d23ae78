"""Downloads: what the viewer sees and nothing else, written down before it is given."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
import pypdfium2
import pytest

import workbench as wb
from workbench.access import Scope, Viewer
from workbench.access.roles import ALL, Units
from workbench.dashboards import exports, guard, seen
from workbench.dashboards.seen import Seen
from workbench.disclosure import published
from workbench.errors import DisclosureError

AT = "2025-01-31T09:00:00+00:00"
CEDAR = Viewer("m.lee", "principal", Scope(schools=Units(frozenset({"S01"})), tables=ALL))
CHART = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 30"><rect width="60" height="30"/></svg>'
FILTERS = {"school_year": "2025", "grade": ""}


@pytest.fixture
def by_school(site: Path) -> Path:
    """Two schools and a grade of eight students, seen by the principal of one; a log of what fails."""
    rows = pd.DataFrame(
        {"school_id": ["S01", "S01", "S02"], "grade": ["9", "10", "9"], "n": [360, 8, 240], "left": [0.1, 0.2, 0.1]}
    )
    kinds = {"keys": ["school_id", "grade"], "data_date": "2025-01-31", "source": "made-up students"}
    wb.publish("by_school", rows, values=["left"], **kinds)
    manifest = published.commit("demo", {"caseload": site / "runs" / "study-1" / "caseload"}, "demo-1")
    assert manifest is not None
    told = json.loads(manifest.read_text())
    told["tables"]["by_school"] |= {"audience": "school", "unit": "school_id"}
    manifest.write_text(json.dumps(told))
    guard._log.cache_clear()
    guard._log_stream.cache_clear()
    return site


def read(at: str = AT) -> Seen:
    return seen.read("demo", "by_school", at=at, filters=FILTERS, what="exported", viewer=CEDAR)


def whole(one: Seen) -> dict[str, list[Any]]:
    return one.published.table.to_pydict()


def box(
    reader: Callable[[], Seen] = read,
    table: Callable[[Seen], Mapping[str, Any]] = whole,
    svg: Callable[[], str] | None = lambda: CHART,
) -> ipywidgets.Box:
    return exports.downloads("Rates by school", reader, table, svg, lambda: FILTERS)


def click(one: ipywidgets.Box, words: str) -> str:
    row, link = one.children
    next(button for button in row.children if button.description == words).click()
    return str(link.value)


def file_in(html: str) -> tuple[str, bytes]:
    """The name and the bytes of the file that a link holds."""
    found = re.search(r'download="([^"]*)" href="data:[^;]*;base64,([^"]*)"', html)
    assert found, html[:300]
    return found[1], base64.b64decode(found[2])


def unpacked(content: bytes) -> str:
    """The text of a file in any of the formats; of packed pixels, none."""
    if content.startswith(b"%PDF"):
        return "".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(content))
    if content.startswith(b"PK"):
        sheets = zipfile.ZipFile(io.BytesIO(content))
        return "".join(sheets.read(name).decode("utf-8") for name in sheets.namelist())
    return "" if content.startswith(b"\x89PNG") else content.decode("utf-8")


def lines(site: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in (site / "audit").glob("*.jsonl") for line in file.read_text().splitlines()]


def test_a_download_is_what_the_viewer_may_see_with_source_and_date(by_school: Path) -> None:
    name, content = file_in(click(box(), "Table as CSV"))
    assert name == "rates-by-school-2025-01-31-demo-1.csv"
    table = pd.read_csv(pd.io.common.BytesIO(content), dtype=str)
    assert table[["school_id", "grade", "n", "left"]].to_numpy().tolist() == [
        ["S01", "9", "360.0", "0.1"],
        ["S01", "10", "withheld", "withheld"],
    ]
    assert "suppressed" not in table.columns
    told = table.filter(like="about: ").iloc[0]
    assert told["about: data"] == "Data of made-up students"
    assert told["about: up to"] == "up to 2025-01-31"
    assert told["about: run"] == "run demo-1"
    assert told["about: filters"] == "Filters: school year: 2025"
    assert "fewer than 10 students" in told["about: withheld"]


@pytest.mark.parametrize(
    ("words", "begins"),
    [
        (each, start)
        for (each, _), start in zip(
            exports.FORMATS.values(), [b"\xef\xbb\xbf", b"PK", b"<?xml", b"\x89PNG", b"%PDF"], strict=True
        )
    ],
)
def test_every_download_leaves_a_line_with_its_filters(by_school: Path, words: str, begins: bytes) -> None:
    _, content = file_in(click(box(), words))
    assert content.startswith(begins)
    (line,) = lines(by_school)
    assert (line["who"], line["what"], line["thing"], line["rows"]) == ("m.lee", "exported", "demo/by_school", 2)
    assert (line["filters"], line["at"]) == (FILTERS, AT)
    assert "S02" not in unpacked(content)


def test_what_cannot_be_written_down_is_not_given(by_school: Path) -> None:
    html = click(box(lambda: read("yesterday")), "Table as CSV")
    assert "wb-sorry" in html
    assert "data:" not in html


def test_a_row_that_was_not_read_is_not_given(by_school: Path) -> None:
    def theirs(one: Seen) -> dict[str, list[Any]]:
        return {"school_id": ["S01", "S02"], "n": [360, 240]}

    with pytest.raises(DisclosureError, match="does not hold what you may see"):
        exports.shown_columns(read(), theirs(read()))
    assert "data:" not in click(box(table=theirs), "Table as CSV")


def test_a_withheld_number_cannot_be_put_back(by_school: Path) -> None:
    with pytest.raises(DisclosureError):
        exports.shown_columns(read(), {"school_id": ["S01", "S01"], "grade": ["9", "10"], "n": [360, 8]})


@pytest.mark.parametrize("words", ["Chart as SVG", "Slides as PDF"])
def test_what_fails_is_one_sentence_without_traceback_or_path(by_school: Path, words: str) -> None:
    html = click(box(svg=lambda: "<svg"), words)
    assert html.count("<p") == 1
    assert html.count("</p>") == 1
    for word in ("Traceback", "File ", ".py", "/", "Error"):
        assert word not in re.sub(r"</?\w+[^>]*>", "", html)


def test_a_process_that_breaks_is_told_as_sorry_and_logged(by_school: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> bytes:
        raise RuntimeError("pdf could not be made: Traceback … File /srv/secret.py")

    monkeypatch.setattr(exports, "made_apart", broken)
    html = click(box(), "Slides as PDF")
    assert guard.SORRY in html
    assert "secret" not in html
    assert "secret" in (by_school / guard.LOG).read_text()


def test_a_file_too_large_for_a_page_is_refused_in_words(by_school: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "made_apart", lambda *_, **__: bytes(exports.MOST_BYTES + 1))
    assert "This file would be larger than 2 MB. Choose less with the filters" in click(box(), "Table as CSV")


def test_without_a_chart_none_is_offered(by_school: Path) -> None:
    offered = [button.description for button in box(svg=None).children[0].children]
    assert offered == ["Table as CSV", "Table as Excel", "Slides as PDF"]


def test_slides_show_chart_and_numbers_and_how_to_read_them(by_school: Path) -> None:
    _, content = file_in(click(box(), "Slides as PDF"))
    document = pypdfium2.PdfDocument(content)
    found = [" ".join(page.get_textpage().get_text_bounded().split()) for page in document]
    assert len(found) == 4
    assert "Filters: school year: 2025." in found[0]
    assert "S01 10 withheld withheld" in found[2]
    assert "Rows of other schools than those of your role (S01) are not shown." in found[3]
    for text in found:
        assert "Data of made-up students · up to 2025-01-31 · run demo-1" in text
        assert "groups of fewer than 10 students are withheld" in text
    document.close()
