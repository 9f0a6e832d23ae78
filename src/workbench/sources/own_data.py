"""Tables of your own as a data folder: what every notebook from tier 1 on reads."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.checks import check
from workbench.errors import BadInput, BadParameter, did_you_mean
from workbench.files import replace_folder
from workbench.paths import resolve
from workbench.store import Data, check_replaceable, open_data, writing
from workbench.tables import TABLES, Column, Table

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


def write_data(path: str | Path, tables: Mapping[str, Any], *, last_day: str, source: str) -> Data:
    """Write tables of your own (pandas, polars or Arrow), by their names in the data model, and open the folder.

    `wb.describe_tables(name)` tells the columns. Other columns are left out; one that may be empty may be missing.
    `last_day` (ISO date) is the last day on which anything in the tables was known, `source` says where they are from.
    Every value is held against the data model first: only a folder without fault takes the place of an earlier one.
    Raises BadParameter for an unknown table, BadInput for a column or value that will not do.
    """
    if unknown := [name for name in tables if name not in TABLES]:
        raise BadParameter(
            f"The data model has no table {unknown[0]!r}. {did_you_mean(unknown[0], TABLES)}"
            f"It has: {', '.join(TABLES)}."
        )
    final = resolve(path).resolve()
    check_replaceable(final)
    beside = final.with_name(f".{final.name}.unchecked")
    try:
        with writing(beside, {"made_by": source}, last_day) as writer:
            for name, rows in tables.items():
                writer.append(name, _in_model(TABLES[name], rows))
        check(open_data(beside))
        replace_folder(beside, final)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return open_data(final)


def _in_model(declared: Table, rows: Any) -> pa.Table:
    """A table's columns with the types of the data model; those that may be empty and are not there are empty."""
    import pyarrow as pa

    found = _as_arrow(declared.name, rows)
    columns = {}
    for column, wanted in zip(declared.columns, declared.arrow_schema(), strict=True):
        if column.name in found.column_names:
            columns[column.name] = _cast(declared, column, found.column(column.name), wanted.type)
        elif column.nullable:
            columns[column.name] = pa.nulls(len(found), wanted.type)
        else:
            raise BadInput(
                f"Your table {declared.name!r} has no column {column.name!r} ({column.help}). "
                f"{did_you_mean(column.name, found.column_names)}It has: {', '.join(found.column_names)}."
            )
    return pa.table(columns)


def _as_arrow(name: str, rows: Any) -> pa.Table:
    import pyarrow as pa

    if isinstance(rows, pa.Table):
        return rows
    if hasattr(rows, "to_arrow"):
        return rows.to_arrow()
    if not hasattr(rows, "columns"):
        raise BadParameter(f"Your table {name!r} is a {type(rows).__name__}; give a pandas, polars or Arrow table.")
    try:
        return pa.Table.from_pandas(rows, preserve_index=False)
    except (pa.ArrowException, TypeError) as error:
        raise BadInput(f"Your table {name!r} has a column of mixed types: {error}.") from error


def _cast(declared: Table, column: Column, values: Any, wanted: Any) -> Any:
    import pyarrow as pa

    if values.null_count and not column.nullable:
        row = values.is_null().to_pylist().index(True) + 1
        raise BadInput(
            f"Your table {declared.name!r}, row {row}, column {column.name!r} ({column.help}): the value is missing; "
            "it must be there in every row."
        )
    if pa.types.is_timestamp(values.type) and pa.types.is_date(wanted):
        values = values.cast(pa.timestamp("us"), safe=False)
    try:
        return values.cast(wanted)
    except pa.ArrowException as error:
        raise BadInput(
            f"Your table {declared.name!r}, column {column.name!r} ({column.help}): {values.type} values cannot be "
            f"made {wanted}: {error}."
        ) from error
