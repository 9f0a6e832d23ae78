"""Scores, groups and clusters of students as arrays of one length, with nothing missing among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import BadInput

Floats = NDArray[Any]


def numbers(what: str, values: Any, n: int | None = None) -> Floats:
    """Return values as finite numbers, one for all `n` repeated. Raises BadInput, with what is wrong and where."""
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise BadInput(f"The {what} are numbers, one a student; give one column of them.") from None
    if n is not None and found.ndim == 0:
        found = np.full(n, found)
    _check_length(what, found, n)
    if missing := int((~np.isfinite(found)).sum()):
        raise BadInput(f"{missing:,} {what} are missing or infinite; leave these rows out.")
    return found


def flags(values: Any, n: int) -> Floats:
    """Return true for students of group a, false for those of b; 1 and 0 will do. Raises BadInput for all else."""
    column = pd.Series(np.asarray(values).ravel() if np.ndim(values) == 1 else [])
    _check_length("flags of group a", column, n)
    if missing := int(column.isna().sum()):
        raise BadInput(f"The group of {missing:,} students is missing; leave these rows out.")
    if not column.isin([True, False]).all():
        some = ", ".join(repr(value) for value in sorted(map(str, column.unique()))[:3])
        raise BadInput(
            f"in_a is true for students of group a and false for those of group b; here it holds {some}. Write, for "
            "example, in_a = table.group == 'the name of group a'."
        )
    return column.to_numpy(bool)


def codes(what: str, values: Any, n: int) -> tuple[Floats, Floats]:
    """Return the different names in a column and the number of each row's. Raises BadInput where one is missing."""
    number, names = pd.factorize(np.asarray(values), sort=True)
    _check_length(what, number, n)
    if missing := int((number < 0).sum()):
        raise BadInput(f"{what.capitalize()} of {missing:,} students are missing; leave these rows out.")
    return np.asarray(names), number


def _check_length(what: str, values: Any, n: int | None) -> None:
    if np.ndim(values) != 1 or (n is not None and len(values) != n):
        got = f"{np.size(values):,} values" if np.ndim(values) == 1 else "something else"
        raise BadInput(f"The {what} are one column, with a value a student ({got} given).")
