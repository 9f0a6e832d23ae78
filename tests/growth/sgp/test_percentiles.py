"""Growth percentiles do what they say: by hand, by invariance, and by name where they cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.errors import BadInput, BadParameter, ModelError
from workbench.growth import GrowthPercentiles, percentiles
from workbench.growth.sgp.norms import fewest_students, fit_norm, rank, spline
from workbench.growth.sgp.percentiles import current_score_error


def cohorts(n: int = 500, years: int = 3, seed: int = 1, error: float = 0.0) -> pd.DataFrame:
    """One cohort in grades 3, 4 …: scores with a persistent part, rounded as tests are, and their standard error."""
    rng = np.random.default_rng(seed)
    ability = rng.normal(0, 12, n)
    parts = []
    for k in range(years):
        ability = ability + rng.normal(0, 4, n)
        score = 200 + 10 * k + ability + error * rng.standard_normal(n)
        parts.append(pd.DataFrame({"student_id": [f"s{i:04}" for i in range(n)], "school_year": 2023 + k,
                                   "grade_level": 3 + k, "subject": "math", "scale_score": score.round()}))  # fmt: skip
    return pd.concat(parts, ignore_index=True).assign(standard_error=error or 3.0)


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    return cohorts()


@pytest.fixture(scope="module")
def found(scores: pd.DataFrame) -> GrowthPercentiles:
    return percentiles(scores, standard_error="standard_error")


def test_a_percentile_counts_the_quantiles_a_score_exceeds() -> None:
    """Of the quantiles 1 … 100, 40.5 exceeds 40 and 40 only 39; below and above all of them it is 1 and 99."""
    quantiles = np.tile(np.arange(1.0, 101), (4, 1))
    assert rank(np.array([40.5, 40.0, -3.0, 500.0]), quantiles).tolist() == [40, 39, 1, 99]


def test_knots_and_boundaries() -> None:
    """Of 0 … 100: knots at the 20, 40, 60 and 80 % points, boundaries a tenth of the range outside."""
    found = spline(np.arange(101.0))
    assert found.knots == (20, 40, 60, 80)
    assert found.boundary == (-10, 110)


def test_the_spline_is_that_of_r() -> None:
    """splines::bs(c(0, 33, 100), knots = c(20, 40, 60, 80), Boundary.knots = c(-10, 110)), R 4.2."""
    basis = spline(np.arange(101.0)).basis(np.array([0.0, 33, 100]))
    assert np.allclose(
        basis,
        [
            [0.539259259, 0.154920635, 0.00952380952, 0, 0, 0, 0],
            [0.006860000, 0.327472143, 0.61989702381, 0.04577083333, 0, 0, 0],
            [0, 0, 0, 0.00952380952, 0.154920635, 0.539259259, 0.296296296],
        ],
        atol=1e-9,
    )  # fmt: skip


def test_a_score_beyond_the_boundary_counts_as_on_it() -> None:
    each = spline(np.arange(101.0))
    assert np.array_equal(each.basis(np.array([-500.0, 900])), each.basis(np.array([-10.0, 110])))


def test_the_most_priors_available_are_used(found: GrowthPercentiles) -> None:
    table = found.table
    assert table.groupby("school_year").n_priors.unique().map(list).to_dict() == {2024: [1], 2025: [2]}
    assert found.left_out["no score a grade below, a year before"] == 500


def test_the_mean_is_50_less_those_on_a_quantile(scores: pd.DataFrame) -> None:
    """Each fit passes through as many students as it has coefficients (8, then 15), who do not exceed it: of n = 500
    students without ties the mean falls short of 50 by half of 100 · 8 / n, and of 100 · 15 / n."""
    untied = scores.scale_score + np.random.default_rng(1).uniform(-0.5, 0.5, len(scores))
    means = percentiles(scores.assign(scale_score=untied)).table.groupby("school_year").percentile.mean()
    assert means[2024] == pytest.approx(50 - 0.8, abs=0.1)
    assert means[2025] == pytest.approx(50 - 1.5, abs=0.1)


def test_growth_levels_are_fifths(found: GrowthPercentiles) -> None:
    limits = found.table.groupby("level").percentile.agg(["min", "max"])
    assert limits.loc["very low"].tolist() == [1, 19]
    assert limits.loc["typical"].tolist() == [40, 59]
    assert limits.loc["very high"].tolist() == [80, 99]


def test_a_gap_in_the_record_ends_the_priors(scores: pd.DataFrame) -> None:
    """Who missed grade 4 has no percentile in grade 5, though there is a score in grade 3."""
    gone = scores[~((scores.school_year == 2024) & (scores.student_id < "s0010"))]
    table = percentiles(gone, years=[2025]).table
    assert len(table) == 490
    assert not (table.student_id < "s0010").any()


def test_scales_need_not_be_linked(scores: pd.DataFrame, found: GrowthPercentiles) -> None:
    """Each grade on another linear scale: the same percentiles, because a norm conditions and does not subtract."""
    scale = {3: (7, -300), 4: (0.5, 1000), 5: (20, 4)}
    factor, shift = (scores.grade_level.map({g: pair[k] for g, pair in scale.items()}) for k in (0, 1))
    other = percentiles(scores.assign(scale_score=factor * scores.scale_score + shift)).table
    assert (other.percentile != found.table.percentile).mean() < 0.002


def test_goodness_of_fit_has_a_tenth_everywhere(found: GrowthPercentiles) -> None:
    fit = found.goodness_of_fit
    shares = fit.filter(like="percentile_")
    assert fit.n.sum() == len(found.table)
    assert np.allclose(shares.sum(axis=1), 100)
    assert np.abs(shares.mean() - 10).max() < 1.5


def test_error_of_the_current_score_is_exact() -> None:
    """Against 200,000 draws of the score: standard deviation, and limits at ± 1.96 standard errors."""
    quantiles = np.sort(np.random.default_rng(1).normal(200, 10, (3, 100)), axis=1)
    score, error = np.array([200.0, 178.0, 260.0]), np.array([3.0, 5.0, 4.0])
    told, low, high = current_score_error(score, error, quantiles)
    draws = np.random.default_rng(2).standard_normal((200_000, 3)) * error + score
    for k in range(3):
        percentile = rank(draws[:, k], np.broadcast_to(quantiles[k], (len(draws), 100)))
        assert told[k] == pytest.approx(percentile.std(), abs=0.05)
        assert (low[k], high[k]) == pytest.approx(np.quantile(percentile, [0.025, 0.975]), abs=1)


def test_norms_apply_to_a_later_year(found: GrowthPercentiles, scores: pd.DataFrame) -> None:
    """The same students a year later in the calendar get the same percentiles by the old norms."""
    later = percentiles(scores.assign(school_year=scores.school_year + 1), norms=found.norms).table
    assert np.array_equal(later.percentile, found.table.percentile)


def test_baseline_norms_show_a_better_year(found: GrowthPercentiles, scores: pd.DataFrame) -> None:
    """Five points more for all in the last grade: by norms of their own the mean stays, by the baseline it rises."""
    better = scores.assign(scale_score=scores.scale_score + 5 * (scores.school_year == 2025))
    own = percentiles(better, years=[2025]).table.percentile.mean()
    baseline = percentiles(better, years=[2025], norms=found.norms).table.percentile.mean()
    assert own == pytest.approx(found.table.percentile[found.table.school_year == 2025].mean(), abs=0.1)
    assert baseline > own + 20


def test_pooled_norms_are_made_of_all_years() -> None:
    others = cohorts(150, 2, 2).assign(student_id=lambda f: "x" + f.student_id, school_year=lambda f: f.school_year + 1)
    two = pd.concat([cohorts(150, 2, 1), others])
    with pytest.raises(ModelError, match=r"at least 200 students .* at most 150"):
        percentiles(two)
    (norm,) = percentiles(two, reference="pooled").norms
    assert (norm.n, norm.year) == (300, None)
    assert len(percentiles(two, reference="pooled", years=[2025]).table) == 150


def test_fewer_students_get_fewer_priors() -> None:
    """A norm wants 25 students a coefficient: 300 are enough for one prior (8 of them) and not for two (15)."""
    assert [fewest_students(k) for k in (1, 2, 3)] == [200, 375, 550]
    table = percentiles(cohorts(300), years=[2025]).table
    assert table.n_priors.unique().tolist() == [1]


def test_missing_scores_are_counted(scores: pd.DataFrame) -> None:
    holes = scores.assign(scale_score=scores.scale_score.mask(scores.student_id < "s0020"))
    result = percentiles(holes, years=[2025])
    assert result.left_out["score missing"] == 20
    assert len(result.table) == 480


def test_an_ibis_table_will_do(scores: pd.DataFrame, found: GrowthPercentiles) -> None:
    ibis = pytest.importorskip("ibis")
    table = wb.growth.percentiles(ibis.memtable(scores)).table
    assert sorted(table.percentile) == sorted(found.table.percentile)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda f: pd.concat([f, f.head(1)]), BadInput, "second one of the same student"),
        (lambda f: f.assign(scale_score=f.scale_score.replace(f.scale_score[0], np.inf)), BadInput, "infinite"),
        (lambda f: f.assign(standard_error=-1.0), BadInput, "standard error"),
        (lambda f: f.drop(columns="grade_level"), BadInput, "no column 'grade_level'"),
        (lambda f: f.assign(school_year="2024_2025"), BadInput, "must be a number"),
        (lambda f: f.assign(subject=f.subject.mask(f.index == 3)), BadInput, "empty in 1 rows"),
        (lambda f: f.assign(scale_score=np.nan), BadInput, "holds no score"),
        (lambda f: f[f.school_year == 2025], ModelError, "two tests in consecutive years"),
        (lambda f: f.assign(scale_score=f.scale_score.mask(f.grade_level < 5, 200.0)), ModelError, "too few different"),
        (lambda f: 3, BadInput, "take a table"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(scores: pd.DataFrame, change: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        percentiles(change(scores), standard_error="standard_error")


def test_parameters_are_checked(scores: pd.DataFrame, found: GrowthPercentiles) -> None:
    with pytest.raises(BadParameter, match="most_priors"):
        percentiles(scores, most_priors=0)
    with pytest.raises(BadParameter, match="cohort, pooled"):
        percentiles(scores, reference="national")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="None of the norms"):
        percentiles(scores.assign(subject="art"), norms=found.norms)


def test_a_norm_is_certified_and_its_quantiles_ascend(found: GrowthPercentiles) -> None:
    norm = found.norms[-1]
    assert norm.gap < 1e-10
    quantiles = norm.quantiles(found.panel.priors[found.cohorts[-1].used_for])
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert norm.coefficients.shape == (15, 100)


def test_weights_are_students() -> None:
    """A student who weighs two is two students."""
    rng = np.random.default_rng(8)
    prior = rng.normal(200, 15, (300, 1))
    score = 40 + 0.8 * prior[:, 0] + rng.normal(0, 8, 300)
    twice = np.r_[np.full(100, 2), np.ones(200)].astype(int)
    splines, about = (spline(prior[:, 0]),), {"subject": "math", "grade": 5, "year": 2025}
    weighted = fit_norm(score, prior, splines, weights=twice.astype(float), **about)
    repeated = fit_norm(np.repeat(score, twice), np.repeat(prior, twice, axis=0), splines, **about)
    assert np.allclose(weighted.coefficients, repeated.coefficients, atol=1e-8)
