"""Which rows of a table have the outcome that is to be predicted."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput, BadParameter, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Chosen = np.ndarray[tuple[int], np.dtype[np.bool_]]

OBVIOUS = ("true", "1", "yes", "y", "dropout", "dropped out", "dropped_out")
_COMPARISON = re.compile(r"\s*(<=|>=|==|!=|<|>|=)\s*(.+?)\s*")
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
# What YAML makes of an unquoted yes or no, and what the file may have held.
_WORDS = (("true", "yes", "y", "1"), ("false", "no", "n", "0"))


def outcome(frame: pd.DataFrame, column: str, positive_values: Sequence[Any] | str | None = None) -> Chosen:
    """Return one bool a row: does the row have the outcome?

    `positive_values` is a list of values, or a comparison such as "<10", ">=3" or "!=G"; left out, the
    column must hold two values of which one plainly means yes (True, 1, yes, dropout).
    Raises BadParameter where the column or a value does not occur, or where the choice takes every row or
    none, and BadInput where the outcome of a row is missing.
    """
    values = _column(frame, column)
    comparison = _COMPARISON.fullmatch(positive_values) if isinstance(positive_values, str) else None
    if positive_values is None:
        chosen = _equal(values, _obvious(values))
    elif comparison:
        chosen = _compared(values, comparison[1], comparison[2])
    else:
        wanted = [positive_values] if isinstance(positive_values, str) else list(positive_values)
        chosen = _any_of(values, wanted)
    if chosen.all() or not chosen.any():
        raise BadParameter(
            f"positive_values {positive_values!r} takes {'all' if chosen.all() else 'none'} of the "
            f"{len(chosen):,} rows of column {column!r}; there must be some of both. {_found(values)}"
        )
    return chosen


def _column(frame: pd.DataFrame, column: str) -> pd.Series[Any]:
    if column not in frame.columns:
        names = [str(name) for name in frame.columns]
        raise BadParameter(
            f"The table has no column {column!r}. {did_you_mean(column, names)}It has: {', '.join(names)}."
        )
    values = frame[column]
    if missing := int(values.isna().sum()):
        first = int(values.isna().to_numpy().argmax()) + 1
        raise BadInput(
            f"Column {column!r}, the outcome, is missing in {missing:,} of {len(values):,} rows, the first time in row "
            f"{first}. Leave out the rows whose outcome is not known yet."
        )
    return values


def _obvious(values: pd.Series[Any]) -> Any:
    different = list(values.unique())
    plain = [value for value in different if _text(value) in OBVIOUS]
    if len(different) == 2 and len(plain) == 1:
        return plain[0]
    raise BadParameter(
        f"Say which values of column {values.name!r} mean that the outcome happened, with positive_values "
        f"(a list, or a comparison such as '<10'). {_found(values)}"
    )


def _compared(values: pd.Series[Any], sign: str, text: str) -> Chosen:
    import pandas as pd

    if pd.api.types.is_bool_dtype(values.dtype) or not pd.api.types.is_numeric_dtype(values.dtype):
        if sign in ("=", "==", "!="):
            return _OPERATORS[sign](_any_of(values, [text]), True)
        raise BadParameter(
            f"positive_values {sign + text!r} compares numbers, but column {values.name!r} holds text. {_found(values)}"
        )
    try:
        bound = float(text)
    except ValueError as error:
        raise BadParameter(
            f"positive_values {sign + text!r}: column {values.name!r} holds numbers, and {text!r} is none."
        ) from error
    return _OPERATORS[sign](values, bound).to_numpy(dtype=bool)


def _any_of(values: pd.Series[Any], wanted: Sequence[Any]) -> Chosen:
    import numpy as np

    chosen = np.zeros(len(values), dtype=bool)
    for value in wanted:
        same = _equal(values, value)
        if not same.any():
            raise BadParameter(
                f"positive_values names {value!r}, which column {values.name!r} never holds. {_found(values)}"
            )
        chosen |= same
    return chosen


def _equal(values: pd.Series[Any], value: Any) -> Chosen:
    import pandas as pd

    if isinstance(value, bool) or pd.api.types.is_bool_dtype(values.dtype):
        words = next((words for words in _WORDS if _text(value) in words), ())
        return values.map(_text).isin(words).to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(values.dtype):
        return (values == pd.to_numeric(str(value), errors="coerce")).to_numpy(dtype=bool)
    return (values.astype("str") == str(value)).to_numpy(dtype=bool)


def _text(value: Any) -> str:
    number = isinstance(value, float) and value.is_integer()
    return str(int(value) if number else value).strip().casefold()


def _found(values: pd.Series[Any]) -> str:
    import pandas as pd

    counts = values.value_counts()
    if len(counts) > 10 and pd.api.types.is_numeric_dtype(values.dtype):
        return f"Its values go from {values.min():g} to {values.max():g}."
    more = f", and {len(counts) - 10} more" if len(counts) > 10 else ""
    return f"Its values are: {', '.join(f'{v} ({n:,})' for v, n in counts.head(10).items())}{more}."
