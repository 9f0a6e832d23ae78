"""Groups of people, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def in_groups(frame: pd.DataFrame, group: str) -> pd.Series[str]:
    """Return a group column as text, with missing values as a group of their own."""
    import numpy as np

    values = frame[group]
    if values.dtype.kind in "bfi" and set(np.unique(values.dropna())) <= {0.0, 1.0}:
        values = values.astype(float).map({0.0: "no", 1.0: "yes"})
    return values.astype("object").where(values.notna(), "not recorded").astype(str)
