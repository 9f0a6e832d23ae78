"""A person's own table: one row a student, from a CSV or Parquet file that nobody described beforehand."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import BadInput
from workbench.paths import resolve, shown
from workbench.sources import values
from workbench.sources.outcome import outcome

if TYPE_CHECKING:
    from _csv import Reader

    import pandas as pd
    import pyarrow as pa

__all__ = ["FlatTable", "outcome", "read_table"]

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_SAMPLE = 200_000
_NOT_TABLES = {
    b"PK\x03\x04": "a spreadsheet or a zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF document",
}


@dataclass(frozen=True)
class FlatTable:
    """A table as it was read; `notes` says in words what was recognised and what was changed.

    `separator` and `encoding` are empty for Parquet.
    """

    frame: pd.DataFrame
    path: Path
    separator: str
    encoding: str
    notes: tuple[str, ...]


def read_table(path: str | Path) -> FlatTable:
    """Read a CSV file (separator, encoding and types recognised) or a Parquet file.

    Empty cells and the usual markers (?, ., -, --, N/A, NA, NULL) become missing; spaces around a value
    are dropped. A column of numbers becomes numeric; one with leading zeros, or with more digits than a
    number can hold, is an identifier and stays text. Relative paths start at the project's root.
    Raises BadInput, naming file, line and column.
    """
    file = resolve(path)
    content = _bytes(file)
    if content.startswith(b"PAR1"):
        return _parquet(file)
    text, encoding = _decoded(content, file)
    if not text.strip():
        raise BadInput(f"{shown(file)} is empty. Export it again; the first line must name the columns.")
    separator = _separator(text)
    _check_quotes(text, separator, file)
    header = _header(text, separator, file)
    frame, notes = values.typed(_cells(text, separator, header, file), decimal_comma=separator == ";")
    found = f"{len(frame):,} rows, {len(header)} columns, separator {SEPARATORS[separator]}, encoding {encoding}"
    return FlatTable(frame, file, separator, encoding, (found, *notes))


def _bytes(file: Path) -> bytes:
    if file.is_dir():
        raise BadInput(f"{shown(file)} is a folder; name one CSV or Parquet file in it.")
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        near = ", ".join(sorted(p.name for p in file.parent.glob(f"*{file.suffix}"))[:10])
        there = f" That folder holds: {near}." if near else ""
        raise BadInput(f"There is no file {shown(file)}.{there} Correct the name in the parameters.") from error
    except OSError as error:
        raise BadInput(f"{shown(file)} cannot be read: {error.strerror}. Check its permissions.") from error
    for start, kind in _NOT_TABLES.items():
        if content.startswith(start):
            raise BadInput(f"{shown(file)} is {kind}, not a table. Save it as CSV (UTF-8) and name that file.")
    return content


def _decoded(content: bytes, file: Path) -> tuple[str, str]:
    """Decode by byte-order mark, else as UTF-8, else as Windows' western code page."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        candidates = ["utf-16"]
    elif content.startswith(b"\xef\xbb\xbf"):
        candidates = ["utf-8-sig"]
    elif b"\x00" in content[:4000]:
        candidates = ["utf-16-be" if content[:1] == b"\x00" else "utf-16-le"]
    else:
        candidates = ["utf-8", "cp1252"]
    for encoding in candidates:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not any((c < " " and c not in "\t\r\n\f\v") or c == "\x7f" for c in set(text)):
            return text, encoding
    raise BadInput(
        f"{shown(file)} is not a text file that can be understood (tried {', '.join(candidates)}). "
        "Save it as CSV with the encoding UTF-8, or as Parquet."
    )


def _records(text: str, separator: str, strict: bool = False) -> Reader:
    csv.field_size_limit(2**31 - 1)
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)


def _separator(text: str) -> str:
    """Return the separator whose fields agree best with the header's, and of those the one with most fields."""

    def agreement(separator: str) -> tuple[float, int]:
        sample = [len(r) for r in _records(text[:_SAMPLE], separator) if r]
        whole = sample[:-1] if len(text) > _SAMPLE and len(sample) > 1 else sample
        fields = whole[0] if whole else 0
        return (Counter(whole)[fields] / len(whole), fields) if fields > 1 else (0, 0)

    return max(SEPARATORS, key=agreement)


def _check_quotes(text: str, separator: str, file: Path) -> None:
    """Refuse a quotation mark that is never closed: parsers take all that follows for one value."""
    if text.count('"') % 2 == 0:
        return
    records, line = _records(text, separator, strict=True), 1
    try:
        for _ in records:
            line = records.line_num + 1
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise BadInput(
                f"{shown(file)}, line {line}: a quotation mark is opened and never closed. Close it, or remove it."
            ) from error


def _header(text: str, separator: str, file: Path) -> list[str]:
    records = _records(text, separator)
    header = next(([name.strip() for name in record] for record in records if record), [])
    line = records.line_num
    for position, name in enumerate(header, start=1):
        if not name:
            raise BadInput(
                f"{shown(file)}, line {line}: column {position} of {len(header)} has no name. "
                "Give it one, or remove the column (a separator too many at the end of the line does this too)."
            )
    for name, times in Counter(header).items():
        if times > 1:
            where = " and ".join(str(i) for i, n in enumerate(header, start=1) if n == name)
            raise BadInput(f"{shown(file)}, line {line}: columns {where} are both named {name!r}. Rename one of them.")
    return header


def _cells(text: str, separator: str, header: list[str], file: Path) -> pa.Table:
    """Parse into text cells; a row with more or fewer fields than the header is an error."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    wrong: list[arrow.InvalidRow] = []

    def seen(row: arrow.InvalidRow) -> str:
        wrong.append(row)
        return "skip"

    content = text.encode("utf-8")
    try:
        cells = arrow.read_csv(
            pa.BufferReader(content),
            arrow.ReadOptions(use_threads=False, block_size=max(len(content), 1 << 20), column_names=header),
            arrow.ParseOptions(
                delimiter=separator,
                newlines_in_values=True,
                ignore_empty_lines=len(header) > 1,
                invalid_row_handler=seen,
            ),
            arrow.ConvertOptions(column_types=dict.fromkeys(header, pa.string())),
        )
    except pa.ArrowInvalid as error:
        raise BadInput(f"{shown(file)} cannot be read as a table ({error}). Export it again as CSV.") from error
    if wrong:
        raise BadInput(_ragged(text, separator, header, wrong[0].number, file))
    if cells.num_rows < 2:
        raise BadInput(f"{shown(file)} names its columns but holds no rows. Export it again.")
    return cells.slice(1)


def _ragged(text: str, separator: str, header: list[str], number: int, file: Path) -> str:
    records, line, found = _records(text, separator), number, 0
    for record in records:
        if record and len(record) != len(header):
            line, found = records.line_num, len(record)
            break
    quantity = "too many" if found > len(header) else "too few"
    return (
        f"{shown(file)}, line {line}: {found} fields where the header names {len(header)} ({quantity}), "
        f"taking the {SEPARATORS[separator]} as separator. Look for a value that holds the separator or a quotation "
        "mark without being quoted, and correct that line."
    )


def _parquet(file: Path) -> FlatTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        repeated = [name for name, times in Counter(pq.read_schema(file).names).items() if times > 1]
        if repeated:
            raise BadInput(f"{shown(file)} has more than one column named {repeated[0]!r}. Rename one of them.")
        table = pq.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"{shown(file)} is not a readable Parquet file ({error}). Write it again.") from error
    if not table.num_rows:
        raise BadInput(f"{shown(file)} holds no rows. Write it again.")
    frame = values.without_markers(table.to_pandas())
    return FlatTable(frame, file, "", "", (f"{len(frame):,} rows, {frame.shape[1]} columns, Parquet",))
