"""Gaps in standard deviations: by hand, by brute force, and against what each measure estimates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench.errors import BadInput, ModelError
from workbench.growth import cohens_d, equal_weight_gap, hedges_g, v_statistic
from workbench.growth.gaps.measures import Gap, _of_weighted_mean

SCORES = np.array([3.0, 5.0, 7.0, 0.0, 1.0, 2.0, 5.0])
IN_A = np.array([True, True, True, False, False, False, False])


def two_normals(n_a: int, n_b: int, gap: float, sd_a: float, sd_b: float, seed: int = 1) -> tuple:
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(gap, sd_a, n_a), rng.normal(0, sd_b, n_b)])
    return scores, np.arange(n_a + n_b) < n_a


def test_by_hand() -> None:
    # Means 5 and 2, variances 4 and 14/3: pooled by size (2·4 + 3·14/3) / 5 = 4.4, alike 13/3.
    assert cohens_d(SCORES, IN_A).estimate == pytest.approx(3 / np.sqrt(4.4))
    assert equal_weight_gap(SCORES, IN_A).estimate == pytest.approx(3 / np.sqrt(13 / 3))
    # Of 12 pairs a is above in 3 + 3.5 + 4 = 10.5.
    assert v_statistic(SCORES, IN_A).estimate == pytest.approx(np.sqrt(2) * stats.norm.ppf(10.5 / 12))


def test_hedges_correction() -> None:
    # J(5) = Γ(5/2) / (√(5/2) Γ(2)) = 0.8407 (Hedges 1981, table 1 rounds to .8408).
    ratio = hedges_g(SCORES, IN_A).estimate / cohens_d(SCORES, IN_A).estimate
    assert ratio == pytest.approx(0.8407, abs=1e-4)


def test_standard_error_of_d_is_the_textbooks_where_its_assumptions_hold() -> None:
    scores, in_a = two_normals(4000, 8000, 0.7, 1, 1)
    d = cohens_d(scores, in_a)
    textbook = np.sqrt(12000 / (4000 * 8000) + d.estimate**2 / (2 * 12000))  # Hedges & Olkin (1985), p. 86
    assert d.std_error == pytest.approx(textbook, rel=0.01)


@pytest.mark.parametrize("measure", [cohens_d, hedges_g, equal_weight_gap, v_statistic])
def test_standard_error_is_near_the_jackknifes(measure) -> None:
    scores, in_a = two_normals(60, 90, 0.6, 1.4, 0.8)
    left_out = [np.delete(np.arange(150), k) for k in range(150)]
    values = np.array([measure(scores[keep], in_a[keep]).estimate for keep in left_out])
    spread = [(np.sum(in_a == g) - 1) / np.sum(in_a == g) * np.sum((values[in_a == g] - values[in_a == g].mean()) ** 2)
              for g in (True, False)]  # fmt: skip
    assert measure(scores, in_a).std_error == pytest.approx(np.sqrt(sum(spread)), rel=0.03)


def test_v_estimates_the_gap_with_both_sds_alike_and_not_the_n_pooled_one() -> None:
    scores, in_a = two_normals(4_000, 36_000, 0.8, 1.5, 0.75)
    alike, pooled = 0.8 / np.sqrt((1.5**2 + 0.75**2) / 2), 0.8 / np.sqrt(0.1 * 1.5**2 + 0.9 * 0.75**2)
    v, d = v_statistic(scores, in_a), cohens_d(scores, in_a)
    assert abs(v.estimate - alike) < 3 * v.std_error
    assert abs(d.estimate - pooled) < 3 * d.std_error
    assert pooled - alike > 0.2


def test_errors_of_measurement_give_the_gap_of_true_scores() -> None:
    true, in_a = two_normals(20_000, 20_000, 0.7, 1, 1.2)
    errors = np.where(np.arange(40_000) % 2, 0.4, 0.8)  # mean square 0.4
    scores = true + np.random.default_rng(2).normal(0, errors)
    for measure in (equal_weight_gap, v_statistic):
        observed, corrected, key = measure(scores, in_a), measure(scores, in_a, errors=errors), measure(true, in_a)
        assert corrected.reliability == pytest.approx(1.22 / 1.62, abs=0.01)
        assert key.estimate - observed.estimate > 0.06
        assert corrected.estimate == pytest.approx(key.estimate, abs=0.02)
        assert corrected.std_error > observed.std_error


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 5), st.floats(-3, 3))
def test_v_hears_only_ranks_and_every_measure_turns_its_sign_with_the_groups(seed: int, stretch: float, shift: float):
    scores, in_a = two_normals(30, 20, 0.3, 1, 1, seed)
    v = v_statistic(scores, in_a)
    assert v_statistic(np.exp(scores * stretch + shift), in_a).estimate == pytest.approx(v.estimate)
    for measure in (cohens_d, equal_weight_gap, v_statistic):
        gap, turned = measure(scores, in_a), measure(scores, ~in_a)
        assert turned.estimate == pytest.approx(-gap.estimate)
        assert turned.conf_high == pytest.approx(-gap.conf_low)
        assert measure(scores * stretch + shift, in_a).estimate == pytest.approx(gap.estimate)


def test_a_weight_of_two_is_two_students() -> None:
    weights = np.array([1, 2, 1, 1, 1, 3, 1])
    twice = np.repeat(np.arange(7), weights)
    for measure in (v_statistic, equal_weight_gap):
        weighted = measure(SCORES, IN_A, weights=weights)
        copied = measure(SCORES[twice], IN_A[twice])
        # Copies count as more students in n / (n − 1); V has no such factor.
        assert weighted.estimate == pytest.approx(copied.estimate, rel=1e-9 if measure is v_statistic else 0.1)


def test_clusters_that_repeat_every_student_leave_the_variance_alone() -> None:
    scores, in_a = two_normals(200, 300, 0.5, 1, 1)
    once = v_statistic(scores, in_a)
    doubled, groups, who = np.tile(scores, 2), np.tile(in_a, 2), np.tile(np.arange(500), 2)
    together, naive = v_statistic(doubled, groups, clusters=who), v_statistic(doubled, groups)
    assert together.std_error == pytest.approx(once.std_error, rel=0.01)
    assert naive.std_error == pytest.approx(once.std_error / np.sqrt(2), rel=0.01)


def test_two_clusters_a_group_have_two_degrees_of_freedom_and_one_has_none() -> None:
    """Cluster means 0 and 2 against 5 and 7, students alike but for ±1: a paired-off t with Welch's two degrees."""
    scores = np.array([-1.0, 1, 1, 3, 4, 6, 6, 8])
    in_a, cluster = np.arange(8) >= 4, np.repeat(np.arange(4), 2)
    gap = equal_weight_gap(scores, in_a, clusters=cluster)
    # Influences on the variance cancel in each group, so the SE is that of means 1 and 6, each ± 1 on two clusters.
    sd = np.sqrt(8 / 3)
    assert gap.std_error == pytest.approx(np.sqrt(2) / sd)
    assert (gap.conf_high - gap.estimate) / gap.std_error == pytest.approx(stats.t.ppf(0.975, 2))
    for clusters, name in ((in_a, "a"), (np.where(in_a, 9, cluster), "a"), (np.where(in_a, cluster, 9), "b")):
        with pytest.raises(ModelError, match=f"Group {name} is in one cluster"):
            equal_weight_gap(scores, in_a, clusters=clusters)


def test_clusters_with_both_groups_are_a_paired_comparison() -> None:
    """Five schools, the same students of each group in all: degrees of freedom are schools less one."""
    rng = np.random.default_rng(5)
    school, in_a = np.repeat(np.arange(5), 40), np.arange(200) % 2 == 0
    gap = equal_weight_gap(rng.normal(size=200), in_a, clusters=school)
    assert (gap.conf_high - gap.estimate) / gap.std_error == pytest.approx(stats.t.ppf(0.975, 4))


def test_weights_cost_degrees_of_freedom() -> None:
    """Satterthwaite's for a weighted mean: alike n − 1 = 3; by brute force from the quadratic form's eigenvalues."""
    assert _of_weighted_mean(np.full(4, 0.25)) == pytest.approx((0.75, 3.0))
    w = np.array([0.5, 0.25, 0.125, 0.125])
    residual = np.eye(4) - w  # x − x̄ as a matrix, rows students
    form = residual.T @ np.diag(w**2) @ residual
    shrunk, freedom = _of_weighted_mean(w)
    assert shrunk == pytest.approx(np.trace(form) / (w @ w))
    assert freedom == pytest.approx(np.trace(form) ** 2 / np.trace(form @ form))
    assert freedom < 3


def test_groups_apart_are_refused_whatever_rounding_makes_of_the_share_of_pairs() -> None:
    """Ten weights of 0.1 add up to less than 1 in binary, which gave a V of 11 SD."""
    with pytest.raises(ModelError, match="do not overlap"):
        v_statistic(np.arange(20.0), np.arange(20) >= 10)


def test_ties_draw_v_towards_zero_and_many_are_refused() -> None:
    """Normal groups 1 SD apart in K categories cut at even shares: V by the share of pairs tied."""

    def in_categories(k: int) -> Gap:
        cuts = stats.norm.ppf(np.arange(1, k) / k) * np.sqrt(1.25) + 0.5
        scores = np.concatenate([stats.norm.ppf((np.arange(4000) + 0.5) / 4000) + lead for lead in (1, 0)])
        return v_statistic(np.searchsorted(cuts, scores), np.arange(8000) < 4000)

    seven, twenty = in_categories(7), in_categories(20)
    assert (seven.estimate, seven.tied) == pytest.approx((0.973, 0.114), abs=0.002)
    assert (twenty.estimate, twenty.tied) == pytest.approx((0.997, 0.040), abs=0.002)
    with pytest.raises(ModelError, match=r"27% of pairs .* use v_from_counts"):
        in_categories(3)


@pytest.mark.parametrize(
    ("scores", "groups", "told"),
    [
        ([1.0, 1.0, 2.0, 3.0], [1, 1, 0, 0], "Group a .* no spread"),
        ([1.0, 2.0, 3.0, 4.0], [1, 1, 1, 0], "Group b has 1 scores"),
        ([1.0, 2.0, 3.0, 4.0], [1, 1, 0, 0], "do not overlap"),
    ],
)
def test_what_has_no_gap_is_refused(scores: list, groups: list, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        v_statistic(scores, groups)


def test_errors_larger_than_the_spread_are_refused() -> None:
    with pytest.raises(ModelError, match="no true variance"):
        equal_weight_gap(SCORES, IN_A, errors=np.full(7, 9.0))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"scores": [1.0, np.inf, 2.0, 3.0]}, "1 scores are missing or infinite"),
        ({"scores": ["high", "low", "low", "low"]}, "scores are numbers"),
        ({"in_a": [1, np.nan, 0, 0]}, "group of 1 students is missing"),
        ({"in_a": [1, 2, 1, 2]}, "in_a is true for students of group a"),
        ({"in_a": ["a", "a", "b", "b"]}, "in_a is true for students of group a"),
        ({"in_a": [True, False]}, "a value a student"),
        ({"errors": [1, 1, np.nan, 1]}, "1 standard errors of measurement are missing"),
        ({"weights": [1, 1, 1, -1]}, "not negative"),
        ({"clusters": ["x", None, "y", "y"]}, "clusters of 1 students are missing"),
    ],
)
def test_what_is_missing_or_no_group_is_refused_and_not_counted_somewhere(changed: dict[str, list], told: str) -> None:
    given = {"scores": [1.0, 2.0, 2.5, 3.0], "in_a": [1, 1, 0, 0], **changed}
    with pytest.raises(BadInput, match=told):
        equal_weight_gap(given.pop("scores"), given.pop("in_a"), **given)


def test_one_standard_error_may_hold_for_all() -> None:
    assert equal_weight_gap(SCORES, IN_A, errors=0.5) == equal_weight_gap(SCORES, IN_A, errors=np.full(7, 0.5))


def test_a_gap_carries_both_counts() -> None:
    gap = v_statistic(SCORES, IN_A)
    assert isinstance(gap, Gap)
    assert (gap.n_a, gap.n_b) == (3, 4)
