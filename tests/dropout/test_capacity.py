"""Lists of limited length by hand: hits, ties at the edge, lift and false alarms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.dropout import Assessment, at_capacity, audit_gaps, cost_curve, newcombe, smallest_difference
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


OUTCOME = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 1])
RISK = np.array([0.9, 0.8, 0.7, 0.6, 0.3, 0.2, 0.1, 0.1, 0.1, 0.05])


def test_costs_by_hand() -> None:
    """A miss costs four false alarms: five have a risk of 0.2 or more besides 0.2 itself; one is missed."""
    (row,) = cost_curve(OUTCOME, RISK, [4]).to_dict("records")
    wanted = {"threshold": 0.2, "warned": 0.6, "cost": 80.0, "cost_nobody": 120.0, "cost_everybody": 70.0, "saved": -10}
    assert {name: row[name] for name in wanted} == pytest.approx(wanted)
    with pytest.raises(BadParameter, match="more than 0"):
        cost_curve(OUTCOME, RISK, [0])


def test_with_the_true_risk_no_other_threshold_is_cheaper() -> None:
    rng = np.random.default_rng(5)
    risk = rng.random(40_000)
    outcome = (rng.random(40_000) < risk).astype(np.int64)
    (row,) = cost_curve(outcome, risk, [3]).to_dict("records")
    for other in (0.15, 0.35):
        warned = risk >= other
        assert 100 * np.where(warned, 1 - outcome, 3 * outcome).mean() > row["cost"]


def test_the_difference_of_two_shares_as_newcombe_printed_it() -> None:
    """Newcombe (1998), table II, 56/70 and 48/80: 0.2 (0.0524 to 0.3339)."""
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_smallest_difference_is_found_in_eight_of_ten_samples() -> None:
    rate, n = 0.3, 400
    gap = smallest_difference(rate, n, n)
    rng = np.random.default_rng(1)
    p, q = rng.binomial(n, rate + gap, 4000) / n, rng.binomial(n, rate, 4000) / n
    pooled = (p + q) / 2
    found = np.abs(p - q) > 1.959964 * np.sqrt(2 * pooled * (1 - pooled) / n)
    assert found.mean() == pytest.approx(0.8, abs=0.03)
    assert np.isnan(smallest_difference(0.0, 10, 10))


def test_the_seven_days_absent_rule_stands_beside_the_model(assessment: Assessment) -> None:
    """Absent from the seventh day on, or never seen."""
    last = assessment.study.judged.days_since_event
    assert (assessment.scores["Seven-days-absent rule"] == (last.isna() | (last >= 7))).all()
    assert assessment.result("auc") > assessment.result("auc", "Seven-days-absent rule")


def test_a_district_audited(assessment: Assessment) -> None:
    gaps = audit_gaps(assessment)
    assert set(gaps.group_kind) == set(assessment.study.groups)
    girls, boys = (gaps.set_index("group").loc[name] for name in ("female", "male"))
    assert girls.false_alarm_gap == pytest.approx(-boys.false_alarm_gap)
    assert girls.false_alarm_detectable == pytest.approx(boys.false_alarm_detectable)
    assert (gaps.calibration_gap.between(gaps.calibration_gap_low, gaps.calibration_gap_high)).all()
