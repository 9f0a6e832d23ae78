"""A small audit log to be attacked."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.access.audit import Event, Log, record

TIMES = ("2025-01-30T08:00:00+00:00", "2025-01-31T08:00:00+00:00", "2025-02-01T08:00:00+00:00")


def fill(log: Log, times: tuple[str, ...] = TIMES) -> None:
    for number, at in enumerate(times, 1):
        record(Event(f"user{number}", "saw", "demo/caseload", "counsellor", {"grade_level": "9"}, 2, ("A-1",)), at, log)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    """Three lines in two files, January and February, anchored elsewhere."""
    made = Log(tmp_path / "audit", tmp_path / "elsewhere" / "anchor.txt")
    fill(made)
    return made


@pytest.fixture
def month(tmp_path: Path) -> Log:
    """Six lines of one month in one file."""
    made = Log(tmp_path / "month", tmp_path / "elsewhere" / "month.txt")
    fill(made, tuple(f"2025-01-{day:02d}T08:00:00+00:00" for day in range(1, 7)))
    return made
