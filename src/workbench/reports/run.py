"""Execute a plan: each notebook in its own process, in order, and nothing published but a whole run."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping

from workbench.errors import NotebookFailed, WorkbenchError
from workbench.files import write_atomically
from workbench.paths import shown
from workbench.reports import html, ledger
from workbench.reports.execute import Job, disk_full, is_disk_full
from workbench.reports.inputs import Input, check_inputs, kernel
from workbench.reports.ledger import Record
from workbench.reports.plan import Plan, Step
from workbench.reports.record import begin, header
from workbench.reports.screen import Screen
from workbench.reports.worker import Worker

PAUSE_SECONDS = 0.05


def run(plan: Plan, *, jobs: int = 1, resume: bool = False, screen: Screen | None = None) -> Record:
    """Check what a plan reads, execute it, publish it when every notebook succeeded; return its record.

    Raises BadInput before anything has started, RunLocked where a run of this name is under way,
    and NotebookFailed, with the record complete on the disk, where a notebook did not reach its end.
    """
    screen = screen or Screen()
    with ledger.lock(plan.run):
        screen.say("Checking the data …")
        inputs = check_inputs(plan)
        record, kept = begin(plan, inputs, resume)
        began, before = time.monotonic(), record.manifest["seconds"] or 0.0
        try:
            _execute_all(plan, record, inputs, kept, jobs, screen)
            _finish(plan, record)
        except OSError as error:
            said = disk_full(str(error)) if is_disk_full(error, "") else f"The run stopped: {error}."
            raise NotebookFailed(said) from error
        except (KeyboardInterrupt, SystemExit):
            record.manifest["status"] = "interrupted"
            raise
        finally:
            screen.clear()
            record.manifest.update(finished=ledger.now(), seconds=round(before + time.monotonic() - began, 1))
            _complete(record)
    return record


def _complete(record: Record) -> None:
    """Write the manifest and the overview as the run leaves them; a full disk may keep them from it."""
    if record.manifest["status"] == "running":
        record.manifest["status"] = "failed"
    try:
        record.save()
        html.write_overview(record.folder, record.manifest)
    except OSError as error:
        print(f"{shown(record.folder)} could not be completed: {error}", file=sys.stderr)


def _execute_all(
    plan: Plan, record: Record, inputs: Mapping[str, Input], kept: set[str], jobs: int, screen: Screen
) -> None:
    entries = record.manifest["notebooks"]
    for name in kept:
        screen.line(f"{name}: kept from before")
    waiting = [step for step in plan.steps if step.name not in kept]
    running: list[Worker] = []
    try:
        while waiting or running:
            for step in list(waiting):
                states = {entries[name]["status"] for name in step.after}
                if states & {"failed", "skipped"}:
                    waiting.remove(step)
                    entries[step.name]["status"] = "skipped"
                    screen.line(f"{step.name}: not started, because a notebook it comes after failed")
                elif states <= {"done"} and len(running) < jobs:
                    waiting.remove(step)
                    running.append(_start(plan, step, record, inputs, jobs))
            for worker in [each for each in running if each.has_ended()]:
                running.remove(worker)
                _note(worker, record, screen)
            screen.show(len(plan.steps) - len(waiting) - len(running), len(plan.steps), running)
            time.sleep(PAUSE_SECONDS)
    finally:
        for worker in running:
            worker.stop()
            entries[worker.name].update(status="interrupted", seconds=round(worker.seconds, 1))
            worker.job.keep_failed()


def _start(plan: Plan, step: Step, record: Record, inputs: Mapping[str, Input], jobs: int) -> Worker:
    output = record.folder / step.name
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    job = Job(
        name=step.name,
        notebook=str(step.notebook),
        kernel=kernel(step.notebook),
        folder=str(record.folder),
        parameters=step.parameters,
        timeout_seconds=step.timeout_minutes * 60,
        header=header(plan, step, record, inputs),
    )
    for old in (job.final, job.failed, job.html):
        old.unlink(missing_ok=True)
    record.manifest["notebooks"][step.name].update(status="running", started=ledger.now(), error=None)
    record.save()
    return Worker(job, output, record.id, jobs)


def _note(worker: Worker, record: Record, screen: Screen) -> None:
    """Write down how a notebook ended."""
    outcome = worker.outcome()
    entry = record.manifest["notebooks"][worker.name]
    entry.update(outcome, finished=ledger.now(), seconds=round(worker.seconds, 1))
    record.save()
    screen.line(f"{worker.name}: {outcome['status']} in {html.duration(worker.seconds)}")


def _finish(plan: Plan, record: Record) -> None:
    """Gather the kept results; publish where all succeeded; raise NotebookFailed where one did not."""
    entries = record.manifest["notebooks"]
    results = {step.name: html.read_results(record.folder / step.name) for step in plan.steps}
    text = json.dumps({name: kept for name, kept in results.items() if kept}, indent=1, ensure_ascii=False)
    write_atomically(record.folder / "results.json", text + "\n")
    failed = {name: entry["error"] for name, entry in entries.items() if entry["status"] == "failed"}
    if failed:
        told = [f"{name} failed. {error}" for name, error in failed.items()]
        skipped = [name for name, entry in entries.items() if entry["status"] == "skipped"]
        also = [f"Not started, because they come after: {', '.join(skipped)}."] if skipped else []
        kept = [file for name in failed if (file := record.folder / f"{name}.failed.ipynb").exists()]
        stopped = f" Where it stopped: {', '.join(map(shown, kept))}." if kept else ""
        where = f"Open {shown(record.folder / 'index.html')}.{stopped}"
        raise NotebookFailed("\n".join([*told, *also, "Nothing was published.", where]))
    if plan.whole and record.manifest["status"] != "done":
        _publish(plan, record)
    record.manifest["status"] = "done"


def _publish(plan: Plan, record: Record) -> None:
    """Let out what the notebooks staged: groups for everyone, and rows about persons for those entitled."""
    from workbench.disclosure import published, released

    folders = {step.name: record.folder / step.name for step in plan.steps}
    try:
        released.check(folders)
        manifest = published.commit(plan.run, folders, record.id)
        rows = released.commit(plan.run, folders, record.id, ledger.now())
    except WorkbenchError as error:
        record.manifest["error"] = str(error)
        raise NotebookFailed(str(error)) from error
    record.manifest["published"] = shown(manifest) if manifest else None
    record.manifest["pages"] = _pages(plan.run) if manifest else None
    record.manifest["released"] = shown(rows) if rows else None


def _pages(run_name: str) -> list[str]:
    """Write the pages for everybody and return whose are new; a page that cannot be written stays as it was."""
    from workbench.public.write import write

    try:
        written = write(run_name, ledger.now())
    except (WorkbenchError, OSError) as error:
        print(f"The pages for everybody are as they were: {error}", file=sys.stderr)
        return []
    for name, why in written.kept:
        print(f"The page for everybody of {name} is as it was: {why}", file=sys.stderr)
    return list(written.new)
