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
    # As a person would: not before the kernel is there. What is run earlier JupyterLab drops without a word.
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=90_000)
    cell = page.locator(".jp-Notebook .jp-CodeCell", has_text=re.compile(r"seed: ")).first
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    prompts = "[...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(one => one.textContent)"
    last = sum(cell.cell_type == "code" for cell in nbformat.read(project / NOTEBOOK, as_version=4).cells)
    page.wait_for_function(f"{prompts}.includes('[{last}]:')", timeout=170_000)
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    results = json.loads((project / "runs" / "scratch" / "results.json").read_text())
    text = page.text_content(".jp-Notebook")
    assert f"the seed is now {seed}" in text
    assert f"{results['auc']:.3f}" in text
    assert page.evaluate("[...document.querySelectorAll('.jp-Notebook img')].filter(one => !one.alt).length") == 0
    assert one.elsewhere == []
