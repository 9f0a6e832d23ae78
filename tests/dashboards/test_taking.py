"""What is taken along from a page: the rows it shows, after a line in the audit log."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from pathlib import Path

import ipywidgets
import pandas as pd
import pytest

import workbench as wb
from workbench.dashboards import View, choice, guard, take_along
from workbench.disclosure import published


@pytest.fixture
def view(site: Path, monkeypatch: pytest.MonkeyPatch) -> View:
    monkeypatch.delenv("QUERY_STRING", raising=False)
    rows = pd.DataFrame({"school": ["Alder", "Birch"], "year": [2025, 2024], "n": [400, 360], "rate": [0.25, 0.5]})
    wb.publish("absence", rows, keys=["school", "year"], total=None, data_date="2025-06-30")
    published.commit("spring", {"caseload": site / "runs" / "study-1" / "caseload"}, "spring-1")
    return View("spring", year=choice("Year", ["2025", "2024"]))


def pressed(box: ipywidgets.Box, words: str) -> str:
    row, link = box.children[1].children
    next(one for one in row.children if one.description == words).click()
    return str(link.value)


def test_a_file_holds_the_rows_of_the_view_and_the_look_is_written_down(view: View, site: Path) -> None:
    view.choices["year"].value = "2024"
    box = take_along(view, "Absence", "absence", lambda row: str(row["year"]) == view.values()["year"])
    page = pressed(box, "Table as CSV")
    content = base64.b64decode(re.search('base64,([^"]+)', page)[1]).decode("utf-8-sig")
    found = [row for row in csv.reader(io.StringIO(content)) if row]
    assert any(row[:1] == ["Birch"] for row in found)
    assert not any("Alder" in row for row in found)
    (log,) = (site / "audit").rglob("*.jsonl")
    last = [json.loads(line) for line in log.read_text().splitlines() if "exported" in line][-1]
    assert "spring/absence" in json.dumps(last)
    assert "2024" in json.dumps(last)


def test_a_table_that_is_not_there_is_told_in_a_sentence(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_log", lambda: guard.logging.getLogger("nowhere"))
    page = pressed(take_along(view, "Nothing", lambda: "nothing", lambda row: True), "Table as CSV")
    assert "The table “nothing” is not among what the run “spring” has published." in page
    assert "Take along: nothing" in take_along(view, "Nothing", "absence", bool).children[0].value
