"""Did it help those who chose it or were chosen? Doubly robust estimates, which need everything that mattered."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadParameter, ModelError
from workbench.interventions.effect.result import Better, Check, Effect, concluded
from workbench.interventions.effect.robust import Contrast, contrast, least_squares
from workbench.interventions.effect.rows import (
    SMALLEST_ARM,
    arms,
    coded,
    complete,
    numbers,
    outcome_of,
    standardised_differences,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]
Estimand = Literal["ATE", "ATT"]
Learners = Literal["smooth", "boosted"]
"""Who learns outcome and treatment: ridge and logistic regression on squares (and products), or boosted trees."""

FOLDS = 5
PRODUCTS = 10
"""Up to so many columns products of two are learned from besides squares; of more they would be too many."""
BALANCED = 0.25
"""A weighted standardised difference above this is not left to adjustment (What Works Clearinghouse 2022)."""
EDGE = 0.05
"""Propensities nearer than this to 0 or 1 have hardly a counterpart."""
LEVEL = 0.05


def doubly_robust(
    data: pd.DataFrame,
    outcome: str,
    took_part: str,
    covariates: Sequence[str],
    *,
    better: Better,
    estimand: Estimand = "ATT",
    cluster: str | None = None,
    placebo: str | None = None,
    benchmark: str | None = None,
    learners: Learners = "smooth",
    words: Callable[[str], str] = str,
    seed: int = 1,
) -> Effect:
    """The effect of taking part where it was not drawn by lot, given `covariates` measured before.

    Augmented inverse propensity weighting (Robins, Rotnitzky & Zhao 1994) with five-fold cross-fitting (Chernozhukov
    et al. 2018), by doubleml's interactive regression model: right where either the outcome or who took part is
    learned well. `estimand` ATT is of those who took part, ATE of all. Errors are CR2 of the estimated influences, by
    row or by `cluster`, of which none is in two folds. `placebo` is an outcome from before, not among the covariates;
    `benchmark` names the covariate that a hidden confounder is measured by; `words` turns a column into what checks
    call it. Assumes that nothing else moved both.
    Raises ModelError for an empty arm, propensities that do not meet, or an outcome that never varies.
    """
    _check_words(covariates, estimand, learners, benchmark, placebo)
    names = [outcome, took_part, *covariates, *([cluster] if cluster else []), *([placebo] if placebo else [])]
    rows = complete(data, names)
    y, d, x = outcome_of(rows, outcome), arms(rows, took_part), coded(rows, covariates)
    units = np.arange(len(y)) if cluster is None else np.unique(rows[cluster].to_numpy(), return_inverse=True)[1]
    if (few := min(d.sum(), (1 - d).sum(), units.max() + 1)) < SMALLEST_ARM:
        raise ModelError(f"Only {few:g} rows are in the smaller arm, or groups in all; {SMALLEST_ARM} are the least.")
    model = fitted(y, d, x, units, estimand, learners, seed)
    found, propensity = _influence(model, units), model.predictions["ml_m"].ravel()
    balance = _balance(d, x, propensity, estimand)
    checks = [overlap(d, propensity, estimand), _balanced(balance, words)]
    if placebo is None:
        checks.append(Check("placebo", None, "No outcome from before was named, so none could be looked at."))
    else:
        before = fitted(numbers(rows, placebo), d, x, units, estimand, learners, seed)
        checks.append(_placebo(words(placebo), _influence(before, units)))
    told = concluded(
        found,
        estimand=estimand,
        n=len(rows),
        n_clusters=int(units.max()) + 1,
        method=f"doubly robust (doubleml IRM, {learners} learners, {FOLDS} folds), CR2 by {cluster or 'row'}",
        outcome=outcome,
        better=better,
        checks=(),
    )
    own = [f"x{k}" for k, name in enumerate(x) if name == benchmark or str(name).startswith(f"{benchmark}_")]
    return replace(told, checks=(*checks, _hidden(model, told, words(benchmark or ""), own)), balance=balance)


def fitted(y: Floats, d: Floats, x: pd.DataFrame, units: Any, estimand: str, learners: str, seed: int) -> Any:
    """doubleml's interactive regression model, cross-fitted on folds that keep units whole."""
    import doubleml
    from sklearn.base import clone

    regression, classifier = _learners(learners, x.shape[1], seed)
    table = x.set_axis([f"x{k}" for k in range(x.shape[1])], axis=1).assign(_y=y, _d=d)
    model = doubleml.DoubleMLIRM(
        doubleml.DoubleMLData(table, "_y", "_d"),
        clone(regression),
        clone(classifier),
        n_folds=FOLDS,
        score="ATE" if estimand == "ATE" else "ATTE",
        draw_sample_splitting=False,
    )
    model.set_sample_splitting(_folds(d, units, seed))
    with warnings.catch_warnings():
        # overlap() says of propensities near 0 and 1 what a reader needs; doubleml clips them.
        warnings.filterwarnings("ignore", message="Propensity predictions")
        return model.fit()


def overlap(d: Floats, propensity: Floats, estimand: str) -> Check:
    """Whether everybody compared has a counterpart. Raises ModelError where propensities do not meet."""
    weights = _weights(d, propensity, estimand)
    effective = [float(weights[d == a].sum() ** 2 / (weights[d == a] ** 2).sum()) for a in (1, 0)]
    apart = propensity[d == 1].min() > propensity[d == 0].max()
    if apart or min(effective) < 2 * SMALLEST_ARM:
        raise ModelError(
            f"Those who took part and those who did not have no overlap: after weighting, {min(effective):.1f} rows "
            "are left to compare with. Compare within a range of the covariates where both occur."
        )
    far = propensity > 1 - EDGE
    far = far | (propensity < EDGE) if estimand == "ATE" else far
    said = (
        f"Propensities from {propensity.min():.2f} to {propensity.max():.2f}; {far.mean():.1%} without a counterpart."
    )
    return Check("overlap", bool(far.mean() <= EDGE), said)


def _influence(model: Any, units: Any) -> Contrast:
    """The estimate and its CR2 error: the mean of each row's influence, whose units are independent."""
    a, b = (model.psi_elements[name].ravel() for name in ("psi_a", "psi_b"))
    estimate = -b.mean() / a.mean()
    influence = -(a * estimate + b) / a.mean()
    found = contrast(least_squares(np.ones((len(b), 1)), influence, units), [1.0])
    return Contrast(float(estimate), found.std_error, found.df)


def _weights(d: Floats, propensity: Floats, estimand: str) -> Floats:
    p = np.clip(propensity, 0.01, 0.99)
    return np.where(d == 1, 1 / p, 1 / (1 - p)) if estimand == "ATE" else np.where(d == 1, 1.0, p / (1 - p))


def _balance(d: Floats, x: pd.DataFrame, propensity: Floats, estimand: str) -> pd.DataFrame:
    """Standardised differences of each covariate, as it is and weighted, the largest first."""
    import pandas as pd

    after = standardised_differences(d, x, _weights(d, propensity, estimand))
    table = pd.DataFrame({"covariate": list(x), "before": standardised_differences(d, x).to_numpy()})
    table["after"] = after.to_numpy()
    return table.sort_values("before", key=abs, ascending=False, ignore_index=True)


def _balanced(table: pd.DataFrame, words: Callable[[str], str]) -> Check:
    before, after = table.before.abs().max(), table.after.abs()
    said = f"Largest standardised difference {before:.2f} before weighting, {after.max():.2f} after"
    farthest = words(str(table.covariate.iloc[int(after.to_numpy().argmax())]))
    return Check("balance", bool(after.max() < BALANCED), f"{said} ({farthest}).")


def _placebo(name: str, found: Contrast) -> Check:
    said = f"{name}, which was settled before, differs by {found.estimate:+.3g} given the covariates"
    return Check("placebo", found.p >= LEVEL, f"{said} (p {found.p:.3f}).")


def _hidden(model: Any, effect: Effect, benchmark: str, own: list[str]) -> Check:
    """How strong a hidden confounder must be to explain the effect away (Chernozhukov et al. 2022), by doubleml."""
    if effect.conf_low <= 0 <= effect.conf_high:
        return Check("sensitivity", None, "No effect is not excluded, so there is nothing to explain away.")
    model.sensitivity_analysis()
    robust = float(model.sensitivity_params["rva"][0])
    said = f"A hidden confounder that explains {robust:.1%} of what is left of both would make no effect possible"
    if not own:
        return Check("sensitivity", None, f"{said}; no covariate was named to measure that by.")
    seen = model.sensitivity_benchmark(own)  # fitted again without it
    strength = float(max(seen["cf_y"].iloc[0], seen["cf_d"].iloc[0]))
    return Check("sensitivity", strength < robust, f"{said}; {benchmark} explains up to {strength:.1%}.")


def _learners(learners: str, columns: int, seed: int) -> tuple[Any, Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler

    if learners == "boosted":
        shape: dict[str, Any] = {"max_depth": 3, "learning_rate": 0.05, "max_iter": 100, "random_state": seed}
        return HistGradientBoostingRegressor(**shape), HistGradientBoostingClassifier(**shape)
    bent = PolynomialFeatures(2, include_bias=False) if columns <= PRODUCTS else FunctionTransformer(_with_squares)
    steps = [StandardScaler(), bent, StandardScaler()]
    chances = LogisticRegressionCV(
        Cs=np.logspace(-3, 1, 5), scoring="neg_log_loss", l1_ratios=(0,), use_legacy_attributes=False, max_iter=1000
    )
    return make_pipeline(*steps, RidgeCV(np.logspace(-2, 3, 11))), make_pipeline(*steps, chances)


def _with_squares(x: Floats) -> Floats:
    return np.column_stack([x, x**2])


def _folds(d: Floats, units: Any, seed: int) -> list[tuple[Any, Any]]:
    """Five parts with units whole and both arms in each as far as units allow."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if units.max() + 1 == len(d):
        return list(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(d[:, None], d))
    return list(StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(d[:, None], d, units))


def _check_words(
    covariates: Sequence[str], estimand: str, learners: str, benchmark: str | None, placebo: str | None
) -> None:
    if not covariates:
        raise BadParameter(
            "Name the covariates that moved both taking part and the outcome; without, there is no case."
        )
    if estimand not in get_args(Estimand) or learners not in get_args(Learners):
        raise BadParameter(f"estimand is {estimand!r} and learners {learners!r}; take ATE or ATT, smooth or boosted.")
    if benchmark is not None and benchmark not in covariates:
        raise BadParameter(f"The benchmark {benchmark!r} is not among the covariates {', '.join(covariates)}.")
    if placebo in covariates:
        raise BadParameter(f"{placebo!r} cannot be both a covariate, which is adjusted for, and the placebo.")
