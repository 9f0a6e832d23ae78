"""The ML deviance with one variance parameter held, made least over all others.

The random effects of a factor have covariance σ²LL', with L lower triangular in each block. What is held stays put in
these coordinates: with its effect first in its block, a standard deviation is σ times the first entry of L; with its
two effects first, a correlation ρ is the second row of L, (bρ, b√(1 − ρ²)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize

from workbench.hlm.design import Factor, Floats, Ints
from workbench.hlm.native import Native

EXACT = 1e-8  # of the deviance
STEP = 1e-4
MOST = 200
FAR = 1e10
Put = Callable[[Floats, float], Floats]
Pull = Callable[[Floats, float, Floats], Floats]


@dataclass(frozen=True)
class Held:
    """`excess` gives, for a value of the held parameter, the least deviance less the minimum; `step` is about as far
    as an interval reaches; `lowest` and `highest` are the ends of the scale."""

    excess: Callable[[float], float]
    step: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Space:
    """All entries of all L, factor after factor, then log σ. `back` (q × q) of each factor turns L into the engine's
    units and order of effects; `start` is the optimum."""

    native: Native
    back: tuple[Floats, ...]
    start: Floats

    def deviance(self, at: Floats) -> tuple[float, Floats]:
        """The ML deviance less its minimum, and its gradient."""
        likelihood, n = self.native.likelihood, self.native.likelihood.m.n
        roots, thetas = self._roots(at), []
        for factor, back, L in zip(likelihood.m.factors, self.back, roots, strict=True):
            thetas.append(lower(back @ L, factor)[factor.free])
        solution = likelihood.solve(np.concatenate(thetas))
        sigma2 = float(np.exp(2 * at[-1]))
        ratio = solution.r2 / sigma2
        value = solution.criterion - self.native.optimum.at.criterion + ratio - n * (1 + np.log(ratio / n))
        slope = likelihood.slope(solution, sigma2)
        gradient = [
            (2 * back.T @ Sigma @ back @ L)[factor.free]
            for factor, back, Sigma, L in zip(likelihood.m.factors, self.back, slope.Sigmas, roots, strict=True)
        ]
        return float(value), np.append(np.concatenate(gradient), 2 * (n - ratio))

    def _roots(self, at: Floats) -> list[Floats]:
        roots, start = [], 0
        for factor in self.native.likelihood.m.factors:
            rows, cols = factor.free
            L = np.zeros((len(factor.columns), len(factor.columns)))
            L[rows, cols] = at[start : start + len(rows)]
            roots.append(L)
            start += len(rows)
        return roots

    def place(self, group: str, row: int, col: int) -> int:
        """Where the entry of L stands."""
        start = 0
        for factor in self.native.likelihood.m.factors:
            rows, cols = factor.free
            if factor.name == group:
                return start + int(np.flatnonzero((rows == row) & (cols == col))[0])
            start += len(rows)
        raise KeyError(group)


def space(native: Native, group: str = "", first: tuple[int, ...] = ()) -> Space:
    """Return the coordinates of a fit in which these effects of a group come first in their block."""
    back, entries = [], []
    for factor, T in zip(native.likelihood.m.factors, native.units.Z, strict=True):
        order = _order(factor, first) if factor.name == group else np.arange(len(factor.columns))
        back.append(np.linalg.inv(T)[:, order])
        entries.append(lower(native.relative[factor.name][order], factor)[factor.free])
    return Space(native, tuple(back), np.append(np.concatenate(entries), np.log(native.sigma2) / 2))


def lower(root: Floats, factor: Factor) -> Floats:
    """The lower-triangular root, block by block, with the same product root root' and no negative diagonal."""
    result = np.zeros_like(root)
    for block in factor.blocks:
        R = np.asarray(np.linalg.qr(root[block, block].T, mode="r"))
        result[block, block] = (R * np.where(np.diag(R) < 0, -1.0, 1.0)[:, None]).T
    return result


def residual(native: Native) -> Held:
    """Hold the residual standard deviation."""
    whole = space(native)
    sigma, n = float(np.sqrt(native.sigma2)), native.likelihood.m.n
    held = len(whole.start) - 1
    least = _least(whole, held, lambda x, value: np.append(x, np.log(value)), lambda x, value, g: g[:-1])
    return Held(least, 2 * sigma / np.sqrt(2 * n), 1e-3 * sigma, np.inf)


def standard_deviation(native: Native, group: str, term: str) -> Held:
    """Hold the standard deviation of one random effect."""
    factor, column = _find(native, group, term)
    whole = space(native, group, (column,))
    at = whole.place(group, *[_block(factor, column).start] * 2)

    def put(x: Floats, value: float) -> Floats:
        return np.insert(x, at, value * np.exp(-x[-1]))

    def pull(x: Floats, value: float, g: Floats) -> Floats:
        own = np.delete(g, at)
        own[-1] -= g[at] * value * np.exp(-x[-1])
        return own

    place = [f.name for f in native.likelihood.m.factors].index(group)
    T = native.units.Z[place][column]
    unit = float(np.sqrt(native.sigma2 * (T @ T)))
    estimate = float(np.sqrt(native.sigma2) * np.linalg.norm(native.relative[group][column]))
    return Held(_least(whole, at, put, pull), 0.25 * max(estimate, 0.2 * unit), 0.0, np.inf)


def correlation(native: Native, group: str, term: str, other: str) -> Held:
    """Hold the correlation of two random effects."""
    factor, one = _find(native, group, term)
    two = _find(native, group, other)[1]
    whole = space(native, group, (one, two))
    row = _block(factor, one).start
    a, b, corner = (whole.place(group, *at) for at in ((row, row), (row + 1, row), (row + 1, row + 1)))

    def put(x: Floats, value: float) -> Floats:
        full = np.insert(x, corner, x[b] * np.sqrt(1 - value**2))
        full[b] = x[b] * value
        return full

    def pull(x: Floats, value: float, g: Floats) -> Floats:
        own = np.delete(g, corner)
        own[b] = g[b] * value + g[corner] * np.sqrt(1 - value**2)
        return own

    start = whole.start.copy()
    start[b] = np.hypot(start[b], start[corner])
    return Held(_least(replace(whole, start=start), corner, put, pull, (a, b)), 0.3, -1.0, 1.0)


def _least(whole: Space, held: int, put: Put, pull: Pull, positive: tuple[int, ...] = ()) -> Callable[[float], float]:
    """The least excess deviance at a value: a search over all coordinates but `held`, from the optimum and from where
    the search at the nearest value ended."""
    scale = 1 / np.sqrt(np.maximum(np.delete(_bend(whole), held), 1.0))
    bounds = [(0.0 if k in positive else -np.inf, np.inf) for k in range(len(scale))]
    ended: dict[float, tuple[float, Floats]] = {}

    def least(value: float) -> float:
        def at(z: Floats) -> tuple[float, Floats]:
            try:
                excess, gradient = whole.deviance(put(z * scale, value))
            except np.linalg.LinAlgError:  # a step too far
                return FAR, np.zeros(len(z))
            return excess, pull(z * scale, value, gradient) * scale

        if value not in ended:
            starts = [np.delete(whole.start, held) / scale]
            if ended:  # the nearest may lie in a corner that the search does not leave
                starts.append(ended[min(ended, key=lambda other: abs(other - value))][1])
            options = {"ftol": EXACT, "maxiter": MOST}
            tried = [
                optimize.minimize(at, start, jac=True, method="SLSQP", bounds=bounds, options=options)
                for start in starts
            ]
            found = min(tried, key=lambda one: one.fun)
            ended[value] = float(found.fun), found.x
        return ended[value][0]

    return least


def _bend(whole: Space) -> Floats:
    """The second derivative in each coordinate at the start."""
    first = whole.deviance(whole.start)[1]
    ends = whole.start + STEP * np.eye(len(first))
    return np.array([(whole.deviance(end)[1][k] - first[k]) / STEP for k, end in enumerate(ends)])


def _find(native: Native, group: str, term: str) -> tuple[Factor, int]:
    factor = next(factor for factor in native.factors if factor.name == group)
    return factor, factor.columns.index(term)


def _block(factor: Factor, column: int) -> slice:
    return next(block for block in factor.blocks if block.start <= column < block.stop)


def _order(factor: Factor, first: tuple[int, ...]) -> Ints:
    """Columns of a factor with these moved to the front of their block."""
    block = _block(factor, first[0])
    rest = [k for k in range(block.start, block.stop) if k not in first]
    return np.array([*range(block.start), *first, *rest, *range(block.stop, len(factor.columns))])
