"""Whether intervals of effects hold the truth, and how seldom an effect is seen where there is none."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from _study import JOBS, markdown, write

from workbench.interventions.effect.designs import DESIGNS, naive

SEED = 20260301
DRAWS, DEAR = 2000, 400
BLOCKS = 20


def draws(name: str, size: float, block: int, count: int) -> list[dict[str, Any]]:
    """`count` draws of one method's world with an effect of `size`, seeded by study, method and block."""
    design = DESIGNS[name]
    rng = np.random.default_rng([SEED, list(DESIGNS).index(name), int(size != 0), block])
    rows = []
    for _ in range(count):
        table, truths = design.make(rng, size)
        told, by_means = design.estimate(table), naive(design, table)
        truth = truths[told.estimand]
        rows.append(
            {
                "method": name, "estimand": told.estimand, "effect": size != 0, "truth": truth,
                "estimate": told.estimate, "std_error": told.std_error,
                "naive": by_means[0], "naive found": by_means[1],
                "held": told.conf_low <= truth <= told.conf_high, "found": told.p < 0.05, "alarms": len(told.failed),
                **{f"alarm {check.name}": check.passed is False for check in told.checks},
            }
        )  # fmt: skip
    return rows


def drawn(methods: list[str], share: float = 1.0) -> pd.DataFrame:
    """All draws of these methods, with and without an effect, in two processes."""
    tasks = [
        (name, size, block, max(1, round(share * (DEAR if DESIGNS[name].dear else DRAWS) / BLOCKS)))
        for name in methods
        for size in (DESIGNS[name].effect, 0.0)
        for block in range(BLOCKS)
    ]
    with ProcessPoolExecutor(JOBS) as pool:
        parts = [row for part in pool.map(draws, *zip(*tasks, strict=True)) for row in part]
    return pd.DataFrame(parts)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a method and estimand: truth, what is estimated and what naively, coverage, false positives, power."""
    out = []
    for name, part in rows.groupby("method", sort=False):
        with_effect, without = part[part.effect], part[~part.effect]
        out.append(
            {
                "method": name, "estimand": part.estimand.iloc[0], "draws": len(with_effect),
                "truth": with_effect.truth.iloc[0], "mean estimate": with_effect.estimate.mean(),
                "naive": with_effect.naive.mean(), "SD": with_effect.estimate.std(),
                "mean SE": with_effect.std_error.mean(), "held, %": 100 * with_effect.held.mean(),
                "held without effect, %": 100 * without.held.mean(), "false positives, %": 100 * without.found.mean(),
                "found, %": 100 * with_effect.found.mean(),
                "naive false positives, %": 100 * without["naive found"].mean(),
                "a check failed, %": 100 * (part.alarms > 0).mean(),
            }
        )  # fmt: skip
    return pd.DataFrame(out)


def alarms(rows: pd.DataFrame) -> pd.DataFrame:
    """How often each check failed where every assumption held, in per cent of all draws."""
    checks = [column for column in rows if column.startswith("alarm ")]
    table = 100 * rows.assign(**rows[checks].astype(float)).groupby("method", sort=False)[checks].mean()
    return table.rename(columns=lambda name: name.removeprefix("alarm ")).reset_index()


def verdicts(told: pd.DataFrame) -> dict[str, bool]:
    """93 to 97 % and at most 6.5 % over 2,000 draws, 92 to 98 % and at most 8 % over 400."""
    out = {}
    for row in told.to_dict("records"):
        low, high, most = (93, 97, 6.5) if row["draws"] >= DRAWS else (92, 98, 8)
        held = row["held, %"]
        out[f"{row['method']}: {held:.1f} % of intervals hold the truth ({low} to {high})"] = low <= held <= high
        false = row["false positives, %"]
        out[f"{row['method']}: {false:.1f} % see an effect where there is none (at most {most})"] = false <= most
    return out


def main() -> int:
    """Run the study and write its page."""
    rows = drawn(list(DESIGNS))
    told = summary(rows)
    return write(
        "effects",
        "Did it help? Effects with a known truth",
        [
            f"Worlds of `workbench.interventions.effect.worlds`, whose docstrings state the equations; seed {SEED}. "
            "`naive` is the mean of those who had it less the mean of the others, tested by Welch's t. "
            "`mean SE` stands beside the SD of the estimates; `found` is the share of intervals that leave out 0 "
            "where there is an effect.",
            markdown(told, 2),
            "How often each check failed, in per cent, in worlds where every assumption holds (with and without an "
            "effect together); – where a method has no such check.",
            markdown(alarms(rows), 1),
        ],
        verdicts(told),
    )


if __name__ == "__main__":
    sys.exit(main())
