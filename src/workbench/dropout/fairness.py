"""Who is flagged, missed or alarmed for nothing: by group, with intervals; and what a mitigation changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from workbench.dropout.assess import Assessment
from workbench.dropout.linear import Floats
from workbench.dropout.study import OUTCOME
from workbench.features import in_groups
from workbench.shares import share

if TYPE_CHECKING:
    import pandas as pd

FEW_CASES = 5
FEWEST = 10
COMPARED = 30
_LIMITS = {"low": "lower end of its 95 % interval", "high": "upper end of its 95 % interval"}
_RATES = {
    "selection_rate": "flagged, of all students of the group",
    "false_alarm_rate": "flagged, of those who stayed",
    "miss_rate": "not flagged, of those who left",
    "share_left": "share that had the outcome",
}
AUDIT_HELP = {"n": "students", "mean_risk": "mean predicted risk"} | {
    name: text
    for rate, words in _RATES.items()
    for name, text in [(rate, words), *((f"{rate}_{end}", said) for end, said in _LIMITS.items())]
}

AUDIT_KINDS = {
    "mean_risk": "mean",
    "selection_rate": "share",
    "share_left": "share",
    "false_alarm_rate": "share of stayed",
    "miss_rate": "share of left",
}


def flagged(risk: Floats, capacity: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The share `capacity` of rows with the highest risk (ties by order of the rows)."""
    chosen = np.zeros(len(risk), bool)
    chosen[np.argsort(-risk, kind="stable")[: round(capacity * len(risk))]] = True
    return chosen


def audit(assessment: Assessment, capacity: float = 0.1) -> pd.DataFrame:
    """Return one row a group: n, cases, rates with 95 % Wilson limits, mean risk and share of cases.

    Selection: flagged ÷ all. False alarm: flagged ÷ those who stayed. Miss: not flagged ÷ those who
    left. Flagged are the `capacity` with the highest risks. Rates by Fairlearn's MetricFrame.
    """
    import pandas as pd

    chosen = flagged(assessment.risk, capacity)
    return pd.concat(
        [_audit_one(assessment, chosen, group) for group in assessment.study.groups], ignore_index=True
    ) if assessment.study.groups else pd.DataFrame()  # fmt: skip


def _audit_one(assessment: Assessment, chosen: Any, group: str) -> pd.DataFrame:
    import pandas as pd
    from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate, selection_rate

    outcome, names = assessment.outcome, in_groups(assessment.study.judged, group)
    rates = {
        "selection_rate": selection_rate,
        "false_alarm_rate": false_positive_rate,
        "miss_rate": false_negative_rate,
    }
    by = MetricFrame(
        metrics=rates, y_true=outcome, y_pred=chosen.astype(int), sensitive_features=names.to_numpy()
    ).by_group
    rows = []
    for name in sorted(names.unique()):
        here = (names == name).to_numpy()
        row = {"group_kind": group, "group": name, "n": int(here.sum()), "n_positive": int(outcome[here].sum())}
        counted = {
            "selection_rate": (chosen[here].sum(), here.sum()),
            "false_alarm_rate": (chosen[here & (outcome == 0)].sum(), (outcome[here] == 0).sum()),
            "miss_rate": ((~chosen)[here & (outcome == 1)].sum(), (outcome[here] == 1).sum()),
        }
        for rate, (count, n) in counted.items():
            _, low, high = share(int(count), int(n))
            row |= {rate: by.loc[name, rate] if n else np.nan, f"{rate}_low": low, f"{rate}_high": high}
        left, low, high = share(row["n_positive"], row["n"])
        row |= {
            "mean_risk": assessment.risk[here].mean(),
            "share_left": left,
            "share_left_low": low,
            "share_left_high": high,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def published_audit(audit: pd.DataFrame) -> pd.DataFrame:
    """Return the audit without rates that rest on fewer than ten students who left or who stayed.

    The size of a group protects nobody where the rate is of its few leavers alone. `left` and `stayed` count whom the
    rates are of (`AUDIT_KINDS`).
    """
    few = (audit.n_positive < FEWEST) | (audit.n - audit.n_positive < FEWEST)
    safe = audit[["group_kind", "group", *AUDIT_HELP]].assign(left=audit.n_positive, stayed=audit.n - audit.n_positive)
    safe.loc[few, [name for name in AUDIT_HELP if name.startswith(("false_alarm", "miss"))]] = np.nan
    return safe


@dataclass(frozen=True)
class Mitigation:
    """What equalising false-alarm rates would change, at the same number flagged.

    `table` has one row a group, before (one threshold) and after (one a group); pairs hold before and
    after: `spread` the largest difference of false-alarm rates among groups of 30 or more, `caught`
    the share of cases flagged.
    """

    group: str
    table: pd.DataFrame
    flagged: float
    spread: tuple[float, float]
    caught: tuple[float, float]

    @property
    def told(self) -> str:
        """What changes, in a sentence."""
        (wide, even), (found, still) = self.spread, self.caught
        return (
            f"With one threshold a group ({self.group.replace('_', ' ')}), chosen to tell cases from others best and "
            f"not by what staff can see, {100 * self.flagged:.0f} % are flagged. Beside one threshold that flags as "
            f"many, the largest difference in false alarms goes from {100 * wide:.0f} to {100 * even:.0f} percentage "
            f"points (groups of {COMPARED} or more), the share of cases found from {100 * found:.0f} % to "
            f"{100 * still:.0f} %."
        )


def mitigate(assessment: Assessment, group: str) -> Mitigation | None:
    """Return what group-specific thresholds would change, by Fairlearn's ThresholdOptimizer.

    Thresholds with equal false-alarm rates (Hardt, Price & Srebro 2016) are learned on the training
    rows and applied to the judged ones; the comparison is one threshold that flags as many. Groups
    with fewer than five cases in training are taken together. None where fewer than two groups of 30 or
    more remain, or where a judged group never occurred in training. Shown to inform: a student's group must not
    decide about help.
    """
    train, judged = _merged(assessment, group)
    if train.nunique() < 2 or not set(judged) <= set(train):
        return None
    after = _equalised(assessment, train, judged)
    before = flagged(assessment.risk, float(after.mean()))
    table = _compared(assessment.outcome, judged, before, after)
    left = assessment.outcome == 1
    large = table[table.n >= COMPARED]
    if len(large) < 2:
        return None
    widths = [float(large[c].max() - large[c].min()) for c in ("false_alarm_before", "false_alarm_after")]
    return Mitigation(
        group, table, float(after.mean()), (widths[0], widths[1]), (_mean(before[left]), _mean(after[left]))
    )


def _merged(assessment: Assessment, group: str) -> tuple[pd.Series[str], pd.Series[str]]:
    """Group names of training and judged rows, with groups of few training cases taken together."""
    train, judged = in_groups(assessment.study.train, group), in_groups(assessment.study.judged, group)
    cases = assessment.study.train[OUTCOME].groupby(train.to_numpy()).sum()
    large = set(cases[cases >= FEW_CASES].index)
    return train.where(train.isin(large), "other groups"), judged.where(judged.isin(large), "other groups")


def _equalised(assessment: Assessment, train: pd.Series[str], judged: pd.Series[str]) -> Any:
    from fairlearn.postprocessing import ThresholdOptimizer

    study = assessment.study
    optimizer = ThresholdOptimizer(
        estimator=_Fitted(assessment.model), constraints="false_positive_rate_parity",
        objective="balanced_accuracy_score", prefit=True, predict_method="predict_proba",
    )  # fmt: skip
    optimizer.fit(study.train, study.train[OUTCOME].to_numpy(), sensitive_features=train.to_numpy())
    chosen = optimizer.predict(study.judged, sensitive_features=judged.to_numpy(), random_state=assessment.seed)
    return np.asarray(chosen).astype(bool)


def _compared(outcome: Any, groups: pd.Series[str], before: Any, after: Any) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name in sorted(groups.unique()):
        here = (groups == name).to_numpy()
        stayed, left = here & (outcome == 0), here & (outcome == 1)
        rows.append(
            {
                "group": name, "n": int(here.sum()),
                "flagged_before": _mean(before[here]), "flagged_after": _mean(after[here]),
                "false_alarm_before": _mean(before[stayed]), "false_alarm_after": _mean(after[stayed]),
                "missed_before": _mean(~before[left]), "missed_after": _mean(~after[left]),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _mean(values: Any) -> float:
    return float(values.mean()) if len(values) else float("nan")


class _Fitted(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted risk as the scikit-learn classifier that Fairlearn expects."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, x: Any, y: Any) -> _Fitted:
        return self

    def predict_proba(self, x: Any) -> Floats:
        risk = self.model(x)
        return np.stack([1 - risk, risk], axis=1)
