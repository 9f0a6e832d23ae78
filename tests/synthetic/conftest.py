"""Synthetic data made once for these tests, and the measures that the long studies use."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from workbench import synthetic
from workbench.store import Data, open_data

PROVE = Path(__file__).parents[2] / "prove"


@pytest.fixture(scope="session")
def high(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Return 6,000 high-school students of two districts over eight years."""
    path = tmp_path_factory.mktemp("high") / "data"
    return open_data(
        synthetic.write(path, students=6_000, years=8, seed=5, low_grade=9, districts=2, events_per_term=2.0)
    )


@pytest.fixture(scope="session")
def k12(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Return a K-12 district of 30,000 students over eight years, almost without learning events."""
    path = tmp_path_factory.mktemp("k12") / "data"
    return open_data(
        synthetic.write(path, students=30_000, years=8, seed=5, low_grade=0, districts=1, events_per_term=0.1)
    )


@pytest.fixture(scope="session")
def study() -> Any:
    """Return a function that imports one of the long studies by name."""

    def load(name: str) -> ModuleType:
        import importlib

        sys.path.insert(0, str(PROVE))
        try:
            return importlib.import_module(name)
        finally:
            sys.path.remove(str(PROVE))

    return load
