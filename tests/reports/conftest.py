"""A small project of its own for each test: three schools' data, notebooks made of a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import nbformat
import pyarrow as pa
import pytest

from workbench import store
from workbench.reports.screen import Screen
from workbench.tables import TABLES


@dataclass(frozen=True)
class Project:
    """A project folder; `notebook` and `params` write files into it."""

    root: Path

    def notebook(self, name: str, *cells: str, parameters: str = "", kernel: str = "python3") -> Path:
        """Write a notebook: its first cell is Markdown, the rest code, with a parameters cell between."""
        words, *code = [*cells, "pass"] if len(cells) == 1 else cells
        made = [nbformat.v4.new_markdown_cell(words)]
        if parameters:
            made.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
        made += [nbformat.v4.new_code_cell(source) for source in code]
        metadata = {"kernelspec": {"name": kernel, "display_name": kernel}}
        path = self.root / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=metadata), path)
        return path

    def params(self, text: str, name: str = "study") -> Path:
        """Write params/<name>.yml."""
        path = self.root / "params" / f"{name}.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def data(self, path: str = "data/three") -> Path:
        """Write a data folder of three schools, the first of which is called 0007."""
        with store.writing(self.root / path, {"made by": "a test"}, "2025-06-30") as writer:
            writer.append("districts", rows("districts", district_id=["01"], name=["North"], state=["OR"]))
            writer.append(
                "schools",
                rows(
                    "schools",
                    school_id=["0007", "0008", "0009"],
                    district_id=["01"] * 3,
                    name=["Cedar", "Lake", "Maple"],
                    level=["high"] * 3,
                    low_grade=[9] * 3,
                    high_grade=[12] * 3,
                ),
            )
            writer.append("enrollments", enrollments())
        return self.root / path


def rows(table: str, **columns: list[object]) -> pa.Table:
    return pa.table(columns).cast(TABLES[table].arrow_schema())


def enrollments() -> pa.Table:
    """Return nine students in grade 9 and 10 of the school year 2025, four, three and two a school."""
    schools = ["0007"] * 4 + ["0008"] * 3 + ["0009"] * 2
    return rows(
        "enrollments",
        student_id=[f"{n:05d}" for n in range(9)],
        school_id=schools,
        school_year=[2025] * 9,
        grade_level=[9, 9, 9, 9, 9, 10, 10, 10, 10],
        entry_date=[date(2024, 9, 1)] * 9,
        exit_date=[None] * 9,
        exit_reason=[None] * 9,
        transfer_documented=[None] * 9,
        full_year=[True] * 9,
    )


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    return Project(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project that the tests of one module share, so that its notebooks run once."""
    root = tmp_path_factory.mktemp("project")
    (root / "notebooks").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_ROOT", str(root))
        yield Project(root)


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Screen]:
    """A screen that writes to a file."""
    with open(tmp_path / "screen.txt", "w", encoding="utf-8") as file:
        yield Screen(file)
