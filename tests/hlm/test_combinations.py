"""Errors of combinations of effects: those of Henderson's mixed-model equations, written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workbench import hlm
from workbench.errors import ModelError
from workbench.hlm.combinations import outer_effects, posterior_variance
from workbench.hlm.result import MixedModel


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    student = np.repeat(np.arange(80), 4)
    school, x = rng.integers(0, 7, 320), np.tile(np.arange(4.0), 80)
    u, s, t = rng.normal(0, 2, 80), rng.normal(0, 1, 7), rng.normal(0, 0.5, 7)
    y = 20 + 3 * x + u[student] + s[school] + t[school] * x + rng.normal(size=320)
    return pd.DataFrame({"y": y, "x": x, "student": student, "school": school}).astype({"student": str, "school": str})


@pytest.fixture(scope="module")
def model(rows: pd.DataFrame) -> MixedModel:
    return hlm.fit("y ~ x + (1 | student) + (x | school)", rows)


def henderson(rows: pd.DataFrame, model: MixedModel) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """σ² times the inverse of the mixed-model equations, for β, then school intercepts and slopes, without students."""
    v = model.variances.set_index(["group", "term", "other_term"]).estimate
    X = np.column_stack([np.ones(len(rows)), rows.x])
    S = pd.get_dummies(rows.school).to_numpy(float)
    Z = np.column_stack([pd.get_dummies(rows.student).to_numpy(float), S, S * rows.x.to_numpy()[:, None]])
    missing = np.nan
    D = np.array(
        [
            [v["school", "(Intercept)", missing], v["school", "(Intercept)", "x"]],
            [v["school", "(Intercept)", "x"], v["school", "x", missing]],
        ]
    )
    prior = np.zeros((94, 94))
    prior[:80, :80] = np.eye(80) / v["student", "(Intercept)", missing]
    prior[80:, 80:] = np.kron(np.linalg.inv(D), np.eye(7))
    W = np.column_stack([X, Z])
    C = W.T @ W / model.sigma2
    C[2:, 2:] += prior
    inverse = np.linalg.inv(C)
    keep = [0, 1, *range(82, 96)]
    return inverse[np.ix_(keep, keep)]


def test_any_combination_has_hendersons_variance(rows: pd.DataFrame, model: MixedModel) -> None:
    effects, rng = outer_effects(model), np.random.default_rng(1)
    assert list(effects.term) == ["(Intercept)"] * 7 + ["x"] * 7
    weights, fixed = rng.normal(size=(5, 14)), rng.normal(size=(5, 2))
    C = henderson(rows, model)
    both = np.column_stack([fixed, weights])
    expected = np.einsum("mk,kj,mj->m", both, C, both)
    assert posterior_variance(model, weights, fixed) == pytest.approx(expected, rel=1e-6)
    only = np.einsum("mk,kj,mj->m", weights, C[2:, 2:], weights)
    assert posterior_variance(model, weights) == pytest.approx(only, rel=1e-6)


def test_a_combination_of_fixed_effects_alone_has_their_covariance(model: MixedModel) -> None:
    fixed = np.array([[1.0, 2.0]])
    found = posterior_variance(model, np.zeros((1, 14)), fixed)
    assert found == pytest.approx(fixed @ model.covariance @ fixed[0])


def test_it_needs_the_native_engine(model: MixedModel) -> None:
    with pytest.raises(ModelError, match="native engine"):
        outer_effects(replace(model, fitted=None))  # type: ignore[arg-type]
