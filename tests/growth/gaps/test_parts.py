"""Parts of a gap: they add up, equal the regression they come from, and behave at the ends of segregation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import ModelError
from workbench.growth import equal_weight_gap, within_between


def schools(
    rng: np.random.Generator, n_schools: int = 8, n: int = 60, within: float = 0.5, between: float = 1.0
) -> tuple:
    share = rng.uniform(0.1, 0.9, n_schools)
    school = np.repeat(np.arange(n_schools), n)
    in_a = rng.random(n_schools * n) < share[school]
    score = 0.5 * in_a + share[school] + rng.normal(0, 1, len(school))
    return score, in_a, school


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_parts_add_up_exactly(seed: int, n_schools: int) -> None:
    score, in_a, school = schools(np.random.default_rng(seed), n_schools)
    split = within_between(score, in_a, school, strata=np.arange(len(score)) % 2, draws=2)
    assert split["within"] + split["ambiguous"] + split["between"] == pytest.approx(split["total"], abs=1e-12)
    assert 0 <= split["segregation"] <= 1


def test_parts_are_those_of_the_regression_on_group_and_school_share() -> None:
    score, in_a, school = schools(np.random.default_rng(1))
    share = np.bincount(school, in_a)[school] / np.bincount(school)[school]
    _, own, composition = np.linalg.lstsq(np.column_stack([np.ones(len(score)), in_a, share]), score)[0]
    segregation = share.var() / in_a.var()
    sd = np.sqrt((score[in_a].var(ddof=1) + score[~in_a].var(ddof=1)) / 2)
    split = within_between(score, in_a, school, draws=2)
    assert split["segregation"] == pytest.approx(segregation)
    assert split["within"] == pytest.approx(own * (1 - segregation) / sd)
    assert split["ambiguous"] == pytest.approx(own * segregation / sd)
    assert split["between"] == pytest.approx(composition * segregation / sd)


def test_total_is_the_gap_with_both_sds_alike_and_its_interval() -> None:
    """Ten students against thirty: the same variances, and limits by t with Welch's degrees of freedom."""
    rng = np.random.default_rng(2)
    in_a, school = np.arange(40) < 10, np.tile([0, 1], 20)
    score = rng.normal(0, 1, 40) + 0.8 * in_a
    alike = equal_weight_gap(score, in_a)
    split = within_between(score, in_a, school, draws=2000)
    total = split.table.set_index("part").loc["total"]
    assert total.estimate == pytest.approx(alike.estimate, abs=1e-12)
    assert total.std_error == pytest.approx(alike.std_error, rel=0.08)
    assert (total.conf_high - total.conf_low) / total.std_error > 2 * 2.07  # t with fewer than 23 degrees, not z


def test_schools_of_one_group_each_are_refused() -> None:
    """With S = 1 nobody is compared with somebody of the other group in one school: any β1 fits as well."""
    rng = np.random.default_rng(3)
    school = np.repeat(np.arange(4), 50)
    with pytest.raises(ModelError, match="attend school apart"):
        within_between(rng.normal(school < 2, 1), school < 2, school, draws=2)
    # One student of group a in a school of the other group would be the whole of β1, without any spread.
    with pytest.raises(ModelError, match="attend school apart"):
        within_between(rng.normal(school < 2, 1), (school < 2) | (np.arange(200) == 199), school, draws=2)


def test_schools_of_the_same_mix_leave_nothing_between() -> None:
    rng = np.random.default_rng(4)
    school, in_a = np.repeat(np.arange(4), 50), np.arange(200) % 2 == 0
    split = within_between(in_a + school + rng.normal(0, 1, 200), in_a, school, draws=2)
    assert split["within"] == pytest.approx(split["total"])


def test_schools_as_a_sample_are_less_sure_than_these_schools() -> None:
    rng = np.random.default_rng(5)
    score, in_a, school = schools(rng, 30, 40)
    score = score + rng.normal(0, 1.0, 30)[school]
    of_students = within_between(score, in_a, school).table.set_index("part").std_error
    of_schools = within_between(score, in_a, school, clusters=school).table.set_index("part").std_error
    assert of_schools["between"] > 1.5 * of_students["between"]


def test_what_cannot_be_split_is_refused() -> None:
    score, in_a, school = schools(np.random.default_rng(6))
    with pytest.raises(ModelError, match="one school"):
        within_between(score, in_a, np.zeros(len(score)))
    with pytest.raises(ModelError, match="fewer than three students of one group in grade 4"):
        within_between(score, in_a & (school < 4), school, strata=np.where(school < 4, "grade 3", "grade 4"))
    with pytest.raises(ModelError, match="in 2 clusters; three are the least"):
        within_between(score, in_a, school, clusters=school % 2)
