"""Why the model says what it says: for all students together, and for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from workbench.dropout.assess import Assessment
from workbench.dropout.linear import Floats
from workbench.dropout.models import Risk, as_numbers
from workbench.dropout.study import Study

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Explanation:
    """SHAP values of the judged rows: rows × predictors, in log odds; `base` is the average log odds."""

    values: Floats
    base: float
    data: pd.DataFrame
    names: tuple[str, ...]

    @property
    def importance(self) -> pd.DataFrame:
        """Mean absolute SHAP value a predictor, the largest first."""
        import pandas as pd

        size = np.abs(self.values).mean(axis=0)
        table = pd.DataFrame({"what the model looks at": self.names, "mean_effect": size})
        return table.sort_values("mean_effect", ascending=False, ignore_index=True)

    def reasons(self, row: int, most: int = 6) -> pd.DataFrame:
        """What moved one student's risk most: the value, the effect in log odds, and the direction in words."""
        import pandas as pd

        order = np.argsort(-np.abs(self.values[row]))[:most]
        effect = self.values[row][order]
        return pd.DataFrame(
            {
                "reason": [self.names[k] for k in order],
                "value": [_shown(self.data.iloc[row, k]) for k in order],
                "effect": effect,
                "direction": np.where(effect > 0, "raises the risk", "lowers the risk"),
            }
        )


def _shown(value: object) -> str:
    if value is None or value != value:
        return "not known"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


class Fitted(Protocol):
    """A study and the model that was fitted to it."""

    @property
    def study(self) -> Study: ...

    @property
    def model(self) -> Risk: ...


def explain(fitted: Fitted) -> Explanation:
    """Return SHAP values of XGBoost for the judged rows (of an assessment, or of today's list), before calibration.

    The log odds are a sum, so their SHAP values are too: what the regression adds (exact for a linear
    model) plus what the trees add (Lundberg et al. 2020, exact for trees).
    """
    import shap

    study, model = fitted.study, fitted.model
    data = as_numbers(study.judged, study.predictors, model.categories)
    values = np.asarray(shap.TreeExplainer(model.trees).shap_values(data), dtype=float)
    values += model.start.contributions(study.judged, study.predictors)
    base = float((model.margin(study.judged) - values.sum(axis=1)).mean())
    return Explanation(values, base, data, tuple(map(study.name, study.predictors)))


def example_student(assessment: Assessment) -> int:
    """Return the row whose risk is at the 98th percentile: high, and not the single worst."""
    return int(np.argsort(assessment.risk)[int(0.98 * (len(assessment.risk) - 1))])


USE = "Use only to offer support, never to deny, place or discipline."


def told(assessment: Assessment, row: int) -> str:
    """Say one student's risk as a share of 100 with the same score, with its interval and its use."""
    band = _band(assessment, assessment.risk[row])
    return f"Of 100 students with a score like this one ({band.risk_band}), about {_left(assessment, band)}. {USE}"


def of_100(assessment: Assessment, risk: float) -> str:
    """Say what became of students with a risk like this one: how many of 100, with the 95 % interval."""
    return f"of 100 about {_left(assessment, _band(assessment, risk))}"


def _band(assessment: Assessment, risk: float) -> Any:
    bands = assessment.calibration.sort_values("mean_risk", ignore_index=True)
    edges = np.cumsum(bands.n.to_numpy())
    rank = int((assessment.risk < risk).sum())
    return bands.iloc[min(int(np.searchsorted(edges, rank, side="right")), len(bands) - 1)]


def _left(assessment: Assessment, band: Any) -> str:
    what = "left" if assessment.study.outcome_words == "left" else "had the outcome"
    low, high = 100 * band.share_left_low, 100 * band.share_left_high
    return f"{100 * band.share_left:.0f} {what} (95 % interval {low:.0f} to {high:.0f})"
