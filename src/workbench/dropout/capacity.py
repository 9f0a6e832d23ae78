"""What a list is worth to those who work it: lift, false alarms for each true one, and costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.dropout.fairness import flagged
from workbench.dropout.linear import Floats
from workbench.dropout.metrics import _limits, _resampled
from workbench.errors import BadParameter

if TYPE_CHECKING:
    import pandas as pd

    from workbench.dropout.metrics import Ints

CAPACITY_HELP = {
    "model": "how the list was made",
    "seen": "students on the list: as many as staff can see",
    "found": "of these, those who had the outcome",
    "precision": "found, of those seen",
    "recall": "found, of all who had the outcome",
    "lift": "precision, as a multiple of that of a list drawn by lot",
    "false_alarms": "seen for nothing, for each one found",
}
COST_HELP = {
    "miss_costs": "what a miss costs, in false alarms",
    "threshold": "risk from which a warning pays: 1 ÷ (1 + that)",
    "warned": "share warned",
    "cost": "false alarms and missed ones, by what they cost, for 100 students",
    "cost_nobody": "the same where nobody is warned",
    "cost_everybody": "the same where everybody is",
    "saved": "saved beside the cheaper of the two",
}


def at_capacity(
    outcome: Ints,
    scores: Mapping[str, Floats],
    seen: Sequence[int],
    seed: int = 0,
    students: Sequence[object] | None = None,
) -> pd.DataFrame:
    """Return one row a score and number of students seen; see `CAPACITY_HELP`.

    Limits of precision, recall, lift and false alarms are percentiles of 500 bootstrap samples of whole students
    with the list as it is. `false_alarms` is infinite where nobody was found. Ties are broken by the order of the rows.
    Raises BadParameter where more are to be seen than there are, or fewer than one.
    """
    import pandas as pd

    n = len(outcome)
    if wrong := [k for k in seen if not 1 <= k <= n]:
        raise BadParameter(f"seen is {wrong[0]}; there are {n:,} students, so choose from 1 to {n}.")
    who = np.asarray(students if students is not None else np.arange(n)).astype(str)
    weights = _resampled(who, seed).astype(float)
    rows = []
    for model, score in scores.items():
        for k in seen:
            measures = _measures(outcome, flagged(score, k / n), weights)
            row: dict[str, object] = {"model": model, "seen": k, "found": int(outcome[flagged(score, k / n)].sum())}
            for name, values in measures.items():
                row[name] = float(values[0])
                row[f"{name}_low"], row[f"{name}_high"] = _limits(values[1:])
            rows.append(row)
    return pd.DataFrame(rows)


def _measures(outcome: Ints, on_list: np.ndarray[tuple[int], np.dtype[np.bool_]], weights: Floats) -> dict[str, Floats]:
    listed, cases = weights @ on_list, weights @ outcome
    found = weights @ (on_list * outcome)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = found / listed
        return {
            "precision": precision,
            "recall": found / cases,
            "lift": precision / (cases / weights.sum(axis=1)),
            "false_alarms": (listed - found) / found,
        }


def cost_curve(outcome: Ints, risk: Floats, miss_costs: Sequence[float] = (1, 2, 5, 10, 20, 50)) -> pd.DataFrame:
    """Return one row a cost of a miss, a false alarm costing 1; see `COST_HELP`.

    Whoever has a risk of at least 1 ÷ (1 + r) is warned: with a calibrated risk no other threshold is cheaper
    (Elkan 2001).
    Raises BadParameter for a cost that is not above 0.
    """
    import pandas as pd

    rows = []
    for r in miss_costs:
        if not r > 0:
            raise BadParameter(f"A miss costs {r}; it must cost more than 0.")
        warned = risk >= 1 / (1 + r)
        cost = 100 * float(np.mean(np.where(warned, 1 - outcome, r * outcome)))
        nobody, everybody = 100 * r * float(outcome.mean()), 100 * float(1 - outcome.mean())
        saved = min(nobody, everybody) - cost
        rows.append((r, 1 / (1 + r), float(warned.mean()), cost, nobody, everybody, saved))
    return pd.DataFrame(rows, columns=[*COST_HELP])
