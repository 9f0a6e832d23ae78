"""Degrees of freedom of fixed effects, from how well the variances are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbench.hlm.design import Floats
from workbench.hlm.deviance import Likelihood
from workbench.hlm.optimise import Optimum

STEP = 0.01  # of a standard error


@dataclass(frozen=True)
class Curvature:
    """`covariance` (k+1 × k+1) of the variance parameters (θ, log σ²), the covariance of the fixed effects
    `V` (p × p), and its `slopes` (k+1 × p × p)."""

    covariance: Floats
    V: Floats
    slopes: Floats


def curvature(likelihood: Likelihood, optimum: Optimum, V_at: Callable[[Floats], Floats]) -> Curvature:
    """Return the asymptotic covariance of (θ, log σ²), twice the inverse Hessian of the criterion.

    The Hessian is taken from differences of the analytic gradient; `V_at` gives the fixed effects' covariance for
    the root of H_xx at the estimated σ².
    """
    theta, sigma2 = optimum.theta, optimum.at.r2 / likelihood.degrees
    k = len(theta)
    steps = STEP * np.sqrt(2 / np.maximum(np.diag(optimum.slope.hessian), 1e-2))
    steps = np.minimum(steps, 1e-2)
    hessian = np.zeros((k + 1, k + 1))
    V = V_at(optimum.at.root)
    dV = np.zeros((k + 1, *V.shape))
    for i in range(k):
        ends = []
        for side in (1.0, -1.0):
            moved = theta.copy()
            moved[i] += side * steps[i]
            at = likelihood.solve(moved)
            ends.append((likelihood.slope(at, sigma2).gradient, V_at(at.root)))
        hessian[i, :k] = (ends[0][0] - ends[1][0]) / (2 * steps[i])
        dV[i] = (ends[0][1] - ends[1][1]) / (2 * steps[i])
    fit = 2 * (likelihood.slope(optimum.at, sigma2).gradient - likelihood.slope(optimum.at, 2 * sigma2).gradient)
    hessian[:k, k] = hessian[k, :k] = -fit
    hessian[k, k] = likelihood.degrees
    dV[k] = V
    return Curvature(2 * _inverse((hessian + hessian.T) / 2), V, dV)


def degrees_of_freedom(c: Curvature, contrasts: Floats) -> Floats:
    """Return 2 v² / Var(v) for v = l'Vl of each contrast (m × p): Fai & Cornelius (1996); lmerTest."""
    v = np.einsum("mp,pq,mq->m", contrasts, c.V, contrasts)
    slope = np.einsum("mp,kpq,mq->mk", contrasts, c.slopes, contrasts)
    variance = np.einsum("mk,kj,mj->m", slope, c.covariance, slope)
    with np.errstate(divide="ignore"):
        return np.asarray(2 * v**2 / variance)


def _inverse(hessian: Floats) -> Floats:
    """The inverse on the directions in which the criterion bends upwards, as lmerTest takes it."""
    scale = np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-12))
    values, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
    good = values > 1e-8 * values.max()
    return (vectors[:, good] / values[good]) @ vectors[:, good].T / np.outer(scale, scale)
