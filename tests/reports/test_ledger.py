"""The ledger: run folders, their manifests, and the lock on a run's name."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from workbench.errors import BadParameter, RunLocked
from workbench.reports import ledger

from .conftest import Project

HOLD = "from workbench.reports import ledger\nwith ledger.lock('study'):\n    print('held', flush=True)\n    input()"


def begun(**more: object) -> ledger.Record:
    return ledger.new_record("study", {"status": "running", "started": ledger.now(), **more})


def test_runs_that_begin_in_the_same_second_have_folders_of_their_own(project: Project) -> None:
    ids = [begun().id for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(each.startswith("study-2") for each in ids)


def test_the_newest_run_comes_first_and_broken_folders_are_passed_over(project: Project) -> None:
    begun(started="2025-01-01T00:00:00+00:00")
    second = begun(started="2025-01-02T00:00:00+00:00")
    (project.root / "runs" / "half").mkdir()
    (project.root / "runs" / "half" / "manifest.json").write_text('{"run": ', encoding="utf-8")
    assert ledger.records()[0].id == second.id
    assert len(ledger.records()) == 2
    assert ledger.last_record("study") == second
    assert ledger.last_record("other") is None


def test_an_unknown_run_is_told_with_the_nearest(project: Project) -> None:
    known = begun().id
    with pytest.raises(BadParameter, match=f"Did you mean '{known}'"):
        ledger.record(known[:-1] + "x")


def test_a_second_run_of_a_name_is_told_who_holds_the_lock(project: Project) -> None:
    with ledger.lock("study"):
        with pytest.raises(RunLocked, match=rf"process {os.getpid()} on .* since 2") as told, ledger.lock("study"):
            pass
        with ledger.lock("other"):
            pass
    assert told.value.exit_code == 3
    with ledger.lock("study"):
        pass


def test_a_run_whose_process_was_killed_holds_no_lock_and_counts_as_interrupted(project: Project) -> None:
    record = begun()
    holder = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    assert record.status == "running"
    with pytest.raises(RunLocked), ledger.lock("study"):
        pass
    holder.kill()
    holder.communicate()
    assert record.status == "interrupted"
    with ledger.lock("study"):
        pass
