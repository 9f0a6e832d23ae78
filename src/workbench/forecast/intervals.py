"""The shortest interval around a forecast on a scale with two ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
TOP = 4.0
_TREES: dict[str, Any] = {
    "n_estimators": 200, "max_depth": 3, "learning_rate": 0.05, "subsample": 0.6, "colsample_bytree": 0.5,
    "min_child_weight": 10, "reg_lambda": 5, "tree_method": "hist", "n_jobs": 1,
}  # fmt: skip


def trees(seed: int, **more: Any) -> Any:
    """Return boosted regression trees, not fitted yet."""
    from xgboost import XGBRegressor

    return XGBRegressor(**{**_TREES, **more}, random_state=seed)


class ShortestInterval:
    """The shortest interval of a location–scale model, students × (low, high), before calibration.

    Mean and mean absolute residual are learned by boosted trees (the residuals out of fold), the shape
    is that of the standardised residuals. Of all intervals of the wanted probability the one that is
    shortest after clipping to 0…4 is taken; a side that reaches the end of the scale is left open, since
    many students sit exactly on it.
    """

    def __init__(self, level: float, seed: int) -> None:
        self.level, self.seed = level, seed

    def fit(self, x: pd.DataFrame, y: Floats) -> ShortestInterval:
        from sklearn.model_selection import cross_val_predict

        self.mean = trees(self.seed).fit(x, y)
        residual = y - cross_val_predict(trees(self.seed), x, y, cv=5)
        self.spread = trees(self.seed, max_depth=2, min_child_weight=20).fit(x, np.abs(residual))
        standard = residual / self._scale(x)
        tails = np.linspace(0.0, 1.0 - self.level, 21)
        self.below, self.above = np.quantile(standard, tails), np.quantile(standard, tails + self.level)
        self.below[0], self.above[-1] = -np.inf, np.inf
        return self

    def _scale(self, x: pd.DataFrame) -> Floats:
        return np.maximum(self.spread.predict(x), 0.05)

    def bounds(self, x: pd.DataFrame) -> tuple[Floats, Floats]:
        """Return low and high limits, one a row; an open side lies a whole scale beyond its end."""
        mean, scale = self.mean.predict(x)[:, None], self._scale(x)[:, None]
        low, high = mean + scale * self.below, mean + scale * self.above
        best = (np.clip(high, 0, TOP) - np.clip(low, 0, TOP)).argmin(axis=1)
        rows = np.arange(len(best))
        low, high = low[rows, best], high[rows, best]
        return np.where(low <= 0, -TOP, low), np.where(high >= TOP, 2 * TOP, high)

    def sides(self) -> tuple[_Side, _Side]:
        """The two limits as the fitted regressors that MAPIE takes."""
        return _Side(self, 0), _Side(self, 1)


class _Side(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    def __init__(self, interval: ShortestInterval, side: int) -> None:
        self.interval, self.side, self.fitted_ = interval, side, True

    def fit(self, x: Any, y: Any) -> _Side:
        return self

    def predict(self, x: Any) -> Floats:
        return self.interval.bounds(x)[self.side]
