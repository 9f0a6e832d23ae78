"""Downloads as a viewer meets them: real files, saved by a real browser under the hub's security policy."""

from __future__ import annotations

import ast
import csv
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import nbformat
import pypdfium2
import pytest
from PIL import Image

CELL = '''
CHART = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 300"><title>Expected leavers</title>
<rect width="600" height="300" fill="#0b5c8a"/></svg>"""


def picked():
    return {"school": view.values()["school"]}


def given():
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return seen.read(run_name, "risk_by_school_group", at=at, filters=picked(), what="exported")


def columns(one):
    rows = [row for row in one.published.table.to_pylist() if names[row["school_id"]] == view.values()["school"]]
    wanted = ("school_name", "grade_level", "group", "n", "expected_leavers", "suppressed")
    return {name: [row[name] for row in rows] for name in wanted}


dash.downloads("Who may need support", given, columns, lambda: CHART, picked)
'''
SERVICE = Path(__file__).parents[2] / "src" / "workbench" / "hub" / "service.py"
SOURCE = "Data of made-up students"
KINDS = {
    "csv": "Table as CSV",
    "xlsx": "Table as Excel",
    "svg": "Chart as SVG",
    "png": "Chart as PNG",
    "pdf": "Slides as PDF",
}


def policy() -> dict[str, str]:
    """The headers with which the hub sends every page, read without JupyterHub, which need not be installed."""
    given = [node for node in ast.parse(SERVICE.read_text()).body if isinstance(node, ast.AnnAssign)]
    return next(ast.literal_eval(node.value) for node in given if ast.unparse(node.target) == "HEADERS")


@pytest.fixture(scope="module")
def root(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the first dashboard, with downloads on its page and an audit log of its own."""
    root = tmp_path_factory.mktemp("downloads") / "project"
    shutil.copytree(demo_root, root)
    path = root / "notebooks" / "dashboards" / "student_prediction.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(CELL))
    nbformat.write(notebook, path)
    settings = json.loads((root / "jupyter" / "voila.json").read_text())
    settings["Voila"]["tornado_settings"] = {"headers": policy()}
    (root / "jupyter" / "voila.json").write_text(json.dumps(settings))
    return root


@pytest.fixture(scope="module")
def log(root: Path) -> Path:
    return root.parent / "audit"


@pytest.fixture(scope="module")
def address(root: Path, log: Path, serving: Callable) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_AUDIT", str(log))
        patch.setenv("WORKBENCH_AUDIT_ANCHOR", str(root.parent / "anchor.txt"))
        with serving("dashboard", root, root.parent / "log") as address:
            yield address


@pytest.fixture(scope="module")
def saved(address: str, chromium: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """One file of each kind, saved from a page on which a school was chosen."""
    context = chromium.new_context(accept_downloads=True)
    context.set_default_timeout(45_000)
    page = context.new_page()
    refused: list[str] = []  # what the policy stopped
    page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)

    assert page.goto(address).headers["content-security-policy"] == policy()["Content-Security-Policy"]
    page.wait_for_selector("#rendered_cells:not(:has(.wb-still)) .wb-provenance")
    box = page.locator(".wb-downloads").last
    box.wait_for()
    page.get_by_label("School", exact=True).select_option("Zion")
    folder, files = tmp_path_factory.mktemp("saved"), {}
    for kind, words in KINDS.items():
        box.get_by_role("button", name=words).click()
        link = box.get_by_role("link", name=f"Save {words}")
        link.wait_for()
        with page.expect_download() as found:
            link.click()
        files[kind] = folder / found.value.suggested_filename
        found.value.save_as(files[kind])
    assert refused == []
    yield files
    context.close()


def test_the_names_say_what_of_which_day_and_run(saved: dict[str, Path]) -> None:
    assert [path.name for path in saved.values()] == [
        f"who-may-need-support-2025-01-31-demo-1.{kind}" for kind in KINDS
    ]


def test_csv(saved: dict[str, Path]) -> None:
    head, *rows = csv.reader(io.StringIO(saved["csv"].read_text(encoding="utf-8-sig")))
    assert head[:5] == ["school_name", "grade_level", "group", "n", "expected_leavers"]
    assert {row[0] for row in rows} == {"Zion"}
    assert ["Zion", "all", "all", "60.0"] in [row[:4] for row in rows]
    assert "withheld" in {row[3] for row in rows}
    assert SOURCE in rows[0]
    assert "up to 2025-01-31" in rows[0]
    assert "Filters: school: Zion" in rows[0]


def test_excel(saved: dict[str, Path]) -> None:
    with zipfile.ZipFile(saved["xlsx"]) as book:
        assert book.testzip() is None
        shared = book.read("xl/sharedStrings.xml").decode()
    for text in ("school_name", "Zion", "withheld", SOURCE, "up to 2025-01-31", "Filters: school: Zion"):
        assert f">{text}<" in shared
    assert "Cedar" not in shared


def test_charts(saved: dict[str, Path]) -> None:
    root = ET.parse(saved["svg"]).getroot()
    assert f"{SOURCE} · up to 2025-01-31" in " ".join(root.itertext())
    picture = Image.open(saved["png"])
    assert picture.width == 1920
    assert picture.info["data"] == SOURCE
    assert picture.convert("RGB").getpixel((960, 400)) == (11, 92, 138)


def test_slides(saved: dict[str, Path]) -> None:
    document = pypdfium2.PdfDocument(saved["pdf"])
    found = [page.get_textpage().get_text_bounded() for page in document]
    document.close()
    assert "Who may need support" in found[0]
    assert all(f"{SOURCE} · up to 2025-01-31 · run demo-1" in " ".join(text.split()) for text in found)
    assert "How to read these slides" in found[-1]


def test_every_download_is_in_the_audit_log(saved: dict[str, Path], log: Path) -> None:
    lines = [json.loads(line) for file in log.rglob("*.jsonl") for line in file.read_text().splitlines()]
    exported = [line for line in lines if line["what"] == "exported"]
    assert [line["filters"] for line in exported] == [{"school": "Zion"}] * 5
    assert {line["thing"] for line in exported} == {"demo/risk_by_school_group"}
