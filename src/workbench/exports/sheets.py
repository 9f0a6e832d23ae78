"""Tables as CSV and XLSX, in which no text is taken for a formula."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from workbench.errors import NotShown

MOST_ROWS: Final = 20_000
MOST_COLUMNS: Final = 200
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""With what a text begins that a spreadsheet takes for a formula (OWASP, *CSV Injection*)."""
_LONGEST_CELL: Final = 32_767  # Excel's own limit


def csv_bytes(columns: Mapping[str, Sequence[Any]], about: Mapping[str, str]) -> bytes:
    """Return a table as CSV: UTF-8 with a byte order mark, one heading line, rows, nothing else.

    `about` (whose data, of which day, …) is said in a column each, the same in every row: a line above the headings
    would be taken for data by most programs. A text that a spreadsheet would take for a formula begins with an
    apostrophe (`'=1+1`); numbers stay numbers. Raises NotShown for a table that is too large.
    """
    whole = _checked(columns) | {f"about: {name}": [text] * _length(columns) for name, text in about.items()}
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([harmless(name) for name in whole])
    writer.writerows([[_csv_cell(value) for value in row] for row in zip(*whole.values(), strict=True)])
    return file.getvalue().encode("utf-8-sig", "replace")


def harmless(text: str) -> str:
    """Return a text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) or text.startswith(FORMULA) else text


def xlsx_bytes(columns: Mapping[str, Sequence[Any]], about: Mapping[str, str]) -> bytes:
    """Return a table as an Excel workbook: the rows on the first sheet, `about` on the second.

    Texts are stored as texts, so that none is a formula or a link. Raises NotShown for a table that is too large.
    """
    import xlsxwriter

    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        book.set_properties({"title": about.get("title", "Table"), "comments": "; ".join(_lines(about))})
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet("Table")
        _fill(sheet, _checked(columns), bold)
        told = book.add_worksheet("About")
        told.set_column(0, 0, 24)
        told.set_column(1, 1, 100, book.add_format({"text_wrap": True, "valign": "top"}))
        for row, (name, text) in enumerate(about.items()):
            told.write_string(row, 0, name, bold)
            told.write_string(row, 1, text[:_LONGEST_CELL])
    return file.getvalue()


def _fill(sheet: Any, columns: Mapping[str, Sequence[Any]], bold: Any) -> None:
    for place, (name, values) in enumerate(columns.items()):
        sheet.write_string(0, place, name, bold)
        for row, value in enumerate(values, start=1):
            _write(sheet, row, place, value)
        longest = max([len(name) / 2, *(len(str(value)) for value in values[:500])])
        sheet.set_column(place, place, min(max(10, longest + 2), 50))
    sheet.freeze_panes(1, 0)
    if columns:
        sheet.autofilter(0, 0, _length(columns), len(columns) - 1)


def _write(sheet: Any, row: int, place: int, value: Any) -> None:
    if value is None or value != value:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, int | float) and math.isfinite(value):
        sheet.write_number(row, place, value)
    else:
        sheet.write_string(row, place, str(value)[:_LONGEST_CELL])


def _csv_cell(value: Any) -> Any:
    if value is None or value != value:
        return ""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else harmless(str(value))


def _checked(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    if _length(columns) > MOST_ROWS or len(columns) > MOST_COLUMNS:
        raise NotShown(
            f"This table has {_length(columns):,} rows; a download may have up to {MOST_ROWS:,}, and {MOST_COLUMNS} "
            "columns. Choose fewer with the filters."
        )
    return dict(columns)


def _length(columns: Mapping[str, Sequence[Any]]) -> int:
    return max(map(len, columns.values()), default=0)


def _lines(about: Mapping[str, str]) -> list[str]:
    return [f"{name}: {text}" for name, text in about.items()]
