"""The one entrance for the notebook: a data folder, or a person's own table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.dropout import cohorts, own_table
from workbench.dropout.horizons import Horizon
from workbench.dropout.study import Study
from workbench.errors import BadParameter
from workbench.store import Backend, open_data


def prepare(
    data: str | None,
    as_of: str,
    horizon: Horizon = 1,
    backend: Backend = "duckdb",
    *,
    table: str | None = None,
    outcome_column: str | None = None,
    positive_values: Sequence[str] | str | None = None,
    sensitive_predictors: bool = False,
    **columns: Any,
) -> Study:
    """Return the study of `table` where one is named, otherwise the dropout study of the folder `data`.

    See `cohorts.study` and `own_table.study_from_table` for what each takes and raises.
    """
    if not table:
        if not data:
            raise BadParameter("Neither data nor table is named: say which data folder, or which table, to read.")
        return cohorts.study(open_data(data, backend), as_of, horizon, sensitive_predictors)
    if not outcome_column:
        raise BadParameter("table is named, but outcome_column is not: say which column tells the outcome.")
    return own_table.study_from_table(
        table, outcome_column, positive_values=positive_values, sensitive_predictors=sensitive_predictors, **columns
    )
