"""Bad input through the command line: its exit code, one clear paragraph, nothing published, nothing lost."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from workbench import store
from workbench.cli import main
from workbench.files import sha256
from workbench.reports import ledger

PROJECT = Path(__file__).resolve().parents[1]
DATA = "data/synthetic/sample"
PARAMS = "title: A study\nnotebooks:\n  - notebook: tier0/student_prediction\n"
Told = tuple[str, ...]
Harm = Callable[[Path], None]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the sample, the tier-0 notebook and a params file that runs it."""
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    shutil.copytree(PROJECT / DATA, tmp_path / DATA)
    shutil.copytree(PROJECT / "notebooks" / "tier0", tmp_path / "notebooks" / "tier0")
    shutil.copy(PROJECT / "access.yml", tmp_path)
    (tmp_path / "params").mkdir()
    (tmp_path / "params" / "study.yml").write_text(PARAMS, encoding="utf-8")
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], told: Told, *arguments: str) -> None:
    """Assert that a run ends with exit code 2, saying all of `told` in one paragraph, with nothing published."""
    assert main(["run", "params/study.yml", *arguments]) == 2
    said = capsys.readouterr().err.strip()
    paragraph = said.splitlines()[-1]
    assert all(part in paragraph for part in told), paragraph
    assert "Traceback" not in said
    assert ledger.records() == []
    assert not list(ledger.runs_folder().parent.glob("published/*/*"))


def rewrite(file: str, change: Callable[[pa.Table], pa.Table]) -> Harm:
    """Harm one file of a data folder, and bring `dataset.json` in line, as an export with that fault would."""

    def harm(folder: Path) -> None:
        path = folder / file
        pq.write_table(change(pq.ParquetFile(path).read()), path)
        facts = {"rows": pq.read_metadata(path).num_rows, "bytes": path.stat().st_size, "sha256": sha256(path)}

        def in_line(manifest: dict[str, Any]) -> None:
            name, part = file.split("/")
            manifest["tables"][name]["files"][part] = facts

        manifest_with(in_line)(folder)

    return harm


def manifest_with(change: Callable[[dict[str, Any]], Any]) -> Harm:
    def harm(folder: Path) -> None:
        path = folder / "dataset.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        change(manifest)
        path.write_text(json.dumps(manifest), encoding="utf-8")

    return harm


def value(column: str, row: int, new: Any) -> Callable[[pa.Table], pa.Table]:
    """Return a change that puts one value into a row, counted from 1."""

    def change(table: pa.Table) -> pa.Table:
        kept = table.schema.field(column)
        values = table.column(column).to_pylist()
        values[row - 1] = new
        place = table.schema.get_field_index(column)
        return table.set_column(place, kept.with_nullable(True), pa.array(values, kept.type))

    return change


def as_text(column: str) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(
        table.schema.get_field_index(column), column, pc.cast(table.column(column), pa.string())
    )


def without(file: str) -> Harm:
    return lambda folder: (folder / file).unlink()


def cut(file: str) -> Harm:
    return lambda folder: os.truncate(folder / file, (folder / file).stat().st_size // 2)


def garbage(file: str) -> Harm:
    def harm(folder: Path) -> None:
        path = folder / file
        path.write_bytes(b"garbage!" * (path.stat().st_size // 8) + b"x" * (path.stat().st_size % 8))

    return harm


def damaged(file: str) -> Harm:
    """Other bytes in the middle: the file's outline is as before, its values cannot be trusted."""

    def harm(folder: Path) -> None:
        content = bytearray((folder / file).read_bytes())
        content[40:400] = bytes(byte ^ 0x5A for byte in content[40:400])
        (folder / file).write_bytes(content)

    return harm


GRADES, ABSENT = "enrollments/year-2024.parquet", "attendance/year-2024.parquet"
HARMS: dict[str, tuple[Harm, Told]] = {
    "column missing": (
        rewrite(GRADES, lambda table: table.drop_columns("exit_date")),
        (f"{DATA}/{GRADES} has no column 'exit_date', which table 'enrollments' needs",),
    ),
    "wrong type": (
        rewrite(GRADES, as_text("grade_level")),
        (f"{DATA}/{GRADES}, column 'grade_level': its type is string, it must be int64",),
    ),
    "duplicate key": (
        rewrite("students/part-0.parquet", lambda t: pa.concat_tables([t, t.slice(2, 1)])),
        ("Table 'students' has the key (student_id S", "more than once", "row 3 and ", "Remove the duplicate"),
    ),
    "out of range": (
        rewrite(ABSENT, value("days_absent", 4, -2)),
        (
            f"{DATA}/{ABSENT}, row 4, column 'days_absent'",
            "the value is -2; it must be a whole number of at least 0",
            "Correct",
        ),
    ),
    "not allowed": (
        rewrite("students/part-0.parquet", value("sex", 7, "f")),
        ("students/part-0.parquet, row 7, column 'sex'", "the value is 'f'; it must be one of female, male"),
    ),
    "nothing where something must be": (
        rewrite(GRADES, value("school_id", 5, None)),
        (f"{GRADES}, row 5, column 'school_id'", "the value is empty; it must be a text"),
    ),
    "blank where something must be": (
        rewrite(GRADES, value("school_id", 5, "")),
        (f"{GRADES}, row 5, column 'school_id'", "the value is empty; it must be a text"),
    ),
    "not a number": (
        rewrite("assessments/year-2024.parquet", value("scale_score", 2, float("nan"))),
        ("assessments/year-2024.parquet, row 2, column 'scale_score'", "the value is nan"),
    ),
    "unknown table": (
        manifest_with(lambda m: m["tables"].update(bus_routes={"rows": 0, "files": {}})),
        ("dataset.json names the table 'bus_routes', which the data model does not have",),
    ),
    "cut short": (cut(GRADES), (f"{DATA}/{GRADES} has ", "it was cut short or changed. Write the data folder again.")),
    "garbage": (garbage(GRADES), (f"{DATA}/{GRADES} is not a readable Parquet file",)),
    "damaged": (damaged(GRADES), (f"{DATA}/{GRADES} does not hold the bytes that dataset.json says",)),
    "file gone": (without(GRADES), (f"{DATA}/{GRADES} is missing, though dataset.json names it",)),
    "file too many": (
        lambda folder: shutil.copy(folder / GRADES, folder / "enrollments" / "copy.parquet"),
        ("enrollments/copy.parquet is not named in dataset.json", "Move it elsewhere"),
    ),
    "half written": (without("dataset.json"), (f"{DATA} has no dataset.json", "was not finished", "made again")),
    "other schema": (
        manifest_with(lambda m: m.update(schema_version=99)),
        ("dataset.json is of schema version 99; this workbench reads version", "Write the data folder again"),
    ),
    "manifest garbage": (
        lambda folder: (folder / "dataset.json").write_text('{"tables": {'),
        (f"{DATA}/dataset.json cannot be read", "Write the data folder again"),
    ),
    "manifest incomplete": (
        manifest_with(lambda m: m["tables"]["students"].pop("files")),
        (f"{DATA}/dataset.json lacks something (KeyError('files'))",),
    ),
}


@pytest.mark.parametrize("name", HARMS)
def test_a_harmed_data_folder_starts_nothing(root: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    harm, told = HARMS[name]
    harm(root / DATA)
    refused(capsys, told)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("horizn_years=1", ("has a parameter 'horizn_years'", "Did you mean 'horizon_years'?")),
        ("horizon_years=soon", ("parameter 'horizon_years'", "'soon' will not do", "whole number, at least 1")),
        ("horizon_years=9", ("parameter 'horizon_years'", "'9' will not do", "at most 3")),
        ("as_of=2024-02-30", ("parameter 'as_of'", "date such as")),
        ("data=data/nowhere", ("There is no data folder data/nowhere", "workbench synthesize data/nowhere")),
        ("table=nowhere.csv", ("nowhere.csv",)),
    ],
)
def test_a_bad_parameter_starts_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], setting: str, told: Told
) -> None:
    refused(capsys, told, "--set", setting)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PAR1 and then nothing", "t.csv"),
        (b"PK\x03\x04 a workbook", "t.csv is a spreadsheet or a zip archive, not a table. Save it as CSV"),
        (bytes(range(256)) * 20, "t.csv"),
        (b"id,left\n1,yes\n2,no,maybe\n", "t.csv, line 3"),
    ],
)
def test_a_table_that_cannot_be_read_starts_nothing(
    root: Path, capsys: pytest.CaptureFixture[str], content: bytes, told: str
) -> None:
    (root / "t.csv").write_bytes(content)
    refused(capsys, (told,), "--set", "table=t.csv", "--set", "outcome_column=left")


@pytest.mark.parametrize(
    "parameter", ["outcome_column", "id_column", "cohort_column", "leave_out", "sensitive_columns"]
)
def test_a_column_that_the_table_does_not_have(root: Path, capsys: pytest.CaptureFixture[str], parameter: str) -> None:
    (root / "t.csv").write_text("id,left\n" + "".join(f"{n},{'yes' if n % 3 else 'no'}\n" for n in range(60)))
    told = f"t.csv has no column 'lfet', which '{parameter}' of student_prediction names. Did you mean 'left'?"
    refused(capsys, (told, "It has: id, left."), "--set", "table=t.csv", "--set", f"{parameter}=lfet")


def test_a_kernel_that_dies_in_the_middle_fails_the_run(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = root / "notebooks" / "tier0" / "student_prediction.ipynb"
    dying = "import os, signal\\nos.kill(os.getpid(), signal.SIGKILL)\\n"
    text = notebook.read_text(encoding="utf-8")
    notebook.write_text(text.replace("import workbench as wb\\n", dying), encoding="utf-8")
    before = sha256(root / DATA / "dataset.json")
    assert main(["run", "params/study.yml"]) == 1
    said = capsys.readouterr().err
    assert "student_prediction failed. The kernel died while the notebook ran" in said
    assert "Traceback" not in said
    assert not (root / "published").exists()
    assert sha256(root / DATA / "dataset.json") == before


def synthesize(root: Path, out: str, *more: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workbench.cli", "synthesize", out, *more]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, **options)


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--students", "10"), "students is 10; it must be from 50 to 20,000,000."),
        (("--years", "1"), "years is 1; it must be from 2 to 30."),
        (("--students", "many"), "invalid int value: 'many'"),
        (("--preset", "town"), "invalid choice: 'town'"),
    ],
)
def test_nothing_is_made_of_an_impossible_shape(root: Path, arguments: Told, told: str) -> None:
    ended = synthesize(root, "data/new", *arguments)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (root / "data" / "new").exists()


def test_a_preset_may_be_made_smaller(root: Path) -> None:
    ended = synthesize(root, "data/new", "--preset", "state", "--students", "100", "--years", "2")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert store.open_data(root / "data" / "new").districts.count().execute() == 2


@pytest.mark.parametrize("place", ["notebooks", "access.yml", "access.yml/below", "mine", "other"])
def test_what_is_no_data_folder_is_never_replaced(root: Path, place: str) -> None:
    shutil.copytree(root / DATA, root / "mine")
    (root / "mine" / "notes.txt").write_text("my own notes")
    (root / "other").mkdir()
    (root / "other" / "dataset.json").write_text('{"made by": "another program"}')
    (root / "other" / "images").mkdir()
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    ended = synthesize(root, place, "--students", "60", "--years", "2")
    assert ended.returncode == 2
    assert f"\n{place} " in ended.stderr
    assert "Nothing was changed." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_disk_that_fills_up_leaves_the_old_data_as_they_were(root: Path) -> None:
    before = store.open_data(DATA).checksum
    ended = synthesize(
        root,
        DATA,
        *("--students", "2000", "--years", "4"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
    )
    assert ended.returncode == 2
    assert ended.stderr.strip() == (
        f"{DATA} could not be written: File too large. Nothing was changed. "
        "Make room there, or name a folder on another disk."
    )
    assert store.open_data(DATA).checksum == before
    assert hidden(root / "data" / "synthetic") == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_writer_that_is_stopped_leaves_the_old_data_and_no_process(root: Path, number: int) -> None:
    before, home = store.open_data(DATA).checksum, root / "data" / "synthetic"
    command = [sys.executable, "-m", "workbench.cli", "synthesize", DATA, "--preset", "state", "--students", "100000"]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not list(home.glob(".sample.writing-*/students")):
        assert process.poll() is None
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert store.open_data(DATA).checksum == before
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert said.strip() == "Stopped; nothing was changed."
        assert hidden(home) == []
    assert synthesize(root, DATA, "--students", "60", "--years", "2").returncode == 0
    assert hidden(home) == []  # what a killed writer had left is gone as well
    assert store.open_data(DATA).checksum != before
