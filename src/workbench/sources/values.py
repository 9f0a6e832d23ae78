"""From text cells to values: what is missing, what is a number, what is an identifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MISSING = ("", "?", ".", "-", "--", "N/A", "NA", "NULL", "null")
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_DECIMAL_COMMA = r"[+-]?\d*,?\d+"
_PADDED = r"0\d+"
_TOO_LONG = r"[+-]?\d{16,}"  # a float64 holds 15 decimal digits exactly: a longer run is an identifier


def typed(cells: pa.Table, decimal_comma: bool = False) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the cells as a data frame of numbers and text, and notes on what was recognised.

    Numbers become int64, or float64 where any is missing or has a fraction. `decimal_comma` allows 1,5.
    """
    import pandas as pd

    notes: dict[str, list[str]] = {}
    columns = {}
    for name in cells.column_names:
        text = _trimmed(cells.column(name).to_pandas().astype("str"))
        columns[name], kind = _column(text, decimal_comma)
        if kind:
            notes.setdefault(kind, []).append(name)
    return pd.DataFrame(columns), tuple(f"{kind}: {', '.join(names)}" for kind, names in notes.items())


def without_markers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the usual markers in its text columns made missing."""
    import pandas as pd

    texts = [name for name in frame.columns if pd.api.types.is_string_dtype(frame[name].dtype)]
    return frame.assign(**{name: _trimmed(frame[name].astype("str")) for name in texts})


def _trimmed(text: pd.Series[str]) -> pd.Series[str]:
    text = text.str.strip()
    return text.mask(text.isin(MISSING))


def _column(text: pd.Series[str], decimal_comma: bool) -> tuple[pd.Series[str] | pd.Series[float], str]:
    import pandas as pd

    known = text.dropna()
    if known.empty:
        return pd.Series(float("nan"), index=text.index), "empty columns"
    if known.str.fullmatch(_PADDED).any() or known.str.fullmatch(_TOO_LONG).any():
        return text, "identifiers kept as text" if known.str.fullmatch(r"\d+").all() else ""
    if known.str.fullmatch(_NUMBER).all():
        return pd.to_numeric(text), ""
    if decimal_comma and known.str.fullmatch(_DECIMAL_COMMA).all():
        return pd.to_numeric(text.str.replace(",", ".")), "decimal commas read as decimal points"
    return text, ""
