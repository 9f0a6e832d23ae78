"""A run: what is on the disk when it has ended well, ended badly, or was stopped."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from typing import Any

import psutil
import pytest

from workbench import store
from workbench.access.roles import ALL, Scope, Units, Viewer
from workbench.disclosure import published, released
from workbench.errors import DisclosureError, NotebookFailed
from workbench.reports import ledger, run
from workbench.reports.inputs import check_inputs
from workbench.reports.ledger import Record
from workbench.reports.plan import make_plan
from workbench.reports.record import fingerprint
from workbench.reports.screen import Screen

from .conftest import Project, enrollments

READS = "from workbench.parameters import DataFolder\ndata: DataFolder = 'data/three'  # the data\nseed: int = 3"
COUNT = (
    "import workbench as wb\nopened = wb.open_data(data)\nwb.keep('students', opened.enrollments.count().execute())",
    "groups = opened.enrollments.group_by('school_id').agg(n=opened.enrollments.count()).execute()\n"
    "groups['n'] *= 100\nwb.publish('by_school', groups, keys=['school_id'], title='Students by school')",
)
FAILING = {
    "raises": "raise ValueError('the shares add up to 1.2')",
    "told": "from workbench.errors import BadInput\nraise BadInput('x.csv, row 7, column grade: 13; correct it.')",
    "dies": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "full": "with open('/dev/full', 'w') as file:\n    file.write('x' * 100_000)",
    "slow": "import time\ntime.sleep(60)",
    "kills": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
}
CAMPAIGN = (
    """
title: What can go wrong
parameters: {data: data/three}
notebooks:
  - {notebook: tier0/counts}
  - {notebook: tier0/after_counts, after: [counts]}
  - {notebook: tier0/after_raises, after: [raises]}
  - {notebook: tier0/after_skipped, after: [after_raises]}
"""
    + "".join(f"  - {{notebook: tier0/{name}}}\n" for name in FAILING if name != "slow")
    + "  - {notebook: tier0/slow, timeout_minutes: 0.05}\n"
)


def notebooks(project: Project) -> None:
    project.data()
    (project.root / "access.yml").write_text("min_count: 10\npublic: all\n...\n", encoding="utf-8")
    project.notebook("tier0/counts", "# Counts\n\nHow many students are there?", *COUNT, parameters=READS)


@pytest.fixture(scope="module")
def campaign(shared: Project) -> tuple[Record, str]:
    """A run in which one notebook after another fails, and what its end says."""
    notebooks(shared)
    for name in ("after_counts", "after_raises", "after_skipped"):
        shared.notebook(f"tier0/{name}", f"# {name}")
    for name, code in FAILING.items():
        shared.notebook(f"tier0/{name}", f"# {name}", code)
    shared.params(CAMPAIGN)
    with open(shared.root / "screen.txt", "w", encoding="utf-8") as file, pytest.raises(NotebookFailed) as told:
        run.run(make_plan("params/study.yml"), jobs=3, screen=Screen(file))
    last = ledger.last_record("study")
    assert last
    return last, str(told.value)


def test_notebooks_that_do_not_depend_on_a_failed_one_run_to_their_end(campaign: tuple[Record, str]) -> None:
    entries = campaign[0].manifest["notebooks"]
    assert campaign[0].status == "failed"
    assert {name: entry["status"] for name, entry in entries.items()} == {
        "counts": "done",
        "after_counts": "done",
        "after_raises": "skipped",
        "after_skipped": "skipped",
        **dict.fromkeys(FAILING, "failed"),
    }


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("raises", "Cell [1] stopped with ValueError: the shares add up to 1.2. The cell and its whole error are in"),
        ("told", "x.csv, row 7, column grade: 13; correct it."),
        ("dies", "The kernel died while the notebook ran: most often the machine ran out of memory."),
        ("full", "The disk is full, or a file may not grow any further ([Errno 28] No space left on device)."),
        ("slow", "The notebook took longer than its 0.05 minutes and was stopped."),
        ("kills", "The process that ran the notebook was killed (SIGKILL) in cell 2 of 2"),
    ],
)
def test_each_failure_is_told_in_one_paragraph(campaign: tuple[Record, str], name: str, told: str) -> None:
    record, end = campaign
    error = record.manifest["notebooks"][name]["error"]
    assert error.startswith(told)
    assert "\n" not in error
    assert f"{name} failed. {error}" in end


def test_a_notebook_has_its_name_only_when_it_succeeded(campaign: tuple[Record, str]) -> None:
    folder = campaign[0].folder
    assert {file.name for file in folder.glob("*.ipynb")} | {file.name for file in folder.glob("*.html")} == {
        *("counts.ipynb", "counts.html", "after_counts.ipynb", "after_counts.html", "index.html"),
        *(f"{name}.failed.ipynb" for name in FAILING),
    }
    assert not list(folder.glob(".*"))


def test_a_run_that_failed_publishes_nothing(campaign: tuple[Record, str]) -> None:
    record, end = campaign
    assert (record.folder / "counts" / "published" / "by_school.parquet").exists()
    *_, published_nothing, where = end.splitlines()
    assert published_nothing == "Nothing was published."
    assert where.startswith(f"Open runs/{record.id}/index.html. Where it stopped: ")
    assert f"runs/{record.id}/raises.failed.ipynb" in where
    assert published.runs() == []


def test_the_manifest_says_what_a_result_was_made_from(campaign: tuple[Record, str]) -> None:
    manifest = campaign[0].manifest
    assert manifest["inputs"][0]["path"] == "data/three"
    assert len(manifest["inputs"][0]["checksum"]) == 64
    assert manifest["notebooks"]["counts"]["parameters"] == {"data": "data/three", "seed": 3}
    assert manifest["notebooks"]["counts"]["seed"] == 3
    assert {"python", "pandas", "duckdb", "xgboost", "papermill"} <= set(manifest["packages"])
    assert manifest["finished"] >= manifest["started"]
    assert json.loads((campaign[0].folder / "results.json").read_text()) == {"counts": {"students": 9}}


def test_nobody_watching_gets_one_line_a_notebook(campaign: tuple[Record, str], shared: Project) -> None:
    lines = (shared.root / "screen.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(campaign[0].manifest["notebooks"])
    assert any("Z counts: done in " in line for line in lines)
    assert any("after_raises: not started" in line for line in lines)


def test_a_failed_run_tells_its_failures_in_the_overview(campaign: tuple[Record, str]) -> None:
    page = (campaign[0].folder / "index.html").read_text(encoding="utf-8")
    assert "the shares add up to 1.2" in page
    assert "Not started: a notebook before it failed" in page
    assert "How many students are there?" in page


@pytest.fixture
def study(project: Project) -> Project:
    """A run of two notebooks, `counts` and `then`."""
    notebooks(project)
    project.notebook(
        "tier0/then", "# Then", "import os\nassert not os.path.exists(f'{os.environ[\"WORKBENCH_ROOT\"]}/bad')"
    )
    project.params("notebooks:\n  - notebook: tier0/counts\n  - {notebook: tier0/then, after: [counts]}\n")
    return project


def once(screen: Screen, *settings: str, **options: Any) -> Record:
    return run.run(make_plan("params/study.yml", settings), screen=screen, **options)


def test_a_run_that_ends_well_publishes_and_a_resumed_one_keeps_what_is_unchanged(
    study: Project, quiet: Screen
) -> None:
    (study.root / "bad").touch()
    with pytest.raises(NotebookFailed):
        once(quiet)
    (study.root / "bad").unlink()
    failed = ledger.last_record("study")
    assert failed
    assert published.runs() == []

    done = once(quiet, resume=True)
    first, second = (done.manifest["notebooks"][name] for name in ("counts", "then"))
    assert (done.id, done.status, done.manifest["published"]) == (failed.id, "done", "published/study/manifest.json")
    assert first == failed.manifest["notebooks"]["counts"]
    assert second["started"] >= failed.manifest["finished"]
    assert not (done.folder / "then.failed.ipynb").exists()
    assert published.tables("study") == ["by_school"]
    assert done.manifest["pages"] == ["by_school"]
    assert (study.root / "public" / "study" / "by_school.html").is_file()

    study.notebook("tier0/then", "# Then", "print('changed')")
    changed = once(quiet, resume=True).manifest["notebooks"]
    assert changed["counts"] == first
    assert changed["then"]["fingerprint"] != second["fingerprint"]


def test_a_part_of_a_run_is_not_what_a_whole_one_goes_on_with(study: Project, quiet: Screen) -> None:
    whole = once(quiet)
    part = run.run(make_plan("params/study.yml", (), ("counts",)), screen=quiet)
    assert part.id != whole.id
    again = once(quiet, resume=True)
    assert (again.id, set(again.manifest["notebooks"])) == (whole.id, {"counts", "then"})
    assert again.manifest["notebooks"] == whole.manifest["notebooks"]
    assert run.run(make_plan("params/study.yml", (), ("counts",)), resume=True, screen=quiet).id == part.id


def test_changed_data_values_or_code_are_never_kept(study: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def checksum(*settings: str) -> str:
        plan = make_plan("params/study.yml", settings)
        return fingerprint(plan, plan.steps[0], check_inputs(plan))

    before = checksum()
    assert checksum() == before
    assert checksum("counts.seed=4") != before
    with monkeypatch.context() as patch:
        patch.setattr("workbench.reports.versions.code_version", lambda: "0.2.0+00000000")
        assert checksum() != before
    with store.writing("data/three", {"made by": "a test"}, "2025-06-30") as writer:
        writer.append("enrollments", enrollments().slice(0, 8))
    assert checksum() != before


def test_what_may_not_be_published_fails_the_run(
    study: Project, quiet: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DisclosureError("Table 'by_school' has the column 'sex'.")

    study.params("notebooks: [{notebook: tier0/then}]\n")
    monkeypatch.setattr(published, "commit", refuse)
    with pytest.raises(NotebookFailed, match="has the column 'sex'"):
        once(quiet)
    last = ledger.last_record("study")
    assert last
    assert (last.status, last.manifest["error"]) == ("failed", "Table 'by_school' has the column 'sex'.")


RELEASING = (
    "import pandas as pd\nimport workbench as wb",
    "ids = [f'{n:05d}' for n in (1, 2)]\n"
    "rows = pd.DataFrame({'student_id': ids, 'school_id': ['0007', '0008'], 'gpa': [1.5, 2.5]})\n"
    "wb.release('caseload', rows, to='counsellor', scope='school_id')",
)


def test_rows_about_students_reach_those_entitled_when_the_run_has_succeeded(
    study: Project, quiet: Screen, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("WORKBENCH_KEY_FILE", str(elsewhere / "key"))
    monkeypatch.setenv("WORKBENCH_AUDIT_ANCHOR", str(elsewhere / "anchor.txt"))
    monkeypatch.delenv("WORKBENCH_AUDIT")
    study.notebook("tier0/counts", "# Counts", *RELEASING)
    (study.root / "bad").touch()
    with pytest.raises(NotebookFailed):
        once(quiet)
    assert not (study.root / "released").exists()
    (study.root / "bad").unlink()
    record = once(quiet, resume=True)
    assert record.manifest["released"] == "released/study/manifest.json"
    scope = Scope(schools=Units(frozenset(["0007"])), tables=ALL, columns=ALL)
    seen = released.read("study", "caseload", Viewer("khan", "counsellor", scope), at=ledger.now())
    assert seen.to_pylist() == [{"student_id": "00001", "school_id": "0007", "gpa": 1.5}]
    report = (record.folder / "counts.html").read_text(encoding="utf-8")
    assert "2 rows released to the role counsellor" in report
    assert "00002" not in report


def test_a_file_that_may_not_grow_fails_the_notebook_and_loses_nothing(study: Project) -> None:
    study.notebook("tier0/then", "# Then", "print('x' * 3_000_000)")
    study.params("notebooks: [{notebook: tier0/then}]\n")
    command = [sys.executable, "-m", "workbench.cli", "run", "params/study.yml"]
    limit = 2_000_000
    ended = subprocess.run(
        command,
        cwd=study.root,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert ended.returncode == 1
    assert "then failed. The disk is full, or a file may not grow any further" in ended.stderr
    assert "Traceback" not in ended.stderr
    last = ledger.last_record("study")
    assert last
    assert last.status == "failed"
    assert not (last.folder / "then.ipynb").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_no_process_and_can_be_resumed(study: Project, number: int) -> None:
    study.notebook("tier0/then", "# Then", "import time\ntime.sleep(60)")
    study.params("notebooks: [{notebook: tier0/then}]\n")
    command = [sys.executable, "-m", "workbench.cli", "run", "params/study.yml"]
    process = subprocess.Popen(command, cwd=study.root, stderr=subprocess.PIPE, text=True)
    children = _wait_for_kernel(process.pid)
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=30)
    _, alive = psutil.wait_procs(children, timeout=15)
    assert alive == []
    last = ledger.last_record("study")
    assert last
    assert last.status == "interrupted"
    assert "Traceback" not in said
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert "--resume" in said
        assert (last.folder / "then.failed.ipynb").exists()


def _wait_for_kernel(pid: int) -> list[psutil.Process]:
    """Return the worker and its kernel, once there are both."""
    for _ in range(150):
        children = psutil.Process(pid).children(recursive=True)
        if any("ipykernel_launcher" in " ".join(child.cmdline()) for child in children):
            return children
        time.sleep(0.1)
    raise AssertionError("no kernel was started")
