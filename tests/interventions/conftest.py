"""A log of interventions of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.access.audit import Log


@pytest.fixture
def log(site: Path, tmp_path: Path) -> Log:
    return Log(site / "data" / "interventions", tmp_path / "elsewhere" / "interventions.txt", "log of interventions")
