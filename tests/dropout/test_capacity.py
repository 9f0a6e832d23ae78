"""Lists of limited length by hand: hits, ties at the edge, lift and false alarms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.dropout import Assessment, at_capacity
from workbench.dropout.capacity import hits
from workbench.errors import BadParameter


def test_hits_by_hand() -> None:
    # Ten students, three leavers at ranks 1, 3 and 7; a list of four holds two of them.
    score = np.arange(10, 0, -1.0)
    outcome = np.array([1, 0, 1, 0, 0, 0, 1, 0, 0, 0])
    assert hits(outcome, score, np.ones((1, 10)), 0.4) == pytest.approx([2])
    # Who is drawn twice counts twice: the first leaver twice, the next two students, and half of the tie at the edge.
    assert hits(outcome, score, np.array([[2.0, 1, 1, 1, 1, 1, 1, 1, 1, 0]]), 0.4) == pytest.approx([3])


def test_of_a_tie_at_the_edge_as_many_are_taken_as_fit() -> None:
    # Scores 3, 2, 2, 2, 2 and 1: a list of three has room for two of four, of whom one in two left.
    score = np.array([3.0, 2, 2, 2, 2, 1])
    assert hits(np.array([1, 1, 0, 1, 0, 0]), score, np.ones((1, 6)), 0.5) == pytest.approx([2])


def test_measures_hang_together(assessment: Assessment) -> None:
    told = at_capacity(assessment, 0.1).set_index("model")
    cases, n = assessment.outcome.sum(), len(assessment.outcome)
    trees = told.loc["XGBoost"]
    top = np.argsort(-assessment.risk, kind="stable")[: round(0.1 * n)]
    assert trees.share_found == pytest.approx(assessment.outcome[top].sum() / cases, abs=1 / cases)
    assert trees.lift == pytest.approx(trees.share_left / (cases / n))
    assert trees.false_alarms == pytest.approx(1 / trees.share_left - 1)
    assert trees.lift_low < trees.lift < trees.lift_high
    assert trees.lift > 2  # a list of a tenth holds more than two tenths of those who left
    assert isinstance(told, pd.DataFrame)


def test_a_list_by_lot_has_a_lift_of_one(assessment: Assessment) -> None:
    flat = Assessment(assessment.study, assessment.model, {"lot": np.zeros(len(assessment.outcome))}, pd.DataFrame(), 1)
    told = at_capacity(flat, 0.2).iloc[0]
    assert (told.lift, told.lift_low, told.lift_high) == pytest.approx((1, 1, 1))


def test_a_capacity_is_a_share(assessment: Assessment) -> None:
    with pytest.raises(BadParameter, match="the share of students that staff can see"):
        at_capacity(assessment, 40)
