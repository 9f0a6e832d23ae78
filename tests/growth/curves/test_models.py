"""Growth curves: rows and doses, refusals, curves that are found again, schools whose additions stay."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from shutil import which

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench import growth, hlm
from workbench.errors import BadInput, BadParameter, ModelError
from workbench.growth.curves import recovery as curve_recovery
from workbench.growth.curves.models import values_at
from workbench.growth.curves.rows import CurveData, unit_years
from workbench.growth.curves.teaching import taught
from workbench.paths import resolve
from workbench.store import open_data

DISTRICT = "data/synthetic/small_district"


@pytest.fixture(scope="module")
def curve() -> CurveData:
    return growth.curve_rows(open_data(DISTRICT), "growth_math")


@pytest.mark.parametrize("scale", ["exit_math", "placement_math", "alternate_reading"])
def test_scales_that_are_not_linked_across_grades_are_refused(scale: str) -> None:
    with pytest.raises(BadParameter, match=r"not linked across grades.*growth_math, growth_reading"):
        growth.curve_rows(open_data(DISTRICT), scale)


def test_an_unknown_scale_suggests_the_nearest() -> None:
    with pytest.raises(BadParameter, match="did you mean 'growth_math'"):
        growth.curve_rows(open_data(DISTRICT), "growth_maths")


def test_grades_time_and_knots_of_a_district_that_tests_k_to_10(curve: CurveData) -> None:
    assert (curve.centre, curve.knots, len(curve.rows)) == (5, (5, 8), 25_014)
    assert (curve.rows.time == curve.rows.grade - 5).all()
    assert sorted(curve.rows.grade.unique()) == list(range(11))


def test_a_student_who_moves_on_the_first_of_february_has_a_dose_at_each_school(curve: CurveData) -> None:
    """From 1 September 2019 to the middle test day, 10 May 2020, are 252 days, 153 of them before the move."""
    mine = curve.doses[(curve.doses.student == "S00000001") & (curve.doses.school_year == 2020)]
    assert mine.set_index("school")["share"].to_dict() == pytest.approx({"D001-007": 153 / 252, "D001-008": 99 / 252})
    row = curve.rows.index[(curve.rows.student == "S00000001") & (curve.rows.school_year == 2022)][0]
    spent = curve.years_so_far[curve.years_so_far.row == row].set_index("level").weight
    assert spent.to_dict() == pytest.approx({"D001-007": 153 / 252, "D001-008": 99 / 252, "D001-011": 2.0})


def test_shares_of_a_year_add_up_to_one(curve: CurveData) -> None:
    sums = curve.this_year.groupby("row").weight.sum()
    assert sums.to_numpy() == pytest.approx(np.ones(len(curve.rows)))


def test_the_generating_shape_has_the_lowest_bic(curve: CurveData) -> None:
    found = growth.compare_shapes(curve)
    assert found.best == "quadratic"
    table = found.table.set_index("model")
    assert table.p_value["quadratic"] < 1e-6
    assert table.tested_against.to_dict() == {
        "unconditional": "", "linear": "", "quadratic": "linear", "piecewise": "linear",
    }  # fmt: skip
    assert table.p_value[["unconditional", "linear"]].isna().all()  # a line adds its mean, two variances, a covariance


def test_additions_that_stay_beat_a_level_that_is_lost_on_leaving(curve: CurveData) -> None:
    table = growth.compare_memberships(curve, "quadratic").table.set_index("model")
    assert table.index[table.bic_above_best.argmin()] == "added and kept, classes differ"
    assert table.bic_above_best["added each year, and kept"] < table.bic_above_best["school of the test"]


def test_a_variance_more_is_tested_on_the_edge_of_what_is_possible(curve: CurveData) -> None:
    """Half of χ²(1) for one variance; two of classes at once have no known distribution, and no p."""
    table = growth.compare_memberships(curve, "quadratic").table.set_index("model")
    for name in ("school of the test", "shares of the year", "added each year, and kept"):
        assert table.tested_against[name] == "none"
        assert table.p_value[name] == pytest.approx(stats.chi2.sf(table.chi_square[name], 1) / 2)
    assert table.tested_against["level and slope while there"] == "school of the test"
    assert np.isnan(table.p_value["added and kept, classes differ"])


def test_the_answer_key_is_found_in_the_small_district(curve: CurveData) -> None:
    schools = growth.school_model(curve, "quadratic")
    net = growth.group_model(curve, "quadratic", curve.groups, schools=True)
    found = curve_recovery.parameters_recovered(curve, schools, net).set_index("what")
    assert found.inside["mean growth from one spring to the next"]
    assert found.inside["net gap in level, economically disadvantaged"]
    assert found.truth["net gap in level, disability"] == pytest.approx(-10.5)
    assert found.inside["net gap in level, disability"]
    modes = curve_recovery.modes_recovered(curve, schools).set_index("of")
    assert modes.correlation["students' levels"] == pytest.approx(modes.expected["students' levels"], abs=0.01)
    assert modes.correlation["students' own growth"] == pytest.approx(modes.expected["students' own growth"], abs=0.03)
    assert modes.correlation["schools' growth a year"] > 0.95
    assert modes.coverage["students' levels"] == pytest.approx(0.95, abs=0.02)
    assert modes.coverage["students' own growth"] == pytest.approx(0.95, abs=0.02)


def test_single_years_of_classes_are_in_the_model_where_they_are_not_too_many(curve: CurveData) -> None:
    years = unit_years(curve.taught).nunique()
    assert "teaching_by_year" not in growth.school_model(curve, "quadratic", most=years - 1).formula
    assert "teaching_by_year" in growth.school_model(curve, "quadratic", most=years).formula


def test_classmates_share_a_teacher_and_the_answer_key_has_what_teachers_add(curve: CurveData) -> None:
    """A teacher adds 1.6 points with a drift of 0.9 a year: 2.56 in all, most of it lasting over six years."""
    schools = growth.school_model(curve, "quadratic")
    found = growth.variance_intervals(schools).set_index("group")
    assert curve.taught_by == "teachers"
    lasting, by_year = found.estimate["teaching"], found.estimate["teaching_by_year"]
    assert lasting > 4 * by_year > 0
    assert found.conf_low["teaching"] < 2.56 < found.conf_high["teaching"] + found.conf_high["teaching_by_year"]


def test_without_sections_a_grade_of_a_school_stands_for_its_teachers(curve: CurveData) -> None:
    data = open_data(resolve(DISTRICT))
    tables = {name: entry for name, entry in data.manifest["tables"].items() if name != "sections"}
    spent, by = taught(replace(data, manifest={**data.manifest, "tables": tables}), "math", curve.rows, curve.doses)
    assert by == "grades of a school"
    mine = spent[(spent.student == "S00000001") & (spent.school_year == 2020)]
    tested = curve.rows[(curve.rows.student == "S00000001") & (curve.rows.school_year == 2020)]
    assert set(mine.unit) == {f"{school} grade {tested.grade.iloc[0]}" for school in ("D001-007", "D001-008")}
    assert mine.share.sum() == pytest.approx(1.0)


def test_growth_of_the_district_is_the_mean_of_its_schools_weighted_by_their_students(curve: CurveData) -> None:
    """With the mean curve a line, all that differs between schools is what they and their classes add."""
    model = growth.school_model(curve, "linear")
    estimate, low, high = growth.district_growth(curve, model)
    springs = curve.rows[["student", "school_year"]]
    grew = springs.merge(springs.assign(school_year=springs.school_year + 1))
    weight = curve.doses.merge(grew, on=["student", "school_year"]).groupby("school").share.sum()
    schools = growth.school_growth(curve, model).set_index("school")
    mean = float((schools.growth * weight).sum() / weight.sum())
    assert low < estimate < high
    assert estimate == pytest.approx(mean, abs=0.1)


def test_variance_parts_add_up_and_split_off_the_known_error(curve: CurveData) -> None:
    schools = growth.school_model(curve, "quadratic")
    parts = growth.variance_parts(curve, schools).set_index("part")
    assert parts.groupby("of").share.sum().to_numpy() == pytest.approx([1, 1])
    assert parts.variance["occasions, error of the test"] == pytest.approx((curve.rows.error**2).mean())
    occasions = parts.variance["occasions, error of the test"] + parts.variance["occasions, true"]
    assert occasions == pytest.approx(schools.sigma2)


def test_variance_intervals_agree_with_profile_likelihood_where_groups_are_many(curve: CurveData) -> None:
    from workbench.hlm.profiling import profile

    model = hlm.fit("score ~ time + time2 + (time | student)", curve.rows, "ML", weights="precision")
    mine = growth.variance_intervals(model).set_index(["group", "term"])
    table = profile(model, which="random").table
    sds = table[(table.effect == "sd") & (table.group == "student")].set_index("term")
    for term in ("(Intercept)", "time"):
        for limit in ("conf_low", "conf_high"):
            assert np.sqrt(mine.loc[("student", term), limit]) == pytest.approx(sds.loc[term, limit], rel=0.004)


def test_trajectories_are_the_curve_by_hand(curve: CurveData) -> None:
    model = growth.group_model(curve, "quadratic", ["sex"], schools=False)
    table = growth.trajectories(curve, model, "sex").set_index(["group", "grade"])
    b = model.fixed.set_index("term").estimate
    other = next(term.removeprefix("sex") for term in b.index if term.startswith("sex"))
    by_hand = b["(Intercept)"] + 2 * b["time"] + 4 * b["time2"] + b[f"sex{other}"] + 2 * b[f"time:sex{other}"]
    assert table.predicted[other, 7] == pytest.approx(by_hand)
    assert list(values_at(curve, model.columns, 7, {}))[:3] == [1.0, 2.0, 4.0]


def test_the_first_group_is_not_called_all_students(curve: CurveData) -> None:
    """The curve of girls, say, 0.5 points above that of boys, is not that of all students."""
    model = growth.group_model(curve, "quadratic", ["sex", "economically_disadvantaged"], schools=False)
    for group, says in ((None, "curves of all students would be those of its first group"), ("sex", "curves of 'sex'")):
        with pytest.raises(BadParameter, match=says):
            growth.trajectories(curve, model, group)
    plain = hlm.fit("score ~ time + time2 + (time | student)", curve.rows)
    assert growth.trajectories(curve, plain).group.unique().tolist() == ["all students"]


def test_groups_shapes_and_engines_that_cannot_be_used_are_named(curve: CurveData) -> None:
    with pytest.raises(BadParameter, match="no group 'income'"):
        growth.group_model(curve, "quadratic", ["income"], schools=False)
    with pytest.raises(BadParameter, match="not 'cubic'"):
        growth.school_model(curve, "cubic")  # type: ignore[arg-type]
    real = replace(curve, rows=curve.rows.drop(columns="true_score"))
    with pytest.raises(BadInput, match="no answer key"):
        curve_recovery.true_students(real)


def test_without_movers_nobody_has_two_schools_in_a_year(curve: CurveData) -> None:
    stayed = growth.without_movers(curve)
    assert not stayed.rows.moved.any()
    kept = stayed.doses.merge(stayed.rows[["student", "school_year"]])
    assert not kept.duplicated(["student", "school_year"]).any()


LME4 = """
suppressMessages(library(lme4))
d <- read.csv("rows.csv"); m <- read.csv("members.csv")
d$s <- factor(rep_len(1:{levels}, nrow(d)))
f <- lFormula(score ~ time + time2 + (1 | student) + (1 | s), d, REML = TRUE)
W <- Matrix::sparseMatrix(i = m$level, j = m$row + 1, x = m$weight, dims = c({levels}, nrow(d)))
at <- which(names(f$reTrms$Ztlist) == "1 | s")
f$reTrms$Ztlist[[at]] <- W; f$reTrms$Zt <- do.call(rbind, f$reTrms$Ztlist)
dev <- do.call(mkLmerDevfun, f)
o <- optimizeLmer(dev, optimizer = "bobyqa", control = list(rhoend = 1e-9))
fit <- mkMerMod(environment(dev), o, f$reTrms, fr = f$fr)
cat(sprintf("%.8f", c(REMLcrit(fit), fixef(fit), ranef(fit)$s[, 1])))
"""


@pytest.mark.skipif(which("Rscript") is None, reason="R is not installed")
def test_years_at_school_are_fitted_as_lme4_fits_them_with_its_z_replaced(curve: CurveData, tmp_path: Path) -> None:
    few = curve.rows.student.unique()[:900]
    rows = curve.rows[curve.rows.student.isin(few)]
    members = curve.years_so_far[curve.years_so_far.row.isin(rows.index)]
    members = members.assign(row=np.searchsorted(rows.index, members.row))
    rows = rows.reset_index(drop=True)[["student", "score", "time", "time2"]]
    formula = "score ~ time + time2 + (1 | student) + (1 | school_growth)"
    model = hlm.fit(formula, rows, members={"school_growth": members})
    code, names = pd.factorize(members.level, sort=True)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    members.assign(level=code + 1).to_csv(tmp_path / "members.csv", index=False)
    script = LME4.replace("{levels}", str(len(names)))
    done = subprocess.run(["Rscript", "-e", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    criterion, *rest = map(float, done.stdout.split())
    assert model.criterion == pytest.approx(criterion, abs=1e-4)
    assert model.beta == pytest.approx(rest[:3], abs=1e-3)
    modes = model.modes[model.modes.group == "school_growth"].estimate
    assert modes.to_numpy() == pytest.approx(rest[3:], abs=2e-3)


def test_variance_intervals_need_the_native_engine(curve: CurveData) -> None:
    model = hlm.fit("score ~ time + (1 | school)", curve.rows.head(500))
    with pytest.raises(ModelError, match="native engine"):
        growth.variance_intervals(replace(model, fitted=None))  # type: ignore[arg-type]


def test_data_without_a_table_of_scales_cannot_be_called_growth() -> None:
    data = open_data(resolve(DISTRICT))
    tables = {name: entry for name, entry in data.manifest["tables"].items() if name != "scales"}
    with pytest.raises(BadInput, match="no table 'scales'"):
        growth.curve_rows(replace(data, manifest={**data.manifest, "tables": tables}), "growth_math")
