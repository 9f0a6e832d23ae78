"""Audits of a fair and an unfair score give the spreads they were built with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.dropout import Assessment, Study, audit, flagged, mitigate
from workbench.dropout.assess import TREES
from workbench.dropout.study import OUTCOME
from workbench.shares import share


def made(risk: np.ndarray[Any, Any], outcome: np.ndarray[Any, Any], group: list[str]) -> Assessment:
    """An assessment of given scores; the model hands on the column `risk`."""
    rows = pd.DataFrame({"risk": risk, OUTCOME: outcome, "group": group})
    study = Study("", "left", "", rows, rows.copy(), None, ("risk",), ("group",))
    return Assessment(study, lambda frame: frame.risk.to_numpy(), {TREES: risk}, pd.DataFrame(), 0)  # type: ignore[arg-type]


HALF = ["a"] * 100 + ["b"] * 100
LEFT = np.tile(np.repeat([1, 0], [10, 90]), 2)


def test_a_fair_score_spreads_nothing() -> None:
    """In both groups the ten cases and nine others have the highest risks: false alarms 0.1 each, none missed."""
    order = np.tile(np.arange(100)[::-1], 2) / 100.0
    table = audit(made(order, LEFT, HALF), capacity=0.19)
    assert list(table.false_alarm_rate) == [0.1, 0.1]
    assert list(table.miss_rate) == [0, 0]
    assert list(table.n_positive) == [10, 10]


def test_an_unfair_score_spreads_by_nine_tenths() -> None:
    """The score flags 81 of the 90 who stayed in group a and nobody who stayed in group b."""
    risk = np.r_[np.ones(10), np.ones(81), np.zeros(9), np.ones(10), np.zeros(90)]
    table = audit(made(risk, LEFT, HALF), capacity=101 / 200).set_index("group")
    assert table.false_alarm_rate["a"] == pytest.approx(0.9)
    assert table.false_alarm_rate["b"] == 0
    assert table.selection_rate["a"] == pytest.approx(0.91)
    low, high = table.loc["a", ["false_alarm_rate_low", "false_alarm_rate_high"]]
    assert (low, high) == pytest.approx(share(81, 90)[1:])


def test_a_group_without_cases_has_no_miss_rate() -> None:
    table = audit(made(np.arange(200) / 200, np.r_[LEFT[:100], np.zeros(100, int)], HALF)).set_index("group")
    assert np.isnan(table.miss_rate["b"])
    assert np.isnan(table.miss_rate_low["b"])


def test_rates_are_counts_of_the_flagged(assessment: Assessment) -> None:
    table = audit(assessment, 0.1).set_index(["group_kind", "group"])
    chosen = flagged(assessment.risk, 0.1)
    assert chosen.sum() == round(0.1 * len(chosen))
    female = (assessment.study.judged.sex == "female").to_numpy()
    stayed = assessment.outcome == 0
    assert table.loc[("sex", "female"), "n"] == female.sum()
    assert table.loc[("sex", "female"), "false_alarm_rate"] == pytest.approx(chosen[female & stayed].mean())
    assert table.loc[("sex", "female"), "miss_rate"] == pytest.approx((~chosen)[female & ~stayed].mean())
    assert table.loc[("sex", "female"), "mean_risk"] == pytest.approx(assessment.risk[female].mean())


def test_thresholds_by_group_even_out_false_alarms() -> None:
    """Group b's risks are all higher by 0.3, whether they leave or not; separate thresholds undo that."""
    rng = np.random.default_rng(0)
    left = (rng.random(4000) < 0.2).astype(int)
    group = np.repeat(["a", "b"], 2000)
    risk = np.clip(0.3 + 0.2 * left + 0.3 * (group == "b") + rng.normal(0, 0.1, 4000), 0, 1)
    done = mitigate(made(risk, left, list(group)), "group")
    assert done is not None
    assert done.spread[0] > 0.3
    assert done.spread[1] < 0.05
    assert done.flagged == pytest.approx((done.table.flagged_before * done.table.n).sum() / 4000, abs=1e-3)
    assert done.caught[1] > done.caught[0]


def test_a_group_never_seen_in_training_is_not_mitigated() -> None:
    one = made(np.arange(200) / 200, LEFT, HALF)
    other = one.study.judged.assign(group="c")
    assert mitigate(replace(one, study=replace(one.study, test=other)), "group") is None
