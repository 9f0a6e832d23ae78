"""Moments summed by a database: an Ibis table goes in, its rows never come to Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from workbench.hlm.centre import Centre, steadied
from workbench.hlm.columns import independent
from workbench.hlm.design import Floats, Ints, check_identified
from workbench.hlm.expressions import Columns, complete, expressions
from workbench.hlm.formula import parse
from workbench.hlm.moments import Moments, inner_first
from workbench.hlm.native import fit_moments
from workbench.hlm.result import Method, MixedModel


def fit(formula: str, table: Any, method: Method, weights: str | None) -> MixedModel:
    """Fit a Gaussian mixed model to an Ibis table by sums that its database makes.

    Columns of the formula may be numbers, truth values and texts (categories), and products of them; what needs a
    function of Python is refused by name. Categories are coded as from a data frame.
    """
    parsed = parse(formula)
    rows, n_rows, n = complete(parsed, table, weights)
    columns = expressions(parsed, rows, weights)
    columns, centre, spread, dropped = _centred(columns, n)
    columns, steady = _steadied(columns)
    check_identified(columns.factors, parsed, n)
    raw = _moments(columns, n, weights)
    return fit_moments(
        raw, formula, method, columns.X_names, columns.factors, replace(centre, Z=steady), spread, n_rows - n, dropped
    )


def _centred(columns: Columns, n: int) -> tuple[Columns, Centre, Callable[[Floats], float], tuple[str, ...]]:
    """Means taken off, and columns that others determine left out; with the spread of Xβ as a function of β."""
    rows, X = columns.rows, columns.F[:-1]
    means = rows.aggregate(**{name: rows[name].mean() for name in columns.F}).to_pandas().iloc[0]
    at = columns.X_names.index("(Intercept)") if "(Intercept)" in columns.X_names else None
    if at is not None:
        shifts = {name: rows[name] - float(means[name]) for name in columns.F if name != X[at]}
        rows = rows.mutate(**shifts)
    products = _gram(rows, X)
    values, vectors = np.linalg.eigh(products)
    kept = independent((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T) if X else []
    p = len(kept)
    change, shift = np.eye(p), np.zeros(p)
    if at is not None:
        k = kept.index(at)
        change[k] -= [0.0 if column == at else float(means[X[column]]) for column in kept]
        shift[k] = float(means["y"])
    chosen_X = tuple(X[k] for k in kept)
    spread = _spread(rows, chosen_X, n)
    names = tuple(columns.X_names[k] for k in kept)
    dropped = tuple(name for k, name in enumerate(columns.X_names) if k not in set(kept))
    chosen = Columns(rows, (*chosen_X, "y"), columns.Z, names, columns.keys, columns.factors)
    return chosen, Centre(change, shift), spread, dropped


def _spread(rows: Any, X: tuple[str, ...], n: int) -> Callable[[Floats], float]:
    """The weighted variance of Xβ over the rows as a function of β, as `Design.spread` has it from the rows."""
    if not X:
        return lambda beta: 0.0
    found = rows.aggregate(w=rows["w"].sum(), **{name: (rows[name] * rows["w"]).sum() for name in X}).to_pandas()
    sums, total = found[list(X)].iloc[0].to_numpy(np.float64), float(found["w"].iloc[0])
    products = _gram(_rooted(rows, X), X)
    return lambda beta: float(beta @ products @ beta - (sums @ beta) ** 2 / total) / n


def _rooted(rows: Any, names: tuple[str, ...]) -> Any:
    """Columns times the root of the weight: their products are weighted ones."""
    return rows.mutate(**{name: rows[name] * rows["w"].sqrt() for name in names})


def _steadied(columns: Columns) -> tuple[Columns, dict[str, Floats]]:
    """Columns of Z far from zero brought near it, and the change of each factor's Z."""
    rows = columns.rows
    names = [name for Z in columns.Z for name in Z]
    means = rows.aggregate(**{name: rows[name].mean() for name in names}).to_pandas().iloc[0]
    spreads = rows.aggregate(**{name: rows[name].std(how="pop") for name in names}).to_pandas().iloc[0]
    changes: dict[str, Floats] = {}
    moved: dict[str, Any] = {}
    for factor, Z in zip(columns.factors, columns.Z, strict=True):
        at = list(Z)
        S = steadied(factor, means[at].to_numpy(np.float64), spreads[at].to_numpy(np.float64))
        changes[factor.name] = S
        moved |= {Z[k]: rows[Z[k]] + float(S[:, k].sum() - 1) for k in range(len(Z)) if S[:, k].sum() != 1}
    return replace(columns, rows=rows.mutate(**moved) if moved else rows), changes


def _gram(rows: Any, names: tuple[str, ...]) -> Floats:
    """Sums of products of columns, unweighted (f × f)."""
    pairs = list(combinations_with_replacement(range(len(names)), 2))
    if not pairs:
        return np.zeros((0, 0))
    sums = {f"s{a}_{b}": (rows[names[a]] * rows[names[b]]).sum() for a, b in pairs}
    found = rows.aggregate(**sums).to_pandas().iloc[0]
    result = np.empty((len(names), len(names)))
    for a, b in pairs:
        result[a, b] = result[b, a] = found[f"s{a}_{b}"]
    return result


def _moments(columns: Columns, n: int, weights: str | None) -> Moments:
    """One query for each block of the cross-products."""
    order = inner_first(columns.factors)
    inner, outers = order[0], order[1:]
    F, rows = columns.F, columns.rows
    f = len(F)
    whole = _rooted(rows, F) if weights else rows
    log_weights = float(rows.aggregate(s=rows["w"].ln().sum()).to_pandas().iloc[0, 0]) if weights else 0.0
    own = _sums(columns, (inner,), columns.Z[inner], columns.Z[inner])
    met = _sums(columns, (inner,), columns.Z[inner], F)
    L, q = len(columns.factors[inner].levels), len(columns.Z[inner])
    starts = dict(
        zip(outers, np.concatenate([[0], np.cumsum([columns.factors[k].size for k in outers])])[:-1], strict=True)
    )
    size = sum(columns.factors[k].size for k in outers)
    C = _assembled([(inner, k, 0, starts[k]) for k in outers], columns, (q * L, size))
    pairs = [(a, b, starts[a], starts[b]) for i, a in enumerate(outers) for b in outers[i:]]
    upper = _assembled(pairs, columns, (size, size))
    outer = upper + sparse.triu(upper, k=1).T if size else upper
    outer_f = np.zeros((size, f))
    for k in outers:
        sums, (codes,) = _sums(columns, (k,), columns.Z[k], F)
        levels = len(columns.factors[k].levels)
        block = np.zeros((len(columns.Z[k]), levels, f))
        block[:, codes] = sums.transpose(1, 0, 2)
        outer_f[starts[k] : starts[k] + columns.factors[k].size] = block.reshape(-1, f)
    A, R = np.empty((L, q, q)), np.empty((L, q, f))
    A[own[1][0]], R[met[1][0]] = own[0], met[0]
    return Moments(
        n, columns.factors[inner], tuple(columns.factors[k] for k in outers), A, R, C, sparse.csr_array(outer), outer_f,
        _gram(whole, F), log_weights,
    )  # fmt: skip


def _sums(
    columns: Columns, by: tuple[int, ...], left: tuple[str, ...], right: tuple[str, ...]
) -> tuple[Floats, tuple[Ints, ...]]:
    """Sums of left' w right in each group (groups × a × b), and the group's level of each factor in `by`."""
    rows = columns.rows
    sums = {
        f"s{a}_{b}": (rows[left[a]] * rows[right[b]] * rows["w"]).sum()
        for a in range(len(left)) for b in range(len(right)) if left != right or a <= b
    }  # fmt: skip
    found = rows.group_by([columns.keys[k] for k in by]).aggregate(**sums).to_pandas()
    result = np.empty((len(found), len(left), len(right)))
    for a in range(len(left)):
        for b in range(len(right)):
            name = f"s{a}_{b}" if f"s{a}_{b}" in sums else f"s{b}_{a}"
            result[:, a, b] = found[name].to_numpy(np.float64)
    codes = tuple(pd.Index(columns.factors[k].levels).get_indexer(found[columns.keys[k]].to_numpy()) for k in by)
    return result, codes


def _assembled(blocks: list[tuple[int, int, int, int]], columns: Columns, shape: tuple[int, int]) -> sparse.csr_array:
    """Sparse Z_j'WZ_k for pairs of factors, each placed at (row, column), effects numbered column first.

    Of a factor with itself the upper triangle is given.
    """
    rows, cols, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for j, k, row, col in blocks:
        sums, codes = _sums(columns, (j,) if j == k else (j, k), columns.Z[j], columns.Z[k])
        first, second = codes[0], codes[-1]
        for a in range(len(columns.Z[j])):
            for b in range(a if j == k else 0, len(columns.Z[k])):
                rows.append(row + a * len(columns.factors[j].levels) + first)
                cols.append(col + b * len(columns.factors[k].levels) + second)
                values.append(sums[:, a, b])
    at = (np.concatenate(rows), np.concatenate(cols))
    made = sparse.csr_array((np.concatenate(values), at), shape=shape)
    made.eliminate_zeros()
    return made
