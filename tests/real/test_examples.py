"""The examples of params/examples, run as a person would run them, beside answers computed another way."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from workbench.dropout.own_table import study_from_table

PROJECT = Path(__file__).resolve().parents[2]
KEPT = ("auc", "auc_low", "auc_high", "average_precision", "brier", "n", "n_positive", "leakage_flags")
TEST_COHORTS = ["2014B", "2014J"]
SENSITIVE = ["gender", "disability", "age_band"]


@dataclass(frozen=True)
class Ran:
    """What a run left: its results by notebook, and its folder."""

    results: dict[str, dict[str, Any]]
    folder: Path

    def words(self, notebook: str) -> str:
        """The report of one notebook, without its markup."""
        page = (self.folder / f"{notebook}.html").read_text(encoding="utf-8")
        return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.fixture(scope="module")
def ran(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ran]:
    """Run an example by its command in a copy of the project, so that nothing of the project's own changes."""
    root = tmp_path_factory.mktemp("project")
    for part in ("notebooks/tier0", "params/examples", "data/synthetic/sample"):
        shutil.copytree(PROJECT / part, root / part)
    for file in ("access.yml", "pyproject.toml"):
        shutil.copy(PROJECT / file, root / file)
    environment = {**os.environ, "WORKBENCH_ROOT": str(root), "WORKBENCH_REAL_DATA": str(real_data)}

    def run(name: str) -> Ran:
        command = [sys.executable, "-m", "workbench.cli", "run", f"params/examples/{name}.yml", "--jobs", "2"]
        ended = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
        (folder,) = (root / "runs").glob(f"{name}-*")
        return Ran(json.loads((folder / "results.json").read_text(encoding="utf-8")), folder)

    return run


@pytest.fixture(scope="module")
def oulad(ran: Callable[[str], Ran]) -> Ran:
    return ran("oulad")


@pytest.fixture(scope="module")
def uci(ran: Callable[[str], Ran]) -> Ran:
    return ran("uci_student")


@pytest.fixture(scope="module")
def learners(real_data: Path) -> pd.DataFrame:
    """The learners' table, read without the workbench, with the outcome and the split by hand."""
    frame = pd.read_csv(real_data / "oulad" / "studentInfo.csv", na_values="?")
    test = frame.code_presentation.isin(TEST_COHORTS)
    again = frame.id_student.isin(frame.id_student[test])
    part = pd.Series("train", frame.index).mask(again, "dropped").mask(test, "test")
    return frame.assign(failed=frame.final_result.isin(["Withdrawn", "Fail"]).astype(int), part=part)


def _complete(results: dict[str, Any]) -> None:
    assert set(KEPT) <= set(results)
    assert 0 < results["auc_low"] < results["auc"] < results["auc_high"] < 1
    prevalence = results["n_positive"] / results["n"]
    assert results["average_precision"] > prevalence  # what guessing gives
    assert results["brier"] < prevalence * (1 - prevalence)  # what everybody's mean risk gives


def test_oulad_counts_are_those_of_the_file(oulad: Ran, learners: pd.DataFrame) -> None:
    test = learners[learners.part == "test"]
    results = oulad.results["student_prediction"]
    assert (results["n"], results["n_positive"]) == (len(test), int(test.failed.sum())) == (19_064, 10_249)
    assert results["leakage_flags"] == []


def test_oulad_is_as_good_as_another_library_on_the_same_split(oulad: Ran, learners: pd.DataFrame) -> None:
    results = oulad.results["student_prediction"]
    _complete(results)
    assert 0.64 < results["auc"] < 0.68  # what is known at registration tells something, and not much
    reference = _reference_auc(learners)
    assert reference > 0.6
    assert results["auc"] >= reference - 0.01


def _reference_auc(learners: pd.DataFrame) -> float:
    """AUC of scikit-learn's gradient boosting as it comes, with the same predictors, training and test rows."""
    known = learners.drop(columns=["final_result", "failed", "part", "id_student", "code_presentation", *SENSITIVE])
    known = known.assign(**{n: known[n].astype("category") for n in known if known[n].dtype.kind not in "biuf"})
    train, test = learners.part == "train", learners.part == "test"
    model = HistGradientBoostingClassifier(random_state=0, categorical_features="from_dtype")
    model.fit(known[train], learners.failed[train])
    return float(roc_auc_score(learners.failed[test], model.predict_proba(known[test])[:, 1]))


def test_oulad_nobody_who_is_tested_was_learned_from(real_data: Path, learners: pd.DataFrame, oulad: Ran) -> None:
    study = study_from_table(
        str(real_data / "oulad" / "studentInfo.csv"),
        "final_result",
        positive_values=["Withdrawn", "Fail"],
        id_column="id_student",
        cohort_column="code_presentation",
        test_cohorts=TEST_COHORTS,
        sensitive_columns=SENSITIVE,
    )
    assert study.test is not None
    counts = learners.part.value_counts()
    assert not set(study.train.id_student) & set(study.test.id_student)
    assert (len(study.train), len(study.test)) == (counts["train"], counts["test"])
    assert set(study.train.code_presentation) == {"2013B", "2013J"}
    assert not {"id_student", "code_presentation", "final_result", *SENSITIVE} & set(study.predictors)
    assert f"{counts['dropped']:,} earlier rows of people who are also in the test were left out" in study.how
    assert study.how in oulad.words("student_prediction")


def test_uci_earlier_marks_give_the_final_one_away_and_are_flagged(uci: Ran) -> None:
    results = uci.results["with_earlier_marks"]
    _complete(results)
    assert (results["n"], results["n_positive"]) == (395, 130)
    assert results["auc"] > 0.95
    assert results["leakage_flags"] == ["G2", "G1"]
    words = uci.words("with_earlier_marks")
    assert "G2 gives it away near-perfect alone (AUC 0.97)" in words
    assert "G1 check strong alone (AUC 0.92)" in words


def test_uci_without_earlier_marks_little_is_known_and_nothing_flagged(uci: Ran) -> None:
    results = uci.results["without_earlier_marks"]
    _complete(results)
    assert (results["n"], results["n_positive"]) == (395, 130)
    assert 0.6 < results["auc"] < 0.8
    assert results["leakage_flags"] == []
    assert "No single column gives the outcome away." in uci.words("without_earlier_marks")


@pytest.mark.parametrize("notebook", ["with_earlier_marks", "without_earlier_marks"])
def test_uci_without_a_cohort_the_report_says_how_it_was_judged(uci: Ran, notebook: str) -> None:
    words = uci.words(notebook)
    assert "No cohort was named, so the study cannot be judged forward in time" in words
    assert "it uses repeated stratified folds, which is kinder to a model than the future is." in words
