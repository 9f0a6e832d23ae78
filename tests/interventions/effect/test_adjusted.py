"""Doubly robust estimates: what confounding hides is found, the error by hand, refusals by name."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadParameter, ModelError
from workbench.interventions import effect
from workbench.interventions.effect import worlds
from workbench.interventions.effect.adjusted import _folds, _influence, overlap

KNOWN = ["need", "earlier", "third"]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    made, _ = worlds.chosen(np.random.default_rng(1), -1.0, n=2000)
    return made


def check(told: effect.Effect, name: str) -> bool | None:
    return next(check.passed for check in told.checks if check.name == name)


@pytest.mark.parametrize("estimand", ["ATE", "ATT"])
def test_help_is_found_where_the_naive_comparison_says_harm(rows: pd.DataFrame, estimand: str) -> None:
    _, truth = worlds.chosen(np.random.default_rng(1), -1.0)
    told = effect.doubly_robust(rows, "absent", "came", KNOWN, better="lower", estimand=estimand)  # type: ignore[arg-type]
    assert rows.absent[rows.came].mean() - rows.absent[~rows.came].mean() > 0
    assert told.conf_low <= truth[estimand] <= told.conf_high < 0
    assert told.estimand == estimand
    assert (check(told, "overlap"), check(told, "balance")) == (True, True)


def test_a_confounder_left_out_is_seen_by_the_placebo(rows: pd.DataFrame) -> None:
    whole = effect.doubly_robust(rows, "absent", "came", KNOWN, better="lower", placebo="before", benchmark="third")
    assert check(whole, "placebo") is True
    assert check(whole, "sensitivity") is True  # the third covariate moves neither
    short = effect.doubly_robust(rows, "absent", "came", ["third"], better="lower", placebo="before")
    assert check(short, "placebo") is False
    assert "placebo" in short.verdict


def test_the_same_seed_gives_the_same_answer(rows: pd.DataFrame) -> None:
    once, again = (effect.doubly_robust(rows, "absent", "came", KNOWN, better="lower", seed=3) for _ in range(2))
    assert once == again


def test_the_error_is_the_spread_of_influences_by_hand() -> None:
    # Scores 1, 2, 3, 6 of an ATE: mean 3, variance 14/3, error √(14/3/4), 3 degrees of freedom; in pairs the sums
    # about the mean are −3 and 3, so CR2 gives √(18 / 4² · 2).
    model = SimpleNamespace(psi_elements={"psi_a": -np.ones((4, 1)), "psi_b": np.array([[1.0], [2], [3], [6]])})
    alone, pairs = _influence(model, np.arange(4)), _influence(model, np.array([0, 0, 1, 1]))
    assert (alone.estimate, alone.std_error, alone.df) == pytest.approx((3, (14 / 3 / 4) ** 0.5, 3))
    assert (pairs.estimate, pairs.std_error, pairs.df) == pytest.approx((3, (18 / 16 * 2) ** 0.5, 1))


def test_no_school_is_in_two_folds() -> None:
    schools = np.repeat(np.arange(20), 10)
    folds = _folds((np.arange(200) % 3 == 0).astype(float), schools, 1)
    assert sorted(row for _, test in folds for row in test) == list(range(200))
    assert all(not set(schools[train]) & set(schools[test]) for train, test in folds)


def test_no_overlap_is_refused() -> None:
    d = np.repeat([0.0, 1.0], 50)
    with pytest.raises(ModelError, match="no overlap"):
        overlap(d, np.where(d == 1, 0.9, 0.1), "ATE")
    many = np.repeat([0.0, 1.0], 500)
    assert overlap(many, np.full(1000, 0.5), "ATE").passed is True
    assert overlap(many, np.where(np.arange(1000) % 10 == 0, 0.97, 0.5), "ATT").passed is False


@pytest.mark.parametrize(
    ("change", "arguments", "error", "told"),
    [
        ({"came": True}, {}, ModelError, "one arm is empty"),
        ({"absent": 1.0}, {}, ModelError, "in every row"),
        ({}, {"covariates": []}, BadParameter, "Name the covariates"),
        ({}, {"estimand": "LATE"}, BadParameter, "take ATE or ATT"),
        ({}, {"benchmark": "age"}, BadParameter, "not among the covariates"),
        ({}, {"placebo": "need"}, BadParameter, "cannot be both"),
    ],
)
def test_what_cannot_be_estimated_is_refused(
    rows: pd.DataFrame, change: dict, arguments: dict, error: type, told: str
) -> None:
    asked = {"covariates": KNOWN, "better": "lower"} | arguments
    with pytest.raises(error, match=told):
        effect.doubly_robust(rows.assign(**change), "absent", "came", **asked)
