"""Who may leave from here on: everybody on the roll today, whose outcome nobody knows yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from workbench import features
from workbench.dropout.cohorts import on_the_roll
from workbench.dropout.explain import Explanation, explain
from workbench.dropout.horizons import Horizon, closes, days_closed
from workbench.dropout.linear import Floats
from workbench.dropout.models import Risk, fit_trees
from workbench.dropout.study import Study
from workbench.features.declared import Feature

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

SHOWN = ("student_id", "school_id", "grade_level")
MOST_REASONS = 3
NO_REASON = ("programs", "students")
"""Who a student is and what they are eligible for can move a risk, and is nothing that a talk could be about."""


@dataclass(frozen=True)
class Today:
    """Risks of those on the roll on `as_of`: one a row of `study.test`, of the outcome within `horizon`."""

    study: Study
    model: Risk
    risk: Floats
    as_of: str
    horizon: Horizon

    @property
    def judged_on(self) -> str:
        """The same day of the last year whose horizon has closed, as of which `study` judges the same recipe."""
        return str(next(days_closed(date.fromisoformat(self.as_of), self.horizon)))

    @property
    def until(self) -> date:
        """The last day of the horizon."""
        return closes(date.fromisoformat(self.as_of), self.horizon)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a student, the highest risk first: student_id, school_id, grade_level, risk, reasons.

        `reasons` names what raises the student's risk most, in words; it is empty where nothing does.
        """
        rows = self.study.judged[list(SHOWN)].assign(
            risk=self.risk, reasons=in_words(explain(self), self.study.predictors)
        )
        return rows.sort_values(["risk", "student_id"], ascending=[False, True], ignore_index=True)


def today(
    data: Data, as_of: date | str, horizon: Horizon = 1, seed: int = 0, sensitive_predictors: bool = False
) -> Today:
    """Fit the model on what was known by `as_of` and return the risks of everybody on the roll that day.

    How good such risks are is told by `assess(study(data, a horizon earlier))`: the same recipe, with the outcomes
    known. Raises BadInput where there is nobody to tell of or to learn from.
    """
    found = on_the_roll(data, as_of, horizon, sensitive_predictors)
    model = fit_trees(found, found.train, seed)
    return Today(found, model, model(found.judged), str(as_of), horizon)


def in_words(why: Explanation, predictors: Sequence[str], most: int = MOST_REASONS) -> list[str]:
    """What raises each row's risk most, with its value: the strongest of each kind of record, such as attendance."""
    declared = {f.name: f for f in (*features.FEATURES, *features.AUDIT)}
    return ["; ".join(_raised(why, row, [declared[p] for p in predictors], most)) for row in range(len(why.values))]


def _raised(why: Explanation, row: int, predictors: Sequence[Feature], most: int) -> list[str]:
    effects, strongest = why.values[row], dict[str, int]()
    for k in np.argsort(-effects, kind="stable"):
        if effects[k] > 0 and predictors[k].source not in NO_REASON:
            strongest.setdefault(predictors[k].source, int(k))
    return [predictors[k].say(why.data.iloc[row, k]) for k in list(strongest.values())[:most]]
