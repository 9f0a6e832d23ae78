"""From a table and a formula to the matrices of a mixed model: y, X, and Z by grouping factor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from workbench.errors import BadInput, BadParameter, ModelError
from workbench.hlm.columns import as_text, complete_rows, independent, model_columns
from workbench.hlm.formula import Formula, RandomTerm

Floats = NDArray[Any]
Ints = NDArray[Any]


@dataclass(frozen=True)
class Factor:
    """A grouping factor with all its random effects.

    `levels` (L) are its labels, sorted; `columns` the q names of the random effects, term after term;
    `blocks` cuts them into covariance blocks: effects of one block are correlated, of two are not.
    Raises BadParameter where two terms hold the same effect: estimates are told by group and effect.
    """

    name: str
    levels: NDArray[Any]
    columns: tuple[str, ...]
    blocks: tuple[slice, ...]

    def __post_init__(self) -> None:
        if again := [name for k, name in enumerate(self.columns) if name in self.columns[:k]]:
            raise BadParameter(
                f"Two random terms of {self.name!r} both hold the effect {again[0]}: only the sum of their variances "
                f"could be told. Keep one: (x | {self.name}) holds (Intercept) too, (0 + x | {self.name}) does not."
            )

    @property
    def size(self) -> int:
        return len(self.levels) * len(self.columns)

    @property
    def free(self) -> tuple[Ints, Ints]:
        """Rows and columns of the lower triangle of the relative factor Λ that are estimated."""
        at = [
            (row, col) for block in self.blocks for col in range(block.start, block.stop)
            for row in range(col, block.stop)
        ]  # fmt: skip
        return np.array([row for row, _ in at]), np.array([col for _, col in at])


@dataclass(frozen=True)
class Design:
    """The rows of a model: y (n), X (n × p), w (n, or None), and for each factor codes (n) and Z (n × q).

    A factor of which a row may have several levels, each with a weight, has them in `members`, by its name: one
    matrix (n × L, sparse) of weights; its codes are empty.
    """

    formula: Formula
    y: Floats
    X: Floats
    weights: Floats | None
    columns: tuple[str, ...]
    dropped_columns: tuple[str, ...]
    factors: tuple[Factor, ...]
    codes: tuple[Ints, ...]
    Z: tuple[Floats, ...]
    n_dropped: int
    specs: tuple[Any, ...]
    members: Mapping[str, sparse.csr_array] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return len(self.y)

    def spread(self, values: Floats) -> float:
        """Variance of a value a row on the scale of a row of weight 1, as variances of random effects are."""
        if self.weights is None:
            return float(np.var(values))
        mean = np.average(values, weights=self.weights)
        return float(np.sum(self.weights * (values - mean) ** 2)) / self.n

    def random_columns(self, k: int) -> sparse.csr_array:
        """Z of factor k as a sparse matrix (n × qL), effects numbered column first: effect a of level l is aL + l."""
        factor = self.factors[k]
        if factor.name in self.members:
            share = self.members[factor.name]
            return sparse.csr_array(sparse.hstack([share * column[:, None] for column in self.Z[k].T], format="csr"))
        return columns_first(self.codes[k], self.Z[k], len(factor.levels))


def columns_first(codes: Ints, Z: Floats, levels: int) -> sparse.csr_array:
    """Spread each row of Z (n × q) to the columns of its level: n × qL."""
    n, q = Z.shape
    at = codes[:, None].astype(np.int32) + (np.arange(q, dtype=np.int32) * levels)[None, :]
    starts = np.arange(0, n * q + 1, q, dtype=np.int32 if n * q < 2**31 else np.int64)
    return sparse.csr_array((Z.ravel(), at.ravel(), starts), shape=(n, q * levels))


def build(
    formula: Formula, data: Any, weights: str | None = None, members: Mapping[str, pd.DataFrame] | None = None
) -> Design:
    """Read the columns that a formula names into matrices; rows with a missing value are dropped and counted.

    `members` gives, by name of a grouping factor, a table with the columns `row` (position in the data, from 0),
    `level` and `weight`.
    `data` is a pandas, polars or Arrow table. Columns of X that others determine are dropped and named, as
    lme4 does. Raises BadParameter for unknown columns, BadInput for values that cannot be used, ModelError
    for designs that identify nothing.
    """
    design = matrices(formula, data, weights, members)
    check_identified(design.factors, formula, design.n)
    return design


def matrices(
    formula: Formula, data: Any, weights: str | None = None, members: Mapping[str, pd.DataFrame] | None = None
) -> Design:
    """Do what `build` does, but for the last question: whether a Gaussian model of the rows is identified."""
    members = members or {}
    frame, full = complete_rows(formula, data, weights, tuple(members))
    y = _response(formula, frame)
    X, spec, names = model_columns(formula, formula.fixed, frame)
    kept = independent(X)
    w = _weights(frame, weights)
    shares = {name: _membership(name, table, full) for name, table in members.items()}
    factors, codes, Z, specs = _factors(formula, frame, shares)
    return Design(
        formula, y, np.ascontiguousarray(X[:, kept]), w,
        tuple(names[k] for k in kept), tuple(n for k, n in enumerate(names) if k not in set(kept)),
        factors, codes, Z, int((~full).sum()), (spec, *specs), {name: share for name, (share, _) in shares.items()},
    )  # fmt: skip


def _response(formula: Formula, frame: pd.DataFrame) -> Floats:
    y, _, _ = model_columns(formula, f"0 + {formula.response}", frame)
    text = formula.response in frame and not pd.api.types.is_numeric_dtype(frame[formula.response])
    if y.shape[1] != 1 or text:
        raise BadInput(f"The outcome {formula.response!r} is not numeric; a mixed model needs a number a row.")
    return y[:, 0]


def _weights(frame: pd.DataFrame, name: str | None) -> Floats | None:
    if name is None:
        return None
    if not pd.api.types.is_numeric_dtype(frame[name]):
        raise BadInput(f"The weights {name!r} are not numeric.")
    w = frame[name].to_numpy(np.float64)
    if not (np.isfinite(w) & (w > 0)).all():
        raise BadInput(
            f"The weights {name!r} must be finite and above 0; the smallest is {w.min():g}. "
            "Leave out the rows that are not to count."
        )
    return w


def _factors(
    formula: Formula, frame: pd.DataFrame, shares: Mapping[str, tuple[sparse.csr_array, NDArray[Any]]]
) -> tuple[tuple[Factor, ...], tuple[Ints, ...], tuple[Floats, ...], tuple[Any, ...]]:
    """Random terms gathered by grouping factor, in the order in which factors first appear."""
    by_group: dict[tuple[str, ...], list[RandomTerm]] = {}
    for term in formula.random:
        by_group.setdefault(term.group, []).append(term)
    factors, codes, Z, specs = [], [], [], []
    for group, terms in by_group.items():
        made = [model_columns(formula, term.design, frame) for term in terms]
        names = tuple(name for _, _, names in made for name in names)
        if not names:
            raise BadParameter(f"In {formula.text!r}, a random effect of {terms[0].name} has no column.")
        ends = np.cumsum([values.shape[1] for values, _, _ in made])
        blocks = tuple(slice(int(end) - m[0].shape[1], int(end)) for end, m in zip(ends, made, strict=True))
        own = terms[0].name in shares
        code, levels = (np.zeros(0, dtype=np.intp), shares[terms[0].name][1]) if own else _codes(frame, group)
        factors.append(Factor(terms[0].name, levels, names, blocks))
        codes.append(code)
        Z.append(np.column_stack([values for values, _, _ in made]))
        specs.append(tuple(spec for _, spec, _ in made))
    return tuple(factors), tuple(codes), tuple(Z), tuple(specs)


def _membership(name: str, table: pd.DataFrame, full: NDArray[np.bool_]) -> tuple[sparse.csr_array, NDArray[Any]]:
    """Weights of the levels of one factor in each complete row (n × L), and the sorted levels."""
    if not {"row", "level", "weight"} <= set(table.columns):
        raise BadParameter(f"The members of {name!r} need the columns 'row', 'level' and 'weight'.")
    row, weight = table["row"].to_numpy(), table["weight"].to_numpy(np.float64)
    if len(row) and (row.min() < 0 or row.max() >= len(full)):
        raise BadInput(f"The members of {name!r} name row {row.max()}; the data have {len(full)} rows, counted from 0.")
    if not np.isfinite(weight).all() or table["level"].isna().any():
        raise BadInput(f"The members of {name!r} have a weight that is no finite number, or a level without a name.")
    place = np.cumsum(full) - 1
    kept = full[row]
    code, levels = pd.factorize(table["level"][kept], sort=True)
    shape = (int(full.sum()), len(levels))
    return sparse.csr_array((weight[kept], (place[row[kept]], code)), shape=shape), np.asarray(levels)


def _codes(frame: pd.DataFrame, group: tuple[str, ...]) -> tuple[Ints, NDArray[Any]]:
    """Whole numbers for the levels of a factor, and its sorted levels; combinations are joined by a colon."""
    code, levels = pd.factorize(frame[group[0]], sort=True)
    labels = np.asarray(levels) if len(group) == 1 else as_text(levels).to_numpy(object)
    for name in group[1:]:
        other, others = pd.factorize(frame[name], sort=True)
        pairs, code = np.unique(code * len(others) + other, return_inverse=True)
        parts = zip(labels[pairs // len(others)], as_text(others).to_numpy(object)[pairs % len(others)], strict=True)
        labels = np.array([f"{a}:{b}" for a, b in parts], dtype=object)
    return np.asarray(code, dtype=np.intp), labels


def check_identified(factors: tuple[Factor, ...], formula: Formula, n: int) -> None:
    """Raise ModelError for the designs that lme4 refuses too: one level, or as many effects as rows."""
    for factor in factors:
        count = len(factor.levels)
        if count < 2:
            raise ModelError(
                f"The grouping factor {factor.name!r} of {formula.text!r} has one level only; "
                "what varies between groups cannot be told from one. Leave the random effect out."
            )
        if count >= n:
            raise ModelError(
                f"The grouping factor {factor.name!r} has {count} levels for {n} rows: with one row a group, "
                "groups and residuals are the same thing. Use a coarser group."
            )
        for block in factor.blocks:
            effects = count * (block.stop - block.start)
            if effects >= n:
                raise ModelError(
                    f"{n} rows cannot carry {effects} random effects of {factor.name!r} "
                    f"({', '.join(factor.columns[block])}). Leave out a slope."
                )
