"""Who left or missed a test, and what four views of them do to mean growth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench import growth
from workbench.errors import BadParameter
from workbench.growth.curves import recovery as curve_recovery
from workbench.growth.curves.rows import CurveData
from workbench.store import open_data

NAMES = [f"economically disadvantaged: {answer}" for answer in ("no", "yes")]


@pytest.fixture(scope="module")
def curve() -> CurveData:
    return growth.curve_rows(open_data("data/synthetic/small_district"), "growth_math")


def test_every_score_that_could_have_a_successor_has_one_status(curve: CurveData) -> None:
    follow = growth.next_spring(curve)
    assert follow.school_year.max() == 2024
    assert follow.grade.max() == 9
    table = growth.attrition_table(follow, curve.groups)
    assert (table.tested + table.missed + table.left).to_numpy() == pytest.approx(1.0)
    assert (table.missed_low <= table.missed).all()
    assert (table.missed <= table.missed_high).all()


def test_a_student_whose_spell_has_ended_has_left_and_one_still_there_has_missed(curve: CurveData) -> None:
    follow = growth.next_spring(curve).merge(
        curve.data.enrollments.select("school_year", "exit_reason", student="student_id")
        .filter(lambda t: t.exit_reason == "transferred")
        .to_pandas(),
        on=["student", "school_year"],
    )
    assert len(follow) > 100
    assert (follow.status == "left").all()


def test_missing_tests_are_as_frequent_as_the_generator_makes_them(curve: CurveData) -> None:
    """logit(miss) = −3.10 − 0.60 e, e about N(0, 1.05²): 5.2 % on average of those on the roll."""
    follow = growth.next_spring(curve)
    there = follow[follow.status != "left"]
    assert (there.status == "missed").mean() == pytest.approx(0.052, abs=0.006)


def test_the_mean_of_all_is_a_mixture_and_lies_within_its_bounds(curve: CurveData) -> None:
    views = growth.growth_with_missing(curve, "quadratic", 3, "economically_disadvantaged").set_index("group")
    assert (views.worst < views.slower).all()
    assert (views.slower < views.at_random).all()
    assert (views.at_random < views.best).all()
    sizes = views.loc[NAMES, "n"]
    assert sizes.sum() == views.n["all students"]
    mixed = (views.loc[NAMES, "at_random"] * sizes).sum() / sizes.sum()
    assert mixed == pytest.approx(views.at_random["all students"])


def test_missing_at_random_is_nearer_the_truth_than_complete_cases(curve: CurveData) -> None:
    truth = curve_recovery.true_growth(curve, 3).set_index("of").growth
    view = growth.growth_with_missing(curve, "quadratic", 3).iloc[0]
    assert truth["missing at the end"] < truth["tested at the end"]
    assert abs(view.at_random - truth["all"]) < abs(view.complete_cases - truth["all"])
    assert view.at_random_low < truth["all"] < view.at_random_high


def test_a_group_of_whom_nobody_is_tested_at_the_end_keeps_its_row(curve: CurveData) -> None:
    """All its students are missing: no estimate, and the bounds of growth seen in the whole cohort."""
    lost = curve.rows.economically_disadvantaged.eq("yes") & (curve.rows.school_year == curve.rows.school_year.max())
    views = growth.growth_with_missing(
        replace(curve, rows=curve.rows[~lost].reset_index(drop=True)), "quadratic", 2, "economically_disadvantaged"
    ).set_index("group")
    mine, all_of_them = views.loc[NAMES[1]], views.loc["all students"]
    assert mine.share_missing == 1
    assert mine[["complete_cases", "at_random", "at_random_low", "slower"]].isna().all()
    assert views.n[NAMES].sum() == all_of_them.n
    worst, cases, m = all_of_them.worst, all_of_them.complete_cases, all_of_them.share_missing
    assert mine.worst == pytest.approx((worst - (1 - m) * cases) / m)
    assert mine.worst < mine.best


def test_more_years_than_there_are_is_an_error(curve: CurveData) -> None:
    with pytest.raises(BadParameter, match="9 years do not fit"):
        growth.growth_with_missing(curve, "quadratic", 9)
