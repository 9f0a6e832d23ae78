"""What data may lack: told in a sentence, or gone without and said."""

from __future__ import annotations

from typing import Any

import pytest

from workbench import dropout
from workbench.dropout import Assessment, Study, models
from workbench.errors import BadInput
from workbench.store import Data

DAY = "2024-01-31"


class Lacking:
    """A data folder in which some tables are others."""

    def __init__(self, data: Data, **tables: Any) -> None:
        self.data, self.tables = data, tables

    def __getattr__(self, name: str) -> Any:
        return self.tables[name] if name in self.tables else getattr(self.data, name)


def test_without_events_the_rest_is_learned_from_and_it_is_said(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "ROUNDS", (20,))
    found = dropout.study(Lacking(data, events=data.events.limit(0)), DAY)  # type: ignore[arg-type]
    assert "days_since_event" not in found.predictors
    (note,) = found.notes
    assert note.startswith("Left out, for being empty or the same for all learned from: ")
    assert "attendance" not in note
    assert dropout.assess(found).result("auc") > 0.6


def test_one_class_only_and_a_cohort_without_outcomes_are_named(data: Data) -> None:
    stayed = data.outcomes.filter(data.outcomes.status != "dropped_out")
    with pytest.raises(BadInput, match="0 left: a model needs both"):
        dropout.study(Lacking(data, outcomes=stayed), DAY)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="There are no test students"):
        dropout.study(Lacking(data, outcomes=data.outcomes.limit(0)), DAY)  # type: ignore[arg-type]


def test_a_column_that_vanished_is_named(study: Study, assessment: Assessment) -> None:
    gone = study.predictors[3]
    with pytest.raises(BadInput, match=f"The model needs {gone}, which these data lack"):
        assessment.model(study.judged.drop(columns=gone))
