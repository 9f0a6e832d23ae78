"""A person's own table: folds or cohorts, what is left out, and what is refused."""

from __future__ import annotations

from html import escape
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench import dropout
from workbench.dropout import study_from_table
from workbench.dropout.assess import LOGISTIC, TREES
from workbench.errors import BadInput, BadParameter

N = 400


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    rng = np.random.default_rng(3)
    hours = rng.normal(size=N)
    frame = pd.DataFrame(
        {
            "person": [f"P{k % 350:03d}" for k in range(N)],  # the last 50 rows are people seen before
            "cohort": np.r_[np.repeat([9, 10, 11], 100), np.repeat(11, 100)],
            "hours": hours,
            "sex": rng.choice(["f", "m"], N),
            "note": [f"remark {k % 90}" for k in range(N)],
            "same": "x",
            "result": np.where(rng.random(N) < 1 / (1 + np.exp(1 + 1.5 * hours)), "Fail", "Pass"),
        }
    )
    path = tmp_path_factory.mktemp("own") / "own.csv"
    frame.to_csv(path, index=False)
    return str(path)


def test_without_cohorts_folds_are_used_and_said(table: str) -> None:
    study = study_from_table(table, "result", positive_values=["Fail"], id_column="person", sensitive_columns=["sex"])
    assert study.test is None
    assert "repeated stratified folds" in study.how
    assert study.predictors == ("cohort", "hours")
    assert study.groups == ("sex",)
    assert study.notes[-1] == "note is left out: text with 90 different values."


def test_folds_recover_a_known_slope_and_do_not_reward_memory(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once three folds instead of three times five: what is tested does not depend on their number."""
    module = import_module("workbench.dropout.assess")
    monkeypatch.setattr(module, "REPEATS", 1)
    monkeypatch.setattr(module, "FOLDS", 3)
    study = study_from_table(table, "result", positive_values=["Fail"], id_column="person")
    result = dropout.assess(study, seed=2)
    hours = study.train.hours.to_numpy()
    best = result.result("auc", LOGISTIC)
    from workbench.dropout.metrics import auc

    assert best == pytest.approx(auc(result.outcome, -hours), abs=0.03)
    assert result.result("auc", TREES) > 0.65
    assert result.risk.mean() == pytest.approx(result.outcome.mean(), abs=0.02)


def test_cohorts_come_in_the_order_of_their_numbers(table: str) -> None:
    """As text, 9 would be the last cohort."""
    study = study_from_table(table, "result", positive_values=["Fail"], id_column="person", cohort_column="cohort")
    assert study.test is not None
    assert set(study.test.cohort) == {11}
    assert set(study.train.cohort) == {9, 10}
    assert "learned from cohort 9, 10; tested on 11" in study.how


def test_people_of_the_test_cohort_are_dropped_from_training(table: str) -> None:
    study = study_from_table(table, "result", positive_values=["Fail"], id_column="person", cohort_column="cohort")
    assert study.test is not None
    assert not set(study.train.person) & set(study.test.person)
    assert "50 earlier rows of people who are also in the test were left out" in study.how


def test_an_earlier_test_cohort_does_not_learn_from_later_ones(table: str) -> None:
    study = study_from_table(
        table,
        "result",
        positive_values=["Fail"],
        cohort_column="cohort",
        test_cohorts=["10"],
        sensitive_columns=["sex"],
        sensitive_predictors=True,
    )
    assert set(study.train.cohort) == {9}
    assert "sex" in study.predictors


def test_an_unknown_cohort_is_named(table: str) -> None:
    with pytest.raises(BadParameter, match="test_cohorts names 2031; column 'cohort' holds 9, 10, 11"):
        study_from_table(table, "result", positive_values=["Fail"], cohort_column="cohort", test_cohorts=["2031"])


def test_an_empty_cohort_is_named(tmp_path: Path) -> None:
    pd.DataFrame({"year": [2020, None, 2021], "x": [1, 2, 3], "y": ["a", "b", "a"]}).to_csv(
        tmp_path / "t.csv", index=False
    )
    with pytest.raises(BadInput, match="'year' names the cohort, but is empty in 1 rows, the first of them row 2"):
        study_from_table(str(tmp_path / "t.csv"), "y", positive_values=["a"], cohort_column="year")


def test_a_column_that_is_not_there_is_named(table: str) -> None:
    with pytest.raises(BadParameter, match=r"has no column 'gender'\. It has: person, cohort"):
        study_from_table(table, "result", positive_values=["Fail"], sensitive_columns=["gender"])


def test_nothing_left_to_predict_from_is_said(table: str) -> None:
    with pytest.raises(BadInput, match="no column left to predict from"):
        study_from_table(
            table, "result", positive_values=["Fail"], leave_out=["person", "cohort", "hours", "sex", "note"]
        )


def test_columns_and_groups_may_be_called_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_OUTPUT", str(tmp_path))
    shown: list[str] = []
    monkeypatch.setattr("workbench.outputs.display", lambda html, *_: shown.append(html))
    names = ["score [of 10]", "<img src=x onerror=alert(1)>", "income ($) of $x_{", "$10k-$20k"]
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({name: rng.normal(size=200) for name in names})
    frame["group"], frame["left"] = rng.choice(names, 200), (frame[names[0]] + rng.normal(size=200) > 1).astype(int)
    frame.to_csv(tmp_path / "own.csv", index=False)
    result = dropout.assess(study_from_table(str(tmp_path / "own.csv"), "left", sensitive_columns=["group"]), seed=1)
    why = dropout.explain(result)
    for drawn in (dropout.figures.importance(why), dropout.figures.fairness(dropout.audit(result, 0.1), "group")):
        wb.show(drawn.figure, alt=drawn.alt, table=drawn.table)
    assert all(escape(name) in "".join(shown) for name in names)
    assert "<img src=x" not in "".join(shown)


def test_a_running_number_does_not_predict_though_nobody_named_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"number": rng.permutation(120), "hours": rng.normal(size=120).round(3)})
    frame["left"] = np.where(rng.random(120) < 0.4, "yes", "no")
    frame.to_csv(tmp_path / "t.csv", index=False)
    study = study_from_table(str(tmp_path / "t.csv"), "left")
    assert study.predictors == ("hours",)
    assert study.notes[-1] == "number is left out: a whole number of its own in every row is an identifier."
