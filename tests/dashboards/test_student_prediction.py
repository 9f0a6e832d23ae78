"""The first dashboard's notebook, run as it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


def run(root: Path, monkeypatch: pytest.MonkeyPatch) -> nbformat.NotebookNode:
    monkeypatch.setenv("WORKBENCH_ROOT", str(root))
    notebook = nbformat.read(root / "notebooks" / "dashboards" / "student_prediction.ipynb", as_version=4)
    return NotebookClient(notebook, timeout=120, store_widget_state=True).execute(cwd=str(root))


def test_it_runs_to_its_end_and_reads_published_tables_only(demo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(path for path in demo_root.rglob("*") if "runs" not in path.parts)
    done = run(demo_root, monkeypatch)
    widgets = done.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    page = "".join(one["state"].get("value") or "" for one in widgets if one["model_name"] == "HTMLModel")
    assert "36 (25 to 48) of 600, 6 in 100" in page
    assert "7 of 100 left (5 to 9)" in page
    drawn = [row for row in re.findall(r"<tr.*?</tr>", page) if "wb-length" in row and re.search(r"<td>\d", row)]
    assert len(drawn) > 10
    assert all("wb-limits" in row for row in drawn)  # no bar without its uncertainty
    assert "84 (82 to 86)" in page
    assert "wb-sorry" not in page
    assert sorted(path for path in demo_root.rglob("*") if "runs" not in path.parts) == before


def test_it_has_no_model_and_no_data_frame(demo_root: Path) -> None:
    text = (demo_root / "notebooks" / "dashboards" / "student_prediction.ipynb").read_text()
    for heavy in ("pandas", "xgboost", "sklearn", "dropout", "open_data", "fit("):
        assert heavy not in text


def test_a_viewers_kernel_loads_neither_pandas_nor_a_plotting_library(demo_root: Path) -> None:
    code = (
        "import sys; from workbench import dashboards; from workbench.dashboards import seen; "
        "seen.read('demo', 'risk_by_school_group', at='2025-01-31T08:00:00Z').published.table.to_pylist(); "
        "print({'pandas', 'ibis', 'duckdb', 'matplotlib', 'sklearn'} & set(sys.modules))"
    )
    environment = os.environ | {"WORKBENCH_ROOT": str(demo_root)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_without_published_tables_it_stops_with_a_sentence(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("notebooks", "access.yml"):
        (tmp_path / part).symlink_to(demo_root / part)
    with pytest.raises(CellExecutionError, match="Nothing has been published yet under the name “demo”"):
        run(tmp_path, monkeypatch)


def test_without_an_access_file_nobody_sees_anything(
    demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("notebooks", "published"):
        (tmp_path / part).symlink_to(demo_root / part)
    with pytest.raises(CellExecutionError, match="This is not there, or it is not for you"):
        run(tmp_path, monkeypatch)
