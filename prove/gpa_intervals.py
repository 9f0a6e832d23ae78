"""Whether 90 % intervals of next-term grade averages hold, and are narrow: 20 seeds of 10,000 students."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import pandas as pd
from _study import each, made, markdown, write

from workbench import forecast
from workbench.store import open_data

SEEDS = range(1, 21)
AS_OF = "2024-01-31"
LOWEST, HIGHEST, FEWEST = 0.88, 0.92, 3000
GROUPS = ("sex", "race_ethnicity", "economically_disadvantaged", "english_learner", "disability")


def one(seed: int, **shape: Any) -> dict[str, Any]:
    """Coverage and width of one seed: at random, forward in time, by group, and of the baseline."""
    with made(seed=seed, **(shape or {"preset": "demo"})) as path:
        data = open_data(path)
        rows = forecast.gpa_rows(data, AS_OF, seed)
    latest = (rows.as_of == rows.as_of.max()).to_numpy()
    found, forward = forecast.forecast_gpa(rows, seed), forecast.forecast_gpa(rows, seed, latest)
    groups = found.by_group(GROUPS)
    return {
        "seed": seed,
        "learned": found.counts[0],
        "calibrated": found.counts[1],
        "tested": found.counts[2],
        "coverage": found.coverage,
        "width": found.width,
        "baseline coverage": found.baseline_coverage,
        "baseline width": found.baseline_width,
        "forward tested": forward.counts[2],
        "forward coverage": forward.coverage,
        "forward width": forward.width,
        **{
            f"{k}: {g}": c
            for k, g, n, c in groups[["group_kind", "group", "n", "coverage"]].itertuples(index=False)
            if n >= 30
        },
    }


def main(seeds: Iterable[int] = SEEDS) -> int:
    """Run the study and write its page."""
    rows = each(one, seeds)
    by_group = [name for name in rows if ": " in name]
    groups = pd.DataFrame(
        {
            "group": by_group,
            "mean coverage": rows[by_group].mean(),
            "lowest": rows[by_group].min(),
            "highest": rows[by_group].max(),
        }
    )
    mean = rows.mean(numeric_only=True)
    fewest = int(min(rows.calibrated.min(), rows.tested.min()))
    return write(
        "gpa_intervals",
        "Intervals of next-term grade averages",
        [
            f"Preset `demo` (10,000 students), seeds {rows.seed.min()} to {rows.seed.max()}, day {AS_OF} and the same "
            "day of earlier years, each student once. Width in grade points. The baseline is the split-conformal "
            "interval of one width for all around the median. `forward`: learned and calibrated on earlier school "
            "years, tested on the latest; coverage there is measured, not promised.",
            markdown(
                rows.drop(columns=["seed", *by_group])
                .agg(["mean", "std", "min", "max"])
                .rename_axis("over seeds")
                .reset_index()
            ),
            "Coverage by group (30 or more test students), over seeds:",
            markdown(groups),
            "Every seed:",
            markdown(rows.drop(columns=by_group)),
        ],
        {
            f"mean coverage of the 90 % intervals is {mean.coverage:.4f}, within {LOWEST} to {HIGHEST}": LOWEST
            <= mean.coverage
            <= HIGHEST,
            f"calibration and test hold at least {fewest:,} students each, {FEWEST:,} wanted": fewest >= FEWEST,
            f"mean width is {mean.width:.3f}, below the baseline's {mean['baseline width']:.3f}": mean.width
            < mean["baseline width"],
        },
    )


if __name__ == "__main__":
    sys.exit(main())
