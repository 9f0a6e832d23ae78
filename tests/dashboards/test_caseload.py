"""A counsellor's list: their own school's students and nobody else's, and calm words for everybody else."""

from __future__ import annotations

import csv
import io
import json
import shutil
from base64 import b64decode
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from workbench.access.audit import Log
from workbench.access.pseudonyms import pseudonym
from workbench.dashboards.pages import navigation, other_pages
from workbench.dashboards.persons import as_in_alerts

PEOPLE = """min_count: 10
public: all
people:
- {user: c.cedar, role: counsellor, schools: [S01], tables: all, columns: all}
- {user: c.few, role: counsellor, schools: [S01], tables: all, columns: [student_id, grade_level, place, expires]}
- {user: p.cedar, role: principal, schools: [S01], tables: all, columns: all}
- {user: r.cedar, role: researcher, districts: all, schools: all, tables: all, columns: none}
...
"""
TAKE = """
import ipywidgets
for one in list(ipywidgets.widgets.widget._instances.values()):
    if isinstance(one, ipywidgets.Button) and "CSV" in one.description:
        one.click()
"""


@pytest.fixture
def root(demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    shutil.copytree(demo_root, root)
    (root / "access.yml").write_text(PEOPLE)
    for name, value in {
        "WORKBENCH_ROOT": str(root),
        "WORKBENCH_KEY_FILE": str(tmp_path / "elsewhere" / "key"),
        "WORKBENCH_AUDIT": str(tmp_path / "log"),
        "WORKBENCH_AUDIT_ANCHOR": str(tmp_path / "elsewhere" / "anchor.txt"),
    }.items():
        monkeypatch.setenv(name, value)
    return root


def page(root: Path, monkeypatch: pytest.MonkeyPatch, user: str, more: str = "") -> str:
    """The HTML of the page as Voilà runs it for a user (empty: nobody has signed in), with a last cell of code."""
    monkeypatch.setenv("WORKBENCH_VIEWER", json.dumps({"user": user, "groups": []}) if user else "")
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0")
    found = nbformat.read(root / "notebooks" / "dashboards" / "caseload.ipynb", as_version=4)
    found.cells.append(nbformat.v4.new_code_cell(more))
    done = NotebookClient(found, timeout=120, store_widget_state=True, allow_errors=True).execute(cwd=str(root))
    widgets = done.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {"state": {}})["state"]
    parts = [one["state"].get("value") or "" for one in widgets.values() if one["model_name"] == "HTMLModel"]
    outputs = [output for cell in done.cells for output in cell.outputs]
    parts += [one["data"].get("text/html", "") for one in outputs if "data" in one]
    return "".join(map(str, parts)) + "".join(one.get("text", "") for one in outputs)


def test_a_counsellor_sees_their_own_school_and_it_is_written_down(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = page(root, monkeypatch, "c.cedar")
    for student in ("P0", "P2", "P4", "P6"):
        assert f">{student}<" in told
    for student in ("P1", "P3", "P5", "P7"):
        assert student not in told
    assert "Offered now" in told
    assert "2025-05-01" in told
    assert "A person decides" in told
    assert "wb-sorry" not in told
    log = Log(root.parent / "log", root.parent / "elsewhere" / "anchor.txt")
    lines = [json.loads(line) for line in log.files()[-1].read_text().splitlines()]
    assert {"c.cedar", "saw", "early_warning/caseload"} <= set(map(str, lines[-1].values()))


def test_a_student_of_an_alert_is_found_on_the_list(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = page(root, monkeypatch, "c.cedar")
    assert f">{pseudonym('P0', 'student')}<" in told
    assert pseudonym("P1", "student") not in told
    for user, name in (("c.cedar", pseudonym("P0", "student")), ("r.cedar", "P0")):  # a researcher's are that already
        monkeypatch.setenv("WORKBENCH_VIEWER", json.dumps({"user": user, "groups": []}))
        assert as_in_alerts(["P0"]) == [name]


def test_filters_choose_rows(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = page(root, monkeypatch, "c.cedar", 'view.choices["place"].value = "Missed the last place by little"')
    assert "1 of 4 students" in told
    assert ">P6<" in told


def test_columns_that_are_not_granted_are_not_shown(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = page(root, monkeypatch, "c.few")
    assert ">P0<" in told
    assert "grade average is 1.2" not in told


@pytest.mark.parametrize("user", ["", "p.cedar", "somebody"])
def test_everybody_else_reads_words(root: Path, monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    told = page(root, monkeypatch, user)
    assert "There is no such table, or it is not for you" in told
    for word in ("P0", "Traceback", str(root)):
        assert word not in told


def test_the_file_holds_the_rows_shown(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = page(root, monkeypatch, "c.cedar", TAKE)
    data = told.split("data:text/csv;base64,")[1].split('"')[0]
    rows = list(csv.reader(io.StringIO(b64decode(data).decode("utf-8-sig"))))
    assert {row[0] for row in rows if row and row[0].startswith("P")} == {"P0", "P2", "P4", "P6"}


def test_only_who_has_a_list_is_offered_the_page(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for user, there in (("c.cedar", True), ("p.cedar", True), ("", False)):
        monkeypatch.setenv("WORKBENCH_VIEWER", json.dumps({"user": user, "groups": []}) if user else "")
        assert ("Caseload" in navigation("overview", other_pages("demo"))) is there
