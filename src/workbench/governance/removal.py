"""Take a student out of one file: their rows go, a mention in the row of somebody else is blacked out.

Every file is written beside its name and put in its place whole, with the permissions it had.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.files import draft_of
from workbench.governance.traces import (
    SHEETS,
    TABLES,
    Student,
    batches,
    mentioning,
    names_students,
    open_sheet,
    own_rows,
    told_cells,
)

if TYPE_CHECKING:
    import pyarrow as pa

BLACKED: Final = "[erased]"
TEXTS: Final = (".json", ".yml", ".yaml")
LINES: Final = (".jsonl", ".ndjson", ".log")
REWRITABLE: Final = (*TABLES, *SHEETS, *TEXTS, *LINES)


def remove(path: Path, student: Student) -> None:
    """Take a student out of a file of one of the `REWRITABLE` kinds. Raises OSError or ValueError where it cannot."""
    with _replacing(path) as draft:
        if path.suffix in TABLES:
            _table(path, draft, student)
        elif path.suffix in SHEETS:
            _sheet(path, draft, student)
        elif path.suffix in LINES:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            draft.write_text("".join(line for line in lines if not student.in_text.search(line)), encoding="utf-8")
        else:
            draft.write_text(student.in_text.sub(BLACKED, path.read_text(encoding="utf-8")), encoding="utf-8")


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    draft = draft_of(path)
    try:
        draft.touch(mode=0o600)
        yield draft
        shutil.copymode(path, draft)
        with open(draft, "rb") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _table(path: Path, draft: Path, student: Student) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        kept = [name for name in schema.names if not student.in_text.search(name)]
        facts = {k: v for k, v in (schema.metadata or {}).items() if not student.in_bytes.search(v)}
        schema = pa.schema([schema.field(name) for name in kept], facts or None)
        try:
            with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
                for batch in batches(file):
                    writer.write_table(_without(batch.select(kept), student, schema))
        except pa.ArrowException as error:
            raise ValueError(str(error)) from error


def _without(table: pa.Table, student: Student, schema: pa.Schema) -> pa.Table:
    """Return a table without a student: where rows have an owner, others' rows stay with the mention blacked out."""
    import pyarrow as pa

    gone = own_rows(table, student)
    has_owner = any(names_students(name) for name in table.column_names)
    for name, mask in mentioning(table, student):
        kind = table.schema.field(name).type
        if not has_owner or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            gone = [one or other for one, other in zip(gone, mask, strict=True)]
            continue
        values = table.column(name).to_pylist()
        clean = [student.in_text.sub(BLACKED, v) if hit else v for v, hit in zip(values, mask, strict=True)]
        table = table.set_column(table.column_names.index(name), name, pa.array(clean, kind))
    # Through plain values, because a dictionary would keep the words of rows that went.
    rest = table.filter(pa.array([not one for one in gone], pa.bool_()))
    return pa.table(
        [pa.array(rest.column(f.name).to_pylist(), f.type) if _has_words(f) else rest.column(f.name) for f in schema],
        schema=schema,
    )


def _has_words(field: pa.Field) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_dictionary(field.type))


def _sheet(path: Path, draft: Path, student: Student) -> None:
    with open_sheet(path) as (rows, written), open(draft, "w", encoding="utf-8", newline="") as out:
        write = csv.writer(out, delimiter=written["delimiter"], lineterminator=written["lineterminator"]).writerow
        heads = next(rows, [])
        gone = {i for i, head in enumerate(heads) if student.in_text.search(head)}
        has_owner = any(map(names_students, heads))
        write([head for i, head in enumerate(heads) if i not in gone])
        for row in rows:
            own, mentioned = told_cells(heads, row, student)
            if own or (mentioned and not has_owner):
                continue
            clean = [student.in_text.sub(BLACKED, cell) if i in mentioned else cell for i, cell in enumerate(row)]
            write([cell for i, cell in enumerate(clean) if i not in gone])
