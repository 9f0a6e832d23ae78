"""Parts of a change, forecasts and policy dates, held to hand arithmetic and to independent libraries."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workbench import growth, store
from workbench.errors import BadInput, BadParameter
from workbench.growth.trends import change as trend_change
from workbench.growth.trends import enrolment as trend_enrolment
from workbench.growth.trends import figures as trend_figures
from workbench.growth.trends import flow as trend_flow
from workbench.growth.trends import forecast as trend_forecast
from workbench.growth.trends import policy as trend_policy
from workbench.growth.trends.change import RATES, check_composition, decompose
from workbench.growth.trends.series import limits

SMALL = Path(__file__).parents[3] / "data" / "synthetic" / "small_district"


def people(year: int, cells: dict[tuple[str, ...], tuple[int, int]], by: tuple[str, ...], start: int) -> pd.DataFrame:
    """One row a student: in each cell so many students, so many of whom have the value 1."""
    rows = [(*cell, k < ones) for cell, (n, ones) in cells.items() for k in range(n)]
    frame = pd.DataFrame(rows, columns=[*by, "value"]).astype({"value": float})
    return frame.assign(school_year=year, student_id=start + np.arange(len(frame)))


def effects(change: trend_change.Change) -> dict[str, float]:
    return dict(zip(change.parts.part, change.parts.effect, strict=True))


def test_one_factor_is_kitagawa_by_hand() -> None:
    """Shares .5/.5 to .8/.2, rates .2/.4 to .1/.5: Σ r̄ Δw = −.09, Σ w̄ Δr = −.03."""
    before = people(2020, {("a",): (50, 10), ("b",): (50, 20)}, ("g",), 0)
    after = people(2021, {("a",): (80, 8), ("b",): (20, 10)}, ("g",), 1000)
    change = decompose(pd.concat([before, after]), ("g",), (2020, 2021), 1, 20)
    assert (change.before, change.after) == pytest.approx((0.30, 0.18))
    assert effects(change) == pytest.approx({"g": -0.09, RATES: -0.03, "all": -0.12})


def test_two_factors_are_das_guptas_formulas() -> None:
    """N_ij/N = A_ij B_ij with A = √(N_ij/N_.j · N_i./N) and B = √(N_ij/N_i. · N_.j/N), averaged over the orders."""
    rng = np.random.default_rng(3)
    keys = list(product("ab", "xyz"))
    n = rng.integers(20, 90, (2, 2, 3))
    ones = (n * rng.uniform(0.1, 0.9, n.shape)).astype(int)
    frames = [
        people(2020 + t, {k: (n[t].ravel()[c], ones[t].ravel()[c]) for c, k in enumerate(keys)}, ("i", "j"), 1000 * t)
        for t in (0, 1)
    ]
    found = effects(decompose(pd.concat(frames), ("i", "j"), (2020, 2021), 1, 20))
    share = n / n.sum(axis=(1, 2), keepdims=True)
    rows, columns = share.sum(axis=2, keepdims=True), share.sum(axis=1, keepdims=True)
    a, b, r = np.sqrt(share / columns * rows), np.sqrt(share / rows * columns), ones / n

    def effect(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> float:
        both, crossed = y[0] * z[0] + y[1] * z[1], y[0] * z[1] + y[1] * z[0]
        return float(((x[1] - x[0]) * (both / 3 + crossed / 6)).sum())

    assert found["i"] == pytest.approx(effect(a, b, r), abs=1e-12)
    assert found["j"] == pytest.approx(effect(b, a, r), abs=1e-12)
    assert found[RATES] == pytest.approx(effect(r, a, b), abs=1e-12)


def test_means_of_few_students_or_of_one_value_have_no_limits() -> None:
    """One student told 5.00 (5.00 to 5.00), two 5.00 (−7.7 to 17.7); five scores of 1 to 5: 3 ± 2.776 · √(2.5 / 5)."""
    table = pd.DataFrame({"n": [1, 2, 4, 5, 9], "total": [5.0, 10.0, 10.0, 15.0, 54.0]})
    table["squares"] = [25.0, 52.0, 30.0, 55.0, 324.0]
    low, high = limits(table, "credits")
    assert low.isna().tolist() == high.isna().tolist() == [True, True, True, False, True]
    assert (low[3], high[3]) == pytest.approx((3 - 1.963, 3 + 1.963), abs=1e-3)
    assert limits(table.iloc[:1].assign(total=1.0), "share")[0][0] == pytest.approx(1 / (1 + 1.96**2), abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_parts_add_up_whatever_cells_are_empty(seed: int, factors: int) -> None:
    rng = np.random.default_rng(seed)
    by = tuple("ijk"[:factors])
    size = int(rng.integers(20, 120))
    frame = pd.DataFrame({name: rng.integers(0, 3, size).astype(str) for name in by})
    frame = frame.assign(school_year=np.r_[2020, 2021, rng.integers(2020, 2022, size - 2)], student_id=np.arange(size))
    frame["value"] = rng.normal(size=size)
    change = decompose(frame, by, (2020, 2021), 1, 2)
    found = effects(change)
    means = frame.groupby("school_year").value.mean()
    assert found["all"] == pytest.approx(means[2021] - means[2020], abs=1e-12)
    assert sum(v for k, v in found.items() if k != "all") == pytest.approx(found["all"], abs=1e-12)


def test_a_group_that_appears_is_composition() -> None:
    before = people(2020, {("a",): (100, 20)}, ("g",), 0)
    after = people(2021, {("a",): (100, 20), ("b",): (100, 60)}, ("g",), 1000)
    found = effects(decompose(pd.concat([before, after]), ("g",), (2020, 2021), 1, 20))
    assert found == pytest.approx({"g": 0.2, RATES: 0.0, "all": 0.2})


def test_terms_multiply_to_the_shares() -> None:
    n = np.array([[[4.0, 3.0, 0.0, 2.0, 6.0, 1.0], [0.0, 3.0, 0.0, 0.0, 6.0, 1.0]]])
    levels = np.array(list(product(range(2), range(3))))
    terms = trend_change.composition_terms(n, levels)
    assert np.prod(terms, axis=0) == pytest.approx(n / n.sum(axis=2, keepdims=True))


def test_a_students_two_years_are_drawn_together() -> None:
    """Students who never change have no interval for the change; other students have the textbook one."""
    same = people(2020, {("a",): (200, 60)}, ("g",), 0)
    change = decompose(pd.concat([same, same.assign(school_year=2021)]), ("g",), (2020, 2021), 1, 200)
    assert change.parts[["low", "high"]].to_numpy() == pytest.approx(0.0)
    other = same.assign(school_year=2021, student_id=same.student_id + 1000)
    total = decompose(pd.concat([same, other]), ("g",), (2020, 2021), 1, 1000).parts.iloc[-1]
    assert (total.high - total.low) / 2 == pytest.approx(1.96 * np.sqrt(2 * 0.3 * 0.7 / 200), rel=0.08)


def test_a_year_without_students_is_named() -> None:
    with pytest.raises(BadInput, match="2030"):
        decompose(people(2020, {("a",): (9, 3)}, ("g",), 0), ("g",), (2020, 2030), 1)


Y = np.array([3.0, 5.0, 4.0, 6.5, 6.0, 8.0])


def part(y: np.ndarray, horizon: int, method: trend_forecast.Method, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Middle and variance of the part of a forecast that gives one share of lasting movement."""
    found = trend_forecast.predict(y, horizon, method)
    k = int(np.flatnonzero(np.isclose(trend_forecast.LASTING, share))[0])
    return found.middle[k], np.diag(found.scale[k])


def test_a_random_walk_and_a_constant_have_their_textbook_forecasts() -> None:
    steps, ahead, n = np.diff(Y), np.arange(1, 4), len(Y)
    middle, variance = part(Y, 3, "level", 1.0)
    assert middle == pytest.approx([8.0] * 3)
    assert variance == pytest.approx((steps**2).mean() * ahead)
    middle, variance = part(Y, 3, "drift", 1.0)
    assert middle == pytest.approx(8.0 + ahead * steps.mean())
    assert variance == pytest.approx(steps.var(ddof=1) * (ahead + ahead**2 / (n - 1)))
    middle, variance = part(Y, 3, "level", 0.0)
    assert middle == pytest.approx([Y.mean()] * 3)
    assert variance == pytest.approx([Y.var(ddof=1) * (1 + 1 / n)] * 3)
    line = sm.OLS(Y, sm.add_constant(np.arange(6.0))).fit()
    new = line.get_prediction(np.column_stack([np.ones(3), 5.0 + ahead])).summary_frame()
    middle, variance = part(Y, 3, "drift", 0.0)
    assert middle == pytest.approx(new["mean"].to_numpy())
    assert np.sqrt(variance) * stats.t.ppf(0.975, 4) == pytest.approx((new.obs_ci_upper - new["mean"]).to_numpy())


def test_in_between_it_is_the_local_level_model_of_statsmodels() -> None:
    share = 0.25
    model = sm.tsa.UnobservedComponents(Y, "llevel", use_exact_diffuse=True)
    fit = model.smooth([1 - share, share])
    said = fit.get_forecast(3)
    middle, variance = part(Y, 3, "level", share)
    assert middle == pytest.approx(said.predicted_mean)
    # Its variances are for a known scale; ours estimates the scale from the one-step errors, the first being diffuse.
    scale = (fit.standardized_forecasts_error[0, 1:] ** 2).mean()
    assert variance == pytest.approx(scale * said.se_mean**2)


def test_limits_are_those_of_the_draws() -> None:
    found = trend_forecast.predict(Y, 3)
    drawn = np.percentile(found.draws(200_000, np.random.default_rng(1)), [50, 2.5, 97.5], axis=0)
    for limit, seen, width in zip(found.limits(), drawn, (0.02, 0.12, 0.12), strict=True):
        assert limit == pytest.approx(seen, abs=width)


def series(values: list[float], n: int = 400, first: int = 2020) -> pd.DataFrame:
    return pd.DataFrame({"school_year": first + np.arange(len(values)), "value": values, "n": n})


def test_a_share_stays_a_share_reaches_its_ends_and_intervals_widen() -> None:
    said = growth.forecast_series(series([0.99, 0.97, 1.0, 0.98]), 3)
    assert said.school_year.tolist() == [2024, 2025, 2026]
    assert (said.high == 1).all()
    assert (said.low > 0).all()
    assert (np.diff(said.high - said.low) > 0).all()
    few = growth.forecast_series(series([0.9, 0.9, 1.0, 0.9, 0.9, 0.9], n=10), 1).iloc[0]
    assert few.high == 1
    assert few.low < 0.9


def test_the_scale_of_shares_is_undone_exactly() -> None:
    """Shares of 1 and 0 of ten students come back as such, not as 10.5 and 0.5 of 11."""
    table = series([1.0, 0.9, 0.0], n=10)
    assert trend_forecast.from_scale(trend_forecast.to_scale(table, "share"), "share", 10) == pytest.approx([1, 0.9, 0])
    assert trend_forecast.from_scale(np.array([-0.2, 2.0]), "share", 10).tolist() == [0, 1]


def test_a_share_that_never_moved_is_not_certain_whatever_the_number_of_students() -> None:
    table = series([1.0] * 4).assign(n=[400, 380, 410, 390])
    with pytest.raises(BadInput, match="nothing tells how far off"):
        growth.forecast_series(table, 1)
    assert growth.back_test_series([series([1.0] * 6)], 1).method.tolist() == ["last value"]
    with pytest.raises(BadInput, match="between 0 and 1"):
        growth.forecast_series(series([1.0, 1.2, 0.9, 1.0]), 1)


def test_forecasts_of_shares_hold_what_comes_near_one() -> None:
    """98 % of 30 students, eight years, then the ninth: log odds with half a student held 51 % of 200."""
    rng, held = np.random.default_rng(1), []
    while len(held) < 200:
        share = rng.binomial(30, 0.98, 9) / 30
        if trend_forecast.moves(share[:8], "level"):
            said = growth.forecast_series(series(list(share[:8]), n=30), 1).iloc[0]
            held.append(said.low <= share[8] <= said.high)
    assert np.mean(held) > 0.92


def test_a_series_that_says_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="4 years"):
        growth.forecast_series(series([0.2, 0.3, 0.25]), 1)
    with pytest.raises(BadInput, match="straight line"):
        growth.forecast_series(series([0.2] * 5), 1)
    with pytest.raises(BadInput, match="year after a year"):
        growth.forecast_series(series([0.2, 0.3, 0.1, 0.2]).assign(school_year=[2018, 2020, 2021, 2022]), 1)
    with pytest.raises(BadParameter, match="horizon"):
        growth.forecast_series(series([0.2, 0.3, 0.1, 0.2]), 0)


def test_a_back_test_stands_in_earlier_years_and_sees_nothing_beyond() -> None:
    values = [0.2, 0.25, 0.22, 0.3, 0.28, 0.9]
    table = growth.back_test_series([series(values)], 3).set_index(["method", "years_ahead"])
    assert table.n.to_dict() == {(m, h): 3 - h for m in ("last value", "level", "drift") for h in (1, 2)}
    errors = [0.3 - 0.28, 0.28 - 0.9]
    assert table.mean_error["last value", 1] == pytest.approx(np.mean(errors))
    assert table.mean_absolute_error["last value", 1] == pytest.approx(np.mean(np.abs(errors)))
    said = growth.forecast_series(series(values[:4]), 2)
    assert table.mean_error["level", 2] == pytest.approx(said.value[1] - 0.9)
    assert table.covered["level", 2] == float(said.low[1] <= 0.9 <= said.high[1])


def test_grades_go_on_by_their_ratio() -> None:
    """Entering grade 100 every year, 90 % go on to grade 1, 80 % of those to grade 2: nothing else can come."""
    counts = {0: [100] * 6, 1: [100, 90, 90, 90, 90, 90], 2: [100, 80, 72, 72, 72, 72]}
    table = pd.DataFrame(
        [(2020 + y, grade, n) for grade, ns in counts.items() for y, n in enumerate(ns)],
        columns=["school_year", "grade_level", "n"],
    )
    said = growth.forecast_membership(table, 2, 1).set_index(["grade", "school_year"])
    for grade, n in {"0": 100, "1": 90, "2": 72, "all": 262}.items():
        assert said.loc[(grade, 2026), ["value", "low", "high"]].tolist() == pytest.approx([n] * 3, abs=1e-3)
    tested = growth.back_test_membership(table, 2, 1)
    assert tested.stood_in.unique().tolist() == [2024]
    with pytest.raises(BadInput, match="5 years"):
        growth.forecast_membership(table[table.school_year < 2024], 1, 1)


def test_membership_is_who_is_there_on_the_first_of_october() -> None:
    data = store.open_data(SMALL)
    table = trend_enrolment.membership(data)
    spells = data.enrollments.to_pandas()
    day = pd.to_datetime((spells.school_year - 1).astype(str) + "-10-01")
    there = (pd.to_datetime(spells.entry_date) <= day) & ~(pd.to_datetime(spells.exit_date) <= day)
    assert table.groupby("school_year").n.sum().tolist() == spells[there].groupby("school_year").size().tolist()


YEARS = np.arange(2018, 2026)


def made_panel(schools: int = 6, seed: int = 2) -> trend_policy.Panel:
    rng = np.random.default_rng(seed)
    values = 0.3 + 0.05 * rng.normal(size=(schools, 1)) + 0.01 * rng.normal(size=(schools, 8))
    return trend_policy.Panel(tuple(f"S{k}" for k in range(schools)), YEARS, values, ())


def test_jump_and_bend_are_segmented_regression() -> None:
    panel = made_panel()
    found = growth.policy_effect(panel, "2022-09-01").effects.set_index(["estimand", "chance"])
    after, line = (YEARS >= 2023).astype(float), YEARS - 2018.0
    for kind, extra in (("jump", [after]), ("bend", [after, after * (YEARS - 2023)])):
        fit = sm.OLS(panel.values.mean(axis=0), np.column_stack([np.ones(8), line, *extra])).fit()
        row = found.loc[(trend_policy.WORDS[kind], "years")]
        assert row.estimate == pytest.approx(fit.params[-1])
        assert [row.low, row.high] == pytest.approx(fit.conf_int()[-1])
        assert (row.df, row.p_value) == pytest.approx((fit.df_resid, fit.pvalues[-1]))
    one_each = [sm.OLS(y, np.column_stack([np.ones(8), line, after])).fit().params[-1] for y in panel.values]
    row = found.loc[(trend_policy.WORDS["jump"], "schools")]
    limits = stats.ttest_1samp(one_each, 0).confidence_interval()
    assert [row.low, row.high] == pytest.approx([limits.low, limits.high])


def test_difference_in_differences_is_the_two_way_regression_with_welchs_interval() -> None:
    panel = made_panel()
    treated = ["S0", "S2"]
    found = growth.policy_effect(panel, "2022-09-01", treated).effects.set_index(["estimand", "chance"])
    row = found.loc[(trend_policy.WORDS["shift"], "schools")]
    school, year = np.repeat(np.arange(6), 8), np.tile(YEARS, 6)
    policy = np.isin(school, [0, 2]) & (year >= 2023)
    x = pd.get_dummies(pd.DataFrame({"s": school, "y": year}).astype(str), drop_first=True).astype(float)
    fit = sm.OLS(panel.values.ravel(), np.column_stack([np.ones(48), x, policy])).fit()
    assert row.estimate == pytest.approx(fit.params[-1])
    each = panel.values[:, 5:].mean(axis=1) - panel.values[:, :5].mean(axis=1)
    welch = stats.ttest_ind(each[[0, 2]], each[[1, 3, 4, 5]], equal_var=False)
    limits = welch.confidence_interval()
    assert [row.low, row.high, row.df] == pytest.approx([limits.low, limits.high, welch.df])


def test_the_share_of_assignments_is_counted_by_hand() -> None:
    """Six ways to choose two of four schools; only the one made and its mirror give a difference as large."""
    values = np.zeros((4, 8))
    values[:, 5:] = np.array([[0.9], [0.8], [0.1], [0.2]])
    values += 1e-4 * np.random.default_rng(1).normal(size=values.shape)
    panel = trend_policy.Panel(("a", "b", "c", "d"), YEARS, values, ())
    found = growth.policy_effect(panel, "2022-09-01", ["a", "b"]).effects
    assert found[found.chance == "schools"].p_value.iloc[0] == pytest.approx(2 / 6)


def test_a_planted_change_is_found_whole() -> None:
    panel = made_panel(12)
    planted = panel.values.copy()
    planted[:3, YEARS >= 2023] -= 0.06
    moved = trend_policy.Panel(panel.schools, YEARS, planted, ())
    before = growth.policy_effect(panel, "2022-09-01", ["S0", "S1", "S2"])
    after = growth.policy_effect(moved, "2022-09-01", ["S0", "S1", "S2"])
    assert (after.effects.estimate - before.effects.estimate).tolist() == pytest.approx([-0.06] * 4)
    assert after.clear
    assert not before.clear
    assert "percentage points" in after.said("share")


def test_a_year_in_which_the_policy_began_belongs_to_neither_side() -> None:
    assert trend_policy.first_year_after("2022-09-01") == 2023
    assert trend_policy.first_year_after("2022-10-02") == 2024
    assert trend_policy.first_year_after("2022-02-01") == 2023
    for day, years in (("2022-02-01", 7), ("2022-07-01", 8), ("2022-11-01", 7)):
        assert len(growth.policy_effect(made_panel(), day).series) == years


def test_dates_and_schools_that_tell_nothing_are_named() -> None:
    panel = made_panel()
    with pytest.raises(BadInput, match="two years before"):
        growth.policy_effect(panel, "2017-09-01")
    with pytest.raises(BadInput, match="S9"):
        growth.policy_effect(panel, "2022-09-01", ["S9"])
    with pytest.raises(BadParameter, match="All schools"):
        growth.policy_effect(panel, "2022-09-01", list(panel.schools))
    with pytest.raises(BadParameter, match="not a date"):
        growth.policy_effect(panel, "spring")


def test_no_policy_was_made_in_the_district_and_none_is_found() -> None:
    table = growth.indicator_table(store.open_data(SMALL), "chronic_absence", ())
    panel = growth.school_panel(table)
    assert panel.values.shape == (12, 6)
    assert not growth.policy_effect(panel, "2022-09-01", ["D001-001", "D001-003", "D001-005"]).clear
    assert not growth.policy_effect(panel, "2022-09-01").clear


def test_every_figure_says_what_it_shows() -> None:
    data = store.open_data(SMALL)
    table = growth.indicator_table(data, "chronic_absence", ("sex",))
    one, overall = growth.indicator("chronic_absence"), growth.indicator_series(table, "chronic_absence")
    ahead = {method: growth.forecast_series(overall, 2, method) for method in ("level", "drift")}
    change = growth.indicator_change(data, "chronic_absence", 2020, 2025, ("sex", "school_id"), 1)
    effect = growth.policy_effect(growth.school_panel(table), "2022-09-01")
    drawn = {
        "chronically absent": trend_figures.overview(table),
        "female": trend_figures.by_group(table, "chronic_absence", "sex"),
        "12 schools": trend_figures.by_school(table, "chronic_absence"),
        "graduated": trend_figures.flow(trend_flow.cohort_flow(data, 2021)),
        "rates within groups": trend_figures.parts(change, one),
        "2027": trend_figures.ahead(overall, ahead, "Chronically absent (%)", 100),
        "percentage points": trend_figures.policy(effect, one),
    }
    for words, figure in drawn.items():
        assert words in figure.alt
        assert len(figure.table)


def test_schools_are_drawn_by_name_with_the_legend_outside_the_data() -> None:
    table = growth.indicator_table(store.open_data(SMALL), "chronic_absence", ())
    drawn = trend_figures.by_school(table, "chronic_absence", {"D001-001": "Summit Elementary"})
    labels = {label.get_text() for label in drawn.figure.axes[0].get_yticklabels()}
    assert {"Summit Elementary", "D001-002"} < labels
    assert drawn.figure.axes[0].get_legend() is None
    assert [text.get_text() for text in drawn.figure.legends[0].get_texts()][:1] == ["2020"]


def test_a_long_name_of_a_group_goes_on_in_a_second_line_above_its_panel() -> None:
    table = growth.indicator_table(store.open_data(SMALL), "chronic_absence", ("economically_disadvantaged",))
    drawn = trend_figures.by_group(table, "chronic_absence", "economically_disadvantaged")
    titles = [axis.get_title(loc="left") for axis in drawn.figure.axes]
    assert titles == ["economically\ndisadvantaged: no", "economically\ndisadvantaged: yes"]


def test_the_numbers_behind_a_figure_name_indicators_in_words_and_keep_years_as_numbers() -> None:
    table = growth.indicator_table(store.open_data(SMALL), "chronic_absence", ())
    behind = trend_figures.overview(table).table
    assert set(behind.indicator) == {"chronically absent"}
    assert set(behind.school_year) == set(range(2020, 2026))


def test_a_composition_that_is_none_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadParameter, match="Did you mean 'race_ethnicity'"):
        check_composition(["race_etnicity"])
    with pytest.raises(BadParameter, match=r"'race', which .* race_ethnicity"):
        growth.indicator_change(store.open_data(SMALL), "chronic_absence", 2020, 2025, ("race",), 1)
    with pytest.raises(BadParameter, match="empty"):
        check_composition([])
    assert check_composition(["grade_level", "school_id"]) == ("grade_level", "school_id")
