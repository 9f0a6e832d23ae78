"""One piece of work for `benchmarks/run.py`, alone in a fresh process; prints what it took as one line of JSON.

`seconds` are those of the work itself, without starting Python and importing packages.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LAST_YEAR = 2024


def generation(folder: str, preset: str, jobs: str) -> dict[str, Any]:
    """Write a synthetic data folder with `jobs` processes side by side."""
    from workbench import synthetic

    began = time.perf_counter()
    synthetic.write(folder, preset, jobs=int(jobs))
    seconds = time.perf_counter() - began
    size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    return {"seconds": seconds, "students": synthetic.PRESETS[preset].students, "megabytes": size / 1e6}


def features(folder: str, how: str, result: str) -> dict[str, Any]:
    """Make the table that the tier-0 study learns from, with `how` = duckdb, spark or pandas; write it to `result`."""
    days = school_days(folder)
    if how == "pandas":
        import features_pandas

        began = time.perf_counter()
        frame = features_pandas.features(folder, days)
    else:
        from workbench import features as known
        from workbench.store import connect, open_data

        connect(how)  # type: ignore[arg-type]  # a Spark session takes seconds to start: that is not what is compared
        began = time.perf_counter()
        data = open_data(folder, how)  # type: ignore[arg-type]
        frame = known.student_features(data, known.roster(data, days)).to_pandas()
    seconds = time.perf_counter() - began
    frame.to_parquet(result)
    return {"seconds": seconds, "rows": len(frame), "days": len(days)}


def school_days(folder: str) -> list[str]:
    """The day of the tier-0 study, 31 January 2024, and the same day of each earlier year of a data folder."""
    first = min(int(file.stem.removeprefix("year-")) for file in Path(folder, "enrollments").glob("year-*.parquet"))
    return [date(year, 1, 31).isoformat() for year in range(first, LAST_YEAR + 1)]


def difference(one: str, other: str) -> dict[str, Any]:
    """Compare two results of `features`: the largest difference of a number; every text and gap must be the same."""
    left, right = (pd.read_parquet(path) for path in (one, other))
    keys = ["as_of", "student_id"]
    left, right = (f.assign(as_of=f.as_of.astype(str).str[:10]).sort_values(keys) for f in (left, right))
    same, largest = list(left.columns) == list(right.columns) and len(left) == len(right), 0.0
    for name in left.columns if same else ():
        a, b = left[name].to_numpy(), right[name].to_numpy()
        if pd.api.types.is_float_dtype(left[name]):
            same &= bool((np.isnan(a) == np.isnan(b)).all())
            largest = max(largest, float(np.nanmax(np.abs(a - b), initial=0.0)))
        else:
            same &= bool((a == b).all())
    return {"same": same, "largest": largest}


if __name__ == "__main__":
    work = {"generation": generation, "features": features, "difference": difference}[sys.argv[1]]
    print(json.dumps(work(*sys.argv[2:])))
