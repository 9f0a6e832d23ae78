"""Norms that do not fit the scores they place: few score values, and another scale."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadInput, BadParameter, ModelError
from workbench.growth import percentiles
from workbench.growth.sgp.norms import rank


def scores(n: int = 2000, step: float = 1.0, shift: float = 0.0, year: int = 2023) -> pd.DataFrame:
    """Grades 4 and 5, standard deviation 32, rounded to steps."""
    rng = np.random.default_rng(1)
    ability = 30 * rng.standard_normal(n)
    parts = [
        pd.DataFrame({"student_id": np.arange(n), "school_year": year - 1 + k, "grade_level": 4 + k, "subject": "math",
                      "scale_score": ((500 + 30 * k + ability + 10 * rng.standard_normal(n)) / step).round() * step})
        for k in (0, 1)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True).assign(scale_score=lambda t: t.scale_score + shift)


def test_a_score_on_quantiles_has_their_middle() -> None:
    """Of the quantiles 1 … 100, 40.5 exceeds 40; 40 exceeds 39 and equals one: 39.5, to the even 40. Of 100 equal
    quantiles their own value exceeds half."""
    assert rank(np.array([40.5, 40.0, 41.0]), np.tile(np.arange(1.0, 101), (3, 1)), "middle").tolist() == [40, 40, 40]
    assert rank(np.array([7.0, 6.0]), np.full((2, 100), 7.0), "middle").tolist() == [50, 1]
    assert rank(np.array([7.0, 6.0]), np.full((2, 100), 7.0)).tolist() == [1, 1]


def test_few_score_values_do_not_pull_percentiles_down_in_silence() -> None:
    """With steps of 40 points (7 values) a mean of 23.6 would be told for 50; mid-ranks have 50."""
    coarse = scores(step=40)
    assert coarse.scale_score.nunique() < 10
    with pytest.raises(ModelError, match=r"2,000 students .* mean percentile of 23\.6 instead of 49\.9.*ties='middle'"):
        percentiles(coarse)
    found = percentiles(coarse, ties="middle")
    assert found.table.percentile.mean() == pytest.approx(50, abs=1)
    assert found.messages == ()


def test_a_smaller_shift_is_told() -> None:
    found = percentiles(scores(step=5))
    assert 45 < found.table.percentile.mean() < 48.8
    assert "few different scores" in found.messages[0]
    assert percentiles(scores(step=0.01)).messages == ()


def test_where_all_have_the_same_score_nobody_is_at_1() -> None:
    same = scores().assign(scale_score=lambda t: t.scale_score.where(t.grade_level == 4, 500.0))
    with pytest.raises(ModelError, match=r"mean percentile of 1\.0 instead of 49\.8"):
        percentiles(same)
    assert (percentiles(same, ties="middle").table.percentile == 50).all()


def test_norms_of_another_scale_are_refused_and_scores_beyond_them_counted() -> None:
    """A scale shifted by 1,000 points would put everybody at 99."""
    norms = percentiles(scores()).norms
    with pytest.raises(BadInput, match=r"100 % of the students .* beyond its boundary .* on another scale"):
        percentiles(scores(shift=1000, year=2025), norms=norms)
    found = percentiles(scores(shift=80, year=2025), norms=norms)
    low, high = norms[0].splines[0].boundary
    beyond = ((found.table.prior_score < low) | (found.table.prior_score > high)).mean()
    assert 0.01 < beyond < 0.5
    assert found.messages[0].startswith(f"{100 * beyond:.1f} % of the students")
    assert percentiles(scores(year=2025), norms=norms).messages == ()


def test_ties_are_below_or_middle() -> None:
    with pytest.raises(BadParameter, match="one of below, middle"):
        percentiles(scores(), ties="above")  # type: ignore[arg-type]
