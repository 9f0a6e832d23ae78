"""Mixed models beside lme4 (R), gpboost and statsmodels: the same model, the same rows, one after the other.

    python benchmarks/run.py mixed state_mixed

Each fit runs in a process of its own, and only the fit is timed: not starting a language, not reading the rows.
Rows are made here (growth) or come from R's lme4 (InstEval).
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

MOST = 45  # a rival that takes so many times the workbench's time is stopped
SAME = 0.01  # criterion, on the scale of −2 log likelihood
R_CODE = """
suppressMessages(library(lme4))
given <- commandArgs(trailingOnly = TRUE)
rows <- if (given[1] == "InstEval") InstEval else read.csv(given[1])
reml <- given[3] == "REML"
seconds <- system.time(fit <- lmer(as.formula(given[2]), rows, REML = reml))[["elapsed"]]
criterion <- if (reml) REMLcrit(fit) else deviance(fit)
cat(sprintf('{"seconds": %.3f, "criterion": %.6f}\\n', seconds, criterion))
"""
# What lme4's own function says of parameters that the workbench found.
AT_CODE = """
suppressMessages(library(lme4))
given <- commandArgs(trailingOnly = TRUE)
rows <- if (given[1] == "InstEval") InstEval else read.csv(given[1])
reml <- given[3] == "REML"
deviance_at <- do.call(mkLmerDevfun, lFormula(as.formula(given[2]), rows, REML = reml))
cat(sprintf('{"criterion": %.6f}\\n', deviance_at(as.numeric(strsplit(given[4], ",")[[1]]))))
"""


@dataclass(frozen=True)
class Work:
    """A model of some rows; `rivals` fit the same one, by the same method."""

    title: str
    rows: str
    formula: str
    method: str
    rivals: tuple[str, ...]


WORKS = (
    Work(
        "InstEval, `service + (1|s) + (1|d) + (1|dept)`",
        "InstEval", "y ~ service + (1 | s) + (1 | d) + (1 | dept)", "ML", ("lme4", "gpboost"),
    ),
    Work(
        "InstEval, `service * dept + (1|s) + (1|d)`",
        "InstEval", "y ~ service * dept + (1 | s) + (1 | d)", "ML", ("lme4", "gpboost"),
    ),
    Work(
        "growth, 50,000 students, `(year|student) + (year|school)`",
        "50000", "score ~ year + (year | student) + (year | school)", "REML", ("database", "lme4"),
    ),
    Work(
        "growth, 50,000 students, `(year||student) + (year||school)`",
        "50000", "score ~ year + (year || student) + (year || school)", "ML", ("gpboost",),
    ),
    Work(
        "growth, 2,000 students, `(year|student)`",
        "2000", "score ~ year + (year | student)", "REML", ("lme4", "statsmodels"),
    ),
)  # fmt: skip
STATE = Work(
    "growth, 1,000,000 students, `(year|student) + (year|school)`",
    "1000000", "score ~ year + (year | student) + (year | school)", "REML", ("database", "lme4"),
)  # fmt: skip
WORDS = {"native": "workbench", "database": "workbench, Parquet by DuckDB", "lme4": "lme4 (R)"}


def growth(students: int, schools: int, seed: int = 5) -> pd.DataFrame:
    """Scores of 3 to 6 years a student (mean 4.5); after each year 6 % move to another of 50 schools nearby."""
    rng = np.random.default_rng(seed)
    years = rng.integers(3, 7, students)
    n, start = int(years.sum()), np.cumsum(years) - years
    student = np.repeat(np.arange(students), years)
    year = np.arange(n) - start[student]
    home = rng.integers(0, schools, students)[student]
    near = min(schools, 50)
    moved = np.where((rng.random(n) < 0.06) & (year > 0), np.arange(n), -1)
    last = np.maximum.accumulate(moved)
    last = np.where(last >= start[student], last, -1)
    school = np.where(last >= 0, ((home // near * near + rng.integers(0, near, n)) % schools)[last], home)
    u = rng.normal(size=(students, 2)) @ np.array([[15.0, 0.3], [0.0, 2.0]])
    v = rng.normal(size=(schools, 2)) @ np.array([[6.0, 0.1], [0.0, 0.8]])
    score = 200 + 10 * year + u[student, 0] + u[student, 1] * year + v[school, 0] + v[school, 1] * year
    return pd.DataFrame(
        {"student": student, "school": school, "year": year.astype(float), "score": score + rng.normal(0, 8, n)}
    )


def lines(works: Iterable[Work]) -> Iterator[str]:
    """Yield the table of the report, a row a fit."""
    yield "| work | how | rows | seconds | beside the workbench | peak memory | −2 log likelihood | same? |"
    yield "|---|---|---:|---:|---:|---:|---:|---|"
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as folder:
        for work in works:
            yield from _compared(work, Path(folder))


def _compared(work: Work, folder: Path) -> Iterator[str]:
    file, n = _written(work.rows, folder)
    own = _taken("native", work, file)
    yield _row(work, "native", n, own, own)
    for rival in work.rivals:
        if rival == "lme4" and shutil.which("Rscript") is None:
            yield f"| {work.title} | lme4 (R) | | R is not installed | | | | |"
            continue
        taken = _taken(rival, work, file, MOST * own["seconds"])
        yield _row(work, rival, n, taken, own) if taken else _stopped(work, rival, n, file, own)


def _written(rows: str, folder: Path) -> tuple[Path, int]:
    """The rows as Parquet, and beside it as CSV for R."""
    file = folder / f"{rows}.parquet"
    if rows == "InstEval":
        code = "write.csv(lme4::InstEval, commandArgs(trailingOnly = TRUE)[1], row.names = FALSE)"
        subprocess.run(["Rscript", "-e", code, str(file.with_suffix(".csv"))], check=True)
        data = pd.read_csv(file.with_suffix(".csv"), dtype={"dept": str})
    else:
        data = growth(int(rows), max(20, int(rows) // 500))
        if not file.exists():
            data.to_csv(file.with_suffix(".csv"), index=False)
    data.to_parquet(file)
    return file, len(data)


def _taken(how: str, work: Work, file: Path, most: float = np.inf) -> dict[str, Any]:
    """What one fit took and found; nothing where it was stopped after `most` seconds (at least a minute)."""
    if how == "lme4":
        command = ["Rscript", "-e", R_CODE, _read_by_r(work, file), work.formula, work.method]
    else:
        command = [sys.executable, __file__, "--one", how, str(file), work.formula, work.method]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        peak = _watched(process, max(most, 60))
        said = process.stdout.read() if process.stdout else ""
    if process.returncode == -signal.SIGTERM:
        return {}
    if process.returncode:
        raise SystemExit(f"{how} failed on {work.title}")
    return {**json.loads(said.strip().splitlines()[-1]), "megabytes": peak / 1e6}


def _stopped(work: Work, rival: str, n: int, file: Path, own: dict[str, Any]) -> str:
    """The row of a fit that took too long; lme4 is asked what it says of the workbench's parameters."""
    criterion = "| – | –"
    if rival == "lme4":
        theta = ",".join(map(repr, own["theta"]))
        command = ["Rscript", "-e", AT_CODE, _read_by_r(work, file), work.formula, work.method, theta]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = json.loads(said.strip().splitlines()[-1])["criterion"]
        apart = abs(found - own["criterion"])
        agree = "yes" if apart <= SAME else "NO"
        criterion = f"| {found:.3f} | {agree}, at the workbench's parameters {apart:.1g} apart"
    title, most = work.title.replace("|", "\\|"), max(MOST * own["seconds"], 60)
    return (
        f"| {title} | {WORDS.get(rival, rival)} | {n:,} | stopped after {most:,.0f} "
        f"| more than {most / own['seconds']:.0f} × | – {criterion} |"
    )


def _read_by_r(work: Work, file: Path) -> str:
    return "InstEval" if work.rows == "InstEval" else str(file.with_suffix(".csv"))


def _watched(process: subprocess.Popen[str], most: float) -> int:
    """Peak resident memory of a process until its end, in bytes; it is ended after `most` seconds."""
    peak, seen, began = 0, psutil.Process(process.pid), time.monotonic()
    while process.poll() is None:
        if time.monotonic() - began > most:
            process.terminate()
        try:
            peak = max(peak, seen.memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.05)
    return peak


def _row(work: Work, how: str, n: int, taken: dict[str, Any], own: dict[str, Any]) -> str:
    apart = abs(taken["criterion"] - own["criterion"])
    same = "–" if taken is own else f"yes, {apart:.1g} apart" if apart <= SAME else f"NO: {apart:.3g} apart"
    title, times = work.title.replace("|", "\\|"), taken["seconds"] / own["seconds"]
    return (
        f"| {title} | {WORDS.get(how, how)} | {n:,} | {taken['seconds']:.2f} | {times:.1f} × "
        f"| {taken['megabytes']:,.0f} MB | {taken['criterion']:.3f} | {same} |"
    )


def one(how: str, file: str, formula: str, method: str) -> dict[str, Any]:
    """Fit one model in this process; a small one before it, so that imports do not count."""
    return FITS[how](file, formula, method)


def _native(file: str, formula: str, method: Any) -> dict[str, Any]:
    from workbench import hlm

    data = pd.read_parquet(file)
    hlm.fit(formula, data.head(3000), method)
    began = time.perf_counter()
    model = hlm.fit(formula, data, method)
    seconds = time.perf_counter() - began
    roots = [model.fitted.relative[name] for name in sorted(model.groups, key=lambda name: -model.groups[name])]
    theta = [float(root[row, col]) for root in roots for col in range(len(root)) for row in range(col, len(root))]
    return {"seconds": seconds, "criterion": model.criterion, "theta": theta}


def _database(file: str, formula: str, method: Any) -> dict[str, float]:
    import ibis

    from workbench import hlm

    table = ibis.duckdb.connect().read_parquet(file)
    hlm.fit(formula, table.head(3000), method)
    began = time.perf_counter()
    model = hlm.fit(formula, table, method)
    return {"seconds": time.perf_counter() - began, "criterion": model.criterion}


def _gpboost(file: str, formula: str, method: str) -> dict[str, float]:
    import gpboost
    from formulaic import model_matrix

    data = pd.read_parquet(file)
    fixed = formula.partition("+ (")[0].partition("~")[2].strip()
    X = model_matrix(fixed, data, output="pandas").to_numpy(float)
    began = time.perf_counter()
    if "||" in formula:
        model = gpboost.GPModel(
            group_data=data[["student", "school"]], group_rand_coef_data=data[["year", "year"]].to_numpy(),
            ind_effect_group_rand_coef=[1, 2], likelihood="gaussian",
            matrix_inversion_method="cholesky",
        )  # fmt: skip
    else:
        groups = ["s", "d", "dept"] if "(1 | dept)" in formula else ["s", "d"]
        model = gpboost.GPModel(group_data=data[groups], likelihood="gaussian", matrix_inversion_method="cholesky")
    outcome = data[formula.partition("~")[0].strip()].to_numpy(float)
    model.fit(y=outcome, X=X)
    return {"seconds": time.perf_counter() - began, "criterion": 2 * model.get_current_neg_log_likelihood()}


def _statsmodels(file: str, formula: str, method: str) -> dict[str, float]:
    from statsmodels.regression.mixed_linear_model import MixedLM

    data = pd.read_parquet(file)
    began = time.perf_counter()
    model = MixedLM.from_formula("score ~ year", data, groups="student", re_formula="~year")
    fit = model.fit(reml=method == "REML")
    return {"seconds": time.perf_counter() - began, "criterion": -2 * fit.llf}


FITS: dict[str, Callable[[str, str, Any], dict[str, Any]]] = {
    "native": _native,
    "database": _database,
    "gpboost": _gpboost,
    "statsmodels": _statsmodels,
}

if __name__ == "__main__" and sys.argv[1:2] == ["--one"]:
    print(json.dumps(one(*sys.argv[2:6])))
