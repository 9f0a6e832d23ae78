"""Risk models: gradient-boosted trees, logistic regression, and the attendance–behaviour–course rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.dropout.linear import Floats, Logistic, fit_logistic
from workbench.dropout.study import OUTCOME, Study, check_columns
from workbench.machine import has_gpu

if TYPE_CHECKING:
    import pandas as pd

# Shallow, slow, heavily sampled trees on top of a ridge logistic regression suit a few hundred cases.
# Chosen on synthetic data of seeds 101 to 116, which no study, test or report uses.
TREES: Mapping[str, Any] = {
    "max_depth": 2,
    "learning_rate": 0.04,
    "subsample": 0.5,
    "colsample_bytree": 0.4,
    "min_child_weight": 5,
    "reg_lambda": 10,
    "tree_method": "hist",
    "base_score": 0.5,
    "n_jobs": 1,
}
ROUNDS = (50, 100, 200, 400)
FOLDS = 5
LAST_SEEN, ABSENT_DAYS = "days_since_event", 7


@dataclass(frozen=True)
class Risk:
    """A fitted, calibrated risk model.

    Log odds are the `start`'s (ridge logistic regression) plus what the boosted `trees` add;
    `calibration` turns them into a risk.
    """

    start: Logistic
    trees: Any
    calibration: Any
    predictors: tuple[str, ...]
    categories: Mapping[str, list[str]]

    def __call__(self, frame: pd.DataFrame) -> Floats:
        """Return the probability of the outcome for each row. Raises BadInput where a predictor's column is missing."""
        check_columns(self.predictors, frame)
        return np.asarray(self.calibration.predict_proba(self.margin(frame).reshape(-1, 1))[:, 1], dtype=float)

    def margin(self, frame: pd.DataFrame) -> Floats:
        """Return the log odds before calibration for each row."""
        return _margin(self.start, self.trees, frame, self.predictors, self.categories)


def fit_trees(study: Study, frame: pd.DataFrame, seed: int, settings: Mapping[str, Any] = TREES) -> Risk:
    """Fit XGBoost on a frame; choose the number of trees and calibrate on out-of-fold predictions.

    Boosting starts from a ridge logistic regression of the same predictors (the base margin), so that
    trees are spent on what a line cannot say; they are monotone in each predictor whose direction the
    study gives. The number of trees is the one of least out-of-fold log loss; calibration is Platt's
    (1999). A graphics processor is used where there is one and never needed; its last digits are its own. Folds keep
    all rows of a student together. `settings` are XGBoost's, those of the trees; see `tuned`.
    """
    from sklearn.linear_model import LogisticRegression

    categories, y = categories_of(frame, study.predictors), frame[OUTCOME].to_numpy()
    margins = _out_of_fold(study, frame, categories, seed, settings)
    best = int(np.argmin(_losses(margins, y)))
    calibration = LogisticRegression(C=1e6).fit(margins[best].reshape(-1, 1), y)
    boosted = _boosted(study, frame, categories, seed, ROUNDS[best], settings)
    return Risk(*boosted, calibration, study.predictors, categories)


def out_of_fold_loss(study: Study, frame: pd.DataFrame, seed: int, settings: Mapping[str, Any]) -> float:
    """Return the out-of-fold log loss of `fit_trees` with these settings, at the best number of trees."""
    margins = _out_of_fold(study, frame, categories_of(frame, study.predictors), seed, settings)
    return float(min(_losses(margins, frame[OUTCOME].to_numpy())))


def _losses(margins: Floats, y: Any) -> list[float]:
    return [float(np.mean(np.logaddexp(0.0, margin) - y * margin)) for margin in margins]


def _out_of_fold(
    study: Study, frame: pd.DataFrame, categories: Mapping[str, list[str]], seed: int, settings: Mapping[str, Any]
) -> Floats:
    """Out-of-fold log odds, numbers of trees × rows."""
    from sklearn.model_selection import StratifiedGroupKFold

    y = frame[OUTCOME].to_numpy()
    groups = frame[study.id_column] if study.id_column else np.arange(len(frame))
    folds = max(2, min(FOLDS, int(min(y.sum(), len(y) - y.sum()))))
    margins = np.zeros((len(ROUNDS), len(y)))
    for learn, held in StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(frame, y, groups):
        start, trees = _boosted(study, frame.iloc[learn], categories, seed, ROUNDS[-1], settings)
        for row, rounds in enumerate(ROUNDS):
            margins[row, held] = _margin(start, trees, frame.iloc[held], study.predictors, categories, rounds)
    return margins


def _boosted(
    study: Study,
    frame: pd.DataFrame,
    categories: Mapping[str, list[str]],
    seed: int,
    rounds: int,
    settings: Mapping[str, Any],
) -> tuple[Logistic, Any]:
    from xgboost import XGBClassifier

    start = fit_logistic(frame, study.predictors, categories)
    directions = tuple(0 if name in categories else study.directions.get(name, 0) for name in study.predictors)
    trees = XGBClassifier(
        n_estimators=rounds, monotone_constraints=directions, enable_categorical=True, random_state=seed,
        device="cuda" if has_gpu() else "cpu", **settings,
    )  # fmt: skip
    x = as_numbers(frame, study.predictors, categories)
    return start, trees.fit(x, frame[OUTCOME].to_numpy(), base_margin=start.log_odds(frame))


def _margin(
    start: Logistic,
    trees: Any,
    frame: pd.DataFrame,
    predictors: tuple[str, ...],
    categories: Mapping[str, list[str]],
    rounds: int | None = None,
) -> Floats:
    x = as_numbers(frame, predictors, categories)
    first = start.log_odds(frame)
    margin = trees.predict(x, output_margin=True, base_margin=first, iteration_range=(0, rounds or trees.n_estimators))
    return np.asarray(margin, dtype=float)


def categories_of(frame: pd.DataFrame, predictors: tuple[str, ...]) -> dict[str, list[str]]:
    """The values of each predictor that is text, in order."""
    return {p: sorted(frame[p].dropna().astype(str).unique()) for p in predictors if frame[p].dtype.kind not in "biuf"}


def as_numbers(frame: pd.DataFrame, predictors: tuple[str, ...], categories: Mapping[str, list[str]]) -> pd.DataFrame:
    """Return the predictors as XGBoost wants them: numbers, and text as known categories (new ones are missing).

    The columns are called by their position, because XGBoost refuses names such as "score [of 10]".
    """
    import pandas as pd

    columns = {
        str(k): pd.Categorical(frame[p].astype("object").where(frame[p].notna()), categories[p])
        if p in categories
        else frame[p].astype(float)
        for k, p in enumerate(predictors)
    }
    return pd.DataFrame(columns, index=frame.index)


def logistic_risk(study: Study, train: pd.DataFrame, test: pd.DataFrame) -> Floats:
    """Risk of the test rows by ridge logistic regression on the training rows."""
    return fit_logistic(train, study.predictors, categories_of(train, study.predictors)).risk(test)


def has_rule(study: Study) -> bool:
    """Whether the study has what the attendance–behaviour–course rule needs."""
    return {"attendance_year", "days_removed_year", "courses_failed_last_term"} <= set(study.judged.columns)


def has_last_day(study: Study) -> bool:
    """Whether the study knows when a student was last active."""
    return LAST_SEEN in study.judged.columns and bool(study.judged[LAST_SEEN].notna().any())


def absent_rule(frame: pd.DataFrame) -> Floats:
    """1 where a student was not active for seven days or more, or never, else 0."""
    return np.asarray(~(frame[LAST_SEEN] < ABSENT_DAYS), dtype=float)


def abc_rule(frame: pd.DataFrame) -> Floats:
    """Number of attendance–behaviour–course flags, 0 to 3.

    Attendance below 90 % over the last year, any suspension in it, any course failed in the last
    term (after Balfanz, Herzog & Mac Iver 2007; Allensworth & Easton 2007).
    """
    flags = (
        (frame.attendance_year < 0.90).astype(float)
        + (frame.days_removed_year > 0)
        + (frame.courses_failed_last_term > 0)
    )
    return np.asarray(flags, dtype=float)
