"""Rows that a model was not fitted to: their columns, coded as the fitted rows', and the levels they belong to."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from workbench.errors import BadInput, ModelError
from workbench.hlm.columns import as_text, complete_rows, lme4_name
from workbench.hlm.design import Design, Floats, Ints, columns_first


def new_frame(design: Design, data: Any) -> pd.DataFrame:
    """Return the columns of new rows that a model reads.

    Raises BadInput for a missing value, and for a category of a fixed or random effect that no fitted row had.
    """
    if design.members:
        raise ModelError("New rows cannot be predicted where a row may belong to several levels of a group.")
    frame, full = complete_rows(replace(design.formula, response="1"), data, None)
    if not full.all():
        raise BadInput(f"{(~full).sum()} of the rows to predict lack a value that the model uses; leave them out.")
    fixed, *random = design.specs
    for spec in (fixed, *(one for specs in random for one in specs)):
        apply_spec(spec, frame)
    return frame


def new_matrices(design: Design, data: Any, random: bool) -> tuple[Floats, list[sparse.csr_array]]:
    """Return X (rows × p) and, with `random`, each factor's Z (rows × qL, effects column first) of new rows.

    A level that no fitted row had has only zeros in Z: its effect is its expectation. A warning counts such rows.
    """
    frame = new_frame(design, data)
    fixed, *specs_of = design.specs
    order = [lme4_name(str(name), design.formula.fixed) for name in fixed.column_names]
    X, Z = apply_spec(fixed, frame), []
    if random:
        for factor, code, specs in zip(design.factors, new_codes(design, frame), specs_of, strict=True):
            values = np.column_stack([apply_spec(one, frame) for one in specs]) * (code >= 0)[:, None]
            Z.append(columns_first(np.maximum(code, 0), values, len(factor.levels)))
    return X[:, [order.index(name) for name in design.columns]], Z


def new_codes(design: Design, frame: pd.DataFrame) -> list[Ints]:
    """Return the place of each new row's level among those of each factor, −1 where it has none, told in a warning.

    Levels are compared by what they say, not by how they are stored: 1, 1.0 and "1" are one level.
    """
    codes = []
    for factor, group in zip(design.factors, dict.fromkeys(t.group for t in design.formula.random), strict=True):
        label = as_text(frame[group[0]])
        for name in group[1:]:
            label = label + ":" + as_text(frame[name])
        code = pd.Index(as_text(factor.levels)).get_indexer(pd.Index(label))
        if unknown := int((code < 0).sum()):
            warnings.warn(
                f"{unknown:,} of the {len(label):,} rows to predict belong to no level of {factor.name!r} that the "
                f"model was fitted to (the first is {label[code < 0].iloc[0]!r}; one it knows is "
                f"{str(factor.levels[0])!r}): they are predicted with an effect of 0, its expectation.",
                stacklevel=6,
            )
        codes.append(code)
    return codes


def apply_spec(spec: Any, frame: pd.DataFrame) -> Floats:
    """Return the model matrix of new rows (n × columns), coded as the first rows were.

    Raises BadInput for a category that these did not have: coded like the reference category, it would be taken for it.
    """
    from formulaic.errors import DataMismatchWarning, FormulaicError

    _check_known(spec, frame)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DataMismatchWarning)
            made = spec.get_model_matrix(frame, output="numpy", na_action="ignore")
    except (DataMismatchWarning, FormulaicError) as error:
        raise BadInput(f"The rows to predict cannot be coded as the fitted ones were: {error}") from error
    return np.asarray(made, dtype=np.float64).reshape(len(frame), -1)


def _check_known(spec: Any, frame: pd.DataFrame) -> None:
    """Raise BadInput where a column that is a category has a value that the fitted rows had not."""
    for factor, (_, state) in spec.encoder_state.items():
        column, known = str(factor).removeprefix("C(").removesuffix(")").strip("`"), state.get("categories")
        if known is None or column not in frame:
            continue
        other = frame[column][~frame[column].isin(known)]
        if len(other):
            raise BadInput(
                f"{len(other):,} of the rows to predict have a value of {column!r} that no fitted row had, the first "
                f"'{other.iloc[0]}'; known are {', '.join(map(str, known[:20]))}. Leave these rows out."
            )
