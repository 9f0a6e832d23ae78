"""`make bench`: speed and memory of the workbench, every comparison as a ratio taken in one run.

    python benchmarks/run.py [SECTION …] [--write]

Sections: data, mixed, percentiles (these three where none is named), activity (ten minutes), scoring (a minute),
state_features, state_mixed (a whole state; half an hour each). What is compared with each other is measured in one
run. `--write` puts the figures of the sections measured into docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import growth_percentiles
import mixed_models
import psutil

PROJECT = Path(__file__).resolve().parents[1]
PAGE = PROJECT / "docs" / "performance.md"
MARKS = "<!-- {}: begin -->", "<!-- {}: end -->"
COPIED = ("notebooks", "params", "access.yml", "pyproject.toml")
SIZES = {"demo": "10,000 students", "district": "50,000 students", "state": "1,000,000 students"}
STATE_GIGABYTES = 3
TIMES = 3
MILLIONS = 20  # of events
ENGINES = {"duckdb": "workbench on DuckDB", "pandas": "plain pandas", "spark": "workbench on Spark `local[2]`"}
SAMPLING_SECONDS = 0.5  # seldom: what looks on takes time from what it measures


@dataclass(frozen=True)
class Taken:
    """What a process took: wall-clock seconds, peak memory in MB with all its children, and what it said."""

    seconds: float
    megabytes: float
    said: dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("sections", nargs="*", help=f"what to measure: {', '.join(SECTIONS)}")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.md")
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}; there are: {', '.join(SECTIONS)}")
    for name in options.sections or USUAL:
        lines = []
        with tempfile.TemporaryDirectory(prefix="workbench-bench-") as folder:
            for line in measured(name, Path(folder)):
                print(line, flush=True)
                lines.append(line)
        if options.write:
            _write(name, lines)
    return 0


def measured(name: str, folder: Path) -> Iterator[str]:
    """Yield the report of a section, line by line, as it is measured; everything is written below `folder`."""
    yield f"Taken on {datetime.now(UTC):%d %B %Y}, in one run, on {_machine()}."
    yield ""
    yield from SECTIONS[name](folder)


def data(folder: Path) -> Iterator[str]:
    """Synthetic data, features and tier 0."""
    yield "Memory is the sum over all processes of a piece of work, at its peak; pages that they share count in each."
    yield "\n### Synthetic data\n"
    yield "| students | processes | seconds | students a second | peak memory | on disk |"
    yield "|---:|---:|---:|---:|---:|---:|"
    for preset in SIZES:
        if preset != "state" or _room(folder):
            yield _generation(folder, preset)
        else:
            yield f"\nA state was left out: it needs {STATE_GIGABYTES} GB free in {tempfile.gettempdir()}."
    yield "\n### Features, as the tier-0 study needs them\n"
    yield FEATURES_HEAD
    for preset in ("demo", "district"):
        yield from _features(folder, preset, TIMES)
    yield "\n### Tier 0 as a whole\n"
    yield _tier0(folder)


def mixed(folder: Path) -> Iterator[str]:
    """Mixed models beside other libraries."""
    yield "### Mixed models\n"
    yield from mixed_models.lines(mixed_models.WORKS)


def percentiles(folder: Path) -> Iterator[str]:
    """Growth percentiles beside other solvers."""
    yield "### Growth percentiles\n"
    yield from growth_percentiles.lines()


def activity(folder: Path) -> Iterator[str]:
    """Events to features, beside plain pandas, and the night's update."""
    yield f"### Events to features: {MILLIONS} million events\n"
    events = str(folder / "events.parquet")
    _measure("events", events, str(MILLIONS))
    taken: dict[str, list[Taken]] = {"duckdb": [], "pandas": []}
    for _ in range(TIMES):
        for how in taken:
            taken[how].append(_measure("activity", events, how, str(folder / f"{how}.parquet")))
    own = statistics.median(t.said["seconds"] for t in taken["duckdb"])
    said = _measure("difference", *(str(folder / f"{how}.parquet") for how in taken)).said
    same = f"yes, to {said['largest']:.0e}" if said["same"] else "NO"
    yield "| how | students and courses | seconds (median of runs) | beside DuckDB | peak memory | same table? |"
    yield "|---|---:|---:|---:|---:|---|"
    for how, runs in taken.items():
        seconds = statistics.median(t.said["seconds"] for t in runs)
        yield (
            f"| {ENGINES[how]} | {runs[0].said['rows']:,} | {seconds:.2f} ({len(runs)}) | {seconds / own:.1f} × "
            f"| {max(t.megabytes for t in runs):,.0f} MB | {'–' if how == 'duckdb' else same} |"
        )
    night = _measure("new_day", events, str(folder / "daily")).said
    yield (
        f"\nA night's update of the kept daily sums, by the last day's events: {night['seconds']:.2f} seconds; "
        f"features of everybody from the kept days: {night['features']:.2f}."
    )


def scoring(folder: Path) -> Iterator[str]:
    """The risk of every student of a state, by a model that was kept."""
    made = _measure("model", str(folder)).said
    runs = [_measure("scoring", str(folder)) for _ in range(TIMES)]
    seconds, reading = (statistics.median(t.said[what] for t in runs) for what in ("seconds", "reading"))
    yield "### Risks of a state of 1,000,000 students\n"
    yield "| students | predictors | seconds (median of runs) | of which reading model and features | peak memory |"
    yield "|---:|---:|---:|---:|---:|"
    yield (
        f"| {runs[0].said['rows']:,} | {made['predictors']} | {seconds:.2f} ({len(runs)}) | {reading:.2f} "
        f"| {max(t.megabytes for t in runs):,.0f} MB |"
    )


def state_features(folder: Path) -> Iterator[str]:
    """Features of a whole state."""
    yield "### Features of a state of 1,000,000 students\n"
    _generation(folder, "state")
    yield FEATURES_HEAD
    yield from _features(folder, "state", 1)


def state_mixed(folder: Path) -> Iterator[str]:
    """The growth model of a whole state."""
    yield "### A mixed model of a state of 1,000,000 students\n"
    yield from mixed_models.lines((mixed_models.STATE,))


FEATURES_HEAD = (
    "| students | how | rows | seconds (median of runs) | beside DuckDB | peak memory | same table? |\n"
    "|---:|---|---:|---:|---:|---:|---|"
)
SECTIONS: dict[str, Callable[[Path], Iterator[str]]] = {
    section.__name__: section for section in (data, mixed, percentiles, activity, scoring, state_features, state_mixed)
}
USUAL = ("data", "mixed", "percentiles")


def _machine() -> str:
    memory = psutil.virtual_memory().total / 1e9
    load = os.getloadavg()[0]
    return f"{len(os.sched_getaffinity(0))} cores and {memory:.0f} GB (load from others at the start: {load:.1f})"


def _room(folder: Path) -> bool:
    return shutil.disk_usage(folder).free > STATE_GIGABYTES * 1e9


def _generation(folder: Path, preset: str) -> str:
    jobs = len(os.sched_getaffinity(0)) if preset == "state" else 1
    taken = _measure("generation", str(folder / preset), preset, str(jobs))
    said = taken.said
    return (
        f"| {said['students']:,} | {jobs} | {said['seconds']:.1f} | {said['students'] / said['seconds']:,.0f} "
        f"| {taken.megabytes:,.0f} MB | {said['megabytes']:,.0f} MB |"
    )


def _features(folder: Path, preset: str, times: int) -> Iterator[str]:
    """One row an engine; they take turns, so that a busy moment of the machine hits them alike."""
    taken: dict[str, list[Taken]] = {"duckdb": [], "pandas": []} | ({} if preset == "district" else {"spark": []})
    for turn in range(times):
        for how in taken if turn == 0 else ("duckdb", "pandas"):  # Spark takes minutes: once
            result = folder / f"{preset}-{how}.parquet"
            taken[how].append(_measure("features", str(folder / preset), how, str(result)))
    own = statistics.median(t.said["seconds"] for t in taken["duckdb"])
    for how, runs in taken.items():
        seconds = statistics.median(t.said["seconds"] for t in runs)
        yield (
            f"| {SIZES[preset].split()[0]} | {ENGINES[how]} | {runs[0].said['rows']:,} | {seconds:.2f} ({len(runs)}) "
            f"| {seconds / own:.1f} × | {max(t.megabytes for t in runs):,.0f} MB | {_same(folder, preset, how)} |"
        )


def _same(folder: Path, preset: str, how: str) -> str:
    if how == "duckdb":
        return "–"
    paths = [str(folder / f"{preset}-{each}.parquet") for each in ("duckdb", how)]
    said = _measure("difference", *paths).said
    close = f"yes, to {said['largest']:.0e}" if said["largest"] else "yes, exactly"
    return close if said["same"] else "NO"


def _tier0(folder: Path) -> str:
    """Run params/demo.yml in a copy of the project, so that its own runs and published tables stay as they are."""
    copy = folder / "project"
    for part in COPIED:
        source = PROJECT / part
        shutil.copytree(source, copy / part) if source.is_dir() else shutil.copy(source, copy / part)
    (copy / "data" / "synthetic").mkdir(parents=True)
    (folder / "demo").rename(copy / "data" / "synthetic" / "demo")
    command = [sys.executable, "-m", "workbench.cli", "run", "params/demo.yml"]
    taken = _watched(command, cwd=copy, env={**os.environ, "WORKBENCH_ROOT": str(copy)})
    return (
        f"`workbench run params/demo.yml`: {taken.seconds:.0f} seconds and {taken.megabytes:,.0f} MB from the command "
        "to the published report on 10,000 students (checks, kernel, features, models, intervals, fairness, pictures)."
    )


def _measure(*work: str) -> Taken:
    taken = _watched([sys.executable, str(PROJECT / "benchmarks" / "measure.py"), *work], cwd=PROJECT)
    return taken


def _watched(command: list[str], **options: Any) -> Taken:
    """Run a command to its end and watch its memory and that of its children.

    Of one process alone the system keeps the peak; only the sum over several has to be looked at again and again.
    """
    began, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=out, stderr=errors, **options)
        ended = os.pidfd_open(process.pid)
        while not select.select([ended], [], [], SAMPLING_SECONDS)[0]:
            peak = max(peak, _resident(process.pid))
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        os.close(ended)
        process.returncode, peak = os.waitstatus_to_exitcode(status), max(peak, used.ru_maxrss * 1024)
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{errors.read().decode()[-2000:]}")
        last = out.read().decode().strip().splitlines()[-1:]
    return Taken(seconds, peak / 1e6, json.loads(last[0]) if last and last[0].startswith("{") else {})


def _resident(pid: int) -> int:
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.Error:
        pass  # it has just ended
    return total


def _write(name: str, lines: list[str]) -> None:
    begin, end = (mark.format(name) for mark in MARKS)
    before, rest = PAGE.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    PAGE.write_text("\n".join([before + begin, *lines, end + after]), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
