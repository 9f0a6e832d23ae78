"""The tier-0 notebook as a researcher works with it in JupyterLab."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOK = "notebooks/tier0/student_prediction.ipynb"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's notebooks: JupyterLab saves what it shows."""
    root = tmp_path_factory.mktemp("lab")
    for part in ("jupyter", "notebooks", "params"):
        shutil.copytree(PROJECT / part, root / part, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for file in ("access.yml", "pyproject.toml"):
        shutil.copy(PROJECT / file, root / file)
    (root / "data").symlink_to(PROJECT / "data")
    if not (root / NOTEBOOK).exists():
        code = ["seed: int = 1  # s", "import workbench as wb", "wb.keep('auc', 0.8)", "print('AUC 0.80')"]
        cells = [nbformat.v4.new_code_cell(one) for one in code]
        cells[0].metadata["tags"] = ["parameters"]
        nbformat.write(
            nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "P"}}),
            root / NOTEBOOK,
        )
    return root


@pytest.fixture(scope="module")
def lab(project: Path, serving: Callable, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving("lab", project, tmp_path_factory.mktemp("server") / "log") as address:
        yield address


def other_seed(root: Path) -> tuple[str, int]:
    """Return the source of the parameters cell with another seed, and that seed."""
    notebook = nbformat.read(root / NOTEBOOK, as_version=4)
    (cell,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    seed = int(re.search(r"^seed: .*?= *(\d+)", cell.source, re.MULTILINE)[1]) + 4
    changed = re.sub(r"^(seed: .*?= *)\d+", rf"\g<1>{seed}", cell.source, flags=re.MULTILINE)
    return f'{changed}\nprint("the seed is now", seed)', seed


def test_change_a_parameter_run_all_cells_and_see_the_numbers(lab: str, project: Path, visit: Callable) -> None:
    source, seed = other_seed(project)
    one = visit(lab.replace("/lab?", f"/lab/tree/{NOTEBOOK}?"))
    page = one.page
    cell = page.locator(".jp-Notebook .jp-CodeCell", has_text=re.compile(r"seed: ")).first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function("document.querySelectorAll('.jp-CodeCell .jp-InputPrompt').length > 0")
    code = "[...document.querySelectorAll('.jp-CodeCell')].filter(one => one.querySelector('.cm-content'))"
    finished = f"{code}.every(one => /\\[\\d+\\]/.test(one.querySelector('.jp-InputPrompt').innerText))"
    page.wait_for_function(finished, timeout=170_000)
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    results = json.loads((project / "runs" / "scratch" / "results.json").read_text())
    text = page.inner_text(".jp-Notebook")
    assert f"the seed is now {seed}" in text
    assert f"{results['auc']:.2f}" in text
    assert page.evaluate("[...document.querySelectorAll('.jp-Notebook img')].filter(one => !one.alt).length") == 0
    assert one.elsewhere == []
