"""How good predictions are: area under the curve, average precision, Brier score, calibration, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from workbench.shares import LEVEL, share

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
RESAMPLES = 500
BANDS = (0.0, 0.5, 0.75, 0.9, 0.95, 1.0)

CALIBRATION_HELP = {
    "n": "students in the band",
    "mean_risk": "mean predicted risk",
    "share_left": "share that had the outcome",
    "share_left_low": "lower end of its 95 % interval",
    "share_left_high": "upper end of its 95 % interval",
}


class Quality(NamedTuple):
    """Area under the ROC curve, average precision and Brier score, one value a weighting."""

    auc: Floats
    average_precision: Floats
    brier: Floats


def measured(outcome: Ints, score: Floats, weights: Floats) -> Quality:
    """Return the three measures of one score under each row of `weights`; shapes (n,), (n,), (k, n).

    AUC: probability that a random case scores above a random non-case, ties counting half (Hanley &
    McNeil 1982). Average precision: precision at each distinct score, weighted by the cases gained
    there. Brier score (1950): mean squared distance of risk and outcome. NaN where the weights leave
    one class only, and for the Brier score of what is no probability, as a rule's yes and no.
    """
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    cases = np.add.reduceat((weights * outcome)[:, order], starts, axis=1)
    others = np.add.reduceat((weights * (1 - outcome))[:, order], starts, axis=1)
    found, alarms = cases.cumsum(axis=1), others.cumsum(axis=1)
    all_cases, all_others = found[:, -1], alarms[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        auc = (others * (found - cases / 2)).sum(axis=1) / (all_cases * all_others)
        precision = np.nan_to_num(found / (found + alarms))
        average = np.where(all_others > 0, (cases * precision).sum(axis=1) / all_cases, np.nan)
    is_risk = ordered[0] <= 1 and ordered[-1] >= 0 and not np.isin(ordered[starts], (0, 1)).all()
    brier = (weights @ (score - outcome) ** 2) / weights.sum(axis=1) if is_risk else np.full(len(weights), np.nan)
    return Quality(auc, average, brier)


def auc(outcome: Ints, score: Floats) -> float:
    """Return the area under the ROC curve of one score; see `measured`."""
    return float(measured(outcome, score, np.ones((1, len(score)))).auc[0])


def quality(
    outcome: Ints, scores: Mapping[str, Floats], reference: str, seed: int, students: NDArray[np.object_]
) -> pd.DataFrame:
    """Return one row a model: n, auc, average_precision and brier, each with 95 % limits.

    Also `auc_above`, the AUC minus that of the `reference` model on the same students, with limits:
    a paired comparison. Limits are percentiles of 500 bootstrap samples of whole students.
    """
    import pandas as pd

    weights = resampled(students, seed)
    found = {name: _measured_in_parts(outcome, score, weights) for name, score in scores.items()}
    rows = []
    for name, values in found.items():
        row: dict[str, float | str] = {"model": name, "n": len(outcome), "n_positive": int(outcome.sum())}
        for measure, column in values._asdict().items():
            row[measure] = float(column[0])
            row[f"{measure}_low"], row[f"{measure}_high"] = limits(column[1:])
        above = values.auc - found[reference].auc
        row["auc_above"] = float(above[0])
        row["auc_above_low"], row["auc_above_high"] = limits(above[1:])
        rows.append(row)
    return pd.DataFrame(rows)


def resampled(students: NDArray[np.object_], seed: int) -> NDArray[np.uint8]:
    """Return weights (resamples + 1, n): all ones, then how often each bootstrap sample drew the row's student."""
    rng = np.random.default_rng(seed)
    _, row_of = np.unique(students, return_inverse=True)
    n = int(row_of.max()) + 1
    counts = [np.bincount(rng.integers(0, n, n), minlength=n).astype(np.uint8)[row_of] for _ in range(RESAMPLES)]
    return np.stack([np.ones(len(students), np.uint8), *counts])


def _measured_in_parts(outcome: Ints, score: Floats, weights: NDArray[np.uint8], size: int = 50) -> Quality:
    parts = [measured(outcome, score, weights[k : k + size].astype(float)) for k in range(0, len(weights), size)]
    return Quality(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def limits(values: Floats) -> tuple[float, float]:
    """Return the 2.5 % and 97.5 % points of what is known of the values."""
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def calibration(outcome: Ints, risk: Floats) -> pd.DataFrame:
    """Return one row a risk band: n, mean risk, and the share that had the outcome with limits.

    Bands hold the lowest half of risks, then the next 25, 15 and 5 %, and the highest 5 %.
    """
    import pandas as pd

    names = ["lowest 50 %", "next 25 %", "next 15 %", "next 5 %", "highest 5 %"]
    band = np.minimum((rankdata(risk, "ordinal")[:, None] > np.array(BANDS[1:-1]) * len(risk)).sum(axis=1), 4)
    rows = []
    for k, name in enumerate(names):
        here = band == k
        left, low, high = share(int(outcome[here].sum()), int(here.sum()))
        rows.append((name, int(here.sum()), float(risk[here].mean()) if here.any() else np.nan, left, low, high))
    return pd.DataFrame(
        rows, columns=["risk_band", "n", "mean_risk", "share_left", "share_left_low", "share_left_high"]
    )
