"""The inner factor, prepared for being eliminated over and over at different variances.

Levels of the inner factor (students, mostly) with the same Z'WZ share one small matrix

    V = Λ (Λ'AΛ + I)⁻¹ Λ'                                              (q × q)

and everything that the rest of the model needs of them is linear in the V of these few *patterns*. Their sums are
therefore taken once, here. Levels that also meet the outer factors in the same way are counted, not repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from workbench.hlm.design import Floats, Ints
from workbench.hlm.moments import Moments

TABLE = 50_000_000  # pairs of outer effects for which a table is held


@dataclass(frozen=True)
class Elimination:
    """Sums over the inner factor, by pattern.

    A (P × q × q) and `count` (P): each pattern and how many levels have it. `R` (S × q × f) with `R_pattern` (S):
    levels, or fewer rows with the same second moments. `C` (sparse, qg × Q), `C_R` (g × q × f) and `C_pattern`
    (g): groups of levels that meet the outer factors alike, and their summed R. `rows`, `cols`, `base` (E):
    the entries of the lower triangle of Z_outer'WZ_outer; `pairs` (sparse, E × P·q(q+1)/2) what to take off
    each for the upper triangles of all V. `pattern` and `group` (L) say which of them each level has.
    """

    A: Floats
    count: Floats
    R: Floats
    R_pattern: Ints
    C: sparse.csr_array
    C_R: Floats
    C_pattern: Ints
    rows: Ints
    cols: Ints
    base: Floats
    pairs: sparse.csr_array
    pattern: Ints
    group: Ints


def eliminate(raw: Moments, m: Moments) -> Elimination:
    """Prepare the inner factor of `m`; patterns are told from `raw`, whose sums of whole numbers are exact."""
    levels, q = raw.A.shape[:2]
    pattern = same_rows(raw.A.reshape(levels, -1))
    first = _first(pattern)
    count = np.bincount(pattern).astype(np.float64)
    R, R_pattern = _fewer(m.R, pattern, count)
    group, one = _groups(raw.C, pattern, q)
    C = m.C[(np.arange(q)[:, None] * levels + one).ravel()]
    C_R = _grouped(m.R, group, len(one))
    rows, cols, base, pairs = _pairs(m.outer, C, np.bincount(group).astype(np.float64), pattern[one], len(first), q)
    return Elimination(m.A[first], count, R, R_pattern, C, C_R, pattern[one], rows, cols, base, pairs, pattern, group)


def with_moments(e: Elimination, m: Moments) -> Elimination:
    """Return the elimination for other fixed effects or another outcome (`m.R`) of the same rows."""
    R, R_pattern = _fewer(m.R, e.pattern, e.count)
    return replace(e, R=R, R_pattern=R_pattern, C_R=_grouped(m.R, e.group, len(e.C_pattern)))


def same_rows(values: Floats) -> Ints:
    """Return a number for each row, the same for equal rows."""
    marks = np.random.default_rng(0).uniform(0.5, 1.5, values.shape[1])
    code, _ = pd.factorize(values @ marks)
    if np.array_equal(values, values[_first(code)[code]]):
        return np.asarray(code, dtype=np.intp)
    return np.unique(values, axis=0, return_inverse=True)[1].astype(np.intp)  # two rows with one mark


def _first(code: Ints) -> Ints:
    """Where each number 0, 1, … first stands."""
    first = np.empty(code.max() + 1, dtype=np.intp)
    first[code[::-1]] = np.arange(len(code) - 1, -1, -1)
    return first


def _fewer(R: Floats, pattern: Ints, count: Floats) -> tuple[Floats, Ints]:
    """At most q·f rows a pattern with the same sum of products vec(R) vec(R)'."""
    levels, q, f = R.shape
    many = np.flatnonzero(count > q * f)
    if levels == 0 or count[many].sum() < 0.5 * levels:
        return R, pattern
    flat, order = R.reshape(levels, -1), np.argsort(pattern, kind="stable")
    ends = np.cumsum(count).astype(np.intp)
    kept = [flat[count[pattern] <= q * f]]
    owner = [pattern[count[pattern] <= q * f]]
    for p in many:
        mine = flat[order[ends[p] - int(count[p]) : ends[p]]]
        values, vectors = np.linalg.eigh(mine.T @ mine)
        kept.append((vectors * np.sqrt(np.maximum(values, 0.0))).T)
        owner.append(np.full(len(values), p))
    return np.concatenate(kept).reshape(-1, q, f), np.concatenate(owner)


def _groups(C: sparse.csr_array, pattern: Ints, q: int) -> tuple[Ints, Ints]:
    """Which levels have one pattern and meet the outer factors alike: a number a level, and one level a number."""
    levels = len(pattern)
    if C.shape[1] == 0:
        return pattern, _first(pattern)
    random = np.random.default_rng(0)
    marks = random.uniform(0.5, 1.5, pattern.max() + 1)[pattern]
    for k in range(q):
        marks = marks + C[k * levels : (k + 1) * levels] @ random.uniform(0.5, 1.5, C.shape[1])
    group = np.asarray(pd.factorize(marks)[0], dtype=np.intp)
    one = _first(group)
    alike = np.array_equal(pattern, pattern[one[group]]) and all(
        abs(part - part[one[group]]).max() == 0 for part in (C[k * levels : (k + 1) * levels] for k in range(q))
    )
    return (group, one) if alike else (np.arange(levels), np.arange(levels))


def _grouped(R: Floats, group: Ints, groups: int) -> Floats:
    levels, q, f = R.shape
    member = sparse.csr_array((np.ones(levels), (group, np.arange(levels))), shape=(groups, levels))
    return (member @ R.reshape(levels, -1)).reshape(groups, q, f)


def _pairs(
    outer: sparse.csr_array, C: sparse.csr_array, times: Floats, pattern: Ints, patterns: int, q: int
) -> tuple[Ints, Ints, Floats, sparse.csr_array]:
    """All pairs of outer effects that meet in a level, with the products that V multiplies."""
    size, parts = outer.shape[0], q * (q + 1) // 2
    own = sparse.tril(outer, format="coo")
    keys = [own.row.astype(np.int64) * size + own.col]
    at, values = met(C, len(pattern), q)
    entry, column, amount = [], [], []
    lengths = np.diff(at.indptr)
    for length in np.unique(lengths[lengths > 0]):
        who = np.flatnonzero(lengths == length)
        places = at.indptr[who][:, None] + np.arange(length)
        cols, mine = at.indices[places].astype(np.int64), values[places]
        i, j = np.tril_indices(length)
        key = cols[:, i] * size + cols[:, j]
        keys.append(key.ravel())
        start = sum(map(len, keys[:-1]))
        part = 0
        for k in range(q):
            for m in range(k, q):
                product = mine[:, i, k] * mine[:, j, m]
                if m > k:
                    product = product + mine[:, i, m] * mine[:, j, k]
                entry.append(np.arange(start, start + key.size))
                column.append(np.broadcast_to((pattern[who] * parts + part)[:, None], key.shape).ravel())
                amount.append((product * times[who][:, None]).ravel())
                part += 1
    unique, inverse = _numbered(np.concatenate(keys), size)
    base = np.bincount(inverse[: own.nnz], own.data, minlength=len(unique))
    shape = (len(unique), patterns * parts)
    if not entry:
        return unique // max(size, 1), unique % max(size, 1), base, sparse.csr_array(shape)
    pairs = sparse.csr_array(
        (np.concatenate(amount), (inverse[np.concatenate(entry)], np.concatenate(column))), shape=shape
    )
    return unique // size, unique % size, base, pairs


def _numbered(keys: Ints, size: int) -> tuple[Ints, Ints]:
    """The different keys row·size + column, sorted, and the number of each; without sorting where there is room."""
    if size**2 > TABLE:
        unique, inverse = np.unique(keys, return_inverse=True)
        return unique, inverse
    place = np.zeros(size**2, dtype=np.int32)
    place[keys] = 1
    unique = np.flatnonzero(place)
    place[unique] = np.arange(len(unique), dtype=np.int32)
    return unique, place[keys]


def met(C: sparse.csr_array, groups: int, q: int) -> tuple[sparse.csr_array, Floats]:
    """Which outer effects each group meets (sparse pattern, columns sorted), and the q numbers at each."""
    parts = [C[k * groups : (k + 1) * groups].tocoo() for k in range(q)]
    keys = [part.row.astype(np.int64) * C.shape[1] + part.col for part in parts]
    unique = np.unique(np.concatenate(keys))
    values = np.zeros((len(unique), q))
    for k, (part, key) in enumerate(zip(parts, keys, strict=True)):
        np.add.at(values[:, k], np.searchsorted(unique, key), part.data)
    row, col = unique // max(C.shape[1], 1), unique % max(C.shape[1], 1)
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=groups))])
    return sparse.csr_array((np.ones(len(unique)), col, starts), shape=(groups, C.shape[1])), values
