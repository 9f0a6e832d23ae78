"""Open University learners: what was known on a day, and how early the risk can be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import dropout
from workbench.dropout import enrolled, weeks
from workbench.sources.oulad import ENROLMENT, Oulad, read_oulad


@pytest.fixture(scope="module")
def data(real_data: Path) -> Oulad:
    if not (real_data / "oulad").is_dir():
        pytest.skip(f"there is no folder oulad in {real_data}")
    return read_oulad(real_data / "oulad")


def test_the_files_are_read_whole(data: Oulad) -> None:
    assert (len(data.enrolments), len(data.due), len(data.handed_in)) == (32_593, 206, 173_912)
    assert data.covered == {("AAA", "2013J"), ("AAA", "2014J"), ("BBB", "2013B")}
    assert "10-20" not in set(data.enrolments.imd_band)


def test_only_those_enrolled_that_day_are_judged_and_nobody_is_learned_from_too(data: Oulad) -> None:
    study = dropout.week_study(data, 30)
    assert study.test is not None
    assert (len(study.train), len(study.test)) == (10_153, 15_689)
    of_2014 = data.enrolments[data.enrolments.code_presentation.str.startswith("2014")].id_student
    assert not set(study.train.id_student) & set(of_2014)
    assert not {"gender", "disability"} & set(study.predictors)


@pytest.mark.parametrize("day", [0, 100])
def test_no_predictor_knows_the_future(data: Oulad, day: int) -> None:
    then, now = enrolled.known_on(enrolled.until(data, day), day), enrolled.known_on(data, day)
    assert dropout.changed_afterwards(then, now, ENROLMENT, (now.outcome == 1).to_numpy()) == []


def test_the_totals_of_the_whole_course_are_caught(data: Oulad) -> None:
    known = enrolled.known_on(data, 60)
    totals = enrolled.course_totals(data).merge(known[ENROLMENT], on=ENROLMENT)
    changed = dropout.changed_afterwards(known, totals, ENROLMENT, (totals.outcome == 1).to_numpy())
    assert {"missed", "score", "handed_in"} <= {flag.column for flag in changed}
    verdicts = dropout.totals_study(data).suspects
    assert (verdicts.verdict == "gives it away").any()
    assert dropout.week_study(data, 0).suspects.empty


def test_at_day_30_the_model_is_above_both_rules(data: Oulad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weeks, "fit_trees", _few_trees)
    (row,) = dropout.by_week(data, [30]).to_dict("records")
    assert row["auc"] >= 0.730
    assert min(row["above_missed_low"], row["above_inactive_low"]) > 0
    assert max(row["p_missed"], row["p_inactive"]) < 1e-6


def _few_trees(study: dropout.Study, frame: object, seed: int) -> object:
    """The same model with 100 trees, not chosen among several numbers: seconds instead of a quarter of a minute."""
    from workbench.dropout import models

    patch = pytest.MonkeyPatch()
    with patch.context() as only:
        only.setattr(models, "ROUNDS", (100,))
        only.setattr(models, "FOLDS", 2)
        return models.fit_trees(study, frame, seed)  # type: ignore[arg-type]
