"""What a list is worth to staff who can see so many students: hits, false alarms and lift, and what errors cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from workbench.dropout.assess import Assessment
from workbench.dropout.linear import Floats
from workbench.dropout.metrics import Ints, limits, resampled
from workbench.errors import BadParameter

if TYPE_CHECKING:
    import pandas as pd

_MEASURES = {
    "share_left": "share of the list that left",
    "share_found": "share of all who left that were on the list",
    "lift": "times as many leavers as on a list drawn by lot",
    "false_alarms": "students on the list who stayed, for each who left",
}
CAPACITY_HELP = {"n": "students on the list"} | {
    name: text
    for measure, words in _MEASURES.items()
    for name, text in (
        (measure, words),
        (f"{measure}_low", "lower end of its 95 % interval"),
        (f"{measure}_high", "upper end of its 95 % interval"),
    )
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


def at_capacity(assessment: Assessment, capacity: float) -> pd.DataFrame:
    """Return one row a model: what the share `capacity` of students with the highest scores holds, with 95 % limits.

    Columns: model and those of `CAPACITY_HELP`. Of students with the same score at the
    edge of the list, as many as it still holds are taken by lot: the number of leavers is the one to be expected.
    Limits are percentiles of 500 bootstrap samples of whole students. Raises BadParameter for a share that is none.
    """
    import pandas as pd

    if not 0 < capacity < 1:
        raise BadParameter(f"capacity is {capacity:g}; give the share of students that staff can see, such as 0.1.")
    judged, key = assessment.study.judged, assessment.study.id_column
    students = judged[key].astype(str).to_numpy() if key else np.arange(len(judged)).astype(str)
    weights = resampled(students, assessment.seed).astype(float)
    rows = []
    for name, score in assessment.scores.items():
        found = hits(assessment.outcome, score, weights, capacity)
        size, cases = capacity * weights.sum(axis=1), weights @ assessment.outcome
        with np.errstate(divide="ignore", invalid="ignore"):
            measures = {
                "share_left": found / size,
                "share_found": found / cases,
                "lift": (found / size) / (cases / weights.sum(axis=1)),
                "false_alarms": (size - found) / found,
            }
        row: dict[str, float | str] = {"model": name, "n": round(float(size[0]))}
        for measure, values in measures.items():
            row[measure] = float(values[0])
            row[f"{measure}_low"], row[f"{measure}_high"] = limits(values[1:])
        rows.append(row)
    return pd.DataFrame(rows)


def capacity_in_words(worth: pd.DataFrame) -> pd.DataFrame:
    """Return `at_capacity` as a person reads it: each measure with its 95 % interval."""
    import pandas as pd

    def said(measure: str, factor: int, digits: int) -> list[str]:
        columns = [measure, f"{measure}_low", f"{measure}_high"]
        return [
            f"{factor * value:.{digits}f} ({factor * low:.{digits}f}–{factor * high:.{digits}f})"
            for value, low, high in worth[columns].to_numpy()
        ]

    return pd.DataFrame(
        {
            "list by": worth.model,
            "of 100 on it, left": said("share_left", 100, 0),
            "of 100 who left, on it": said("share_found", 100, 0),
            "stayed, for each who left": said("false_alarms", 1, 1),
            "leavers, times those by lot": said("lift", 1, 1),
        }
    )


def hits(outcome: Ints, score: Floats, weights: Floats, capacity: float) -> Floats:
    """Return how many cases the highest `capacity` of scores hold under each row of `weights`; shapes as `measured`."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    seen = np.add.reduceat(weights[:, order], starts, axis=1).cumsum(axis=1)
    found = np.add.reduceat((weights * outcome)[:, order], starts, axis=1).cumsum(axis=1)
    size = capacity * weights.sum(axis=1)
    zero = np.zeros((1,))
    pairs = zip(size, seen, found, strict=True)
    return np.array([np.interp(k, np.r_[zero, s], np.r_[zero, f]) for k, s, f in pairs])


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
