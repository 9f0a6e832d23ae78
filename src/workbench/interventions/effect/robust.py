"""Least squares with errors that hold within clusters: CR2 and its degrees of freedom (Bell & McCaffrey 2002)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError

Floats = NDArray[Any]
SETTLED = 1e-9
"""A cluster whose rows a coefficient fits exactly has 1 − leverage of zero, up to rounding."""


@dataclass(frozen=True)
class Fit:
    """Coefficients (p,), residuals (n,), bread (X′WX)⁻¹ (p, p), and the weighted rows they came from."""

    coefficients: Floats
    residuals: Floats
    bread: Floats
    rows: Floats
    clusters: NDArray[np.int64]


@dataclass(frozen=True)
class Contrast:
    """One linear combination of coefficients: its estimate, CR2 standard error and Satterthwaite degrees of freedom."""

    estimate: float
    std_error: float
    df: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Limits by Student's t."""
        from scipy.stats import t

        reach = float(t.ppf((1 + level) / 2, self.df)) * self.std_error
        return self.estimate - reach, self.estimate + reach

    @property
    def p(self) -> float:
        """The two-sided p of no effect."""
        from scipy.stats import t

        return float(2 * t.sf(abs(self.estimate) / self.std_error, self.df))


def least_squares(x: Any, y: Any, clusters: Any = None, weights: Any = None) -> Fit:
    """Fit y (n,) on x (n, p) by least squares with optional `weights`; `clusters` are labels, each row its own if None.

    Raises ModelError where the columns of x are not independent.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    root = np.ones(len(y)) if weights is None else np.sqrt(np.asarray(weights, float))
    rows, target = x * root[:, None], y * root
    spread = np.linalg.norm(rows, axis=0)
    if not spread.all() or np.linalg.matrix_rank(rows / np.where(spread > 0, spread, 1)) < x.shape[1]:
        raise ModelError(
            "The columns of the regression are not independent: one is constant, or a combination of others, among "
            "these rows. Leave out a covariate, or a group with hardly any rows."
        )
    bread = np.linalg.inv(rows.T @ rows)
    coefficients = bread @ (rows.T @ target)
    labels = np.arange(len(y)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    return Fit(coefficients, target - rows @ coefficients, bread, rows, labels)


def contrast(fit: Fit, weights: Any) -> Contrast:
    """The combination `weights` (p,) of coefficients with its CR2 variance and degrees of freedom.

    With H_g the leverage of cluster g and A_g = (I − H_g)^(−1/2), the variance is Σ (c′(X′X)⁻¹ X_g′ A_g e_g)², unbiased
    where errors are independent and alike (Bell & McCaffrey 2002). Degrees of freedom are 2 E² / Var of it in that case
    (Satterthwaite 1946): with u_g = A_g X_g (X′X)⁻¹c the matrix Ω = diag(u_g′u_g) − Z(X′X)⁻¹Z′, the rows of Z being
    X_g′u_g, gives tr(Ω)² / tr(ΩΩ) (Pustejovsky & Tipton 2018). Weighted rows are taken as independent and alike after
    weighting. Every cluster its own row gives HC2 (MacKinnon & White 1985).
    Raises ModelError where no cluster is left to tell an error.
    """
    weights = np.asarray(weights, float)
    scores, z, own = _by_cluster(fit, fit.bread @ weights)
    variance = float((scores**2).sum())
    inner = z.T @ z
    leverage = np.einsum("gi,ij,gj->g", z, fit.bread, z)
    trace = float((own - leverage).sum())
    square = float((own**2 - 2 * own * leverage).sum() + np.trace(fit.bread @ inner @ fit.bread @ inner))
    if variance <= 0 or square <= SETTLED * trace**2 or trace <= 0:
        raise ModelError(
            "Nothing tells the error of this effect: every row or cluster is fitted exactly. More clusters, or fewer "
            "covariates, are needed."
        )
    return Contrast(float(weights @ fit.coefficients), variance**0.5, trace**2 / square)


def _by_cluster(fit: Fit, direction: Floats) -> tuple[Floats, Floats, Floats]:
    """Scores u_g′e_g (G,), X_g′u_g (G, p) and u_g′u_g (G,), u_g = A_g X_g `direction`."""
    if fit.clusters.max() + 1 == len(fit.residuals):
        left = 1 - np.einsum("ni,ij,nj->n", fit.rows, fit.bread, fit.rows)
        u = fit.rows @ direction * _inverse_root(left)
        return u * fit.residuals, fit.rows * u[:, None], u**2
    order = np.argsort(fit.clusters, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(fit.clusters[order])) + 1)
    root = np.linalg.cholesky(fit.bread)
    each = [_one_cluster(fit.rows[part], fit.residuals[part], root, direction) for part in parts]
    return tuple(np.array(column) for column in zip(*each, strict=True))  # type: ignore[return-value]


def _one_cluster(rows: Floats, residuals: Floats, root: Floats, direction: Floats) -> tuple[float, Floats, float]:
    """Score, X_g′u_g and u_g′u_g of one cluster; A_g through the thin singular vectors of its leverage."""
    vectors, values, _ = np.linalg.svd(rows @ root, full_matrices=False)
    plain = rows @ direction
    u = plain + vectors @ ((_inverse_root(1 - values**2) - 1) * (vectors.T @ plain))
    return float(u @ residuals), rows.T @ u, float(u @ u)


def _inverse_root(left: Floats) -> Floats:
    """x^(−1/2), and 0 where x is zero: what is fitted exactly tells no error."""
    return np.where(left > SETTLED, 1 / np.sqrt(np.maximum(left, SETTLED)), 0.0)
