"""Moments summed by a database: an Ibis table goes in, its rows never come to Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from workbench.errors import BadInput, BadParameter, ModelError
from workbench.hlm.design import Factor, Floats, Ints, check_identified, columns_used, independent, lme4_name
from workbench.hlm.formula import Formula, parse
from workbench.hlm.moments import Moments, inner_first
from workbench.hlm.native import Centre, fit_moments, steadied
from workbench.hlm.result import Method, MixedModel


@dataclass(frozen=True)
class Columns:
    """A formula as columns of a table: `F` the names of X's columns and last y, `Z` those of each factor."""

    rows: Any
    F: tuple[str, ...]
    Z: tuple[tuple[str, ...], ...]
    X_names: tuple[str, ...]
    keys: tuple[str, ...]
    factors: tuple[Factor, ...]


def fit(formula: str, table: Any, method: Method, weights: str | None) -> MixedModel:
    """Fit a Gaussian mixed model to an Ibis table by sums that its database makes.

    Columns of the formula may be numbers, truth values and texts (categories), and products of them; what needs a
    function of Python is refused by name. Categories are coded as from a data frame.
    """
    parsed = parse(formula)
    complete, n_rows, n = _complete(parsed, table, weights)
    columns = _columns(parsed, complete, weights)
    columns, centre, spread, dropped = _centred(columns, n)
    columns, steady = _steadied(columns)
    check_identified(columns.factors, parsed, n)
    raw = _moments(columns, n, weights)
    return fit_moments(
        raw, formula, method, columns.X_names, columns.factors, replace(centre, Z=steady), spread, n_rows - n, dropped
    )


def _complete(formula: Formula, table: Any, weights: str | None) -> tuple[Any, int, int]:
    """The used columns of the complete rows, with the number of all rows and of those."""
    names = columns_used(formula, weights)
    unknown = [name for name in names if name not in table.columns]
    if unknown:
        raise BadParameter(
            f"The formula {formula.text!r} names the column {unknown[0]!r}, which the table does not have; it has: "
            f"{', '.join(table.columns[:40])}."
        )
    used = table.select(*names)
    flags = {name: used[name].cast("int64") for name in names if used[name].type().is_boolean()}
    complete = (used.mutate(**flags) if flags else used).drop_null(names)
    floating = [name for name in names if complete[name].type().is_floating()]
    odd = {f"odd_{name}": (complete[name].isnan() | complete[name].isinf()).sum() for name in floating}
    low = {} if weights is None else {"low": (complete[weights] <= 0).sum()}
    counts = complete.aggregate(n=complete.count(), **odd, **low).to_pandas().iloc[0]
    for name in floating:
        if counts[f"odd_{name}"] > 0:
            raise BadInput(
                f"{name!r} is infinite or not a number in {int(counts[f'odd_{name}'])} rows; a model needs finite "
                "numbers. Correct the values, or make them missing."
            )
    if weights is not None and counts["low"] > 0:
        raise BadInput(f"The weights {weights!r} must be above 0; {int(counts['low'])} are not.")
    if counts["n"] == 0:
        raise BadInput(f"No row is complete in {', '.join(names)}.")
    return complete, int(table.count().to_pandas()), int(counts["n"])


def _columns(formula: Formula, complete: Any, weights: str | None) -> Columns:
    """All columns of the model as expressions, named f0…, y, z0_0…, and the keys of the factors k0…."""
    if not re.fullmatch(r"[\w.]+", formula.response) or not complete[formula.response].type().is_numeric():
        raise ModelError(
            f"The outcome {formula.response!r} is not a numeric column of the table; add it there first, with "
            ".mutate(), or fit a data frame."
        )
    levels = _categories(formula, complete)
    fixed = _expressions(formula, formula.fixed, complete, levels)
    made = {f"f{k}": e for k, e in enumerate(fixed.values())}
    groups = list(dict.fromkeys(term.group for term in formula.random))
    factors, Z, keys = [], [], []
    for j, group in enumerate(groups):
        terms = [term for term in formula.random if term.group == group]
        parts = [_expressions(formula, term.design, complete, levels) for term in terms]
        names = tuple(name for part in parts for name in part)
        mine = {f"z{j}_{k}": e for k, e in enumerate(e for part in parts for e in part.values())}
        ends = np.cumsum([len(part) for part in parts])
        blocks = tuple(slice(int(end) - len(part), int(end)) for end, part in zip(ends, parts, strict=True))
        key = complete[group[0]] if len(group) == 1 else _joined([complete[name].cast("string") for name in group])
        made |= mine | {f"k{j}": key}
        factors.append(Factor(terms[0].name, _levels(complete.select(key=key)), names, blocks))
        Z.append(tuple(mine))
        keys.append(f"k{j}")
    weight = complete[weights].cast("float64") if weights else 1.0
    rows = complete.select(**made, y=complete[formula.response].cast("float64"), w=weight)
    f_names = tuple(name for name in made if name.startswith("f"))
    return Columns(rows, (*f_names, "y"), tuple(Z), tuple(fixed), tuple(keys), tuple(factors))


def _joined(texts: list[Any]) -> Any:
    return reduce(lambda a, b: a + ":" + b, texts)


def _categories(formula: Formula, complete: Any) -> dict[str, list[str]]:
    """The sorted levels of the text columns that the formula's designs use."""
    from formulaic import Formula as Terms

    used: set[str] = set()
    for part in (formula.fixed, *(term.design for term in formula.random)):
        used |= set(map(str, Terms(part).required_variables))
    texts = sorted(name for name in used if complete[name].type().is_string())
    return {name: _levels(complete.select(key=complete[name])).tolist() for name in texts}


def _levels(keys: Any) -> NDArray[Any]:
    """The different values of a table's column `key`, sorted here: databases sort text in ways of their own."""
    return np.asarray(keys.distinct().to_pandas()["key"].sort_values().to_numpy())


def _expressions(formula: Formula, part: str, complete: Any, levels: dict[str, list[str]]) -> dict[str, Any]:
    """The columns of one part of the formula, by the names lme4 gives, as numbers computed in the database.

    formulaic decides about the columns from a few made-up rows that have all the categories.
    """
    from formulaic import Formula as Terms
    from formulaic import model_matrix

    names = sorted(map(str, Terms(part).required_variables))
    height = max([2, *(len(levels[name]) for name in names if name in levels)])
    few = pd.DataFrame(
        {name: np.resize(np.array(levels.get(name, [1.0, 2.0])), height) for name in names}, index=range(height)
    )
    try:
        spec = model_matrix(part, few, output="pandas").model_spec
    except Exception as error:
        raise BadParameter(f"In the formula {formula.text!r}, {part!r} cannot be worked out: {error}") from error
    made = {}
    for name in map(str, spec.column_names):
        pieces = [] if name == "Intercept" else re.findall(r"(?:\[[^\]]*\]|[^:\[])+", name)
        numbers = [_piece(formula, piece, complete, levels) for piece in pieces]
        product = (
            reduce(lambda a, b: a * b, numbers) if numbers else complete[complete.columns[0]].notnull().cast("float64")
        )
        made[lme4_name(name, part)] = product
    return made


def _piece(formula: Formula, piece: str, complete: Any, levels: dict[str, list[str]]) -> Any:
    stem, level = re.fullmatch(r"(.*?)(?:\[(?:T\.)?(.*)\])?", piece).groups()  # type: ignore[union-attr]
    stem = stem.strip("`")
    if level is not None and stem in levels:
        return (complete[stem] == level).cast("float64")
    if level is None and stem in complete.columns:
        return complete[stem].cast("float64")
    raise ModelError(
        f"The database cannot work out {piece!r} of {formula.text!r}. Add it to the table as a column of its own "
        "(.mutate), or fit a data frame (.execute())."
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
