"""Risk models: gradient-boosted trees, logistic regression, and the attendance–behaviour–course rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.dropout.study import OUTCOME, Study

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

# Shallow, slow, heavily sampled trees suit a few hundred cases. Chosen on synthetic data of seeds 101
# to 108, which no study, test or report uses.
TREES: Mapping[str, Any] = {
    "n_estimators": 300,
    "max_depth": 2,
    "learning_rate": 0.04,
    "subsample": 0.5,
    "colsample_bytree": 0.4,
    "min_child_weight": 5,
    "reg_lambda": 10,
    "tree_method": "hist",
}
FOLDS = 5
RIDGE = 0.01


@dataclass(frozen=True)
class Risk:
    """A fitted, calibrated risk model: `trees` ranks, `calibration` turns its log odds into a risk."""

    trees: Any
    calibration: Any
    predictors: tuple[str, ...]
    categories: Mapping[str, list[str]]

    def __call__(self, frame: pd.DataFrame) -> Floats:
        """Return the probability of the outcome for each row."""
        margin = self.trees.predict(as_numbers(frame, self.predictors, self.categories), output_margin=True)
        return np.asarray(self.calibration.predict_proba(margin.reshape(-1, 1))[:, 1], dtype=float)


def fit_trees(study: Study, frame: pd.DataFrame, seed: int) -> Risk:
    """Fit XGBoost on a frame and calibrate it on its own out-of-fold predictions (Platt 1999).

    Folds keep all rows of a student together. Monotone in each predictor whose direction the study
    gives. Raises xgboost's own errors only for data that `Study` does not let through.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    categories = categories_of(frame, study.predictors)
    x, y = as_numbers(frame, study.predictors, categories), frame[OUTCOME].to_numpy()
    groups = frame[study.id_column] if study.id_column else np.arange(len(frame))
    folds = max(2, min(FOLDS, int(min(y.sum(), len(y) - y.sum()))))
    margin = np.zeros(len(y))
    for learn, held in StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(x, y, groups):
        margin[held] = (
            _trees(study, categories, seed).fit(x.iloc[learn], y[learn]).predict(x.iloc[held], output_margin=True)
        )
    calibration = LogisticRegression(C=1e6).fit(margin.reshape(-1, 1), y)
    return Risk(_trees(study, categories, seed).fit(x, y), calibration, study.predictors, categories)


def _trees(study: Study, categories: Mapping[str, list[str]], seed: int) -> Any:
    from xgboost import XGBClassifier

    directions = tuple(0 if name in categories else study.directions.get(name, 0) for name in study.predictors)
    return XGBClassifier(**TREES, monotone_constraints=directions, enable_categorical=True, random_state=seed, n_jobs=1)


def categories_of(frame: pd.DataFrame, predictors: tuple[str, ...]) -> dict[str, list[str]]:
    """The values of each predictor that is text, in order."""
    return {p: sorted(frame[p].dropna().astype(str).unique()) for p in predictors if frame[p].dtype.kind not in "biuf"}


def as_numbers(frame: pd.DataFrame, predictors: tuple[str, ...], categories: Mapping[str, list[str]]) -> pd.DataFrame:
    """Return the predictors as XGBoost wants them: numbers, and text as known categories (new ones are missing)."""
    import pandas as pd

    columns = {
        p: pd.Categorical(frame[p].astype("object").where(frame[p].notna()), categories[p])
        if p in categories
        else frame[p].astype(float)
        for p in predictors
    }
    return pd.DataFrame(columns, index=frame.index)


def logistic_risk(study: Study, train: pd.DataFrame, test: pd.DataFrame) -> Floats:
    """Risk by ridge logistic regression: numbers filled with the median and scaled, text one-hot."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    categories = categories_of(train, study.predictors)
    text, numbers = list(categories), [p for p in study.predictors if p not in categories]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), text),
    )
    model = make_pipeline(columns, LogisticRegression(C=RIDGE, max_iter=1000))
    learn, judge = (_plain(part, numbers, text) for part in (train, test))
    return np.asarray(model.fit(learn, train[OUTCOME]).predict_proba(judge)[:, 1], dtype=float)


def _plain(frame: pd.DataFrame, numbers: list[str], text: list[str]) -> pd.DataFrame:
    plain = frame[numbers].astype(float).copy()
    for name in text:
        plain[name] = frame[name].astype("object").where(frame[name].notna(), "missing").astype(str)
    return plain


def has_rule(study: Study) -> bool:
    """Whether the study has what the attendance–behaviour–course rule needs."""
    return {"attendance_year", "days_removed_year", "courses_failed_last_term"} <= set(study.judged.columns)


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
