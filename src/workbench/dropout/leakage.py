"""Columns that give the outcome away: too good to have been known beforehand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]
    Floats = np.ndarray[tuple[int], np.dtype[np.float64]]

# Single predictors of dropout in the literature stay well below these (Bowers, Sprott & Taff 2013 compare 110).
NEAR_PERFECT = 0.95
STRONG = 0.85
ONE_SIDED = 0.95  # share of one outcome among the filled (or the empty) rows, at the low end of its interval
COMMON = 0.80  # an outcome this frequent in the whole table proves nothing when it is frequent in a part
FEW_VALUES = 20
_SHRINK = 10
_TELLING = re.compile(r"final|withdr|unregist|exit|outcome|result|drop.?out|graduat|complet|left|leav|status", re.I)


@dataclass(frozen=True)
class LeakageFlag:
    """A column to look at, why, and how well it alone separates the outcome (AUC, 0.5 to 1)."""

    column: str
    level: Literal["gives it away", "check"]
    why: str
    auc: float


def leakage_flags(
    frame: pd.DataFrame,
    outcome: Bools,
    id_column: str | None = None,
    outcome_column: str | None = None,
    leave_out: Sequence[str] = (),
    seed: int = 0,
) -> list[LeakageFlag]:
    """Return the columns that alone separate the outcome too well, the worst first.

    A column gives the outcome away with an AUC of 0.95 or more by itself, or where whether it is filled in
    almost settles the outcome (95 % or more of those rows have the same one, at the low end of a 95 % Wilson
    interval); with 0.85 or more it should be checked. A telling name is only mentioned, never a reason alone.
    `outcome` has one bool a row of `frame`. The outcome's own column, the identifier and `leave_out` are not
    looked at.
    """
    skipped = {outcome_column, id_column, *leave_out}
    flags = (_flag(frame[name], outcome, outcome_column, seed) for name in frame.columns if name not in skipped)
    return sorted((flag for flag in flags if flag), key=lambda flag: (flag.level != "gives it away", -flag.auc))


def single_column_auc(values: pd.Series[Any], outcome: Bools, seed: int = 0) -> float:
    """Return how well one column separates the outcome, 0.5 (not at all) to 1.

    Numbers and dates: the rank AUC in the better direction, a missing value counting as the lowest or as the
    highest. Text, and numbers of few different values: the AUC of the out-of-fold share of the outcome among
    rows of the same value (five folds, shrunk towards the whole by ten rows), so that an identifier or a rare
    value gains nothing from its own row.
    """
    import numpy as np
    import pandas as pd

    aucs = [0.5]
    ordered = pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype)
    if ordered:
        ranks = values.rank(method="average").to_numpy(dtype=float, na_value=np.nan)
        aucs += [_auc(outcome, np.nan_to_num(ranks, nan=end)) for end in (0, len(ranks) + 1)]
        aucs += [1 - auc for auc in aucs]
    if not ordered or values.nunique() <= FEW_VALUES:
        aucs.append(_auc(outcome, _share_out_of_fold(values, outcome, seed)))
    return max(aucs)


def _flag(values: pd.Series[Any], outcome: Bools, outcome_column: str | None, seed: int) -> LeakageFlag | None:
    name = str(values.name)
    auc = single_column_auc(values, outcome, seed)
    reasons = []
    if auc >= NEAR_PERFECT:
        reasons.append(f"near-perfect alone (AUC {auc:.2f})")
    if filled := _one_sided(values.isna().to_numpy(), outcome):
        reasons.append(filled)
    level: Literal["gives it away", "check"] = "gives it away" if reasons else "check"
    if not reasons and auc >= STRONG:
        reasons.append(f"strong alone (AUC {auc:.2f}): check that it was known beforehand")
    if not reasons:
        return None
    if _TELLING.search(name) or (outcome_column and outcome_column.casefold() in name.casefold()):
        reasons.append("its name sounds like something known only afterwards")
    return LeakageFlag(name, level, "; ".join(reasons), auc)


def _one_sided(empty: Bools, outcome: Bools) -> str:
    """Say whether being filled in, or being empty, almost settles the outcome; empty text if not."""
    from scipy.stats import binomtest

    for rows, word in ((~empty, "filled in"), (empty, "empty")):
        for side, have in ((outcome, "have the outcome"), (~outcome, "do not have the outcome")):
            n, same = int(rows.sum()), int((rows & side).sum())
            if empty.any() and n and side.mean() <= COMMON and same / n >= ONE_SIDED:
                low = binomtest(same, n).proportion_ci(method="wilson").low
                if low >= ONE_SIDED:
                    return f"{word} in {n:,} rows, of which {same / n:.1%} {have}"
    return ""


def _share_out_of_fold(values: pd.Series[Any], outcome: Bools, seed: int) -> Floats:
    import numpy as np
    import pandas as pd
    from sklearn.model_selection import StratifiedKFold

    codes = pd.factorize(values, use_na_sentinel=False)[0]
    share = np.full(len(codes), outcome.mean())
    folds = max(2, min(5, int(outcome.sum()), int((~outcome).sum())))
    if min(outcome.sum(), (~outcome).sum()) < folds:
        return share
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(codes, outcome):
        rows = np.bincount(codes[train], minlength=codes.max() + 1)
        hits = np.bincount(codes[train], weights=outcome[train], minlength=codes.max() + 1)
        share[test] = ((hits + _SHRINK * outcome.mean()) / (rows + _SHRINK))[codes[test]]
    return share


def _auc(outcome: Bools, score: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(outcome, score))
