"""Staggered starts: group-time effects by hand, never a treated comparison, refusals by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadInput, ModelError
from workbench.interventions import effect
from workbench.interventions.effect import worlds


def panel(starts: list[float], rate: list[list[float]]) -> pd.DataFrame:
    school, year = np.indices(np.shape(rate))
    rows = pd.DataFrame({"school": school.ravel(), "year": 2020 + year.ravel(), "rate": np.ravel(rate)})
    return rows.assign(began=np.array(starts)[rows.school])


def grown() -> pd.DataFrame:
    """Five schools from 2022 and five from 2023, five never; rates 10, 11, 12, 13, effects 4 then 8 and 2."""
    wobble = np.array([-2, -1, 0, 1, 2])[:, None] * np.array([0, 0, 1, -1])
    base = np.array([10.0, 11, 12, 13])
    early, late = np.array([0, 0, 4, 8]), np.array([0, 0, 0, 2])
    rate = np.vstack([base + early + wobble, base + late - wobble, base + wobble])
    return panel([2022] * 5 + [2023] * 5 + [np.nan] * 5, rate.tolist())


def test_group_time_effects_are_averaged_by_units() -> None:
    # ATT(2022, 2022) = 4, ATT(2022, 2023) = 8, ATT(2023, 2023) = 2: mean 14/3, where schools that began are never
    # a comparison.
    told = effect.staggered(grown(), "rate", "school", "year", "began", better="lower")
    assert told.estimate == pytest.approx(14 / 3)
    assert (told.estimand, told.n_clusters) == ("ATT", 15)


def test_the_event_study_by_hand() -> None:
    told = effect.event_study(grown(), "rate", "school", "year", "began").set_index("event")
    assert told.estimate[0] == pytest.approx((4 + 2) / 2)
    assert told.estimate[1] == pytest.approx(8)
    assert told.estimate[-2] == pytest.approx(0)
    assert -1 not in told.index


def test_two_groups_and_two_periods_are_welchs_difference_of_changes() -> None:
    # Changes 1, 2, 3, 4, 5 against 0, 1, 2, 3, 4: difference 1, error √(2.5/5 + 2.5/5) = 1, 8 degrees of freedom.
    rate = [[0.0, k + 1] for k in range(5)] + [[5.0, 5.0 + k] for k in range(5)]
    told = effect.staggered(panel([2021] * 5 + [np.nan] * 5, rate), "rate", "school", "year", "began", better="lower")
    assert (told.estimate, told.std_error, told.df) == pytest.approx((1, 1, 8))


def test_students_of_a_school_are_taken_as_its_mean() -> None:
    rows = grown()
    students = pd.concat([rows.assign(rate=rows.rate - 1), rows.assign(rate=rows.rate + 1)])
    alone = effect.staggered(rows, "rate", "school", "year", "began", better="lower")
    told = effect.staggered(students, "rate", "school", "year", "began", better="lower")
    assert (told.estimate, told.std_error) == pytest.approx((alone.estimate, alone.std_error))


def test_a_course_that_was_not_parallel_before_is_seen() -> None:
    rows, _ = worlds.starts(np.random.default_rng(1), 0.0)
    drifting = rows.assign(rate=rows.rate + 1.5 * rows.year * rows.began.notna())
    told = effect.staggered(drifting, "rate", "school", "year", "began", better="lower")
    failed = [check.name for check in told.failed]
    assert "placebo" in failed


def test_what_cannot_be_estimated_is_refused() -> None:
    rows = grown()

    def told(data: pd.DataFrame) -> effect.Effect:
        return effect.staggered(data, "rate", "school", "year", "began", better="lower")

    with pytest.raises(BadInput, match="began by 2020, the first period"):
        told(rows.assign(began=rows.began.where(rows.school != 0, 2020)))
    with pytest.raises(BadInput, match="begins once"):
        told(rows.assign(began=rows.began.where(rows.index != 0, 2023)))
    with pytest.raises(ModelError, match=r"Only one unit began in 2021"):
        told(rows.assign(began=rows.began.where(rows.school != 0, 2021)))
    with pytest.raises(ModelError, match="5 of each are the least"):
        told(rows[rows.school > 12])
    with pytest.raises(ModelError, match="in every row"):
        told(rows.assign(rate=1.0))


def test_schools_without_all_periods_are_left_out_and_told() -> None:
    rows = pd.concat([grown(), grown().assign(school=lambda r: r.school + 15)])
    told = effect.staggered(
        rows[(rows.school != 29) | (rows.year != 2021)], "rate", "school", "year", "began", better="lower"
    )
    assert told.n_clusters == 29
    assert any("1 units lacked a period" in check.sentence for check in told.checks)
