"""Where methods disagree: errors by hand, and the mixed model's own equations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import growth, open_data
from workbench.errors import ModelError
from workbench.growth import agreement
from workbench.growth.agreement import judged
from workbench.hlm.combinations import outer_effects

PEERS = pd.Series("elementary", list("abcdef"))


def scores(seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"student": range(600), "school": np.repeat(list("abcdef"), 100)})
    school = rows.school.map(dict(zip("abcdef", (-1.0, -0.5, 0.0, 0.0, 0.5, 1.0), strict=True)))
    return rows.assign(x=school + rng.normal(size=600))


def test_the_error_of_a_mean_is_that_of_the_textbook() -> None:
    found = agreement.means(scores(), "x")
    textbook = scores().groupby("school").x.std(ddof=0) / 10
    assert np.sqrt((found.influence**2).sum()).to_numpy() == pytest.approx(textbook.to_numpy())


def test_a_method_never_disagrees_with_itself_in_another_unit() -> None:
    one, other = agreement.means(scores(), "x"), agreement.means(scores().assign(x=lambda t: 10 * t.x + 3), "x")
    found = agreement.agreement({"points": one, "tenths": other}, PEERS)
    assert found.differences.difference.max() == pytest.approx(0, abs=1e-9)
    assert found.correlations.corrected.iloc[0] == pytest.approx(1)


def test_a_school_that_methods_judge_differently_is_found_and_no_other() -> None:
    moved = scores().assign(x=lambda t: t.x + 1.6 * (t.school == "a"))
    judged = {"mean score": agreement.means(scores(), "x"), "value added": agreement.means(moved, "x")}
    found = agreement.agreement(judged, PEERS)
    assert set(found.differences.school_id[found.differences.large]) == {"a"}
    told = agreement.sentences(found, pd.DataFrame({"intake": -0.6, "error_moves": 0.0}, list("abcdef")))
    assert len(told) == 1
    assert "School a" in told[0]
    assert "0.6 SD below" in told[0]


def test_schools_that_do_not_differ_have_no_footing() -> None:
    same = scores().assign(x=np.tile([-1.0, 1.0], 300))
    judged = {"x": agreement.means(scores(), "x"), "same": agreement.means(same, "x")}
    with pytest.raises(ModelError, match="two methods"):
        agreement.agreement(judged, PEERS)


def test_a_method_that_is_mostly_chance_keeps_its_own_unit_and_is_not_compared() -> None:
    # Means ±0.11 with standard errors of 0.1: 0.0726 in all, of which 0.05 is chance, leaves 31 % true.
    alternate = np.tile([-1.0, 1.0], 300) + np.repeat([0.11, -0.11] * 3, 100)
    several = {"a": scores(), "b": scores(2), "noise": scores().assign(x=alternate)}
    judged = {name: agreement.means(rows, "x") for name, rows in several.items()}
    found = agreement.agreement(judged, PEERS)
    assert found.silent == ("noise",)
    assert found.table[found.table.method == "noise"].standardised.isna().all()
    assert "noise" not in {*found.differences.higher, *found.differences.lower}


def test_the_error_of_a_difference_is_that_of_a_bootstrap_of_students() -> None:
    rng, rows = np.random.default_rng(3), scores()
    rows = rows.assign(y=lambda t: t.x + rng.normal(0, 0.5, 600))
    judged = {name: agreement.means(rows, name) for name in "xy"}
    found = agreement.agreement(judged, PEERS)
    taus = [(one.estimate / one.standardised).iloc[0] for _, one in found.table.groupby("method")]
    drawn = []
    for _ in range(400):
        again = rows.groupby("school")[["student", "school", "x", "y"]].sample(frac=1, replace=True, random_state=rng)
        means = again.groupby("school")[["x", "y"]].mean() / taus
        drawn.append((means - means.mean()).x - (means - means.mean()).y)
    bootstrap = pd.DataFrame(drawn).std()
    errors = found.differences.set_index("school_id").std_error.reindex(bootstrap.index)
    assert errors.to_numpy() == pytest.approx(bootstrap.to_numpy(), rel=0.15)


def test_the_growth_curves_equations_give_the_modes_of_the_fit() -> None:
    """With classes that differ: all effects of schools, teachers and teachers' years, and each school's growth."""
    curve = growth.curve_rows(open_data("data/synthetic/small_district"), "growth_math")
    model = growth.school_model(curve, "linear")
    effects = outer_effects(model)
    modes, influence = judged._solved(model, np.eye(len(effects)))
    assert modes == pytest.approx(effects.estimate.to_numpy(), abs=1e-6)
    assert set(effects.group) == {"first_school", "school_growth", "teaching", "teaching_by_year"}
    assert influence.shape == (curve.rows.student.nunique(), len(effects))
    found, told = judged.judged_by(curve, model), growth.school_growth(curve, model).set_index("school")
    mine = found.table.set_index("school").estimate
    assert mine.to_numpy() == pytest.approx((told.difference / told.reliability)[mine.index].to_numpy(), abs=1e-6)


def test_a_method_that_is_not_compared_is_not_nearest_to_the_truth() -> None:
    table = pd.DataFrame({
        "school_id": list("abcdef") * 2, "method": ["value added"] * 6 + ["small gap"] * 6,
        "standardised": [-1.0, -0.5, 0.0, 0.0, 0.5, 1.0] + [np.nan] * 6,
    })  # fmt: skip
    nearest = agreement.beside_truth(table, pd.Series([-2.0, -1.0, 0.0, 0.0, 1.0, 2.0], list("abcdef")), PEERS)
    assert list(nearest.method) == ["value added"]
    assert nearest.correlation[0] == pytest.approx(1)


def test_schools_are_named_in_the_picture_and_in_its_words() -> None:
    moved = scores().assign(x=lambda t: t.x + 3.0 * (t.school == "a"))
    found = agreement.agreement(
        {"mean score": agreement.means(scores(), "x"), "value added": agreement.means(moved, "x")}, PEERS
    )
    drawn = agreement.lines(found.table, found.differences, {"a": "Summit Elementary"})
    assert "Summit Elementary (a)" in drawn.alt
    assert [text.get_text() for text in drawn.figure.axes[0].texts] == ["Summit Elementary"]
