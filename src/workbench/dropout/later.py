"""Leaks that time betrays: a predictor that changes after its day, and a sudden jump between weeks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from workbench.dropout.leakage import LeakageFlag, single_column_auc
from workbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from workbench.dropout.leakage import Bools

JUMP = 0.15  # an honest AUC creeps up with what becomes known; one that leaps has met the outcome


def changed_afterwards(
    cut: pd.DataFrame, whole: pd.DataFrame, keys: Sequence[str], outcome: Bools
) -> list[LeakageFlag]:
    """Return the columns that depend on what came after their day, the strongest first.

    `cut` and `whole` are the predictors of the same rows and day, made from data that end on that day and from
    all data; `outcome` has one bool a row of `whole`. A column that differs in any row knew the future.
    Raises BadInput where the rows are not the same.
    """
    order = whole[[*keys]].merge(cut, "left", on=[*keys], indicator="found", validate="one_to_one")
    if len(cut) != len(whole) or (order.found != "both").any():
        raise BadInput(
            "The predictors from cut data and from all data have not the same rows, so nothing can be compared."
        )
    flags = []
    for name in (column for column in whole.columns if column not in keys):
        then, now = order[name], whole[name].reset_index(drop=True)
        changed = int(((then != now) & ~(then.isna() & now.isna())).sum())
        if changed:
            why = f"changes after its day in {changed:,} of {len(whole):,} rows"
            flags.append(LeakageFlag(name, "gives it away", why, single_column_auc(whole[name], outcome)))
    return sorted(flags, key=lambda flag: -flag.auc)


def jumps(curve: pd.DataFrame, when: str = "day", measure: str = "auc") -> list[str]:
    """Return a sentence for each step between neighbouring rows in which the AUC rises by 0.15 or more."""
    rows = curve.sort_values(when)[[when, measure]].to_numpy(dtype=float)
    pairs = pairwise(rows)
    return [
        f"Between {when} {a[0]:g} and {b[0]:g} the AUC leaps from {a[1]:.2f} to {b[1]:.2f}: look for a predictor that "
        "became known through the outcome."
        for a, b in pairs
        if b[1] - a[1] >= JUMP
    ]
