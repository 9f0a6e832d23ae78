"""What a caseload's rows say, and the counts that are published: a choice made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import dropout, store
from workbench.dropout import Assessment, Today
from workbench.interventions import caseload
from workbench.interventions.choosing import Assignment, assign
from workbench.interventions.written import Action, Condition
from workbench.paths import project_root

OUTREACH = Action(
    "outreach", "Call home", "Call.", "counsellor", 2.0, 0.1, "assumed", (Condition("risk", "at_least", 0.0),)
)
DAY = "2024-01-31"


@pytest.fixture(scope="module")
def data() -> store.Data:
    return store.open_data(project_root() / "data" / "synthetic" / "sample")


@pytest.fixture(scope="module")
def judged(data: store.Data) -> Assessment:
    return dropout.assess(dropout.study(data, "2023-01-31"), 1)


@pytest.fixture(scope="module")
def now(data: store.Data) -> Today:
    return dropout.today(data, DAY, seed=1)


@pytest.fixture(scope="module")
def chosen(now: Today) -> Assignment:
    """Ten hours a school, two an offer: the five highest risks of each."""
    return assign(caseload.students(now), hours=10, actions=(OUTREACH,))


def test_race_sex_and_disability_choose_nobody(now: Today) -> None:
    assert not {"sex", "race_ethnicity", "disability"} & set(caseload.students(now))


def test_one_row_an_offer_and_those_who_missed_it_by_little(now: Today, chosen: Assignment, judged: Assessment) -> None:
    told = caseload.rows(now, chosen, judged, (OUTREACH,), 90)
    assert list(told) == list(caseload.HELP)
    offered = told[told.place == "offered"]
    assert (offered.groupby("school_id").size() == 5).all()
    top = now.table.groupby("school_id").head(5)
    assert set(offered.student_id) == set(top.student_id)
    assert set(told[told.place == "near"].student_id).isdisjoint(offered.student_id)
    assert set(told.offer) == {"Call home"}
    assert set(told.expires) == {"2024-04-30"}  # 90 days after 31 January of a leap year
    assert told.like_this.str.match(r"of 100 about \d+ left \(95 % interval \d+ to \d+\)$").all()
    assert set(told.use) == {"A person decides. Use only to offer support, never to deny, place or discipline."}


def test_rows_tell_nothing_of_school_meals(now: Today, chosen: Assignment, judged: Assessment) -> None:
    told = caseload.rows(now, chosen, judged, (OUTREACH,), 90)
    assert not told.astype(str).apply(lambda column: column.str.contains("meal|lunch", case=False)).any().any()


def test_the_choice_is_judged_as_one_list_more(judged: Assessment) -> None:
    then = assign(caseload.students(judged), hours=10, actions=(OUTREACH,))
    share = len(then.chosen) / len(judged.risk)
    worth = dropout.at_capacity(caseload.with_choice(judged, then), share).set_index("model")
    left = judged.study.judged.set_index("student_id").outcome[then.chosen.student_id].sum()
    assert worth.share_left[caseload.CHOICE] == pytest.approx(left / len(then.chosen))
    assert worth.n[caseload.CHOICE] == len(then.chosen)


def test_counts_by_school_add_up(now: Today, chosen: Assignment, data: store.Data) -> None:
    told = caseload.offers_by_school(now, chosen, data).set_index("school_id")
    parts = told.drop("all")
    assert parts.n.sum() == told.n["all"] == len(now.risk)
    assert parts.expected_leavers.sum() == pytest.approx(now.risk.sum())
    np.testing.assert_allclose(parts.share_offered * parts.n, 5)
    assert told.school_name["all"] == "All schools"


def test_what_stands_in_the_report(chosen: Assignment) -> None:
    offers = caseload.by_action(chosen, (OUTREACH,))
    assert list(offers.iloc[0][["offer", "students", "hours"]]) == [
        "Call home",
        len(chosen.chosen),
        10.0 * len(chosen.thresholds),
    ]
    last = caseload.thresholds(chosen).set_index("school")["last place"]
    least = chosen.chosen.groupby("school_id").benefit.min()
    pd.testing.assert_series_equal(last, 100 * least, check_names=False)
    why = caseload.left_out(chosen)
    assert why.students.sum() == len(chosen.not_chosen)
    assert why.why[0] in ("the school's hours are used", "others' benefit an hour is greater")
