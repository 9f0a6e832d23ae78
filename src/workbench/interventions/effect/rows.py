"""Rows of a person's table, made ready: columns that are there, complete, and of the kind a method needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput, BadParameter, ModelError

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]
SMALLEST_ARM = 5
"""Fewer rows or clusters than this on one side and no method here is trusted."""


def complete(data: pd.DataFrame, needed: Sequence[str]) -> pd.DataFrame:
    """The rows in which every needed column is filled. Raises BadParameter for absent columns, BadInput for no rows."""
    absent = [name for name in needed if name not in data]
    if absent:
        raise BadParameter(f"The table has no column {absent[0]!r}; it has: {', '.join(map(str, data.columns))}.")
    rows = data[list(dict.fromkeys(needed))].dropna()
    if rows.empty:
        raise BadInput(f"No row has all of {', '.join(needed)} filled.")
    return rows.reset_index(drop=True)


def numbers(rows: pd.DataFrame, column: str) -> Floats:
    """A column as floats; raises BadInput where it holds what is no finite number."""
    try:
        values = rows[column].to_numpy(dtype=float)
    except (TypeError, ValueError) as error:
        raise BadInput(f"Column {column!r} must hold numbers or yes and no (1 and 0).") from error
    if not np.isfinite(values).all():
        raise BadInput(f"Column {column!r} holds infinite numbers.")
    return values


def outcome_of(rows: pd.DataFrame, column: str) -> Floats:
    """The outcome; raises ModelError where it never varies."""
    y = numbers(rows, column)
    if np.ptp(y) == 0:
        raise ModelError(f"The outcome {column!r} is {y[0]:g} in every row, so nothing can have changed it.")
    return y


def arms(rows: pd.DataFrame, column: str) -> Floats:
    """Who was treated, as 1 and 0; raises BadInput for other values and ModelError where an arm is empty."""
    d = numbers(rows, column)
    if not np.isin(d, (0, 1)).all():
        raise BadInput(f"Column {column!r} must be 1 (or true) for those who had it and 0 (or false) for the others.")
    if d.min() == d.max():
        raise ModelError(f"Every row has {column!r} = {d[0]:g}: one arm is empty, so there is nothing to compare with.")
    return d


def assigned_units(rows: pd.DataFrame, d: Floats, cluster: str | None) -> NDArray[np.int64]:
    """What was assigned, as numbers from 0: clusters, or rows. Raises BadInput and ModelError as told.

    A cluster in both arms was not assigned as a whole; five units a side are the least.
    """
    if cluster is None:
        units = np.arange(len(rows))
    else:
        units = np.unique(rows[cluster].to_numpy(), return_inverse=True)[1]
        share = np.bincount(units, d) / np.bincount(units)
        if ((share > 0) & (share < 1)).any():
            raise BadInput(
                f"{int(((share > 0) & (share < 1)).sum())} of the groups in {cluster!r} are partly in one arm and "
                "partly in the other, so they were not assigned as a whole. Name what was assigned, or none."
            )
    few = min(len(np.unique(units[d == 1])), len(np.unique(units[d == 0])))
    if few < SMALLEST_ARM:
        raise ModelError(
            f"Only {few} {'rows' if cluster is None else f'groups of {cluster!r}'} are in the smaller arm; "
            f"{SMALLEST_ARM} are the least from which an error can be told."
        )
    return units


def coded(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Covariates as numbers: numeric ones as they are, others one 0/1 column a value but the first; none constant."""
    import pandas as pd

    if not columns:
        return pd.DataFrame(index=rows.index)
    plain = rows[list(columns)]
    words = [name for name in plain if not pd.api.types.is_numeric_dtype(plain[name])]
    made = pd.get_dummies(plain, columns=words, drop_first=True).astype(float)
    return made.loc[:, made.nunique() > 1]


def standardised_differences(d: Floats, x: pd.DataFrame, weights: Floats | None = None) -> pd.Series:
    """(mean of treated − mean of others) / √((var₁ + var₀) / 2), variances unweighted (Austin 2009), a covariate."""
    w = np.ones(len(d)) if weights is None else weights
    means = [np.average(x.to_numpy(), axis=0, weights=w * (d == arm)) for arm in (1, 0)]
    spread = np.sqrt((x[d == 1].var() + x[d == 0].var()) / 2)
    return (means[0] - means[1]) / spread.where(spread > 0, 1.0)
