"""The words of a parameters cell."""

from __future__ import annotations

import subprocess
import sys

from workbench import parameters


def test_every_word_can_be_imported_by_a_notebook() -> None:
    assert all(hasattr(parameters, word) for word in parameters.__all__)


def test_a_parameters_cell_runs_in_a_notebook_and_gives_plain_values() -> None:
    cell = (
        "from workbench.parameters import Annotated, DataFolder, Ge, Literal, date\n"
        "data: DataFolder = 'data/three'\n"
        "as_of: date = '2024-01-31'\n"
        "horizon: Annotated[int, Ge(1)] | None = None\n"
        "backend: Literal['duckdb', 'spark'] = 'duckdb'\n"
        "print(data, as_of, horizon, backend)"
    )
    ran = subprocess.run([sys.executable, "-c", cell], capture_output=True, text=True, check=True)
    assert ran.stdout == "data/three 2024-01-31 None duckdb\n"
