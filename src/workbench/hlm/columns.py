"""Which columns a formula reads, the rows that have them all, and the model matrix they make."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import BadInput, BadParameter, did_you_mean
from workbench.hlm.formula import Formula

Floats = NDArray[Any]
FUNCTIONS = "I, factor, log, exp, sqrt, scale, center, poly, bs and cr (splines), and NumPy's as np.…"
RANK_TOLERANCE = 1e-7  # as R's qr() and lme4


def columns_used(
    formula: Formula, have: Sequence[str], weights: str | None, elsewhere: tuple[str, ...] = ()
) -> list[str]:
    """Return the names of all data columns that a formula reads, of those that the data `have`.

    Grouping factors named in `elsewhere` are no columns of the data. Raises BadParameter where the formula cannot be
    read, or names a column that is not there.
    """
    from formulaic import Formula as Terms

    if "." in re.split(r"[\s+*:()]+", formula.fixed):
        raise BadParameter(f"In the formula {formula.text!r}, '.' stands for no columns here: name those you mean.")
    names: set[str] = set()
    for part in (formula.response, formula.fixed, *(term.design for term in formula.random)):
        try:
            terms = Terms(part)
            names |= set(map(str, terms.required_variables)) | _transformed(terms, have)
        except Exception as error:
            raise BadParameter(f"In the formula {formula.text!r}, {part!r} cannot be read: {error}") from error
    names |= {name for term in formula.random if term.name not in elsewhere for name in term.group}
    used = sorted(names | ({weights} if weights else set()))
    if unknown := [name for name in used if name not in have]:
        if re.search(rf"(?<![\w.]){re.escape(unknown[0])}\s*\(", formula.text):
            raise BadParameter(
                f"The formula {formula.text!r} uses the function {unknown[0]}(…), which is not known here. Known are "
                f"{FUNCTIONS}; whatever else is needed can be made a column of the data first."
            )
        dotted = next((name for name in have if name.startswith(f"{unknown[0]}.")), None)
        hint = f"Write a name with a dot in backticks: `{dotted}`. " if dotted else did_you_mean(unknown[0], have)
        raise BadParameter(
            f"The formula {formula.text!r} names the column {unknown[0]!r}, which the data do not have. {hint}"
            f"They have: {', '.join(have[:40])}."
        )
    if twice := [name for name in used if have.count(name) > 1]:
        raise BadInput(f"The data have several columns named {twice[0]!r}: rename or drop all but one.")
    return used


def _transformed(terms: Any, have: Sequence[str]) -> set[str]:
    """The columns inside of `poly(…)`, `scale(…)` and the like, which formulaic (1.2) leaves out of what it needs."""
    names: set[str] = set()
    for factor in {factor.expr for term in terms for factor in term.factors}:
        with suppress(SyntaxError):  # a name in backticks is no Python, and formulaic names it
            names |= {node.id for node in ast.walk(ast.parse(factor)) if isinstance(node, ast.Name)}
    return names.intersection(have)


def complete_rows(
    formula: Formula, data: Any, weights: str | None, elsewhere: tuple[str, ...] = ()
) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Return the used columns without the rows in which one is missing, and which rows those are (True: kept).

    Grouping factors named in `elsewhere` are no columns of the data.
    """
    have = list(map(str, data.column_names if hasattr(data, "column_names") else data.columns))
    names = columns_used(formula, have, weights, elsewhere)
    frame = data.select(names) if hasattr(data, "select") else data[names]
    frame = frame if isinstance(frame, pd.DataFrame) else frame.to_pandas()
    groups = {name for term in formula.random for name in term.group}
    if frame.empty:
        raise BadInput("The data have no rows.")
    full = frame.notna().all(axis=1).to_numpy()
    if not full.any():
        empty = [name for name in names if frame[name].isna().all()] or names
        raise BadInput(
            f"No row is complete: {', '.join(empty)} {'is' if len(empty) == 1 else 'are'} missing throughout."
        )
    frame = frame if full.all() else frame[full]
    dates = [name for name in names if pd.api.types.is_datetime64_any_dtype(frame[name]) and name not in groups]
    if dates:
        raise BadInput(f"{dates[0]!r} holds dates; make it a number first, such as days since the start of the year.")
    flags = {name: frame[name].astype(np.int64) for name in names if pd.api.types.is_bool_dtype(frame[name])}
    return frame.assign(**flags).reset_index(drop=True), full


def model_columns(formula: Formula, part: str, frame: pd.DataFrame) -> tuple[Floats, Any, list[str]]:
    """Return the model matrix of one part of a formula, with what formulaic learned and the names lme4 gives."""
    from formulaic import model_matrix

    try:
        made = model_matrix(part, frame, output="numpy", na_action="ignore")
    except Exception as error:
        raise BadParameter(f"In the formula {formula.text!r}, {part!r} cannot be worked out: {error}") from error
    names = [lme4_name(str(name), part) for name in made.model_spec.column_names]
    return finite(np.asarray(made, dtype=np.float64).reshape(len(frame), -1), names), made.model_spec, names


def as_text(values: Any) -> pd.Series[str]:
    """Values as text, the same for a whole number whatever it is stored as: 1, 1.0 and "1" are "1"."""
    series = pd.Series(values).reset_index(drop=True).astype(object).infer_objects()
    text = series.astype(str)
    return text.str.removesuffix(".0") if pd.api.types.is_float_dtype(series) else text


def lme4_name(name: str, part: str) -> str:
    """A column of formulaic's as R calls it, in a formula's `part` whose order decides.

    `econ[T.yes]:year` is `econyes:year` or `year:econyes`, `Intercept` `(Intercept)`, `I(x ** 2)` `I(x^2)`.
    """
    if name == "Intercept":
        return "(Intercept)"
    written = part.replace(" ", "")
    pieces = []
    for piece in re.findall(r"(?:\[[^\]]*\]|[^:\[])+", name):
        stem, level = re.fullmatch(r"(.*?)(?:\[(?:T\.)?(.*)\])?", piece).groups(default="")  # type: ignore[union-attr]
        found = re.search(rf"(?<![\w.]){re.escape(stem.replace(' ', ''))}(?![\w.])", written)
        r_stem = re.sub(r"^C\(", "factor(", stem.replace(" ** ", "^").strip("`"))
        pieces.append((found.start() if found else len(written), r_stem + level))
    return ":".join(piece for _, piece in sorted(pieces, key=lambda place: place[0]))


def finite(values: Floats, names: list[str]) -> Floats:
    """Return values unchanged; raises BadInput, naming row and column, where one is infinite or not a number."""
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise BadInput(
            f"{names[column]!r} is {values[row, column]} in row {row + 1} of the complete rows; a model needs finite "
            "numbers. Correct the value or drop the row."
        )
    return values


def independent(X: Floats) -> list[int]:
    """Return the columns of X, in order, that those before do not determine (R's limited column pivoting)."""
    if X.shape[1] == 0:
        return []
    R = np.asarray(np.linalg.qr(X, mode="r"))  # the p × p triangle has the same geometry as the columns
    kept: list[int] = []
    basis = np.zeros((R.shape[0], 0))
    for column in range(X.shape[1]):
        whole = R[:, column]
        rest = whole - basis @ (basis.T @ whole)
        rest -= basis @ (basis.T @ rest)
        if np.linalg.norm(rest) > RANK_TOLERANCE * max(float(np.linalg.norm(whole)), 1e-300):
            kept.append(column)
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
    return kept


def determines(X: Floats, codes: Any, levels: int) -> bool:
    """Return whether the columns of X tell all levels of a factor apart, so that nothing is left for its effects."""
    if levels > X.shape[1]:
        return False
    counts = np.bincount(codes, minlength=levels).astype(float)
    sums = np.column_stack([np.bincount(codes, column, levels) for column in X.T])  # levels × p
    explained = np.einsum("lp,pl->l", sums, np.linalg.lstsq(X.T @ X, sums.T, rcond=None)[0])
    return bool((counts - explained <= RANK_TOLERANCE * counts).all())
