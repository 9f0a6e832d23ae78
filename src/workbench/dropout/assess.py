"""Fit, predict and judge: every model of a study on the same students."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.dropout import metrics
from workbench.dropout.linear import Floats
from workbench.dropout.models import TREES as SETTINGS
from workbench.dropout.models import Risk, abc_rule, absent_rule, fit_trees, has_last_day, has_rule, logistic_risk
from workbench.dropout.study import OUTCOME, Study

if TYPE_CHECKING:
    import pandas as pd

TREES = "XGBoost"
LOGISTIC = "Logistic regression"
RULE = "Attendance–behaviour–course rule"
ABSENT = "Seven-days-absent rule"
ATTAINABLE = "Attainable ceiling"
ORACLE = "Oracle ceiling"
REPEATS, FOLDS = 3, 5
QUALITY_HELP = {
    "n": "students judged",
    "auc": "chance that a student who left had a higher risk than one who stayed",
    "auc_low": "lower end of its 95 % interval",
    "auc_high": "upper end of its 95 % interval",
    "average_precision": "precision averaged over the list, from the top",
    "brier": "mean squared error of the risk",
}


@dataclass(frozen=True)
class Assessment:
    """What came of a study: `scores` (model → one score a judged row), `quality` with intervals, and
    `model`, XGBoost as it would be used next (fitted on the training rows)."""

    study: Study
    model: Risk
    scores: dict[str, Floats]
    quality: pd.DataFrame
    seed: int

    @property
    def risk(self) -> Floats:
        """XGBoost's risk of each judged row."""
        return self.scores[TREES]

    @property
    def outcome(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.asarray(self.study.judged[OUTCOME].to_numpy(dtype=np.int64))

    @property
    def calibration(self) -> pd.DataFrame:
        """Predicted and observed shares by risk band."""
        return metrics.calibration(self.outcome, self.risk)

    def kept(self, measure: str) -> float | int:
        """One number for the run's results; counts as whole numbers."""
        value = self.result(measure)
        return int(value) if measure.startswith("n") else value

    @property
    def published(self) -> pd.DataFrame:
        """The quality table without what only a researcher needs."""
        return self.quality[["model", *QUALITY_HELP]]

    @property
    def table(self) -> pd.DataFrame:
        """The quality table as a person reads it: each measure with its 95 % interval."""
        import pandas as pd

        q = self.quality
        shown: dict[str, object] = {"model": q.model}
        for measure, title in (("auc", "AUC"), ("average_precision", "average precision"), ("brier", "Brier score")):
            shown[title] = [
                _with_interval(*row) for row in q[[measure, f"{measure}_low", f"{measure}_high"]].to_numpy()
            ]
        shown["AUC above XGBoost's"] = [
            "" if name == TREES else f"{row[0]:+.3f} ({row[1]:+.3f} to {row[2]:+.3f})"
            for name, *row in q[["model", "auc_above", "auc_above_low", "auc_above_high"]].itertuples(index=False)
        ]
        return pd.DataFrame(shown)

    def result(self, measure: str, model: str = TREES) -> float:
        """One number of the quality table; NaN for a model that was not judged, such as a ceiling of real data."""
        return float(self.quality.set_index("model")[measure].get(model, np.nan))


def _with_interval(value: float, low: float, high: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f} ({low:.3f}–{high:.3f})"


def assess(study: Study, seed: int = 0, settings: Mapping[str, Any] = SETTINGS) -> Assessment:
    """Fit XGBoost and logistic regression, apply the rules and the ceilings where there are any, and judge.

    With a test part: fitted on training, judged on test. Without: mean out-of-fold risks of three
    times five stratified folds, a student's rows kept together. `settings` are those of the trees; see `tuned`.
    """
    model = fit_trees(study, study.train, seed, settings)
    if study.test is not None:
        scores = {TREES: model(study.test), LOGISTIC: logistic_risk(study, study.train, study.test)}
    else:
        scores = _out_of_fold(study, seed, settings)
    if has_rule(study):
        scores[RULE] = abc_rule(study.judged)
    if has_last_day(study):
        scores[ABSENT] = absent_rule(study.judged)
    if study.ceiling is not None:
        scores[ATTAINABLE] = study.ceiling.attainable.to_numpy()
        scores[ORACLE] = study.ceiling.oracle.to_numpy()
    judged = study.judged
    students = judged[study.id_column].astype(str).to_numpy() if study.id_column else np.arange(len(judged)).astype(str)
    outcome = judged[OUTCOME].to_numpy(dtype=np.int64)
    return Assessment(study, model, scores, metrics.quality(outcome, scores, TREES, seed, students), seed)


def _out_of_fold(study: Study, seed: int, settings: Mapping[str, Any]) -> dict[str, Floats]:
    from sklearn.model_selection import StratifiedGroupKFold

    frame = study.train
    groups = frame[study.id_column].astype(str) if study.id_column else np.arange(len(frame))
    folds = max(2, min(FOLDS, int(min(frame[OUTCOME].sum(), (1 - frame[OUTCOME]).sum()))))
    scores = {TREES: np.zeros(len(frame)), LOGISTIC: np.zeros(len(frame))}
    for repeat in range(REPEATS):
        split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed + repeat)
        for learn, held in split.split(frame, frame[OUTCOME], groups):
            train, test = frame.iloc[learn], frame.iloc[held]
            scores[TREES][held] += fit_trees(study, train, seed + repeat, settings)(test) / REPEATS
            scores[LOGISTIC][held] += logistic_risk(study, train, test) / REPEATS
    return scores
