"""What changed, and whether chance can have done it."""

from __future__ import annotations

import pytest

from workbench.dashboards.change import (
    Difference,
    Estimate,
    Measured,
    as_estimate,
    beside_words,
    changes,
    difference,
    estimate,
    interval,
    moved_words,
    newest,
    number,
    or_withheld,
    step_card,
    step_words,
)
from workbench.shares import share


def test_the_difference_of_two_shares_is_newcombes_method_10() -> None:
    """56 of 70 less 48 of 80: 0.2000 (0.0524 to 0.3339), Newcombe 1998, table II."""
    step = difference(Estimate(*share(56, 70)), Estimate(*share(48, 80)))
    assert step is not None
    assert (step.value, step.low, step.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert step.clear


def test_no_difference_without_numbers_or_limits() -> None:
    whole = Estimate(0.5, 0.4, 0.6)
    assert difference(whole, Estimate(None)) is None
    assert difference(Estimate(0.5), whole) is None
    assert as_estimate(None) == Estimate(None)


def test_a_difference_is_said_by_its_size_and_direction() -> None:
    assert step_words(Difference(0.021, 0.01, 0.032)) == "2.1 points more (1.0 to 3.2)"
    assert step_words(Difference(-0.021, -0.032, -0.01)) == "2.1 points less (1.0 to 3.2)"
    assert step_words(Difference(1.5, -0.5, 3.5), "number") == "1.5 more (-0.5 to 3.5)"
    assert beside_words(Difference(0.01, -0.01, 0.03)) == "cannot be told from chance"
    assert beside_words(None) == "–"
    assert step_card(Difference(-0.02, -0.03, -0.01)) == ("−2.0 points", "-3.0 to -1.0: a clear change")
    assert step_card(None)[1] == "there is no number to compare with"
    still = Estimate(0.5, 0.4, 0.6)
    assert moved_words(Measured("taught", "share", still, still)) == "+0.0 points (-14.1 to 14.1: may be chance)"
    assert moved_words(Measured("taught", "share", Estimate(None), still)) == "–"


def test_clear_changes_come_first_the_largest_before_the_smaller() -> None:
    still = Estimate(0.5, 0.45, 0.55)
    measures = [
        Measured("taught", "share", still, Estimate(0.51, 0.46, 0.56)),
        Measured("fed", "share", still, Estimate(0.7, 0.65, 0.75)),
        Measured("heard", "share", still, Estimate(0.2, 0.15, 0.25)),
        Measured("seen", "share", Estimate(None), still),
    ]
    said = changes(measures, "2024")
    assert said[0] == "Heard: 20.0 %, 30.0 points less (22.9 to 37.1) than 2024."
    assert said[1] == "Fed: 70.0 %, 20.0 points more (12.9 to 27.1) than 2024."
    assert said[2] == "No change that can be told from chance since 2024: taught."
    assert said[3].endswith("was not published: seen.")
    assert said[4].startswith("4 numbers were compared")


def test_numbers_have_no_negative_zero() -> None:
    assert number(-0.0004) == "0.0 %"
    assert number(None) == "–"
    assert interval(Estimate(0.0, -0.01, 0.04), "number") == "0.0 to 0.0"


def test_a_published_row_gives_a_number_with_its_limits_or_says_withheld() -> None:
    row = {"gap": 0.5, "conf_low": 0.4, "conf_high": 0.6}
    assert estimate(row, "gap") == Estimate(0.5, 0.4, 0.6)
    assert or_withheld(row, "gap", "conf") == "0.5 (0.4 to 0.6)"
    assert or_withheld({"gap": None}, "gap", "conf") == "withheld"


def test_the_newest_row_of_each() -> None:
    rows = [{"subject": s, "school_year": y} for s, y in (("math", 2024), ("math", 2025), ("reading", 2023))]
    assert newest(rows, "subject") == rows[1:]
