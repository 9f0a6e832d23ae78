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
LAST_EVENTS = date(2024, 11, 28)
STUDENTS = 1_000_000


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


def events(path: str, millions: str) -> dict[str, Any]:
    """Write one file of made-up events: 40 sessions a student and course of 10 events, 3 courses a student."""
    import duckdb

    n = int(float(millions) * 1e6)
    began = time.perf_counter()
    duckdb.sql(f"""
        COPY (
            SELECT 'event-' || i AS event_id, 'student-' || (i // 1200) AS student_id,
                   'section-' || (i // 36000) || '-' || (i // 400 % 3) AS section_id, 2025 AS school_year,
                   TIMESTAMP '2024-09-02 07:00:00' + to_seconds(CAST(
                       86400 * (hash(i // 10) % 88) + hash(i // 10 + 1) % 36000 + 90 * (i % 10) + hash(i) % 60 AS BIGINT
                   )) AS timestamp,
                   ['viewed', 'viewed', 'viewed', 'played', 'completed', 'submitted', 'answered', 'posted'][
                       1 + CAST(hash(i + 7) % 8 AS INT)] AS verb,
                   'activity-' || (hash(i + 5) % 40) AS object_id,
                   CASE WHEN hash(i + 7) % 8 = 6 THEN (hash(i + 9) % 1001) / 1000 END AS score_scaled,
                   CASE WHEN hash(i + 7) % 8 < 5 THEN CAST(hash(i + 11) % 600 AS DOUBLE) END AS duration_seconds
            FROM range({n}) AS made(i) ORDER BY timestamp
        ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
    """)
    return {"seconds": time.perf_counter() - began, "rows": n, "megabytes": Path(path).stat().st_size / 1e6}


def activity(path: str, how: str, result: str) -> dict[str, Any]:
    """Make the features of activity of one file of events, with `how` = duckdb or pandas; write them to `result`."""
    if how == "pandas":
        import activity_pandas

        began = time.perf_counter()
        frame = activity_pandas.features(path, LAST_EVENTS)
    else:
        import ibis

        from workbench.features import activity as made
        from workbench.store import connect

        duck = connect()
        duck.to_pandas(ibis.memtable({"packages": ["imported"]}))
        began = time.perf_counter()
        frame = duck.to_pandas(made.features_from_events(duck.read_parquet(path), LAST_EVENTS))
    seconds = time.perf_counter() - began
    ordered = sorted(set(frame.columns) - {"as_of", "late_submissions"})
    frame.assign(as_of=str(LAST_EVENTS))[["as_of", *ordered]].to_parquet(result)
    return {"seconds": seconds, "rows": len(frame)}


def model(folder: str) -> dict[str, Any]:
    """Fit the dropout model on the demo district, save it, and write the features of a whole state of students.

    Their rows are drawn from those of the district: how long a risk takes does not depend on whose it is.
    """
    from workbench import dropout, synthetic
    from workbench.store import open_data

    place = Path(folder)
    day = date(LAST_YEAR, 1, 31)
    study = dropout.study(open_data(synthetic.write(place / "demo", "demo")), day)
    dropout.save_model(dropout.assess(study), place / "model", day, date(LAST_YEAR, 4, 30))
    drawn = np.random.default_rng(1).integers(len(study.judged), size=STUDENTS)
    rows = study.judged[list(study.predictors)].iloc[drawn].reset_index(drop=True)
    rows.to_parquet(place / "students.parquet")
    return {"rows": len(rows), "predictors": len(study.predictors)}


def scoring(folder: str) -> dict[str, Any]:
    """Load a saved model and tell the risk of every student of a state from their features."""
    from workbench import dropout

    began = time.perf_counter()
    risk = dropout.load_model(Path(folder, "model")).risk
    rows = pd.read_parquet(Path(folder, "students.parquet"))
    read = time.perf_counter()
    found = risk(rows)
    return {"rows": len(found), "reading": read - began, "seconds": time.perf_counter() - began}


def new_day(path: str, folder: str) -> dict[str, Any]:
    """Keep the daily sums of one file of events, then make its last day anew: seconds of that, and of the features."""
    from workbench.features import activity as made
    from workbench.store import connect

    duck = connect()
    log = duck.read_parquet(path)
    made.update_daily(Path(folder), log, date(2024, 9, 1), LAST_EVENTS)
    began = time.perf_counter()
    made.update_daily(Path(folder), log, LAST_EVENTS)
    updated = time.perf_counter()
    rows = len(duck.to_pandas(made.course_features(made.read_daily(Path(folder), duck), LAST_EVENTS)))
    return {"seconds": updated - began, "features": time.perf_counter() - updated, "rows": rows}


def school_days(folder: str) -> list[str]:
    """The day of the tier-0 study, 31 January 2024, and the same day of each earlier year of a data folder."""
    first = min(int(file.stem.removeprefix("year-")) for file in Path(folder, "enrollments").glob("year-*.parquet"))
    return [date(year, 1, 31).isoformat() for year in range(first, LAST_YEAR + 1)]


def difference(one: str, other: str) -> dict[str, Any]:
    """Compare two results of `features`: the largest difference of a number; every text and gap must be the same."""
    left, right = (pd.read_parquet(path) for path in (one, other))
    keys = [key for key in ("as_of", "student_id", "section_id") if key in left.columns]
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
    works = (generation, features, events, activity, new_day, model, scoring, difference)
    work = {one.__name__: one for one in works}[sys.argv[1]]
    print(json.dumps(work(*sys.argv[2:])))
