"""What is to be predicted, for whom, from what, and on whom it is tested: one object for every kind of data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from workbench.dropout.leakage import LeakageFlag

OUTCOME = "outcome"


def check_columns(needed: Iterable[str], frame: pd.DataFrame) -> None:
    """Raise BadInput where a frame lacks a column that a model has learned from."""
    if lacking := [name for name in needed if name not in frame.columns]:
        raise BadInput(f"The model needs {', '.join(lacking)}, which these data lack. Was a column renamed?")


@dataclass(frozen=True)
class Study:
    """A prediction study, ready to be assessed.

    `train` and `test` have one row a student (and day) with the predictors, the groups for auditing
    and the 0/1 column `outcome`; no student is in both. Where the data know no cohorts, `test` is
    None and the assessment is by repeated stratified folds of `train`. `directions` gives +1 or −1
    where risk is expected to rise or fall with a predictor, `words` how a counsellor would name it,
    `ceiling` (synthetic data only) the true risks of the test rows, `source` whose data they are.
    """

    title: str
    outcome_words: str
    how: str
    train: pd.DataFrame
    test: pd.DataFrame | None
    id_column: str | None
    predictors: tuple[str, ...]
    groups: tuple[str, ...]
    directions: Mapping[str, int] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    ceiling: pd.DataFrame | None = None
    flags: tuple[LeakageFlag, ...] = ()
    notes: tuple[str, ...] = ()
    source: str = ""

    @property
    def judged(self) -> pd.DataFrame:
        """The rows on which predictions are judged."""
        return self.train if self.test is None else self.test

    @property
    def summary(self) -> pd.DataFrame:
        """One row a part of the data: rows, students, how many had the outcome, and the share."""
        import pandas as pd

        parts = {"everybody": self.train} if self.test is None else {"training": self.train, "test": self.test}
        rows = [
            (
                name,
                len(part),
                part[self.id_column].nunique() if self.id_column else len(part),
                int(part[OUTCOME].sum()),
                float(part[OUTCOME].mean()),
            )
            for name, part in parts.items()
        ]
        return pd.DataFrame(rows, columns=["part", "rows", "students", self.outcome_words, "share"])

    @property
    def suspects(self) -> pd.DataFrame:
        """The columns that look too good to have been known beforehand, with why."""
        import pandas as pd

        rows = [(flag.column, flag.level, flag.why, round(flag.auc, 3)) for flag in self.flags]
        return pd.DataFrame(rows, columns=["column", "verdict", "why", "AUC alone"])

    def name(self, predictor: str) -> str:
        """How a person would name a predictor."""
        return self.words.get(predictor, predictor)
