"""The outer factors' share of the normal equations, S = Λ'GΛ + I, in as small dense matrices as it falls into.

Levels of the outer factors that no level of the inner one connects, directly or through others, have nothing to do
with each other in S: schools of districts between which nobody moved. Each connected component is one dense matrix;
components of like size are worked on together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import lapack
from scipy.sparse.csgraph import connected_components

from workbench.errors import ModelError
from workbench.hlm.design import Factor, Floats, Ints

ALONE = 256  # from this size on a component is worked on by itself
MOST_BYTES = 12e9


@dataclass(frozen=True)
class Bucket:
    """`count` components of `size` effects each, from `offset` of the flat storage on.

    `effects` (count × size) names the outer effect at each place, −1 where a component is smaller.
    """

    offset: int
    count: int
    size: int
    effects: Ints

    @property
    def stop(self) -> int:
        return self.offset + self.count * self.size**2


@dataclass(frozen=True)
class Meeting:
    """All pairs of levels of two factors that meet: B pairs, each a block (qj × qk) of G.

    `entry` numbers each number of a block among the entries of G (E for one that is zero), `place` its place in
    the flat storage.
    """

    factors: tuple[int, int]
    entry: Ints
    place: Ints


@dataclass(frozen=True)
class Outer:
    """Where everything of S is; `own` gives for each factor the places of its levels' own blocks (L × q × q)."""

    size: int
    entries: int
    length: int
    buckets: tuple[Bucket, ...]
    meetings: tuple[Meeting, ...]
    own: tuple[Ints, ...]


@dataclass(frozen=True)
class Roots:
    """Cholesky roots of the components of S (lower), and log|S|."""

    parts: tuple[Floats, ...]
    log_determinant: float


def layout(factors: tuple[Factor, ...], rows: Ints, cols: Ints) -> Outer:
    """Arrange S from the effects (rows ≥ cols) that meet in an entry of G; raises ModelError where it is too large."""
    size = sum(factor.size for factor in factors)
    if not factors:
        return Outer(0, 0, 0, (), (), ())
    owner, level, column, node = _numbering(factors)
    nodes = sum(len(factor.levels) for factor in factors)
    graph = sparse.coo_array((np.ones(len(rows)), (node[rows], node[cols])), shape=(nodes, nodes))
    component = connected_components(graph, directed=False)[1][node]
    buckets, place = _buckets(component, size)
    length = buckets[-1].stop if buckets else 0
    if 24 * length > MOST_BYTES:
        raise ModelError(
            f"The crossed grouping factors {', '.join(f.name for f in factors)} form one system of {size:,} random "
            f"effects, which would take {24 * length / 1e9:.0f} GB. Use coarser groups, or fewer random slopes."
        )
    flat = _flat(buckets, place)
    meetings = []
    for j in range(len(factors)):
        for k in range(j + 1):
            meeting = _meeting(factors, j, k, rows, cols, owner, level, column, flat)
            if meeting is not None:
                meetings.append(meeting)
    starts = np.concatenate([[0], np.cumsum([factor.size for factor in factors])])
    own = []
    for factor, start in zip(factors, starts[:-1], strict=True):
        L, q = len(factor.levels), len(factor.columns)
        at = start + np.arange(L)[:, None] + L * np.arange(q)[None, :]
        own.append(flat(at[:, :, None], at[:, None, :]))
    return Outer(size, len(rows), length, buckets, tuple(meetings), tuple(own))


def assemble(outer: Outer, entries: Floats, lambdas: tuple[Floats, ...]) -> Roots:
    """Return the roots of S = Λ'GΛ + I for the entries of G; raises LinAlgError where S is not positive definite."""
    flat = np.zeros(outer.length)
    padded = np.append(entries, 0.0)
    for meeting in outer.meetings:
        j, k = meeting.factors
        flat[meeting.place] = lambdas[j].T @ padded[meeting.entry] @ lambdas[k]
    parts, total = [], 0.0
    for bucket in outer.buckets:
        S = flat[bucket.offset : bucket.stop].reshape(bucket.count, bucket.size, bucket.size)
        S[:, np.arange(bucket.size), np.arange(bucket.size)] += 1.0
        root = _alone(S[0])[None] if bucket.size >= ALONE else np.linalg.cholesky(S)
        total += 2.0 * float(np.log(np.diagonal(root, axis1=1, axis2=2)).sum())
        parts.append(root)
    return Roots(tuple(parts), total)


def half_solved(outer: Outer, roots: Roots, right: Floats) -> tuple[list[Floats], Floats]:
    """Return L⁻¹ right by component, for `back_solved`, and the sum of its squares and products (f × f)."""
    halves, products = [], np.zeros((right.shape[1], right.shape[1]))
    padded = np.vstack([right, np.zeros((1, right.shape[1]))])
    for bucket, root in zip(outer.buckets, roots.parts, strict=True):
        mine = padded[bucket.effects]
        if bucket.size >= ALONE:
            half = lapack.dtrtrs(root[0].T, mine[0], lower=0, trans=1)[0][None]
        else:
            half = np.linalg.solve(root, mine)
        products += np.tensordot(half, half, axes=([0, 1], [0, 1]))
        halves.append(half)
    return halves, products


def back_solved(outer: Outer, roots: Roots, halves: list[Floats]) -> Floats:
    """Return S⁻¹ right (Q × f) from L⁻¹ right."""
    u = np.zeros((outer.size + 1, halves[0].shape[2]))
    for bucket, root, half in zip(outer.buckets, roots.parts, halves, strict=True):
        if bucket.size >= ALONE:
            u[bucket.effects[0]] = lapack.dtrtrs(root[0].T, half[0], lower=0, trans=0)[0]
        else:
            u[bucket.effects] = np.linalg.solve(root.transpose(0, 2, 1), half)
    return u[: outer.size]


def inverse(outer: Outer, roots: Roots) -> Floats:
    """Return S⁻¹ in the flat storage; of each component the lower triangle is valid."""
    flat = np.empty(outer.length)
    for bucket, root in zip(outer.buckets, roots.parts, strict=True):
        place = flat[bucket.offset : bucket.stop].reshape(bucket.count, bucket.size, bucket.size)
        if bucket.size >= ALONE:
            place[0] = root[0]
            lapack.dpotri(place[0].T, lower=0, overwrite_c=1)
        else:
            back = np.linalg.inv(root)
            np.matmul(back.transpose(0, 2, 1), back, out=place)
    return flat


def entries_of(outer: Outer, flat: Floats, left: Floats, right: Floats, lambdas: tuple[Floats, ...]) -> Floats:
    """Return the entries (E) of Λ(Y + left right')Λ', with Y in the flat storage, left and right Q × f."""
    none = np.zeros((1, left.shape[1]))
    left, right = np.vstack([left, none]), np.vstack([right, none])
    Y = np.empty(outer.length)
    for bucket in outer.buckets:
        product = left[bucket.effects] @ right[bucket.effects].transpose(0, 2, 1)
        Y[bucket.offset : bucket.stop] = flat[bucket.offset : bucket.stop] + product.ravel()
    found = np.zeros(outer.entries + 1)
    for meeting in outer.meetings:
        j, k = meeting.factors
        found[meeting.entry] = lambdas[j] @ Y[meeting.place] @ lambdas[k].T
    return found[:-1]


def _alone(S: Floats) -> Floats:
    """The root of one large matrix, in place: its lower triangle in C order is LAPACK's upper one."""
    _, info = lapack.dpotrf(S.T, lower=0, overwrite_a=1, clean=0)
    if info:
        raise np.linalg.LinAlgError("the outer block is not positive definite")
    return S


def _numbering(factors: tuple[Factor, ...]) -> tuple[Ints, Ints, Ints, Ints]:
    """Of each outer effect: its factor, level, column, and the number of its level among all."""
    owner, level, column, node, before = [], [], [], [], 0
    for j, factor in enumerate(factors):
        L, q = len(factor.levels), len(factor.columns)
        owner.append(np.full(L * q, j))
        level.append(np.tile(np.arange(L), q))
        column.append(np.repeat(np.arange(q), L))
        node.append(before + level[-1])
        before += L
    return np.concatenate(owner), np.concatenate(level), np.concatenate(column), np.concatenate(node)


def _buckets(component: Ints, size: int) -> tuple[tuple[Bucket, ...], tuple[Ints, Ints, Ints]]:
    """Components of like size together; and of each effect its bucket, component in the bucket, and position."""
    order = np.argsort(component, kind="stable")
    sizes = np.bincount(component)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    by_size = np.argsort(sizes, kind="stable")
    buckets: list[Bucket] = []
    bucket_of, within, position = np.empty(size, np.intp), np.empty(size, np.intp), np.empty(size, np.intp)
    offset, at = 0, 0
    while at < len(by_size):
        smallest = sizes[by_size[at]]
        largest = smallest if smallest >= ALONE else max(smallest, min(int(1.25 * smallest), ALONE - 1))
        stop = at + 1 if smallest >= ALONE else int(np.searchsorted(sizes[by_size], largest, side="right"))
        chosen = by_size[at:stop]
        width = int(sizes[chosen].max())
        effects = np.full((len(chosen), width), -1, dtype=np.intp)
        fill = np.arange(width)[None, :] < sizes[chosen][:, None]
        effects[fill] = np.concatenate([order[starts[c] : starts[c + 1]] for c in chosen])
        row, col = np.nonzero(fill)
        bucket_of[effects[fill]], within[effects[fill]], position[effects[fill]] = len(buckets), row, col
        buckets.append(Bucket(offset, len(chosen), width, effects))
        offset, at = buckets[-1].stop, stop
    return tuple(buckets), (bucket_of, within, position)


def _flat(buckets: tuple[Bucket, ...], place: tuple[Ints, Ints, Ints]) -> Callable[[Ints, Ints], Ints]:
    """A function from two effects of one component to their place in the flat storage (lower triangle)."""
    bucket_of, within, position = place
    offset = np.array([bucket.offset for bucket in buckets], dtype=np.int64)
    width = np.array([bucket.size for bucket in buckets], dtype=np.int64)

    def at(a: Ints, b: Ints) -> Ints:
        a, b = np.broadcast_arrays(a, b)
        w = width[bucket_of[a]]
        row, col = np.maximum(position[a], position[b]), np.minimum(position[a], position[b])
        return offset[bucket_of[a]] + within[a] * w * w + row * w + col

    return at


def _meeting(
    factors: tuple[Factor, ...], j: int, k: int, rows: Ints, cols: Ints, owner: Ints, level: Ints, column: Ints,
    flat: Callable[[Ints, Ints], Ints],
) -> Meeting | None:  # fmt: skip
    """The blocks of factors j ≥ k; within one factor the later level comes first."""
    mine = np.flatnonzero((owner[rows] == j) & (owner[cols] == k))
    if not len(mine):
        return None
    a, b = rows[mine], cols[mine]
    if j == k:
        turned = level[a] < level[b]
        a, b = np.where(turned, b, a), np.where(turned, a, b)
    Lj, Lk, qj, qk = len(factors[j].levels), len(factors[k].levels), len(factors[j].columns), len(factors[k].columns)
    pair, block = np.unique(level[a].astype(np.int64) * Lk + level[b], return_inverse=True)
    entry = np.full((len(pair), qj, qk), len(rows), dtype=np.intp)
    entry[block, column[a], column[b]] = mine
    first, second = pair // Lk, pair % Lk
    if j == k and qj > 1:  # a level's own block is stored whole
        same = first == second
        part = entry[same]
        entry[same] = np.minimum(part, part.transpose(0, 2, 1))
    start = np.concatenate([[0], np.cumsum([factor.size for factor in factors])])
    r = start[j] + first[:, None] + Lj * np.arange(qj)[None, :]
    c = start[k] + second[:, None] + Lk * np.arange(qk)[None, :]
    return Meeting((j, k), entry, flat(r[:, :, None], c[:, None, :]))
