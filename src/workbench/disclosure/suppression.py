"""Which numbers of an aggregate may be seen: the one place where that is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SUPPRESSED = "suppressed"


def protect(table: pd.DataFrame, keys: list[str], count: str, values: list[str], min_count: int) -> pd.DataFrame:
    """Return `table` with the count and every value of each group smaller than `min_count` blanked.

    The result has the columns `keys`, `count`, `values` (numbers as floats, blanks as NaN) and the
    flag `suppressed`, in the same rows. This is primary suppression only (NCES 2011-603): a reader can
    still subtract published groups from a published total, and a share of 0 or 1 tells about everyone
    in its group. docs/dashboards.md says so to the people who publish.
    """
    safe = table.loc[:, [*keys, count, *values]].reset_index(drop=True)
    # A categorical column would take along the names of all groups it knows, also of those left out.
    listed = [key for key in keys if safe[key].dtype == "category"]
    safe = safe.astype({key: safe[key].cat.categories.dtype for key in listed})
    safe.attrs = {}  # whatever else the table carried would be stored with it
    safe[[count, *values]] = safe[[count, *values]].astype("float64")
    small = safe[count] < min_count
    safe.loc[small, [count, *values]] = float("nan")
    safe[SUPPRESSED] = small
    return safe
