"""The command line: exit codes, and one clear paragraph instead of a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from workbench import store
from workbench.cli import main
from workbench.reports import ledger
from workbench.tables import TABLES

PARAMS = "title: A study\nnotebooks:\n  - notebook: tier1/my_question\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a sample of three students, one new notebook, and a params file that runs it."""
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    enrollments = pa.table(
        {
            "student_id": ["0001", "0002", "0003"],
            "school_id": ["01"] * 3,
            "school_year": [2025] * 3,
            "grade_level": [9, 9, 10],
            "entry_date": [date(2024, 9, 1)] * 3,
            "exit_date": [None] * 3,
            "exit_reason": [None] * 3,
            "transfer_documented": [None] * 3,
            "full_year": [True] * 3,
        }
    )
    with store.writing("data/synthetic/sample", {"made by": "a test"}, "2025-06-30") as writer:
        writer.append("enrollments", enrollments.cast(TABLES["enrollments"].arrow_schema()))
    assert main(["new", "notebook", "tier1/my_question"]) == 0
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "study.yml").write_text(PARAMS, encoding="utf-8")
    return tmp_path


def test_a_new_notebook_runs_at_once(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "params/study.yml", "--jobs", "2"]) == 0
    last = ledger.last_record("study")
    assert last
    said = capsys.readouterr()
    assert f"open {last.folder / 'index.html'}" in said.out
    assert "my_question: done in" in said.err
    assert json.loads((last.folder / "results.json").read_text()) == {"my_question": {"students": 3}}
    assert "<caption" in (last.folder / "my_question.html").read_text(encoding="utf-8")

    assert main(["runs"]) == 0
    assert last.id in capsys.readouterr().out
    assert main(["runs", last.id]) == 0
    assert "notebooks/tier1/my_question.ipynb" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "params/nowhere.yml"], "The params file params/nowhere.yml cannot be read"),
        (["run", "params/study.yml", "--set", "school_yaer=2025"], "Did you mean 'school_year'?"),
        (["run", "params/study.yml", "--set", "school_year=12"], "whole number, at least 1980, at most 2100 or empty"),
        (["run", "params/study.yml", "--set", "data=data/nowhere"], "There is no data folder data/nowhere"),
        (["run", "params/study.yml", "--only", "my_qestion"], "Did you mean 'my_question'?"),
        (["describe", "my_qestion"], "Did you mean 'tier1/my_question'?"),
        (["runs", "study-1"], "There is no run 'study-1'"),
        (["new", "notebook", "My Question"], "write tier/name in small letters"),
    ],
)
def test_a_mistake_is_told_in_one_paragraph_and_starts_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert told in said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1
    assert ledger.records() == []


def test_a_failed_notebook_gives_exit_code_1(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = root / "notebooks" / "tier1" / "my_question.ipynb"
    notebook.write_text(notebook.read_text().replace("import workbench as wb", "1 / 0"), encoding="utf-8")
    assert main(["run", "params/study.yml"]) == 1
    assert "my_question failed. Cell [3] stopped with ZeroDivisionError: division by zero." in capsys.readouterr().err


def test_a_run_under_way_gives_exit_code_3(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ledger.lock("study"):
        assert main(["run", "params/study.yml"]) == 3
    assert "Another run of 'study' is under way (process" in capsys.readouterr().err
    assert ledger.records() == []


def test_a_dry_run_checks_and_shows_and_starts_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "params/study.yml", "--dry-run", "--set", "my_question.school_year=2024"]) == 0
    said = capsys.readouterr().out
    assert "school_year = 2024" in said
    assert "Reads data folder data/synthetic/sample" in said
    assert ledger.records() == []


def test_part_of_a_run_publishes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.disclosure import published

    monkeypatch.setattr(published, "commit", lambda *_: pytest.fail("published"))
    other = "  - {notebook: tier1/my_question, name: other}\n"
    (root / "params" / "study.yml").write_text(PARAMS + other, encoding="utf-8")
    assert main(["run", "params/study.yml", "--only", "other"]) == 0
    assert "nothing was published" in capsys.readouterr().out


def test_the_notebooks_are_listed_and_described(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert "tier1/my_question\n    My question\n    How many students are enrolled in each grade?" in listed
    assert "workbench run params/study.yml" in listed
    assert main(["describe", "tier1/my_question"]) == 0
    described = capsys.readouterr().out
    assert "whole number, at least 1980, at most 2100 or empty" in described
    assert "spring of the school year; empty for the last one" in described


def test_outside_a_project_it_says_where_to_go(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "workbench.cli", "list"], cwd=tmp_path, capture_output=True, text=True, env={"PATH": ""}
    )
    assert ended.returncode == 2
    assert "No project found at or above" in ended.stderr


def test_help_needs_none_of_the_heavy_packages() -> None:
    code = (
        "import sys\nfrom workbench.cli import _parser\n_parser().format_help()\n"
        "print([name for name in ('pandas', 'ibis', 'papermill', 'nbconvert', 'matplotlib') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_synthesize_and_doctor_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    import workbench.doctor
    import workbench.synthetic

    asked: dict[str, object] = {}

    def write(out: str, **options: object) -> Path:
        asked.update(out=out, **options)
        return Path(out)

    monkeypatch.setattr(workbench.synthetic, "write", write)
    monkeypatch.setattr(workbench.doctor, "main", lambda arguments: 1)
    assert main(["synthesize", "data/x", "--preset", "demo", "--seed", "7"]) == 0
    assert asked.pop("jobs")
    assert asked == {"out": "data/x", "preset": "demo", "students": None, "years": None, "seed": 7}
    assert main(["doctor"]) == 1
