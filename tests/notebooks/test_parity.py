"""The parity notebook, run as it stands: every published number is found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from workbench import doctor

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "tier1" / "parity.ipynb"


def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the notebook with its defaults, its output in a folder; return what it kept."""
    monkeypatch.setenv("WORKBENCH_OUTPUT", str(folder))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    results = folder / "results.json"
    return dict(json.loads(results.read_text())) if results.exists() else {}


def test_every_published_number_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All within the printed digits, but for eight that rest on where lme4's search stopped: three units there."""
    if not (found := doctor.r_reference()).ok:
        pytest.skip(f"{found.found}; type: {found.mend}")
    kept = run(tmp_path, monkeypatch)
    names = ("high_school_and_beyond", "egsingle", "sleepstudy", "insteval")
    table = pd.concat([pd.read_parquet(tmp_path / "tables" / f"{name}.parquet") for name in names])
    assert len(table) == kept["numbers_compared"] == 72
    away = (table.native - table.published.astype(float)).abs()
    unit = 10.0 ** -table.published.str.partition(".")[2].str.len()
    assert (away < 3 * unit).all()
    assert (away <= unit / 2 + 1e-9).sum() >= 64
    flat = ~table.quantity.str.contains("df|variance|covariance")
    assert (away[flat] <= unit[flat] / 2 + 1e-9).all()
    beside = (table.native - table.lme4).abs()[
        table.lme4.notna() & table.quantity.isin(["criterion", "log likelihood"])
    ]
    assert beside.max() < 1e-6


def test_without_r_it_says_what_is_missing_and_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rpy2.py").write_text("raise ImportError('R is not here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("WORKBENCH_REAL_DATA", raising=False)
    assert run(tmp_path, monkeypatch) == {}
