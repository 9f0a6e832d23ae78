"""Growth percentiles beside separate linear programmes and R's quantreg: the same fits, one after the other.

    python benchmarks/growth_percentiles.py        prints the tables alone

Each contender runs in a process of its own, and only its work is timed: not starting a language, not reading rows.
Needs the folder of real data (WORKBENCH_REAL_DATA, or ../shared/data beside the project).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.growth import percentiles
from workbench.growth.sgp.norms import PROBABILITIES, design, rank
from workbench.growth.sgp.quantiles import fit_quantiles

NAMES = {"student": "ID", "year": "year", "grade": "GRADE", "subject": "CONTENT_AREA", "score": "SCALE_SCORE"}
YEAR, GRADES = 2025, (4, 5, 6, 7, 8)
R_CODE = """
suppressMessages(library(quantreg))
given <- commandArgs(trailingOnly = TRUE)
taus <- (1:100 - 0.5) / 100
seconds <- 0
for (grade in 4:8) {
  rows <- as.matrix(read.csv(file.path(given[1], sprintf("%d.csv", grade)), header = FALSE))
  x <- rows[, -1]; y <- rows[, 1]
  seconds <- seconds + system.time(
    fits <- sapply(taus, function(tau) suppressWarnings(rq.fit(x, y, tau, method = "br")$coefficients))
  )[["elapsed"]]
  write.table(format(fits, digits = 17), file.path(given[1], sprintf("r-%d.txt", grade)),
              row.names = FALSE, col.names = FALSE, quote = FALSE)
}
cat(sprintf('{"seconds": %.3f}\\n', seconds))
"""


def lines() -> Iterator[str]:
    """Yield the tables of the report; one line that says so where the records are not there."""
    if not _file().is_file():
        yield "Growth percentiles: not measured, there is no sgpdata/sgpData_LONG.csv.gz in the folder of real data."
        return
    yield "| 368,301 records, all years | norms | quantile regressions | students placed | seconds |"
    yield "|---|---:|---:|---:|---:|"
    for words, most in (("one prior", 1), ("up to four priors", 4)):
        whole = _taken("whole", str(most))
        norms, placed, seconds = (whole[part] for part in ("norms", "placed", "seconds"))
        yield f"| workbench, {words} | {norms:,} | {100 * norms:,} | {placed:,} | {seconds:.1f} |"
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as folder:
        yield from _race(Path(folder))


def _race(folder: Path) -> Iterator[str]:
    students = _problems(folder)
    yield f"\n500 of these fits (reading, {YEAR}, grades 4 to 8, one prior, {students:,} students), the fits alone:\n"
    yield "| how | seconds | beside the workbench | same percentiles | largest excess loss |"
    yield "|---|---:|---:|---:|---:|"
    own = _taken("workbench", str(folder))["seconds"]
    yield f"| workbench | {own:.2f} | 1.0 × | – | – |"
    for how, words in (
        ("dual", "a linear programme each, dual form (scipy, HiGHS)"),
        ("r", "R's quantreg, method `br`, each by itself"),
    ):
        if how == "r" and not _has_quantreg():
            yield f"| {words} | R or its quantreg is not installed | | | |"
            continue
        seconds = _taken(how, str(folder))["seconds"]
        same, excess = _agreement(folder, how)
        yield f"| {words} | {seconds:.1f} | {seconds / own:.1f} × | {100 * same:.2f} % | {excess:.0e} |"


def _file() -> Path:
    home = os.environ.get("WORKBENCH_REAL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(home) / "sgpdata" / "sgpData_LONG.csv.gz"


def _records() -> pd.DataFrame:
    """All records; the school year 2024_2025 becomes 2025."""
    columns = ["ID", "YEAR", "GRADE", "CONTENT_AREA", "SCALE_SCORE"]
    table = pd.read_csv(_file(), usecols=columns, dtype={"ID": str})
    return table.assign(year=table.YEAR.str[-4:].astype(int))


def _problems(folder: Path) -> int:
    """Write outcome and predictors of each norm, for Python and for R; return how many students they have."""
    table = _records()
    found = percentiles(table[table.CONTENT_AREA == "READING"], years=[YEAR], most_priors=1, **NAMES)
    students = 0
    for cohort in found.cohorts:
        if cohort.norm.grade in GRADES:
            x = design(found.panel.priors[cohort.made_from], cohort.norm.splines)
            rows = np.column_stack([found.panel.current[cohort.made_from], x])
            np.save(folder / f"{cohort.norm.grade}.npy", rows)
            np.savetxt(folder / f"{cohort.norm.grade}.csv", rows, fmt="%.17g", delimiter=",")
            students += len(rows)
    return students


def _agreement(folder: Path, how: str) -> tuple[float, float]:
    """Share of students with the workbench's percentile; by how much a loss is at most above the workbench's."""
    same, excess = [], []
    for grade in GRADES:
        x, y = _read(folder, grade)
        own, theirs = (np.loadtxt(folder / f"{who}-{grade}.txt") for who in ("workbench", how))
        placed = [rank(y, np.sort(x @ beta, axis=1)) for beta in (own, theirs)]
        same.append(placed[0] == placed[1])
        excess.append((_losses(x, y, theirs) / _losses(x, y, own) - 1).max())
    return float(np.concatenate(same).mean()), float(max(excess))


def _losses(x: Any, y: Any, coefficients: Any) -> Any:
    left = y[:, None] - x @ coefficients
    return (left * (PROBABILITIES - (left < 0))).sum(axis=0)


def _read(folder: Path, grade: int) -> tuple[Any, Any]:
    rows = np.load(folder / f"{grade}.npy")
    return np.ascontiguousarray(rows[:, 1:]), rows[:, 0]


def _has_quantreg() -> bool:
    if shutil.which("Rscript") is None:
        return False
    return subprocess.run(["Rscript", "-e", "library(quantreg)"], capture_output=True).returncode == 0


def _taken(how: str, given: str) -> dict[str, Any]:
    """Let one contender work in a process of its own; return what it says of itself."""
    command = ["Rscript", "-e", R_CODE, given] if how == "r" else [sys.executable, __file__, "--one", how, given]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{how} failed:\n{done.stderr[-2000:]}")
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said


def one(how: str, given: str) -> dict[str, Any]:
    """Do one contender's work in this process."""
    if how == "whole":
        return _whole(int(given))
    folder, seconds = Path(given), 0.0
    fit_quantiles(np.c_[np.ones(50), np.arange(50.0)], np.sin(np.arange(50.0)), PROBABILITIES[:2])  # imports
    for grade in GRADES:
        x, y = _read(folder, grade)
        began = time.perf_counter()
        coefficients = FITS[how](x, y)
        seconds += time.perf_counter() - began
        np.savetxt(folder / f"{how}-{grade}.txt", coefficients, fmt="%.17g")
    return {"seconds": seconds}


def _whole(most_priors: int) -> dict[str, Any]:
    table = _records()
    began = time.perf_counter()
    found = percentiles(table, most_priors=most_priors, **NAMES)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "norms": len(found.norms), "placed": len(found.table)}


def _native(x: Any, y: Any) -> Any:
    return fit_quantiles(x, y, PROBABILITIES).coefficients


def _dual(x: Any, y: Any) -> Any:
    """Maximise y'a subject to X'a = (1 − τ) X'1 and 0 ≤ a ≤ 1: the faster way to put it; Koenker (2005), chapter 6."""
    from scipy.optimize import linprog

    fits = [
        linprog(-y, A_eq=x.T, b_eq=(1 - tau) * x.sum(axis=0), bounds=(0, 1), method="highs") for tau in PROBABILITIES
    ]
    return -np.array([fit.eqlin.marginals for fit in fits]).T


FITS: dict[str, Callable[[Any, Any], Any]] = {"workbench": _native, "dual": _dual}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(*sys.argv[2:4])))
    else:
        for line in lines():
            print(line, flush=True)
