"""Every value of a data folder, held against the data model."""

from __future__ import annotations

from typing import Any

from workbench import store
from workbench.errors import BadInput
from workbench.files import sha256
from workbench.paths import shown
from workbench.tables import Column, Table, table

_WORDS = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "date": "a date",
    "timestamp": "a date with a time of day",
}
_AGAIN = "Write the data folder again."


def check(data: store.Data) -> None:
    """Check every value of a data folder against the data model, and its files against their checksums.

    Raises BadInput at the first column with an empty, not allowed or out-of-range value and at the
    first repeated key, naming file, row (counted from 1), column and value; then at the first file
    that cannot be read or holds other bytes than were written.
    """
    import duckdb

    duck = data.connection.con if data.backend == "duckdb" else store.connect("duckdb").con
    for name in data.manifest["tables"]:
        declared = table(name)
        try:
            for column in declared.columns:
                _check_values(duck, data, declared, column)
            _check_key(duck, data, declared)
        except duckdb.Error as error:
            _check_bytes(data, name)
            said = " ".join(str(error).split())
            raise BadInput(f"Table {name!r} in {shown(data.path)} cannot be read ({said}). {_AGAIN}") from error
        _check_bytes(data, name)


def _source(data: store.Data, name: str) -> str:
    glob = f"{store.as_it_is(data.path / name)}/*.parquet".replace("'", "''")
    return f"read_parquet('{glob}', filename=true, file_row_number=true, hive_partitioning=false)"


def _check_values(duck: Any, data: store.Data, declared: Table, column: Column) -> None:
    wrong = _wrong(column)
    if not wrong:
        return
    query = f'SELECT filename, file_row_number, "{column.name}" FROM {_source(data, declared.name)} WHERE '
    row = duck.execute(query + " OR ".join(wrong) + " LIMIT 1").fetchone()
    if row:
        value = "empty" if row[2] is None or row[2] == "" else repr(row[2])
        must = f"one of {', '.join(column.allowed)}" if column.allowed else _bounds(column)
        raise BadInput(
            f"{shown(row[0])}, row {row[1] + 1}, column {column.name!r} of table {declared.name!r}: "
            f"the value is {value}; it must be {must}. Correct it at its source and write the data folder again."
        )


def _wrong(column: Column) -> list[str]:
    """Return what, in SQL, a value of a column may not be."""
    name = f'"{column.name}"'
    wrong = [] if column.nullable else [f"{name} IS NULL"]
    if column.type == "string" and not column.nullable:
        wrong.append(f"trim({name}) = ''")
    if column.type == "float":
        wrong.append(f"NOT isfinite({name})")
    if column.allowed:
        wrong.append(f"{name} NOT IN ({', '.join(repr(value) for value in column.allowed)})")
    if column.minimum is not None:
        wrong.append(f"{name} < {column.minimum}")
    if column.maximum is not None:
        wrong.append(f"{name} > {column.maximum}")
    return wrong


def _bounds(column: Column) -> str:
    low = "" if column.minimum is None else f" of at least {column.minimum:g}"
    high = "" if column.maximum is None else f"{' and' if low else ' of'} at most {column.maximum:g}"
    return f"{_WORDS[column.type]}{low}{high}"


def _check_key(duck: Any, data: store.Data, declared: Table) -> None:
    key = ", ".join(f'"{name}"' for name in declared.key)
    source = _source(data, declared.name)
    found = duck.execute(f"SELECT {key} FROM {source} GROUP BY ALL HAVING count(*) > 1 LIMIT 1").fetchone()
    if not found:
        return
    where = " AND ".join(f'"{name}" = ?' for name in declared.key)
    rows = duck.execute(f"SELECT filename, file_row_number FROM {source} WHERE {where} LIMIT 2", list(found)).fetchall()
    places = " and ".join(f"{shown(file)} row {row + 1}" for file, row in rows)
    named = ", ".join(f"{name} {value}" for name, value in zip(declared.key, found, strict=True))
    raise BadInput(
        f"Table {declared.name!r} has the key ({named}) more than once: {places}. "
        "Remove the duplicate at its source and write the data folder again."
    )


def _check_bytes(data: store.Data, name: str) -> None:
    for file, facts in data.manifest["tables"][name]["files"].items():
        path = data.path / name / file
        if sha256(path) != facts["sha256"]:
            raise BadInput(
                f"{shown(path)} does not hold the bytes that {store.MANIFEST} says (another SHA-256): "
                f"it was changed or damaged. {_AGAIN}"
            )
