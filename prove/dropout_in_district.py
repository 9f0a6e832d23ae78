"""How far dropout prediction stays below the attainable ceiling in districts of 50,000, one and two years ahead."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from _study import each, made, markdown, write

from workbench import dropout
from workbench.dropout.assess import ATTAINABLE, LOGISTIC, RULE, TREES
from workbench.store import open_data

SEEDS = range(501, 521)
DAYS = {1: "2024-01-31", 2: "2023-01-31"}
"""The latest 31 January whose horizon is over when the data end, for each horizon in years."""
FARTHEST = 0.02
NAMES = {"XGBoost": TREES, "logistic": LOGISTIC, "rule": RULE, "attainable": ATTAINABLE}


def one(seed: int) -> dict[str, Any]:
    """The areas under the curve of one district, at each horizon on the same test students."""
    found: dict[str, Any] = {"seed": seed}
    with made(seed=seed, preset="district") as path:
        data = open_data(path)
        for years, day in DAYS.items():
            study = dropout.study(data, day, years)
            quality = dropout.assess(study, seed).quality.set_index("model").auc
            found |= {f"left, {years}": int(study.judged.outcome.sum())}
            found |= {f"{short}, {years}": float(quality[name]) for short, name in NAMES.items()}
            found |= {f"distance, {years}": float(quality[ATTAINABLE] - quality[TREES])}
    return found


def main(seeds: Iterable[int] = SEEDS) -> int:
    """Run the study and write its page."""
    rows = each(one, seeds)
    means = {years: rows[f"distance, {years}"].mean() for years in DAYS}
    errors = {years: rows[f"distance, {years}"].std() / len(rows) ** 0.5 for years in DAYS}
    beside = {
        years: [rows[f"{other}, {years}"].mean() for other in ("XGBoost", "logistic", "rule", "attainable")]
        for years in DAYS
    }
    told = " ".join(
        f"{years} year(s) ahead the mean area is {trees:.3f}, of logistic regression {line:.3f}, of the "
        f"attendance–behaviour–course rule {rule:.3f}, of the attainable ceiling {top:.3f}; mean distance "
        f"{means[years]:.4f} (standard error {errors[years]:.4f})."
        for years, (trees, line, rule, top) in beside.items()
    )
    return write(
        "dropout_in_district",
        "Dropout prediction in a district, one and two years ahead",
        [
            f"Preset `district` (50,000 students), seeds {rows.seed.min()} to {rows.seed.max()}, from "
            f"{' and '.join(f'{day} ({years})' for years, day in DAYS.items())}. Columns end in the horizon in years; "
            "each row compares areas under the ROC curve on the same test students, and distance is the attainable "
            "ceiling minus XGBoost. The ceiling knows sex, race and disability and the true school effects, which the "
            "models do not use.",
            told,
            markdown(rows, 4),
        ],
        {
            f"{years} year(s) ahead: mean paired distance to the ceiling is {mean:.4f}, at most {FARTHEST}": bool(
                mean <= FARTHEST
            )
            for years, mean in means.items()
        },
    )


if __name__ == "__main__":
    sys.exit(main())
