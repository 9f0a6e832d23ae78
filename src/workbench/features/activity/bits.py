"""Sets of days, a bit each, in whole numbers.

DuckDB and Spark both offer these functions, under the same names; Ibis by itself writes them for DuckDB alone.
"""

from __future__ import annotations

import ibis


@ibis.udf.agg.builtin(signature=(("int32",), "int32"))  # type: ignore[untyped-decorator]
def bit_or(days: ibis.Value) -> ibis.Value:
    """Return the days that are in any of a group's sets."""
    raise NotImplementedError


@ibis.udf.scalar.builtin(signature=(("int64",), "int32"))  # type: ignore[untyped-decorator]
def bit_count(days: ibis.Value) -> ibis.Value:
    """Return how many days are in a set."""
    raise NotImplementedError
