"""Ridge logistic regression: a model of its own, and where the trees start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.dropout.study import OUTCOME

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
RIDGE = 0.01


@dataclass(frozen=True)
class Logistic:
    """A fitted regression: `columns` makes numbers of a frame, `model` weighs them.

    `owner` says for each number which predictor it belongs to, `middle` is its mean in training.
    """

    columns: Any
    model: Any
    numbers: tuple[str, ...]
    text: tuple[str, ...]
    owner: NDArray[np.int64]
    middle: Floats

    def log_odds(self, frame: pd.DataFrame) -> Floats:
        """Return the log odds of the outcome for each row."""
        return np.asarray(self.model.decision_function(self._numbers(frame)), dtype=float)

    def risk(self, frame: pd.DataFrame) -> Floats:
        """Return the probability of the outcome for each row."""
        return np.asarray(self.model.predict_proba(self._numbers(frame))[:, 1], dtype=float)

    def contributions(self, frame: pd.DataFrame, predictors: tuple[str, ...]) -> Floats:
        """Return what each predictor adds to the log odds, compared with its mean; rows × predictors.

        These are the exact SHAP values of a linear model with independent predictors.
        """
        parts = (self._numbers(frame) - self.middle) * self.model.coef_[0]
        names = (*self.numbers, *self.text)
        total = np.zeros((len(frame), len(predictors)))
        for column, owner in enumerate(self.owner):
            total[:, predictors.index(names[owner])] += parts[:, column]
        return total

    def _numbers(self, frame: pd.DataFrame) -> Floats:
        return np.asarray(self.columns.transform(_plain(frame, self.numbers, self.text)), dtype=float)


def fit_logistic(frame: pd.DataFrame, predictors: tuple[str, ...], categories: Mapping[str, list[str]]) -> Logistic:
    """Fit ridge logistic regression: numbers filled with the median and scaled, text one-hot."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    text, numbers = tuple(categories), tuple(p for p in predictors if p not in categories)
    scaled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer((scaled, list(numbers)), (one_hot, list(text)))
    x = np.asarray(columns.fit_transform(_plain(frame, numbers, text)), dtype=float)
    model = LogisticRegression(C=RIDGE, max_iter=1000).fit(x, frame[OUTCOME])
    widths = [1] * len(numbers)
    if text:
        widths += [len(values) for values in columns.transformers_[1][1].categories_]
    return Logistic(columns, model, numbers, text, np.repeat(np.arange(len(widths)), widths), x.mean(axis=0))


def _plain(frame: pd.DataFrame, numbers: tuple[str, ...], text: tuple[str, ...]) -> pd.DataFrame:
    plain = frame[list(numbers)].astype(float).copy()
    for name in text:
        plain[name] = frame[name].astype("object").where(frame[name].notna(), "missing").astype(str)
    return plain
