"""Discrete-time survival: periods by hand, and hazards that are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.dropout.metrics import auc
from workbench.dropout.study import OUTCOME, Study
from workbench.dropout.when import When, fit_when, observed, person_periods, when_by_grade, years_seen
from workbench.errors import BadInput
from workbench.shares import share
from workbench.store import Data

PEOPLE = pd.DataFrame({"student": list("abc"), "last": [2, 1, 5], "left": [True, False, True]})
PERIODS = 3


def test_periods_lived_through_by_hand() -> None:
    rows = person_periods(PEOPLE, "last", "left", PERIODS)
    assert list(zip(rows.student, rows.period, rows[OUTCOME], strict=True)) == [
        ("a", 1, 0), ("a", 2, 1), ("b", 1, 0), ("c", 1, 0), ("c", 2, 0), ("c", 3, 0),
    ]  # fmt: skip


def test_the_share_that_left_counts_the_censored_while_they_were_seen() -> None:
    """In period 2, one of the two who are left leaves."""
    assert list(observed(PEOPLE, "last", "left", PERIODS).share) == pytest.approx([0, 0.5, 0.5])


def test_limits_by_hand() -> None:
    """Uncensored they are Wilson's: 3 of 10. Half censored after period 1, Greenwood's variance is that of fewer."""
    ten = pd.DataFrame({"last": [1, 2, 2] + [3] * 7, "left": [True] * 3 + [False] * 7})
    third = observed(ten, "last", "left", PERIODS).loc[3]
    assert tuple(third) == pytest.approx(share(3, 10))
    twenty = pd.DataFrame({"last": [1] * 10 + [2] * 10, "left": [False] * 10 + [True] * 2 + [False] * 8})
    second = observed(twenty, "last", "left", 3).loc[2]
    assert tuple(second) == pytest.approx(share(2, 10))
    assert observed(twenty, "last", "left", 3).loc[3].isna().all()


def test_limits_hold_the_truth() -> None:
    """Where grades are low, 8 %, 22.7 % and 41.3 % have left after 1, 2 and 3 periods."""
    truth, held = np.array([0.08, 0.2272, 0.412672]), []
    for seed in range(200):
        people = made(300, seed)
        found = observed(people[people.low == 1], "last", "left", PERIODS)
        held.append(((found.low <= truth) & (truth <= found.high)).mean())
    assert 0.92 <= np.mean(held) <= 0.98


def made(n: int, seed: int) -> pd.DataFrame:
    """Hazard 0.08, 0.16 and 0.24 where grades are low, else half of that; a tenth is censored a period."""
    rng = np.random.default_rng(seed)
    low = rng.random(n) < 0.5
    hazard = 0.08 * np.arange(1, PERIODS + 1) * np.where(low, 1.0, 0.5)[:, None]
    leaves, lost = rng.random((n, PERIODS)) < hazard, rng.random((n, PERIODS)) < 0.1
    first = np.where((leaves | lost).any(axis=1), (leaves | lost).argmax(axis=1), PERIODS - 1)
    return pd.DataFrame(
        {"student": np.arange(n), "low": low * 1.0, "last": first + 1, "left": leaves[np.arange(n), first]}
    )


@pytest.fixture(scope="module")
def fitted() -> When:
    people = made(4000, 1)
    study = Study("t", "left", "", people, None, "student", ("low",), (), {"low": 1})
    return fit_when(study, people, "last", "left", PERIODS)


def test_known_hazards_are_recovered(fitted: When) -> None:
    found = fitted.left_by(pd.DataFrame({"low": [1.0, 0.0]}))
    truth = 1 - np.cumprod(1 - 0.08 * np.arange(1, 4) * np.array([[1.0], [0.5]]), axis=1)
    assert found == pytest.approx(truth, abs=0.04)
    assert (np.diff(found, axis=1) >= 0).all()


def test_the_mean_is_what_was_observed(fitted: When) -> None:
    people = made(4000, 2)
    mean = fitted.left_by(people).mean(axis=0)
    assert mean == pytest.approx(list(observed(people, "last", "left", PERIODS).share), abs=0.03)


def test_what_cannot_be_fitted_is_said() -> None:
    study = Study("t", "left", "", PEOPLE, None, "student", ("last",), ())
    with pytest.raises(BadInput, match="0 ended in leaving"):
        fit_when(study, PEOPLE.assign(left=False), "last", "left", PERIODS)
    with pytest.raises(BadInput, match="1 or more"):
        person_periods(PEOPLE.assign(last=0), "last", "left", PERIODS)


def test_years_of_a_district_are_those_of_its_records(data: Data, study: Study) -> None:
    rows = years_seen(data, study, 3)
    ends = rows[["student_id", "as_of"]].merge(data.outcomes.to_pandas(), on="student_id")
    after = (pd.to_datetime(ends.outcome_date) - pd.to_datetime(ends.as_of)).dt.days / 365.25
    left = rows.left.to_numpy()
    assert left.sum() > 30
    assert (ends.status[left] == "dropped_out").all()
    assert (np.ceil(after[left]) == rows.years_seen[left]).all()
    moved = (ends.status == "transferred").to_numpy() & (pd.to_datetime(ends.outcome_date) <= "2024-01-31").to_numpy()
    assert moved.sum() > 30
    assert (rows.years_seen[moved] <= after[moved] + 0.01).all()
    graduated = (ends.status == "graduated").to_numpy()
    until = np.floor((pd.Timestamp("2024-01-31") - pd.to_datetime(ends.as_of)).dt.days / 365.25 + 0.01)
    assert (rows.years_seen[graduated] == until[graduated].clip(upper=3)).all()
    when = fit_when(study, rows, "years_seen", "left", 2)
    told = when_by_grade(when, rows, study.judged, "years_seen", "left")
    assert list(told.year) == [1, 2] * 4
    assert told[told.year == 1].n.sum() == len(study.judged)
    assert study.ceiling is not None
    truth = study.ceiling.attainable.groupby(study.judged.grade_level).mean()
    first = told[told.year == 1].set_index("grade_level")
    assert (first.expected - truth).abs().max() < 0.015
    assert (first.expected - first.observed).abs().max() < 0.02
    risks = when.left_by(study.judged)
    assert risks[:, 0].mean() == pytest.approx(study.judged[OUTCOME].mean(), abs=0.02)
    assert auc(study.judged[OUTCOME].to_numpy(), risks[:, 0]) > 0.7
