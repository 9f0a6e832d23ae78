"""The lme4 engine gives what the native one gives, in the same layout, and what only lme4 can."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench import hlm
from workbench.errors import BadInput, BadParameter, ModelError, WorkbenchError

SLOPES = "Reaction ~ Days + (Days | Subject)"
APART = "Reaction ~ Days + half + (Days || Subject) + (1 | half:Subject)"


@pytest.fixture(scope="module")
def rows(sleepstudy: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    half = np.where(sleepstudy["Days"] < 5, "early", "late")
    slow = (sleepstudy["Reaction"] > 290).astype(int)
    return sleepstudy.assign(half=half, w=rng.uniform(0.5, 2, len(sleepstudy)), slow=slow, quick=1 - slow)


@pytest.mark.parametrize("formula", [SLOPES, APART])
@pytest.mark.parametrize("weights", [None, "w"])
def test_both_engines_give_one_result(rows: pd.DataFrame, formula: str, weights: str | None) -> None:
    native, lme4 = (hlm.fit(formula, rows, "REML", e, weights=weights) for e in ("native", "lme4"))  # type: ignore[arg-type]
    assert lme4.columns == native.columns
    assert lme4.groups == native.groups
    assert lme4.n_parameters == native.n_parameters
    assert lme4.criterion == pytest.approx(native.criterion, abs=1e-5)
    pd.testing.assert_frame_equal(lme4.fixed, native.fixed, rtol=2e-3, atol=1e-5)
    names = ["group", "term", "other_term"]
    assert (
        lme4.variances[names].fillna("").to_numpy().tolist() == native.variances[names].fillna("").to_numpy().tolist()
    )
    spread = native.variances["estimate"].to_numpy()
    assert lme4.variances["estimate"].to_numpy() == pytest.approx(spread, rel=1e-3, abs=1e-3)
    names = ["group", "level", "term"]
    assert lme4.modes[names].astype(str).equals(native.modes[names].astype(str))
    assert lme4.modes["estimate"].to_numpy() == pytest.approx(native.modes["estimate"].to_numpy(), abs=0.01)
    assert lme4.modes["std_error"].to_numpy() == pytest.approx(native.modes["std_error"].to_numpy(), abs=0.01)
    assert lme4.r_squared == pytest.approx(native.r_squared, rel=1e-3)
    assert lme4.icc == pytest.approx(native.icc, rel=1e-3)


def test_new_rows_and_new_people_are_predicted_alike(rows: pd.DataFrame) -> None:
    new = rows.head(4).assign(Subject=["308", "308", "new", "new"])
    native, lme4 = (hlm.fit(SLOPES, rows, engine=engine) for engine in ("native", "lme4"))  # type: ignore[arg-type]
    for random in (True, False):
        with pytest.warns(UserWarning, match="2 of the 4 rows") if random else nullcontext():
            found, expected = lme4.predict(new, random), native.predict(new, random)
        assert found == pytest.approx(expected, abs=0.01)
        assert lme4.predict(None, random) == pytest.approx(native.predict(None, random), abs=0.01)


def test_an_unknown_category_and_a_repeated_effect_are_refused_as_by_the_native_engine(rows: pd.DataFrame) -> None:
    lme4 = hlm.fit(APART, rows, engine="lme4")
    with pytest.raises(BadInput, match=r"2 of the rows to predict have a value of 'half' .* 'noon'; known are early"):
        lme4.predict(rows.head(2).assign(half="noon"))
    with pytest.raises(BadParameter, match=r"Two random terms of 'Subject' both hold the effect \(Intercept\)"):
        hlm.fit("Reaction ~ Days + (1 | Subject) + (Days | Subject)", rows, engine="lme4")


def test_simulated_outcomes_spread_as_the_weights_say(rows: pd.DataFrame) -> None:
    weighted = rows.assign(w=np.where(rows["Days"] < 5, 1.0, 1e6))
    model = hlm.fit("Reaction ~ Days + (1 | Subject)", weighted, engine="lme4", weights="w")
    drawn = model.simulate(400, seed=3)
    assert drawn.shape == (180, 400)
    between = float(model.variances["estimate"][0])
    heavy = rows["Days"].to_numpy() >= 5
    assert drawn[heavy].var(axis=1).mean() == pytest.approx(between + model.sigma2 / 1e6, rel=0.1)
    assert drawn[~heavy].var(axis=1).mean() == pytest.approx(between + model.sigma2, rel=0.1)
    assert np.array_equal(drawn, model.simulate(400, seed=3))


def test_refitting_to_another_outcome_is_fitting_it(rows: pd.DataFrame) -> None:
    model = hlm.fit(SLOPES, rows, engine="lme4")
    again = model.refit(np.log(rows["Reaction"].to_numpy()))
    assert again.criterion == pytest.approx(
        hlm.fit("log(Reaction) ~ Days + (Days | Subject)", rows).criterion, abs=1e-5
    )
    assert model.refit(method="ML").criterion == pytest.approx(1751.9393, abs=1e-4)


def test_yes_or_no_is_fitted_by_laplace_s_approximation_and_tested_by_z(rows: pd.DataFrame) -> None:
    model = hlm.fit("slow ~ Days + (1 | Subject)", rows, family="binomial")
    assert model.engine == "lme4"
    assert model.method == "ML"
    assert "Laplace" in model.messages[0]
    assert np.isinf(model.fixed["df"]).all()
    assert list(model.variances["group"]) == ["Subject"]
    pairs = hlm.fit("cbind(slow, quick) ~ Days + (1 | Subject)", rows, family="binomial")
    assert pairs.criterion == pytest.approx(model.criterion, abs=1e-6)
    with pytest.raises(ModelError, match="own variance"):
        _ = model.icc
    turned = model.refit(rows["quick"].to_numpy())
    assert turned.beta == pytest.approx(-model.beta, abs=1e-3)


def test_counts_may_have_an_effect_of_every_row(with_r: None) -> None:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"row": np.arange(300), "x": rng.normal(size=300)})
    data["days_absent"] = rng.poisson(np.exp(1 + 0.5 * data["x"] + rng.normal(0, 0.6, 300)))
    model = hlm.fit("days_absent ~ x + (1 | row)", data, family="poisson")
    assert model.fixed["conf_low"][1] < 0.5 < model.fixed["conf_high"][1]
    assert model.variances["estimate"][0] == pytest.approx(0.36, abs=0.12)


BAD: list[tuple[str, dict[str, Any], type[WorkbenchError]]] = [
    ("Reaction ~ Day + (1 | Subject)", {}, BadParameter),
    ("Reaction ~ Days", {}, BadParameter),
    ("Reaction ~ Days + (1 | one)", {}, ModelError),
    ("Reaction ~ Days + (1 | row)", {}, ModelError),
    ("gone ~ Days + (1 | Subject)", {}, BadInput),
    ("endless ~ Days + (1 | Subject)", {}, BadInput),
    ("Reaction ~ Days + (1 | Subject)", {"weights": "zero"}, BadInput),
]


@pytest.mark.parametrize(("formula", "more", "error"), BAD)
def test_both_engines_refuse_in_the_same_words(
    rows: pd.DataFrame, formula: str, more: dict[str, Any], error: type[WorkbenchError]
) -> None:
    data = rows.assign(one="a", row=np.arange(180), gone=np.nan, endless=np.inf, zero=0.0)
    said = []
    for engine in ("native", "lme4"):
        with pytest.raises(error) as refusal:
            hlm.fit(formula, data, engine=engine, **more)  # type: ignore[arg-type]
        said.append(str(refusal.value))
    assert said[0] == said[1]


def test_a_column_that_others_determine_is_dropped_and_named(rows: pd.DataFrame) -> None:
    data = rows.assign(hours=24 * rows["Days"])
    for engine in ("native", "lme4"):
        model = hlm.fit("Reaction ~ Days + hours + (1 | Subject)", data, engine=engine)  # type: ignore[arg-type]
        assert model.dropped_columns == ("hours",)
        assert model.columns == ("(Intercept)", "Days")


def test_a_singular_fit_names_the_variance_that_is_zero(rows: pd.DataFrame) -> None:
    data = rows.assign(third=np.tile(["a", "b", "c"], 60))
    for engine in ("native", "lme4"):
        model = hlm.fit("Reaction ~ Days + (1 | Subject) + (1 | third)", data, engine=engine)  # type: ignore[arg-type]
        assert model.singular
        assert "(Intercept) of third" in model.messages[-1]
        assert "Residual" not in model.messages[-1]


def test_an_unknown_family_is_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(BadParameter, match="'binomial'"):
        hlm.fit("slow ~ Days + (1 | Subject)", rows, family="quasi")


def test_r_is_called_from_the_main_thread_only(rows: pd.DataFrame) -> None:
    said: list[Exception] = []

    def work() -> None:
        try:
            hlm.fit(SLOPES, rows, engine="lme4")
        except ModelError as error:
            said.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "main thread" in str(said[0])
