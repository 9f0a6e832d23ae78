"""Every dashboard's notebook: it runs as it is, tells what was published, and fails in words alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from workbench.access.audit import Event, Log, record
from workbench.access.roles import OF_PERSONS
from workbench.dashboards.guard import SORRY
from workbench.dashboards.pages import PAGES

SCHOOLS = ("overview", "school_profile", "equity", "growth")
WORDS = {
    "overview": [
        "48.6 %",  # 240 + 180 + 60 + 250 + 120 + 220 of 2,200 students
        "The line marks All districts",
        "Since the last publication",
    ],
    "school_profile": ["Alder Elementary (A1)", "Proficient in math: 60.0 %, 10.0 points more ("],
    "equity": ["Female", "No change that can be told from chance", "Within schools"],
    "growth": ["1.50 (0.50 to 2.50)"],
    "explore": ["Your own table and chart", "Indicators by year"],
    "student_prediction": ["36 (25 to 48) of 600, 6 in 100"],
    "early_warning": ["21 (17 to 25)", "Most students on any list stay in school", "Northfield High"],
}
LAST = """
from ipywidgets import HTML as _H, Widget
import sys
for one in view.choices.values():
    one.value = one.options[-1][1] if isinstance(one.options[-1], tuple) else one.options[-1]
print({"pandas", "ibis", "duckdb", "matplotlib", "sklearn", "scipy"} & set(sys.modules))
"""
STILL = "application/vnd.workbench.still"
BREAK = """
def _broken(*_, **__):
    raise RuntimeError("secret words of " + __import__("os").getcwd())

_live, _plain = dash.View.live, dash.live
dash.View.live = lambda self, render, *names: _live(self, _broken, *names)
dash.live = lambda render, **chosen: _plain(_broken, **chosen)
"""
PRESS = """
import ipywidgets
seen.read = _broken
for one in list(ipywidgets.widgets.widget._instances.values()):
    if isinstance(one, ipywidgets.Button):
        one.click()
for one in view.choices.values():
    one.value = one.options[-1][1] if isinstance(one.options[-1], tuple) else one.options[-1]
"""


def notebook(root: Path, name: str) -> nbformat.NotebookNode:
    return nbformat.read(root / "notebooks" / "dashboards" / f"{name}.ipynb", as_version=4)


def ran(
    root: Path, found: nbformat.NotebookNode, monkeypatch: pytest.MonkeyPatch, to_the_end: bool = False
) -> tuple[str, str]:
    """Run a notebook (`to_the_end`, as Voilà does, although cells fail); return the HTML of its page and its print."""
    monkeypatch.setenv("WORKBENCH_ROOT", str(root))
    client = NotebookClient(found, timeout=120, store_widget_state=True, allow_errors=to_the_end)
    done = client.execute(cwd=str(root))
    widgets = done.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {"state": {}})["state"]
    parts = [one["state"].get("value") or "" for one in widgets.values() if one["model_name"] == "HTMLModel"]
    outputs = [output for cell in done.cells for output in cell.outputs]
    parts += [one["data"].get("text/html", "") for one in outputs if "data" in one]
    printed = [one.get("text", "") + "".join(one.get("traceback", ())) for one in outputs]
    return "".join(map(str, parts)), "".join(printed)


def test_every_page_is_a_notebook_and_the_other_way_round(demo_root: Path) -> None:
    assert {path.stem for path in (demo_root / "notebooks" / "dashboards").glob("*.ipynb")} == {*PAGES, *OF_PERSONS}


def test_nbval_runs_every_page(demo_root: Path) -> None:
    asked = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env"]
    done = subprocess.run(
        [*asked, "notebooks/dashboards", "--deselect=notebooks/dashboards/caseload.ipynb"],
        cwd=demo_root,
        env=os.environ | {"WORKBENCH_ROOT": str(demo_root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("name", PAGES)
def test_it_can_be_read_before_the_scripts_have_come(
    demo_root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What stands in the page itself holds all the words; nothing waits for a widget but what is pressed or moved."""
    monkeypatch.setenv("WORKBENCH_ROOT", str(demo_root))
    done = NotebookClient(notebook(demo_root, name), timeout=120).execute(cwd=str(demo_root))
    outputs = [output["data"] for cell in done.cells for output in cell.outputs if "data" in output]
    still = "".join(one.get(STILL) or one.get("text/html", "") for one in outputs)
    for words in WORDS[name]:
        assert words.casefold() in still.casefold()
    assert all(one.get(STILL) or one.get("text/html") for one in outputs)


@pytest.mark.parametrize("name", PAGES)
def test_it_tells_what_was_published_and_loads_nothing_heavy(
    demo_root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    page, _ = ran(demo_root, notebook(demo_root, name), monkeypatch)
    assert "wb-sorry" not in page
    for words in WORDS[name]:
        assert words.casefold() in page.casefold()
    assert 'id="wb-words"' in page
    moved = notebook(demo_root, name)
    moved.cells.append(nbformat.v4.new_code_cell(LAST))
    page, printed = ran(demo_root, moved, monkeypatch)
    assert "wb-sorry" not in page
    assert printed.strip() == "set()"


@pytest.mark.parametrize("name", PAGES)
def test_when_every_callback_fails_the_viewer_reads_sentences_only(
    demo_root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    broken = notebook(demo_root, name)
    at = next(place for place, cell in enumerate(broken.cells) if "speak_plainly" in cell.source) + 1
    broken.cells.insert(at, nbformat.v4.new_code_cell(BREAK))
    broken.cells.append(nbformat.v4.new_code_cell(PRESS))
    page, printed = ran(demo_root, broken, monkeypatch)
    callbacks = sum(len(re.findall(r"\.live\(", cell.source)) for cell in broken.cells[at + 1 :])
    downloads = sum(len(re.findall(r"take_along\(", cell.source)) for cell in broken.cells)
    assert callbacks > 2
    assert page.count(SORRY) == callbacks + downloads
    for leak in ("Traceback", "RuntimeError", "secret", str(demo_root)):
        assert leak not in page + printed


@pytest.mark.parametrize("name", PAGES)
def test_where_looks_cannot_be_written_down_the_viewer_reads_calm_words_and_the_log_what_to_do(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    log = Log(tmp_path / "log", tmp_path / "anchor.txt")
    monkeypatch.setenv("WORKBENCH_AUDIT", str(log.folder))
    monkeypatch.setenv("WORKBENCH_AUDIT_ANCHOR", str(log.anchor))
    for _ in range(2):
        record(Event("lee", "saw"), "2025-01-31T09:00:00+00:00", log)
    log.files()[0].write_bytes(log.files()[0].read_bytes().splitlines(keepends=True)[0])  # its last line is removed
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0")
    told = demo_root / "runs" / "dashboards.log"
    before = len(told.read_text()) if told.exists() else 0
    page, printed = ran(demo_root, notebook(demo_root, name), monkeypatch, to_the_end=True)
    assert SORRY in page
    for word in ("audit", "line 1", "Type", "Traceback", str(demo_root)):
        assert word not in page + printed
    assert "its anchor knows line 2 as the last" in told.read_text()[before:]


def test_a_spoilt_table_shows_the_one_before_with_its_day(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    shutil.copytree(demo_root, root)
    home = root / "published" / "district"
    about = json.loads((home / "manifest.json").read_text())["tables"]["indicators"]
    (home / about["file"]).write_bytes(b"PAR1 half")
    page, _ = ran(root, notebook(root, "overview"), monkeypatch)
    assert "The newest of these numbers cannot be shown at the moment. These are the ones published on 20" in page
    assert "wb-sorry" not in page


@pytest.mark.parametrize("name", PAGES)
def test_it_opens_with_what_is_published_where_its_usual_run_or_table_is_not(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = tmp_path / "project"
    shutil.copytree(demo_root, root)
    for usual in ("demo", "district", "early_warning"):
        (root / "published" / usual).rename(root / "published" / f"{usual}_of_ours")
    if name == "explore":
        path = root / "published" / "district_of_ours" / "manifest.json"
        told = json.loads(path.read_text())
        told["tables"].pop("indicators")
        path.write_text(json.dumps(told))
        for earlier in path.parent.glob("manifest-*.json"):
            earlier.unlink()
        shutil.rmtree(root / "published" / "demo_of_ours")
    page, _ = ran(root, notebook(root, name), monkeypatch)
    assert "wb-sorry" not in page
    assert "_of_ours" in page
    if name == "explore":
        assert "Table: Where the gap lies" in page
        assert "There is no published table" not in page
    else:
        for words in WORDS[name][:1]:
            assert words.casefold() in page.casefold()


def test_a_page_of_a_principal_opens_with_their_school(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole and the other schools are not theirs to see: the page does not open with them."""
    root = tmp_path / "project"
    shutil.copytree(demo_root, root)
    path = root / "published" / "district" / "manifest.json"
    told = json.loads(path.read_text())
    for one in ("indicators", "indicator_by_school"):
        told["tables"][one] |= {"audience": "school", "unit": "school_id"}
    path.write_text(json.dumps(told))
    grant = "people:\n- {user: m.lee, role: principal, schools: [A2], tables: all}\n...\n"
    (root / "access.yml").write_text(f"min_count: 10\npublic: all\n{grant}")
    monkeypatch.setenv("WORKBENCH_VIEWER", json.dumps({"user": "m.lee", "groups": []}))
    for name in ("overview", "school_profile"):
        page, _ = ran(root, notebook(root, name), monkeypatch)
        assert "wb-sorry" not in page
        assert 'aria-current="location">Birch Elementary' in page
        assert "40.8 %" not in page  # all districts, 2024


@pytest.mark.parametrize("name", SCHOOLS)
def test_it_fits_no_model_and_opens_no_data(demo_root: Path, name: str) -> None:
    text = (demo_root / "notebooks" / "dashboards" / f"{name}.ipynb").read_text()
    for heavy in ("pandas", "sklearn", "open_data", "fit("):
        assert heavy not in text
