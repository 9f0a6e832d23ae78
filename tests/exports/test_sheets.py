"""Tables as CSV and XLSX: nothing in them is a formula, and each says whose data it holds, up to which day."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.exports.sheets import FORMULA, MOST_ROWS, csv_bytes, harmless, xlsx_bytes

ABOUT = {"data": "Data of made-up students", "up to": "up to 2025-01-31", "run": "run demo-1"}
NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
DANGEROUS = st.tuples(st.sampled_from([*FORMULA, " =", "  @", " \t"]), st.text(max_size=20)).map("".join)
PRINTABLE = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=20)


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def sheet_of(content: bytes, number: int) -> list[dict[str, Any]]:
    """The cells of a sheet, row by row: reference to value, a text as text."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        shared = ["".join(one.itertext()) for one in ET.fromstring(book.read("xl/sharedStrings.xml"))]
        sheet = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
    rows = []
    for row in sheet.iterfind(".//m:row", NAMES):
        cells = row.findall("m:c", NAMES)
        value = {cell.get("r"): cell.findtext("m:v", "", NAMES) for cell in cells}
        rows.append(
            {
                cell.get("r"): shared[int(value[cell.get("r")])]
                if cell.get("t") == "s"
                else float(value[cell.get("r")])
                for cell in cells
            }
        )
    return rows


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_a_spreadsheet_would_compute_begins_with_an_apostrophe(first: str) -> None:
    text = f"{first}cmd|' /C calc'!A0"
    whole = rows_of(csv_bytes({text: [text]}, {text: text}))
    assert whole == [[f"'{text}", f"about: {text}"], [f"'{text}", f"'{text}"]]


@given(DANGEROUS)
def test_no_cell_of_a_csv_begins_as_a_formula(text: str) -> None:
    (cell,) = rows_of(csv_bytes({"school": [text]}, {}))[1]
    assert cell.startswith("'")
    assert not cell.lstrip(" ").startswith(FORMULA)


@given(PRINTABLE.filter(lambda text: harmless(text) == text))
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert rows_of(csv_bytes({"school": [text], "n": [1]}, {}))[1] == [text, "1"]


def test_numbers_stay_numbers_and_what_is_missing_stays_empty() -> None:
    content = csv_bytes({"gain": [-0.5, None, float("nan")], "n": [12, 10, 11]}, {})
    assert content.decode("utf-8-sig").splitlines() == ['"gain","n"', "-0.5,12", '"",10', '"",11']
    assert content.startswith(b"\xef\xbb\xbf"), "Excel takes it for UTF-8 only with this mark"


@given(DANGEROUS)
def test_no_cell_of_a_workbook_is_a_formula_or_a_link(text: str) -> None:
    content = xlsx_bytes({"school": [text, "{=1}", "https://example.org"], "n": [1, 2, 3]}, ABOUT)
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if "worksheets/" in name]
    assert not [sheet for sheet in sheets if re.search(r"<f[ >]|<hyperlink", sheet)]
    assert len(sheets) == 2


def test_a_workbook_holds_the_rows_and_what_they_are_about() -> None:
    content = xlsx_bytes({"school": ["Cedar", "Zion"], "n": [36, "withheld"]}, ABOUT)
    assert sheet_of(content, 1) == [
        {"A1": "school", "B1": "n"},
        {"A2": "Cedar", "B2": 36.0},
        {"A3": "Zion", "B3": "withheld"},
    ]
    assert sheet_of(content, 2) == [
        {f"A{row}": name, f"B{row}": text} for row, (name, text) in enumerate(ABOUT.items(), start=1)
    ]


def test_every_row_of_a_csv_says_what_it_is_about() -> None:
    assert rows_of(csv_bytes({"school": ["Cedar"]}, ABOUT)) == [
        ["school", "about: data", "about: up to", "about: run"],
        ["Cedar", "Data of made-up students", "up to 2025-01-31", "run demo-1"],
    ]


@pytest.mark.parametrize("make", [csv_bytes, xlsx_bytes])
def test_a_table_that_is_too_large_is_refused_in_words(make: Any) -> None:
    with pytest.raises(BadInput, match="This table has 20,001 rows; a download may have up to 20,000"):
        make({"n": range(MOST_ROWS + 1)}, {})
