"""The criterion against the covariance matrix written out, its gradient against differences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench import hlm
from workbench.hlm import outer
from workbench.hlm.deviance import Likelihood, split
from workbench.hlm.native import Native

FORMULAS = [
    "y ~ x + (1 | a)",
    "y ~ x + (x | a)",
    "y ~ x + (x | a) + (x | b)",
    "y ~ x * z + (x + z | a) + (x || b) + (1 | c)",
    "y ~ 0 + x + (1 | a) + (0 + z | c)",
    "y ~ 1 + (1 | c/b)",
]


def rows(n: int = 160) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {"x": rng.integers(0, 5, n).astype(float), "z": rng.normal(size=n), "w": rng.uniform(0.5, 2, n)}
    )
    data["a"], data["b"], data["c"] = rng.integers(0, 30, n), rng.integers(0, 10, n), rng.integers(0, 4, n)
    return data.assign(
        y=2 + rng.normal(size=30)[data["a"]] + 0.5 * data["x"] * rng.normal(size=10)[data["b"]] + rng.normal(size=n)
    )


def likelihood(formula: str, method: Any = "REML", weights: str | None = None) -> tuple[Likelihood, Native]:
    native = hlm.fit(formula, rows(), method, weights=weights).fitted
    assert isinstance(native, Native)
    return native.likelihood, native


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_the_gradient_is_what_differences_give(formula: str, method: Any) -> None:
    model, _ = likelihood(formula, method)
    theta = model.start() + np.random.default_rng(2).normal(0, 0.3, model.size)
    slope = model.slope(model.solve(theta)).gradient
    step = 1e-5 * np.eye(model.size)
    differences = [(model.solve(theta + h).criterion - model.solve(theta - h).criterion) / 2e-5 for h in step]
    assert slope == pytest.approx(differences, abs=1e-6 * np.abs(differences).max())


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_the_criterion_is_that_of_the_whole_covariance_matrix(formula: str, method: Any, weights: str | None) -> None:
    """−2 log likelihood from V = Σ Z(Σ ⊗ I)Z' + σ²W⁻¹ of all rows (Harville 1974)."""
    model = hlm.fit(formula, rows(), method, weights=weights)
    native = model.fitted
    assert isinstance(native, Native)
    design = native.design
    assert design is not None
    w = np.ones(design.n) if design.weights is None else design.weights
    V = np.diag(native.sigma2 / w)
    for k, factor in enumerate(design.factors):
        root = native.relative[factor.name]
        Z = design.random_columns(k).toarray()
        V += native.sigma2 * Z @ np.kron(root @ root.T, np.eye(len(factor.levels))) @ Z.T
    X, inverse = design.X, np.linalg.inv(V)
    XVX = X.T @ inverse @ X
    beta = np.linalg.solve(XVX, X.T @ inverse @ design.y)
    rest = design.y - X @ beta
    expected = np.linalg.slogdet(V)[1] + rest @ inverse @ rest + design.n * np.log(2 * np.pi)
    if method == "REML":
        expected += np.linalg.slogdet(XVX)[1] - X.shape[1] * np.log(2 * np.pi)
    assert model.criterion == pytest.approx(expected, abs=1e-7)
    assert model.beta == pytest.approx(beta, abs=1e-8)
    assert model.covariance == pytest.approx(np.linalg.inv(XVX), abs=1e-8)


def test_the_sign_of_a_column_of_lambda_does_not_matter() -> None:
    model, native = likelihood("y ~ x + (x | a) + (1 | b)")
    turned = native.optimum.theta * np.array([-1.0, -1.0, 1.0, -1.0])
    assert model.solve(turned).criterion == pytest.approx(native.optimum.at.criterion, abs=1e-9)


def test_many_outer_effects_in_one_matrix_or_in_several_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Components alone, by LAPACK, and together, by numpy."""
    model, native = likelihood("y ~ x + (x | a) + (x | b) + (1 | c)")
    before, slope = native.optimum.at, native.optimum.slope.gradient
    monkeypatch.setattr(outer, "ALONE", 2)
    arranged = outer.layout(model.m.outers, model.inner.rows, model.inner.cols)
    again = replace(model, outer=arranged)
    at = again.solve(native.optimum.theta)
    assert at.criterion == pytest.approx(before.criterion, abs=1e-9)
    assert again.slope(at).gradient == pytest.approx(slope, abs=1e-7)


def test_groups_that_nobody_connects_are_components_of_their_own() -> None:
    """Twelve schools of which students never leave: twelve matrices of two effects, not one of 24."""
    rng = np.random.default_rng(3)
    student = np.repeat(np.arange(120), 3)
    data = pd.DataFrame({"student": student, "school": student % 12, "year": np.tile([0.0, 1.0, 2.0], 120)})
    data["y"] = rng.normal(size=120)[student] + rng.normal(size=12)[student % 12] + rng.normal(size=360)
    native = hlm.fit("y ~ year + (year | student) + (year | school)", data).fitted
    assert isinstance(native, Native)
    assert [(bucket.count, bucket.size) for bucket in native.likelihood.outer.buckets] == [(12, 2)]


def test_a_diagonal_of_zero_is_kept_just_above() -> None:
    model, _ = likelihood("y ~ x + (x | a) + (1 | b)")
    lambdas = split(model.m.factors, np.zeros(model.size))
    assert all((np.diag(part) == 1e-8).all() for part in lambdas)
