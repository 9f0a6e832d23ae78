"""The native engine: Gaussian mixed models, exact, without R."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from workbench.errors import ModelError
from workbench.hlm.centre import Centre, centred, steadied
from workbench.hlm.columns import determines
from workbench.hlm.design import Design, Factor, Floats, build
from workbench.hlm.deviance import Likelihood
from workbench.hlm.elimination import eliminate
from workbench.hlm.formula import parse
from workbench.hlm.modes import conditional_modes
from workbench.hlm.moments import Moments, Units, column_products, moments, standardised
from workbench.hlm.new_rows import new_matrices
from workbench.hlm.optimise import Optimum, minimise
from workbench.hlm.outer import layout
from workbench.hlm.result import RESIDUAL, SINGULAR, Method, MixedModel, remarks
from workbench.hlm.satterthwaite import Curvature, curvature, degrees_of_freedom
from workbench.hlm.threads import one_thread, threads_for


@dataclass(frozen=True)
class Native:
    """A fit by the native engine, in its own units, with what is needed to answer later questions."""

    formula: str
    method: Method
    columns: tuple[str, ...]
    factors: tuple[Factor, ...]
    likelihood: Likelihood
    units: Units
    centre: Centre
    optimum: Optimum
    fixed_spread: float
    design: Design | None
    n_dropped: int
    dropped_columns: tuple[str, ...]

    @property
    def sigma2(self) -> float:
        return self.optimum.at.r2 / self.likelihood.degrees

    @cached_property
    def to_columns(self) -> Floats:
        """p × p: from coefficients in the engine's units to those of X."""
        return self.centre.change @ self.units.X

    @property
    def beta(self) -> Floats:
        return self.to_columns @ self.optimum.at.beta + self.centre.change @ self.units.y + self.centre.shift

    def covariance_at(self, root: Floats, sigma2: float) -> Floats:
        half = np.linalg.solve(root, self.to_columns.T)
        return sigma2 * half.T @ half

    @property
    def covariance(self) -> Floats:
        return self.covariance_at(self.optimum.at.root, self.sigma2)

    @cached_property
    def relative(self) -> dict[str, Floats]:
        """Λ of each factor in the data's units, lower triangular with a diagonal that is not negative."""
        lambdas = {}
        for factor, Lambda, T in zip(self.likelihood.m.factors, self.optimum.at.factors, self.units.Z, strict=True):
            root = np.zeros_like(Lambda)
            for block in factor.blocks:
                R = np.asarray(np.linalg.qr((T @ Lambda)[block, block].T, mode="r"))
                root[block, block] = (R * np.where(np.diag(R) < 0, -1.0, 1.0)[:, None]).T
            lambdas[factor.name] = root
        return lambdas

    @cached_property
    def curvature(self) -> Curvature:
        with threads_for(self.likelihood.outer.length):
            return curvature(self.likelihood, self.optimum, lambda root: self.covariance_at(root, self.sigma2))

    def degrees(self, contrasts: Floats) -> Floats:
        return degrees_of_freedom(self.curvature, contrasts)

    def modes(self) -> pd.DataFrame:
        with threads_for(self.likelihood.outer.length):
            return conditional_modes(self.likelihood, self.optimum.at, self.units.Z, self.sigma2, self.factors)

    def random_variance(self) -> dict[str, float]:
        m = self.likelihood.m
        parts: dict[str, float] = {}
        for factor, Lambda, products in zip(m.factors, self.optimum.at.factors, mean_products(m), strict=True):
            parts[factor.name] = self.sigma2 * float(np.sum((Lambda @ Lambda.T) * products))
        return {factor.name: parts[factor.name] for factor in self.factors}

    def fixed_variance(self) -> float:
        return self.fixed_spread

    def predict(self, data: Any, random: bool) -> Floats:
        design = self._rows("predict")
        X, Z = self._known_rows() if data is None else new_matrices(design, data, random)
        predicted = np.asarray(X @ self.beta)
        if random:
            modes = self.modes()
            for factor, columns in zip(self.factors, Z, strict=True):
                table = modes.loc[modes["group"] == factor.name, "estimate"].to_numpy().reshape(-1, len(factor.columns))
                predicted += columns @ table.T.ravel()
        return predicted

    def _known_rows(self) -> tuple[Floats, list[sparse.csr_array]]:
        design = self._rows("predict")
        return design.X, [design.random_columns(k) for k in range(len(design.factors))]

    def simulate(self, draws: int, seed: int) -> Floats:
        design, rng = self._rows("simulate"), np.random.default_rng(seed)
        sd = np.sqrt(self.sigma2)
        y = np.repeat((design.X @ self.beta)[:, None], draws, axis=1)
        for k, factor in enumerate(self.factors):
            root, Z = sd * self.relative[factor.name], design.random_columns(k)
            for draw in range(draws):
                y[:, draw] += Z @ (root @ rng.standard_normal((len(root), len(factor.levels)))).ravel()
        noise = sd * rng.standard_normal(y.shape)
        return y + (noise if design.weights is None else noise / np.sqrt(design.weights)[:, None])

    def refit(self, y: Floats | None, method: Method) -> MixedModel:
        if y is None:
            likelihood = replace(self.likelihood, reml=method == "REML")
            return result_of(
                replace(self, method=method, likelihood=likelihood, optimum=_optimum(likelihood, self.formula))
            )
        design = replace(self._rows("refit"), y=np.asarray(y, dtype=np.float64))
        return fit_design(design, self.formula, method, start=self.optimum.theta)

    def _rows(self, what: str) -> Design:
        if self.design is None:
            raise ModelError(
                f"{what} needs the rows, and this model was fitted to sums made in the database. "
                "Fit it to a data frame (for an Ibis table: .execute()) instead."
            )
        return self.design


def fit(
    formula: str, data: Any, method: Method = "REML", weights: str | None = None,
    members: Mapping[str, pd.DataFrame] | None = None,
) -> MixedModel:  # fmt: skip
    """Fit a Gaussian mixed model to the rows of a pandas, polars or Arrow table."""
    with one_thread():
        design = build(parse(formula), data, weights, members)
    model = fit_design(design, formula, method)
    said = tuple(
        f"The fixed effects already tell the levels of {factor.name} apart: its variance is not identified, whatever "
        "is printed for it. Take one of the two out."
        for k, factor in enumerate(design.factors)
        if not members and determines(design.X, design.codes[k], len(factor.levels))
    )
    return replace(model, messages=(*model.messages, *said)) if said else model


def fit_design(design: Design, formula: str, method: Method, start: Floats | None = None) -> MixedModel:
    """Fit a model to its matrices; `start` is θ of a fit to the same rows."""
    F, centre = centred(design)
    steady = {
        factor.name: steadied(factor, Z.mean(axis=0), Z.std(axis=0))
        for factor, Z in zip(design.factors, design.Z, strict=True)
    }
    Z = tuple(
        Z if (steady[factor.name] == np.eye(Z.shape[1])).all() else Z @ steady[factor.name]
        for factor, Z in zip(design.factors, design.Z, strict=True)
    )
    with one_thread():
        raw, centre = moments(replace(design, Z=Z), F), replace(centre, Z=steady)
    spread = lambda beta: design.spread(design.X @ beta)  # noqa: E731
    return fit_moments(
        raw, formula, method, design.columns, design.factors, centre, spread, design.n_dropped, design.dropped_columns,
        design, start,
    )  # fmt: skip


def fit_moments(
    raw: Moments, formula: str, method: Method, columns: tuple[str, ...], factors: tuple[Factor, ...], centre: Centre,
    spread: Callable[[Floats], float], n_dropped: int, dropped_columns: tuple[str, ...], design: Design | None = None,
    start: Floats | None = None,
) -> MixedModel:  # fmt: skip
    """Fit a model to the moments of its rows; `spread` gives the variance of Xβ over the rows."""
    with one_thread():
        m, units = standardised(raw)
        units = replace(units, Z=tuple(centre.Z[f.name] @ T for f, T in zip(raw.factors, units.Z, strict=True)))
        if m.ff[-1, -1] <= 1e-12 * max(raw.ff[-1, -1], 1e-300):
            raise ModelError(
                f"In {formula!r} the fixed effects explain the outcome completely; nothing is left to model."
            )
        inner = eliminate(raw, m)
    likelihood = Likelihood(m, inner, layout(m.outers, inner.rows, inner.cols), method == "REML")
    optimum = _optimum(likelihood, formula, start)
    native = Native(
        formula, method, columns, factors, likelihood, units, centre, optimum, 0.0, design, n_dropped, dropped_columns
    )
    return result_of(replace(native, fixed_spread=spread(native.beta)))


def mean_products(m: Moments) -> list[Floats]:
    """Z'WZ of each factor, inner first, a mean over rows (q × q)."""
    means, start = [m.A.sum(axis=0) / m.n], 0
    for factor in m.outers:
        means.append(column_products(m.outer[start : start + factor.size, start : start + factor.size], factor) / m.n)
        start += factor.size
    return means


def _optimum(likelihood: Likelihood, formula: str, start: Floats | None = None) -> Optimum:
    try:
        with threads_for(likelihood.outer.length):
            return minimise(likelihood, likelihood.start() if start is None else start)
    except np.linalg.LinAlgError as error:
        raise ModelError(
            f"{formula!r} cannot be fitted: {error}. Look for an outcome without residual variation, or for columns "
            "of very different size."
        ) from error


def result_of(native: Native) -> MixedModel:
    """Return what a fit tells, the same as the other engine's."""
    dropped = native.dropped_columns
    variances, singular = _variances(native)
    likelihood = native.likelihood
    reml = likelihood.reml
    converged = native.optimum.converged
    return MixedModel(
        formula=native.formula, method=native.method, engine="native", family="gaussian",
        n_obs=likelihood.m.n, n_dropped=native.n_dropped,
        groups={factor.name: len(factor.levels) for factor in native.factors},
        criterion=native.optimum.at.criterion + (native.units.log_determinant if reml else 0.0),
        n_parameters=likelihood.p + likelihood.size + 1, columns=native.columns, beta=native.beta,
        covariance=native.covariance, variances=variances, converged=converged, singular=singular,
        messages=remarks(converged, singular, dropped, variances), dropped_columns=dropped, fitted=native,
    )  # fmt: skip


def _variances(native: Native) -> tuple[pd.DataFrame, bool]:
    rows: list[tuple[str, str | None, str | None, float]] = []
    singular = False
    for factor in native.factors:
        root = native.relative[factor.name]
        Sigma = native.sigma2 * root @ root.T
        singular |= bool((np.diag(root) < SINGULAR).any())
        for block in factor.blocks:
            at = range(block.start, block.stop)
            rows += [(factor.name, factor.columns[a], None, Sigma[a, a]) for a in at]
            rows += [(factor.name, factor.columns[a], factor.columns[b], Sigma[a, b]) for a in at for b in at if a < b]
    rows.append((RESIDUAL, None, None, native.sigma2))
    table = pd.DataFrame(rows, columns=["group", "term", "other_term", "estimate"])
    return table.astype({"term": object, "other_term": object}), singular
