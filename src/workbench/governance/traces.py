"""Where does a student stand? Any file, looked into for their identifier or the pseudonym researchers see."""

from __future__ import annotations

import csv
import gzip
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.access.audit import student_hash
from workbench.access.pseudonyms import pseudonym, site_key
from workbench.errors import BadParameter

if TYPE_CHECKING:
    import pyarrow as pa

TABLES: Final = (".parquet",)
SHEETS: Final = (".csv", ".tsv")
PICTURES: Final = (".png", ".jpg", ".jpeg", ".gif", ".pdf")
UNITS: Final = ("district_id", "school_id", "section_id", "teacher_id", "scale_id")
"""Columns whose values are never a student, however much they look alike."""
SHORTEST: Final = 2
_CHUNK, _OVERLAP = 1 << 22, 256


@dataclass(frozen=True)
class Student:
    """A student by what may stand in a file: the identifier, and the pseudonym made from it."""

    identifier: str
    pseudonym: str
    hash: str

    @classmethod
    def of(cls, identifier: str) -> Student:
        """Return a student by their identifier. Raises BadParameter for one that would be found in every file."""
        identifier = identifier.strip()
        if len(identifier) < SHORTEST:
            raise BadParameter(f"{identifier!r} is no identifier that could be looked for. Nothing was changed.")
        key = site_key()
        return cls(identifier, pseudonym(identifier, "student", key), student_hash(identifier, key))

    @property
    def either(self) -> str:
        return "|".join(map(re.escape, (self.identifier, self.pseudonym)))

    @property
    def expression(self) -> str:
        """The regular expression (RE2's as well as Python's) of a mention: no letter or digit beside it."""
        return f"(^|[^0-9A-Za-z])({self.either})([^0-9A-Za-z]|$)"

    @cached_property
    def in_text(self) -> re.Pattern[str]:
        return re.compile(f"(?<![0-9A-Za-z])(?:{self.either})(?![0-9A-Za-z])")

    @cached_property
    def in_bytes(self) -> re.Pattern[bytes]:
        return re.compile(self.in_text.pattern.encode())

    def is_meant(self, value: object) -> bool:
        """Return whether a value of a student column is this student; a number may have lost leading zeros."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.identifier.isdigit() and value == int(self.identifier)
        return str(value).strip() in (self.identifier, self.pseudonym)


def names_students(column: str) -> bool:
    """Return whether a column, by its name, holds identifiers of students."""
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", column)]
    return "student" in words and (len(words) == 1 or bool({"id", "ids", "number"} & set(words)))


def mentions(path: Path, student: Student) -> int:
    """Return how often a file tells of a student: rows of a table, mentions in anything else.

    Raises OSError or ValueError where it cannot be looked into.
    """
    if path.suffix in TABLES:
        return _in_table(path, student)
    if path.suffix in SHEETS:
        return _in_sheet(path, student)
    try:
        if zipfile.is_zipfile(path):
            return _in_archive(path, student)
        with open(path, "rb") as file:
            begins = file.read(5)
        if begins == b"SQLit":
            return _in_database(path, student)
        pages = _in_pages(path, student) if begins == b"%PDF-" else 0
        zipped = begins.startswith(b"\x1f\x8b")
        return pages + _in_stream(gzip.open(path) if zipped else open(path, "rb"), student)
    except sqlite3.Error as error:
        raise ValueError(f"it is no database that can be read ({error})") from error
    except (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from error


def _in_database(path: Path, student: Student) -> int:
    """Count the rows of a SQLite file that tell of a student; in its bytes, one cell begins where another ends."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
        names = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = (row for name in names for row in base.execute('SELECT * FROM "{}"'.format(name.replace('"', '""'))))
        return sum(any(student.in_text.search(str(value)) for value in row) for row in rows)


def _in_archive(path: Path, student: Student) -> int:
    with zipfile.ZipFile(path) as archive:
        names = sum(bool(student.in_text.search(name)) for name in archive.namelist())
        return names + sum(_in_stream(archive.open(name), student) for name in archive.namelist())


def _in_pages(path: Path, student: Student) -> int:
    """Count mentions in the text of a PDF, which its bytes hold packed."""
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    try:
        told = [*document.get_metadata_dict().values()]
        told += [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()
    return sum(len(student.in_text.findall(text)) for text in told)


def _in_stream(stream: Any, student: Student) -> int:
    """Count mentions in bytes, also in those of two-byte text, piece by piece."""
    found, rest = 0, b""
    with stream:
        while piece := stream.read(_CHUNK):
            text = rest + piece
            last = len(text) - _OVERLAP if len(piece) == _CHUNK else len(text)
            plain = text.replace(b"\0", b"") if b"\0" in text else b""
            found += sum(match.start() < last for match in student.in_bytes.finditer(text))
            found += len(student.in_bytes.findall(plain))
            rest = text[max(0, last) :]
    return found


def _in_table(path: Path, student: Student) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            said = sum(bool(student.in_text.search(name)) for name in schema.names)
            said += sum(bool(student.in_bytes.search(value)) for value in (schema.metadata or {}).values())
            return said + sum(told_rows(batch, student).count(True) for batch in batches(file))
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error


def batches(file: Any) -> Iterator[pa.Table]:
    """Read a Parquet file piece by piece."""
    import pyarrow as pa

    for batch in file.iter_batches():
        yield pa.Table.from_batches([batch])


def told_rows(table: pa.Table, student: Student) -> list[bool]:
    """Return for each row whether it is about a student or mentions them."""
    masks = [own_rows(table, student), *(mask for _, mask in mentioning(table, student))]
    return [any(row) for row in zip(*masks, strict=True)]


def own_rows(table: pa.Table, student: Student) -> list[bool]:
    """Return for each row whether a student column names the student."""
    own = [False] * len(table)
    for name in table.column_names:
        if names_students(name):
            column = table.column(name)
            if not _holds(column, student) and _is_text(column.type):
                continue
            own = [one or student.is_meant(value) for one, value in zip(own, column.to_pylist(), strict=True)]
    return own


def mentioning(table: pa.Table, student: Student) -> Iterator[tuple[str, list[bool]]]:
    """Give the columns, other than those of students and units, in which the student is mentioned, and where."""
    for name in table.column_names:
        column = table.column(name)
        if names_students(name) or name in UNITS or not _holds(column, student):
            continue
        values = column.to_pylist()
        yield name, [value is not None and bool(student.in_text.search(str(value))) for value in values]


def _holds(column: pa.ChunkedArray, student: Student) -> bool:
    """Return whether a column may hold a mention at all: a quick look, for most columns hold none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if _is_text(kind):
        return bool(pc.any(pc.match_substring_regex(column, student.expression)).as_py())
    return bool(pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _in_sheet(path: Path, student: Student) -> int:
    with open_sheet(path) as (rows, _):
        heads = next(rows, [])
        said = sum(bool(student.in_text.search(head)) for head in heads)
        return said + sum(told_cells(heads, row, student) != (False, []) for row in rows)


@contextmanager
def open_sheet(path: Path) -> Iterator[tuple[Iterator[list[str]], dict[str, str]]]:
    """Open a CSV file as rows, and say how it is written. Raises ValueError where it is no such text in UTF-8."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        head = file.read(1 << 14)
        file.seek(0)
        written = {
            "delimiter": max(",;\t|", key=head.partition("\n")[0].count),
            "lineterminator": "\r\n" if "\r\n" in head else "\n",
        }
        csv.field_size_limit(1 << 30)
        try:
            yield csv.reader(file, delimiter=written["delimiter"]), written
        except csv.Error as error:
            raise ValueError(f"it is not written as a table: {error}") from error


def told_cells(heads: list[str], row: list[str], student: Student) -> tuple[bool, list[int]]:
    """Return whether a row is about the student, and which of its other cells mention them."""
    own = [i for i, head in enumerate(heads[: len(row)]) if names_students(head)]
    others = [i for i in range(len(row)) if i not in own and (heads[i : i + 1] or [""])[0] not in UNITS]
    return any(student.is_meant(row[i]) for i in own), [i for i in others if student.in_text.search(row[i])]
