"""The profiled criterion of a Gaussian mixed model, and its gradient.

With Σ_j = Λ_j Λ_j' the variances relative to σ², G the cross-products of [Z_outer, X, y] after the inner factor is
eliminated, S = Λ'G_zzΛ + I and H = G_ff − G_fz Λ S⁻¹ Λ' G_zf,

    criterion = log|Λ'Z'WZΛ + I| + [log|H_xx|] + d (1 + log(2π r²/d)) − Σ log w,      r² = H_yy − H_yx H_xx⁻¹ H_xy,

d = n − p with the term in brackets for REML, d = n without it for maximum likelihood (Bates, Mächler, Bolker &
Walker 2015, equations 34 and 41, eliminated in blocks). The gradient is the reverse sweep through the same steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag

from workbench.hlm import outer
from workbench.hlm.design import Factor, Floats, Ints
from workbench.hlm.elimination import Elimination
from workbench.hlm.moments import Moments

SMALLEST = 1e-8  # a diagonal of Λ is kept this far from 0, which changes no digit that is reported


@dataclass(frozen=True)
class Solution:
    """The model solved at given Λ: `criterion`, `r2` (penalised residual sum of squares), `beta` (p), the root
    of H_xx (p × p, lower), V of each pattern, `u` (Q × f) = S⁻¹Λ'G_zf, and the roots of S."""

    factors: tuple[Floats, ...]
    criterion: float
    r2: float
    beta: Floats
    root: Floats
    V: Floats
    u: Floats
    roots: outer.Roots | None


@dataclass(frozen=True)
class Part:
    """One factor's share of the slope: its Λ, the derivative Σ̄ in its variances, and with T = Λ'QΛ of each
    level (what its data say, between 0 and I) the sums of T and of T ⊗ T."""

    Lambda: Floats
    Sigma: Floats
    T: Floats
    TT: Floats


@dataclass(frozen=True)
class Slope:
    """The `gradient` in θ (k), a positive approximation of the Hessian (k × k), and Σ̄ of each factor.

    `hessian` is the expected information with levels taken as independent; it steers, it is not reported. `scored`
    is θ after a scoring step in the variances themselves, which far from the minimum is the better guide.
    """

    gradient: Floats
    hessian: Floats
    Sigmas: tuple[Floats, ...]
    scored: Floats


@dataclass(frozen=True)
class Likelihood:
    """Moments ready to be evaluated; `reml` chooses the criterion."""

    m: Moments
    inner: Elimination
    outer: outer.Outer
    reml: bool

    @property
    def degrees(self) -> int:
        """d of the criterion."""
        return self.m.n - (self.p if self.reml else 0)

    @property
    def p(self) -> int:
        return self.m.ff.shape[0] - 1

    @property
    def size(self) -> int:
        """Number of variance parameters θ: the free entries of all Λ."""
        return sum(len(factor.free[0]) for factor in self.m.factors)

    def start(self) -> Floats:
        """θ for uncorrelated effects, each with the residual's variance in the units of the moments."""
        return np.concatenate([(f.free[0] == f.free[1]).astype(np.float64) for f in self.m.factors])

    def solve(self, theta: Floats) -> Solution:
        """Solve the model at θ. Raises numpy.linalg.LinAlgError where a matrix is not positive definite."""
        lambdas = split(self.m.factors, theta)
        V, log_det = _shrunken(self.inner.A, lambdas[0])
        logs = float(self.inner.count @ log_det)
        taken = np.einsum("sqf,sqr,srg->fg", self.inner.R, V[self.inner.R_pattern], self.inner.R, optimize=True)
        G_ff = self.m.ff - taken
        roots, right = None, self._right(V, lambdas[1:])
        H = G_ff
        if len(right):
            roots = outer.assemble(self.outer, self._entries(V), lambdas[1:])
            halves, products = outer.half_solved(self.outer, roots, right)
            logs += roots.log_determinant
            H = G_ff - products
        p = self.p
        root = np.linalg.cholesky(H[:p, :p])
        c = np.linalg.solve(root, H[:p, p])
        r2 = float(H[p, p] - c @ c)
        if not r2 > 0:
            raise np.linalg.LinAlgError("nothing is left unexplained")
        beta = np.linalg.solve(root.T, c) if p else c
        d = self.degrees
        criterion = logs + d * (1 + np.log(2 * np.pi * r2 / d)) - self.m.log_weights
        if self.reml and p:
            criterion += 2.0 * float(np.log(np.diag(root)).sum())
        u = outer.back_solved(self.outer, roots, halves) if roots else right
        return Solution(lambdas, float(criterion), r2, beta, root, V, u, roots)

    def slope(self, at: Solution, sigma2: float | None = None) -> Slope:
        """Return the gradient of the profiled criterion at a solution, or of the full one at a given σ²."""
        p = self.p
        inverse_root = np.linalg.inv(at.root) if p else at.root
        v = np.append(-at.beta, 1.0)
        H = np.outer(v, v) * (self.degrees / at.r2 if sigma2 is None else 1 / sigma2)
        if self.reml:
            H[:p, :p] += inverse_root.T @ inverse_root
        V_bar = -((self.inner.R @ H) @ self.inner.R.transpose(0, 2, 1))
        V_bar = _by_pattern(V_bar, self.inner.R_pattern, len(self.inner.A))
        parts: list[Part] = []
        if at.roots is not None:
            inverse = outer.inverse(self.outer, at.roots)
            weight = at.u @ H
            parts = self._outer_parts(at, inverse, weight)
            V_bar += self._inner_from_outer(at, inverse, weight)
        A, Lambda = self.inner.A, at.factors[0]
        left = np.eye(A.shape[1]) - A @ at.V
        Sigma = np.tensordot(self.inner.count, left @ A, 1) + (left @ V_bar @ left.transpose(0, 2, 1)).sum(axis=0)
        shrinkage = Lambda.T @ left @ A @ Lambda
        inner = Part(Lambda, Sigma, *_kron_sum(shrinkage, self.inner.count))
        return _slope([inner, *parts], self.m.factors, self.degrees)

    def _entries(self, V: Floats) -> Floats:
        """The entries of G between outer effects, the inner factor eliminated."""
        upper = np.triu_indices(V.shape[1])
        return np.asarray(self.inner.base - self.inner.pairs @ V[:, upper[0], upper[1]].ravel())

    def _right(self, V: Floats, lambdas: tuple[Floats, ...]) -> Floats:
        """Λ'G_zf (Q × f)."""
        e = self.inner
        if self.m.outer.shape[0] == 0:
            return np.zeros((0, self.p + 1))
        turned = np.einsum("gqr,grf->qgf", V[e.C_pattern], e.C_R).reshape(V.shape[1] * len(e.C_pattern), -1)
        return self.times_outer(np.array(self.m.outer_f - e.C.T @ turned), lambdas, transpose=True)

    def times_outer(self, x: Floats, lambdas: tuple[Floats, ...], transpose: bool = False) -> Floats:
        """(Λ ⊗ I) x, or its transpose, factor by factor; effects are numbered column first."""
        result = np.empty_like(x)
        start = 0
        for L, factor in zip(lambdas, self.m.outers, strict=True):
            levels, q = len(factor.levels), len(factor.columns)
            block = x[start : start + q * levels].reshape(q, levels, -1)
            mixed = np.tensordot(L.T if transpose else L, block, axes=1) if q > 1 else L[0, 0] * block
            result[start : start + q * levels] = mixed.reshape(q * levels, -1)
            start += q * levels
        return result

    def _outer_parts(self, at: Solution, inverse: Floats, weight: Floats) -> list[Part]:
        """Λ'Σ̄Λ = L·I − Σ_levels (S⁻¹ + u H̄ u') of each outer factor, and Λ'QΛ = I − S⁻¹ level by level."""
        parts, start = [], 0
        for Lambda, factor, own in zip(at.factors[1:], self.m.outers, self.outer.own, strict=True):
            levels, q = len(factor.levels), len(factor.columns)
            mine = slice(start, start + factor.size)
            u, w = at.u[mine].reshape(q, levels, -1), weight[mine].reshape(q, levels, -1)
            shrinkage = np.eye(q) - inverse[own]
            W = shrinkage.sum(axis=0) - np.tensordot(u, w, axes=([1, 2], [1, 2]))
            back = np.linalg.inv(Lambda)
            parts.append(Part(Lambda, back.T @ W @ back, *_kron_sum(shrinkage, np.ones(levels))))
            start += factor.size
        return parts

    def _inner_from_outer(self, at: Solution, inverse: Floats, weight: Floats) -> Floats:
        """What the outer part adds to the derivative in each pattern's V."""
        e, q = self.inner, at.V.shape[1]
        entries = outer.entries_of(self.outer, inverse, at.u, weight, at.factors[1:])
        packed = (e.pairs.T @ (entries * np.where(e.rows == e.cols, 1.0, 2.0))).reshape(-1, q * (q + 1) // 2)
        bar = np.zeros((len(packed), q, q))
        k, m = np.triu_indices(q)
        half = np.where(k == m, 1.0, 0.5)
        bar[:, k, m] = -packed * half
        bar[:, m, k] = -packed * half
        cross = -2 * self.times_outer(weight, at.factors[1:])
        groups = len(e.C_pattern)
        met = (e.C @ cross).reshape(q, groups, -1)
        product = np.einsum("qgf,grf->gqr", met, e.C_R)
        return bar - _by_pattern((product + product.transpose(0, 2, 1)) / 2, e.C_pattern, len(e.A))


def split(factors: tuple[Factor, ...], theta: Floats) -> tuple[Floats, ...]:
    """Return θ as one lower-triangular Λ a factor, its diagonal kept away from zero."""
    lambdas, start = [], 0
    for factor in factors:
        rows, cols = factor.free
        Lambda = np.zeros((len(factor.columns), len(factor.columns)))
        Lambda[rows, cols] = theta[start : start + len(rows)]
        diagonal = np.diag(Lambda)
        small = np.abs(diagonal) < SMALLEST
        Lambda[np.diag_indices_from(Lambda)] = np.where(small, np.where(diagonal < 0, -SMALLEST, SMALLEST), diagonal)
        lambdas.append(Lambda)
        start += len(rows)
    return tuple(lambdas)


def _shrunken(A: Floats, Lambda: Floats) -> tuple[Floats, Floats]:
    """V = Λ(Λ'AΛ + I)⁻¹Λ' (P × q × q) and log|Λ'AΛ + I| (P) of each pattern."""
    M = Lambda.T @ A @ Lambda + np.eye(len(Lambda))
    if len(Lambda) == 1:
        return Lambda[0, 0] ** 2 / M, np.log(M[:, 0, 0])
    if len(Lambda) == 2:
        det = M[:, 0, 0] * M[:, 1, 1] - M[:, 0, 1] ** 2
        inverse = np.empty_like(M)
        inverse[:, 0, 0], inverse[:, 1, 1] = M[:, 1, 1] / det, M[:, 0, 0] / det
        inverse[:, 0, 1] = inverse[:, 1, 0] = -M[:, 0, 1] / det
        return Lambda @ inverse @ Lambda.T, np.log(det)
    return Lambda @ np.linalg.inv(M) @ Lambda.T, np.linalg.slogdet(M)[1]


def _by_pattern(values: Floats, pattern: np.ndarray, patterns: int) -> Floats:
    q = values.shape[1]
    flat = values.reshape(len(values), -1)
    return np.stack([np.bincount(pattern, column, minlength=patterns) for column in flat.T], 1).reshape(-1, q, q)


def _kron_sum(T: Floats, count: Floats) -> tuple[Floats, Floats]:
    q = T.shape[1]
    flat = T.reshape(len(T), -1)
    products = (flat * count[:, None]).T @ flat  # [ab, cd]
    return (count @ flat).reshape(q, q), products.reshape(q, q, q, q)


def _slope(parts: list[Part], factors: tuple[Factor, ...], degrees: int) -> Slope:
    """Assemble: Λ̄ = 2Σ̄Λ; information tr(T N_i T N_j) with N = Λ⁻¹dΛ + (Λ⁻¹dΛ)', less what σ² takes up."""
    gradients, blocks, means, scored_blocks, scored_means, slopes = [], [], [], [], [], []
    for part, factor in zip(parts, factors, strict=True):
        rows, cols = factor.free
        N = _directions(np.linalg.inv(part.Lambda), rows, cols)
        values, vectors = np.linalg.eigh(part.Sigma)
        bent = (vectors * np.maximum(values, 0)) @ vectors.T
        curvature = 2 * bent[np.ix_(rows, rows)] * (cols[:, None] == cols[None, :])
        blocks.append(np.einsum("iab,bcda,jcd->ij", N, part.TT, N, optimize=True) + curvature)
        means.append(np.einsum("ab,iba->i", part.T, N))
        gradients.append((2 * part.Sigma @ part.Lambda)[rows, cols])
        M = _directions(np.eye(len(part.Lambda)), rows, cols)
        scored_blocks.append(np.einsum("iab,bcda,jcd->ij", M, part.TT, M, optimize=True))
        scored_means.append(np.einsum("ab,iba->i", part.T, M))
        slopes.append(np.einsum("ab,iba->i", part.Lambda.T @ part.Sigma @ part.Lambda, M))
    hessian = _profiled(blocks, means, degrees)
    information = _profiled(scored_blocks, scored_means, degrees)
    step = -np.linalg.lstsq(information, np.concatenate(slopes), rcond=1e-10)[0]
    scored = _scored(parts, factors, step)
    return Slope(np.concatenate(gradients), hessian, tuple(part.Sigma for part in parts), scored)


def _directions(back: Floats, rows: Ints, cols: Ints) -> Floats:
    """back·E + (back·E)' for the matrix E with a one at each free entry (k × q × q)."""
    N = np.zeros((len(rows), *back.shape))
    N[np.arange(len(rows)), :, cols] = back[:, rows].T
    return N + N.transpose(0, 2, 1)


def _profiled(blocks: list[Floats], means: list[Floats], degrees: int) -> Floats:
    mean = np.concatenate(means)
    return np.asarray(block_diag(*blocks) - np.outer(mean, mean) / degrees)


def _scored(parts: list[Part], factors: tuple[Factor, ...], step: Floats) -> Floats:
    """θ of the variances Λ(I + M)Λ', M a step in the scale of Λ that leaves each variance at least a part."""
    thetas, start = [], 0
    for part, factor in zip(parts, factors, strict=True):
        rows, cols = factor.free
        M = np.tensordot(step[start : start + len(rows)], _directions(np.eye(len(part.Lambda)), rows, cols), axes=1)
        values, vectors = np.linalg.eigh(M)
        grown = (vectors * np.clip(1 + values, 0.004, 16.0)) @ vectors.T
        root = np.zeros_like(M)
        for block in factor.blocks:
            root[block, block] = np.linalg.cholesky(grown[block, block])
        thetas.append((part.Lambda @ root)[rows, cols])
        start += len(rows)
    return np.concatenate(thetas)
