"""The words a notebook's parameters cell may use.

A cell tagged `parameters` begins with one import from here and goes on with declarations:

    from workbench.parameters import Annotated, DataFolder, Ge, Le

    data: DataFolder = "data/synthetic/sample"  # the data folder to read
    horizon: Annotated[int, Ge(1), Le(4)] = 1  # years to look ahead

The declarations are the notebook's contract: they are read, never run, before a run starts.
Dates are written, and arrive in the notebook, as ISO text such as "2024-01-31".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt, MinLen


@dataclass(frozen=True)
class Reads:
    """Marks a path parameter by what must lie there before a run may start."""

    what: Literal["data folder", "table file"]


@dataclass(frozen=True)
class Names:
    """Marks a parameter that must name a column of the table file the notebook reads."""

    what: Literal["column"] = "column"


DataFolder = Annotated[str, Reads("data folder")]
TableFile = Annotated[str, Reads("table file")]
ColumnName = Annotated[str, Names()]

__all__ = ["Annotated", "ColumnName", "DataFolder", "Ge", "Gt", "Le", "Literal", "Lt", "MinLen", "TableFile", "date"]
