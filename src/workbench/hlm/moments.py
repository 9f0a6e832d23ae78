"""What a Gaussian mixed model needs to know of its data: cross-products, no rows.

One grouping factor, the one with the most random effects, is *inner*: its block of the normal equations is
block-diagonal and is eliminated level by level. The others are *outer*. With W the weights,

    A[i] = Z_i' W Z_i (q × q)            R[i] = Z_i' W F_i (q × f), F = [X, y]
    C = Z_inner' W Z_outer               G = [Z_outer, F]' W [Z_outer, F]

Random effects are numbered column first: effect k of level l of a factor with L levels is k·L + l.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from workbench.errors import ModelError
from workbench.hlm.design import Design, Factor, Floats, Ints, columns_first


@dataclass(frozen=True)
class Moments:
    """Cross-products of a design in the given units, of y less `shift` and X less `means`.

    A (L × q × q), R (L × q × f), C (sparse, qL × Q), outer (sparse, Q × Q), outer_f (Q × f), ff (f × f);
    `inner` is a factor, `outers` the others; `log_weights` the sum of log w.
    """

    n: int
    inner: Factor
    outers: tuple[Factor, ...]
    A: Floats
    R: Floats
    C: sparse.csr_array
    outer: sparse.csr_array
    outer_f: Floats
    ff: Floats
    log_weights: float = 0.0

    @property
    def factors(self) -> tuple[Factor, ...]:
        return (self.inner, *self.outers)


def inner_first(factors: tuple[Factor, ...], several: Collection[str] = ()) -> list[int]:
    """Return the order of elimination: the factor with most random effects first, the others as written.

    A factor named in `several`, of which a row may have more than one level, cannot be eliminated level by level.
    """
    able = [k for k, factor in enumerate(factors) if factor.name not in several]
    if not able:
        raise ModelError(
            "Every grouping factor has rows with several members; the native engine needs one of the usual kind, "
            "such as (1 | student)."
        )
    largest = max(able, key=lambda k: factors[k].size)
    return [largest, *(k for k in range(len(factors)) if k != largest)]


def moments(design: Design, F: Floats) -> Moments:
    """Sum the rows of a design to its moments, with F (n × f) as the columns [X, y]."""
    order = inner_first(design.factors, design.members)
    w = design.weights
    weighted = F if w is None else F * w[:, None]
    codes, Z = design.codes[order[0]], design.Z[order[0]]
    inner = design.factors[order[0]]
    inner_z = columns_first(codes, Z if w is None else Z * w[:, None], len(inner.levels))
    outer_z = [design.random_columns(k) for k in order[1:]]
    outer = sparse.hstack(outer_z, format="csr") if outer_z else sparse.csr_array((design.n, 0))
    turned = outer.T.tocsr()
    weighted_outer = turned if w is None else turned @ sparse.dia_array((w[None, :], 0), shape=(design.n, design.n))
    return Moments(
        design.n, inner, tuple(design.factors[k] for k in order[1:]),
        level_sums(codes, Z, Z, len(inner.levels), w), level_sums(codes, Z, F, len(inner.levels), w),
        sparse.csr_array(inner_z.T @ outer), sparse.csr_array(weighted_outer @ outer),
        turned @ weighted, F.T @ weighted,
        0.0 if w is None else float(np.log(w).sum()),
    )  # fmt: skip


def level_sums(codes: Ints, left: Floats, right: Floats, levels: int, w: Floats | None = None) -> Floats:
    """Return the sums of left' w right within each level: (levels × a × b)."""
    sums = np.empty((levels, left.shape[1], right.shape[1]))
    ones = [bool((column == 1).all()) for column in left.T] if w is None else [False] * left.shape[1]
    for a in range(left.shape[1]):
        scaled = left[:, a] if w is None else left[:, a] * w
        for b in range(right.shape[1]):
            products = right[:, b] if ones[a] else scaled * right[:, b]
            sums[:, a, b] = np.bincount(codes, products, minlength=levels)
    return sums


@dataclass(frozen=True)
class Units:
    """How the moments were re-expressed so that all numbers are near one: x̃ = x T.

    `X` (p × p) upper triangular, `y` (p) the ordinary least squares fit that was taken off, `Z` one T a factor.
    """

    X: Floats
    y: Floats
    Z: tuple[Floats, ...]
    log_determinant: float


def standardised(m: Moments) -> tuple[Moments, Units]:
    """Re-express moments in well-scaled units; the likelihood differs by a constant only.

    X is made orthonormal (X'WX = n), y becomes its least-squares residual, and each covariance block of Z
    orthonormal on average: any block with all its covariances is equivariant under such a change.
    """
    p = m.ff.shape[0] - 1
    root = np.linalg.cholesky(m.ff[:p, :p] / m.n).T
    T = np.linalg.inv(root) if p else np.zeros((0, 0))
    fit = T @ (T.T @ m.ff[:p, p]) / m.n
    change = np.zeros((p + 1, p + 1))
    change[:p, :p], change[:p, p], change[p, p] = T, -fit, 1.0
    inner_t = _block_units(m.inner, m.A.sum(axis=0), m.n)
    outer_t, start = [], 0
    for factor in m.outers:
        stop = start + factor.size
        outer_t.append(_block_units(factor, column_products(m.outer[start:stop, start:stop], factor), m.n))
        start = stop
    left, right = _kron(inner_t, len(m.inner.levels)), sparse.block_diag(
        [_kron(t, len(f.levels)) for t, f in zip(outer_t, m.outers, strict=True)] or [sparse.csr_array((0, 0))],
        format="csr",
    )  # fmt: skip
    scaled = Moments(
        m.n, m.inner, m.outers,
        inner_t.T @ m.A @ inner_t, inner_t.T @ m.R @ change,
        sparse.csr_array(left.T @ m.C @ right), sparse.csr_array(right.T @ m.outer @ right),
        right.T @ m.outer_f @ change, change.T @ m.ff @ change, m.log_weights,
    )  # fmt: skip
    log_determinant = 2.0 * float(np.log(np.diag(root)).sum()) if p else 0.0
    return scaled, Units(T, fit, (inner_t, *outer_t), log_determinant)


def _block_units(factor: Factor, products: Floats, n: int) -> Floats:
    """T of one factor: inverse Cholesky root of each block's mean cross-product."""
    T = np.zeros_like(products)
    for block in factor.blocks:
        part = products[block, block] / n
        scale = 1 / np.sqrt(np.where(np.diag(part) > 0, np.diag(part), 1.0))
        whitened = part * scale[:, None] * scale[None, :]
        values = np.linalg.eigvalsh(whitened)
        if values[0] > 1e-8 * values[-1]:
            root = np.linalg.cholesky(whitened)
            T[block, block] = scale[:, None] * np.linalg.inv(root).T
        else:  # columns that determine each other: scale them only
            T[block, block] = np.diag(scale)
    return T


def column_products(outer: sparse.csr_array, factor: Factor) -> Floats:
    """Z'WZ of one factor summed over its levels: q × q."""
    q, levels = len(factor.columns), len(factor.levels)
    return np.array(
        [
            [outer[a * levels : (a + 1) * levels, b * levels : (b + 1) * levels].diagonal().sum() for b in range(q)]
            for a in range(q)
        ]
    )


def _kron(T: Floats, levels: int) -> sparse.csr_array:
    return sparse.csr_array(sparse.kron(T, sparse.eye_array(levels), format="csr"))
