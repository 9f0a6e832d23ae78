"""Processes killed at random moments: is what a reader sees always whole, and does the next try succeed?"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import _study
import nbformat
import pandas as pd

from workbench.checks import check
from workbench.disclosure import published
from workbench.paths import ROOT_VARIABLE
from workbench.store import open_data

PROJECT = Path(__file__).resolve().parents[1]
SEEDS = range(1, 41)
STUDENTS = "20000"
NOTEBOOK = """
import pandas as pd
import workbench as wb
for name in ("one", "two"):
    table = pd.DataFrame({"group": ["a", "b"], "n": [50, 60], "version": [float(version)] * 2})
    wb.publish(name, table, keys=["group"])
wb.keep("version", version)
"""


def project(root: Path) -> None:
    """A project whose one notebook publishes two tables that carry its `version`."""
    for file in ("pyproject.toml", "access.yml"):
        shutil.copy(PROJECT / file, root / file)
    cells = [
        nbformat.v4.new_markdown_cell("# Two tables of one version"),
        nbformat.v4.new_code_cell("version: int = 0  # what both tables say", metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(NOTEBOOK.strip()),
    ]
    (root / "notebooks" / "tier0").mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), root / "notebooks" / "tier0" / "versions.ipynb")
    (root / "params").mkdir()
    (root / "params" / "versions.yml").write_text("notebooks:\n  - notebook: tier0/versions\n", encoding="utf-8")


def workbench(*arguments: str, kill_after: float | None = None) -> tuple[int, float]:
    """Run one command; kill its whole process group after so many seconds. Exit code and seconds."""
    command = [sys.executable, "-m", "workbench.cli", *arguments]
    started = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            process.wait(kill_after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, time.monotonic() - started


def versions() -> set[float]:
    """The versions that a reader finds in the published tables: one, where they belong together."""
    return {v for name in ("one", "two") for v in published.read("versions", name).table["version"].to_pylist()}


def run_trial(seed: int, usual: float) -> dict[str, object]:
    """Kill a run of version `seed`; a reader must find one version, the last whole one or this one."""
    before = versions()
    code, _ = workbench("run", "params/versions.yml", "--set", f"version={seed}", kill_after=_moment(seed, usual))
    after = versions()
    again, _ = workbench("run", "params/versions.yml", "--set", f"version={seed}")
    whole = after in (before, {float(seed)})
    return {
        "work": "run",
        "seed": seed,
        "killed": code != 0,
        "whole": whole,
        "next try": again == 0 and versions() == {float(seed)},
    }


def synthesize_trial(seed: int, usual: float) -> dict[str, object]:
    """Kill the replacement of a data folder; a reader must find the old folder or the new one."""
    before = open_data("data/some").checksum
    arguments = ("synthesize", "data/some", "--students", STUDENTS, "--years", "3", "--seed", str(seed))
    code, _ = workbench(*arguments, kill_after=_moment(seed, usual))
    found = open_data("data/some")
    check(found)
    seen = found.manifest["provenance"]["seed"]
    whole = found.checksum == before or seen == seed
    again, _ = workbench(*arguments)
    return {"work": "synthesize", "seed": seed, "killed": code != 0, "whole": whole, "next try": again == 0 and _tidy()}


def _moment(seed: int, usual: float) -> float:
    return random.Random(seed).uniform(0.2, 1.05) * usual


def _tidy() -> bool:
    return [path.name for path in Path(os.environ[ROOT_VARIABLE], "data").iterdir()] == ["some"]


def main() -> int:
    """Kill each kind of work forty times."""
    with tempfile.TemporaryDirectory() as place:
        os.environ[ROOT_VARIABLE] = place
        project(Path(place))
        _, run = workbench("run", "params/versions.yml")
        _, made = workbench("synthesize", "data/some", "--students", STUDENTS, "--years", "3", "--seed", "0")
        rows = [trial for seed in SEEDS for trial in (run_trial(seed, run), synthesize_trial(seed, made))]
    table = pd.DataFrame(rows)
    sums = table.groupby("work").agg(
        tries=("seed", "size"), killed=("killed", "sum"), whole=("whole", "sum"), next_try=("next try", "sum")
    )
    verdicts = {
        "after every kill a reader finds the old tables or the new ones, never a mixture": bool(table.whole.all()),
        "after every kill the next try succeeds and leaves nothing lying about": bool(table["next try"].all()),
        "at least half of the tries were killed before their end": bool(table.killed.mean() >= 0.5),
    }
    told = (
        f"`workbench run` and `workbench synthesize` ({STUDENTS} students over an existing folder), each started "
        f"{len(SEEDS)} times and killed with all its processes (SIGKILL) at a moment drawn between 20 % and 105 % "
        "of its usual time, seeds 1 to 40; then the same command once more, undisturbed."
    )
    return _study.write(
        "fault_campaign", "Killed at random moments", [told, _study.markdown(sums.reset_index())], verdicts
    )


if __name__ == "__main__":
    sys.exit(main())
