"""On track to the standard: what is needed follows from the paths, and the shares from counting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from workbench.errors import BadInput
from workbench.growth import GrowthPercentiles, percentiles
from workbench.growth.sgp.on_track import AT, BELOW, at_standard, came_true, on_track, shares_on_track

GAIN, SPREAD = 10.0, 6.0
CUTS = {("math", 3): 200.0, ("math", 4): 210.0, ("math", 5): 220.0}


@pytest.fixture(scope="module")
def found() -> GrowthPercentiles:
    """Two cohorts of 2,000 in grades 3 to 5: everybody gains 10 points a year, with a standard deviation of 6."""
    rng = np.random.default_rng(3)
    parts = []
    for start in (2022, 2023):
        score = rng.normal(200, 15, 2000)
        for k in range(3):
            score = score + (GAIN + rng.normal(0, SPREAD, 2000) if k else 0)
            names = [f"{start}-{i}" for i in range(2000)]
            parts.append(pd.DataFrame({"student_id": names, "school_year": start + k, "grade_level": 3 + k,
                                       "subject": "math", "scale_score": score}))  # fmt: skip
    scores = pd.concat(parts)
    return percentiles(scores[scores.school_year <= 2024], most_priors=1, years=[2024])


@pytest.fixture(scope="module")
def track(found: GrowthPercentiles) -> pd.DataFrame:
    return on_track(found, CUTS, 2, 2024)


def test_the_standing_is_that_of_the_year_before(track: pd.DataFrame) -> None:
    cut = np.where(track.grade_level == 4, 200, 210)
    assert ((track.standing == AT) == (track.prior_score >= cut)).all()
    assert set(track.grade_level) == {4, 5}


def test_catching_up_takes_the_kinder_year_and_keeping_up_the_harder(track: pd.DataFrame) -> None:
    """d points below the line that everybody moves along: Φ(d/6) in one year, Φ(d/12) in two. Below the line the second
    is less and enough to catch up; above it the second is more (nearer to 50) and needed to keep up."""
    young = track[(track.grade_level == 4) & track.prior_score.between(190, 210)]
    expected = 100 * norm.cdf((200 - young.prior_score) / (2 * SPREAD))
    assert np.abs(young.needed - expected).mean() < 3


def test_with_one_year_left_the_track_is_the_score(track: pd.DataFrame) -> None:
    """In the last grade who is on track has the score, and who has the score is on track, but for those on a curve."""
    oldest = track[(track.grade_level == 5) & track.needed.between(2, 98) & (track.percentile != track.needed)]
    clear = oldest[(oldest.percentile - oldest.needed).abs() > 1]
    assert len(clear) > 500
    assert (clear.on_track == (clear.scale_score >= 220)).all()


def test_a_score_on_the_cut_is_at_the_standard() -> None:
    """209.9 and 210 in grade 4, and a grade without a standard."""
    tests = pd.DataFrame({"subject": "math", "grade_level": [4, 4, 9], "scale_score": [209.9, 210.0, 999.0]})
    assert at_standard(tests, CUTS).tolist() == [False, True, False]


def test_shares_are_counted(track: pd.DataFrame) -> None:
    """Wilson's limits of 8 of 10 are 0.490 and 0.943 (Newcombe 1998)."""
    some = pd.DataFrame({"standing": BELOW, "on_track": [True] * 8 + [False] * 2})
    row = shares_on_track(some, ["standing"]).iloc[0]
    assert (row.n, row.on_track) == (10, 0.8)
    assert (row.conf_low, row.conf_high) == pytest.approx((0.490, 0.943), abs=5e-4)
    assert shares_on_track(track, ["grade_level", "standing"]).n.sum() == len(track)


def test_what_came_true_is_told_of_those_seen_again() -> None:
    track = pd.DataFrame({"student_id": list("abcd"), "standing": [BELOW, BELOW, AT, AT], "on_track": [True, True, True, False]})  # fmt: skip  # noqa: E501
    later = pd.DataFrame({"student_id": list("abd"), "at_standard": [True, False, False]})
    told = came_true(track, later, ["student_id"]).set_index(["standing", "on_track"])
    assert told.loc[(BELOW, True), ["n", "at_standard"]].tolist() == [2, 0.5]
    assert told.loc[(AT, False), ["n", "at_standard"]].tolist() == [1, 0.0]
    assert (AT, True) not in told.index


def test_a_year_without_percentiles_is_refused(found: GrowthPercentiles) -> None:
    with pytest.raises(BadInput, match="in 2023"):
        on_track(found, CUTS, 2, 2023)
