"""What tests of the shared server have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def done() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run to its end, in a thread of its own: Playwright, in the same session of tests, keeps a loop in this one."""

    def run(task: Coroutine[Any, Any, Any]) -> Any:
        with ThreadPoolExecutor(1) as other:
            return other.submit(asyncio.run, task).result()

    return run


@pytest.fixture
def bare(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with nothing but the `access.yml` that the test's file calls ACCESS."""
    (tmp_path / "notebooks" / "dashboards").mkdir(parents=True)
    (tmp_path / "access.yml").write_text(request.module.ACCESS)
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    return tmp_path
