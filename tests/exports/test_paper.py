"""Slides as PDF: tagged, told in words, whole pages, and nothing fetched."""

from __future__ import annotations

import re
import threading
import zlib
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pypdfium2
import pypdfium2.raw
import pytest

from workbench.exports import deck, paper
from workbench.exports.charts import picture

CHART = picture(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 300"><rect width="600" height="300"/></svg>')
ROWS = [[f"School {row}", f"{row},000"] for row in range(28)]


@pytest.fixture(scope="module")
def made() -> bytes:
    """A title, a figure with its words, and a table of 28 rows, which takes several slides."""
    sections = [
        deck.Section("Is it closing?", [deck.paragraphs("It is."), deck.Figure(CHART, "A line that falls", "By year")]),
        deck.Section("The numbers", [deck.Grid(["school", "students"], ROWS, "Students", [False, True])]),
    ]
    slides = deck.Deck("Gaps in Oregon", ["Up to 2025-01-31."], sections, "Data of 2025 · run demo-1", "research")
    return paper.pdf_bytes(deck.html(slides))


@pytest.fixture
def pages(made: bytes) -> Any:
    document = pypdfium2.PdfDocument(made)
    yield document
    document.close()


def plain(made: bytes) -> bytes:
    """What the streams of a PDF hold, unpacked."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL)
    unpacked = [zlib.decompressobj() for _ in streams]
    found = []
    for one, stream in zip(unpacked, streams, strict=True):
        with suppress(zlib.error):
            found.append(one.decompress(stream))
    return b"\n".join([made, *found])


def texts(document: Any) -> list[str]:
    return [" ".join(page.get_textpage().get_text_bounded().split()) for page in document]


def test_text_is_found_and_every_slide_names_its_source_and_place(pages: Any) -> None:
    found = texts(pages)
    assert len(found) == 5, "a title, a figure, and the rows on three slides"
    assert "Gaps in Oregon Up to 2025-01-31." in found[0]
    assert "Is it closing?" in found[1]
    assert "By year" in found[1]
    for number, text in enumerate(found, start=1):
        assert "Data of 2025 · run demo-1" in text
        assert f"{number} of 5" in text
        assert "Research" in text


def test_a_table_that_goes_on_repeats_its_head_and_leaves_no_few_rows_over(pages: Any) -> None:
    goes_on = texts(pages)[2:]
    assert [("The numbers (continued)" in text) for text in goes_on] == [False, True, True]
    assert all("school students" in text for text in goes_on)
    rows = [len(re.findall(r"School \d+", text)) for text in goes_on]
    assert rows == [13, 11, 4], "where they would fill slides with 13, 14 and 1"


def test_it_is_tagged_and_a_figure_has_its_alt_text(made: bytes, pages: Any) -> None:
    assert pypdfium2.raw.FPDFCatalog_IsTagged(pages.raw)
    assert pages.get_metadata_value("Title") == "Gaps in Oregon"
    assert b'xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"' in plain(made)
    assert b"/Lang (en)" in plain(made)
    assert "A line that falls" in alt_texts(pages[1])
    assert set(tags(pages[1])) >= {"H2", "P", "Figure"}
    assert set(tags(pages[2])) >= {"Table", "TR", "TH", "TD"}


def test_nothing_lies_outside_of_the_slides(pages: Any) -> None:
    for page in pages:
        wide, high = page.get_size()
        assert (round(wide), round(high)) == (960, 540), "16:9, 13.33 x 7.5 inches"
        for one in page.get_objects():
            left, bottom, right, top = one.get_bounds()
            assert (left >= -1, bottom >= -1, right <= wide + 1, top <= high + 1) == (True,) * 4


def test_no_letter_is_smaller_than_nine_points(pages: Any) -> None:
    for page in pages:
        sheet = page.get_textpage()
        sizes = {pypdfium2.raw.FPDFText_GetFontSize(sheet.raw, place) for place in range(sheet.count_chars())}
        assert min(size for size in sizes if size > 1) >= 9


def test_nothing_is_fetched_from_a_network_or_a_disk(tmp_path: Any) -> None:
    asked: list[str] = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = HTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "secret.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text>secret</text></svg>'
    )
    there = f"http://127.0.0.1:{server.server_port}"
    page = f"""<html lang="en"><head><title>t</title><link rel="stylesheet" href="{there}/a.css"></head><body>
    <img alt="a" src="{there}/b.png"><img alt="b" src="file://{tmp_path}/secret.svg">
    <p style="background: url({there}/c.png)">words</p></body></html>"""
    made = paper.pdf_bytes(page)
    server.shutdown()
    server.server_close()
    assert asked == []
    assert "secret" not in " ".join(texts(pypdfium2.PdfDocument(made)))


def elements(page: Any) -> Any:
    """Walk through the structure elements of a page."""
    raw = pypdfium2.raw
    tree = raw.FPDF_StructTree_GetForPage(page.raw)
    waiting = [raw.FPDF_StructTree_GetChildAtIndex(tree, n) for n in range(raw.FPDF_StructTree_CountChildren(tree))]
    while waiting:
        if one := waiting.pop():
            yield one
            many = raw.FPDF_StructElement_CountChildren(one)
            waiting += [raw.FPDF_StructElement_GetChildAtIndex(one, n) for n in range(many)]


def words(call: Any, one: Any) -> str:
    import ctypes

    size = call(one, None, 0)
    room = ctypes.create_string_buffer(size)
    call(one, room, size)
    return room.raw[: max(size - 2, 0)].decode("utf-16-le")


def tags(page: Any) -> list[str]:
    return [words(pypdfium2.raw.FPDF_StructElement_GetType, one) for one in elements(page)]


def alt_texts(page: Any) -> list[str]:
    return [words(pypdfium2.raw.FPDF_StructElement_GetAltText, one) for one in elements(page)]
