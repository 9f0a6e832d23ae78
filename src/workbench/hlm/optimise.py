"""Finding the variances: scoring steps first, then quasi-Newton, until nothing is left to gain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.hlm.design import Floats
from workbench.hlm.deviance import Likelihood, Slope, Solution, split

GAIN = 1e-11  # stop where a step promises less, on the scale of the criterion
MOST = 200
SCORING = 4  # steps that trust the expected information; after them curvature is learned from the gradients


@dataclass(frozen=True)
class Optimum:
    """The best point found: θ, the solution and slope there, evaluations used, and whether it is a minimum."""

    theta: Floats
    at: Solution
    slope: Slope
    evaluations: int
    converged: bool


def minimise(likelihood: Likelihood, start: Floats) -> Optimum:
    """Minimise the profiled criterion in θ.

    The criterion is even in each column of Λ, so θ is free of bounds and a variance of zero is an ordinary
    minimum; from a saddle at zero, where the derivative in a variance is negative, the search goes on.
    """
    best = _descend(likelihood, start)
    for _ in range(5):
        raised = _raised(likelihood, best)
        if raised is None:
            return best
        again = _descend(likelihood, raised)
        used = best.evaluations + again.evaluations
        if again.at.criterion > best.at.criterion - 1e-7:
            return best
        best = Optimum(again.theta, again.at, again.slope, used, again.converged)
    return best


def _descend(likelihood: Likelihood, start: Floats) -> Optimum:
    theta, at = start, likelihood.solve(start)
    slope = likelihood.slope(at)
    used, B = 1, _positive(slope.hessian)
    for turn in range(MOST):
        step = -np.linalg.solve(B, slope.gradient)
        gain = -float(slope.gradient @ step) / 2
        if gain < GAIN:
            return Optimum(theta, at, slope, used, True)
        step *= min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        found = _scored(likelihood, at, slope, gain) if turn < SCORING else None
        used += turn < SCORING
        if found is None:
            found = _line(likelihood, theta, at, slope, step)
            used += found[2]
        if found[1] is None:
            return Optimum(theta, at, slope, used, gain < 1e-6 + 1e-12 * abs(at.criterion))
        moved, now = found[0] - theta, likelihood.slope(found[1])
        B = _positive(now.hessian) if turn < SCORING else _updated(B, moved, now.gradient - slope.gradient)
        theta, at, slope = found[0], found[1], now
    return Optimum(theta, at, slope, used, False)


def _scored(
    likelihood: Likelihood, at: Solution, slope: Slope, gain: float
) -> tuple[Floats, Solution | None, int] | None:
    """The scoring step in the variances, where it gains what it should."""
    try:
        tried = likelihood.solve(slope.scored)
    except np.linalg.LinAlgError:
        return None
    return (slope.scored, tried, 1) if tried.criterion < at.criterion - 0.5 * gain else None


def _line(
    likelihood: Likelihood, theta: Floats, at: Solution, slope: Slope, step: Floats
) -> tuple[Floats, Solution | None, int]:
    """The first of ever shorter steps that lowers the criterion enough (Armijo), as far as rounding can tell."""
    downhill, noise = float(slope.gradient @ step), 1e-14 * abs(at.criterion)
    length = 1.0
    for tries in range(1, 31):
        try:
            tried = likelihood.solve(theta + length * step)
            if tried.criterion <= at.criterion + 1e-4 * length * downhill + noise:
                return theta + length * step, tried, tries
            bend = tried.criterion - at.criterion - length * downhill
            shorter = -downhill * length / (2 * bend) if bend > 0 else 0.5
            length *= min(0.5, max(0.1, shorter))
        except np.linalg.LinAlgError:
            length *= 0.25
    return theta, None, 30


def _updated(B: Floats, moved: Floats, turned: Floats) -> Floats:
    """BFGS, damped so that B stays positive (Powell 1978; Nocedal & Wright 2006, procedure 18.2)."""
    Bs = B @ moved
    curvature, expected = float(moved @ turned), float(moved @ Bs)
    if curvature < 0.2 * expected:
        share = 0.8 * expected / (expected - curvature)
        turned = share * turned + (1 - share) * Bs
        curvature = float(moved @ turned)
    return B - np.outer(Bs, Bs) / expected + np.outer(turned, turned) / curvature


def _positive(B: Floats) -> Floats:
    """B with eigenvalues raised above a small share of the largest one of its own scale."""
    scale = np.sqrt(np.maximum(np.diag(B), 1e-6 * max(float(np.diag(B).max()), 1e-12)))
    values, vectors = np.linalg.eigh(B / np.outer(scale, scale))
    return np.outer(scale, scale) * ((vectors * np.maximum(values, 1e-2)) @ vectors.T)


def _raised(likelihood: Likelihood, best: Optimum) -> Floats | None:
    """θ with some variance added where the criterion would fall by it, or None."""
    theta, start, found = best.theta.copy(), 0, False
    for factor, Lambda, Sigma in zip(
        likelihood.m.factors, split(likelihood.m.factors, best.theta), best.slope.Sigmas, strict=True
    ):
        rows, cols = factor.free
        for block in factor.blocks:
            values, vectors = np.linalg.eigh(Sigma[block, block])
            if values[0] < -1e-3:
                v = vectors[:, 0]
                Lambda[block, block] = np.linalg.cholesky(
                    Lambda[block, block] @ Lambda[block, block].T + 0.01 * np.outer(v, v) + 1e-12 * np.eye(len(v))
                )
                found = True
        theta[start : start + len(rows)] = Lambda[rows, cols]
        start += len(rows)
    return theta if found else None
