"""The log of interventions as CSV, for the case-management system, and what comes back from there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Final

from workbench.access.audit import Log, student_hash
from workbench.access.pseudonyms import site_key
from workbench.errors import BadInput, did_you_mean
from workbench.exports.sheets import FORMULA
from workbench.files import write_atomically
from workbench.interventions.log import Step, add, entries
from workbench.paths import shown

COLUMNS: Final = ("intervention_id", "student_id", "step", "day", "by", "kind", "reason", "note")
REQUIRED: Final = COLUMNS[:5]


def write(path: Path, students: Iterable[str], log: Log | None = None) -> int:
    """Write every step about those of `students` whom the log knows, for its owner alone; return how many."""
    key = site_key()
    names = {student_hash(student, key): student for student in students}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    told = [(names[each.student], each.step) for each in entries(log) if each.student in names]
    for student, step in told:
        texts = (step.kind, step.reason, step.note)
        writer.writerow([step.intervention_id, student, step.step, step.day, step.by, *map(_plain, texts)])
    write_atomically(path, out.getvalue())
    path.chmod(0o600)
    return len(told)


def read(path: Path, *, who: str, at: str, log: Log | None = None) -> int:
    """Add what a CSV file tells to the log; return how many steps are new.

    Rows that the log knows are passed over, so that a whole file may come back. Raises BadInput that names each bad
    row by its line; then nothing is logged.
    """
    steps, places, wrong = [], [], []
    for line, row, more in _rows(path):
        found = _step(row, more)
        if isinstance(found, str):
            wrong.append(f"line {line}: {found}.")
        else:
            steps.append(found)
            places.append(f"line {line}")
    try:
        return add(steps, who=who, at=at, log=log, places=places, wrong=wrong)
    except BadInput as error:
        raise BadInput(f"{shown(path)}:\n{error}") from error


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str], int]]:
    """Each row with the line it ends on, its cells by column, and how many cells it has too many."""
    try:
        reader = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""), strict=True)
        head = [name.strip() for name in next(reader, [])]
        _check_head(path, head)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                row = dict(zip(head, map(str.strip, cells), strict=False))
                yield reader.line_num, row, len(cells) - len(head)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{shown(path)} cannot be read as CSV in UTF-8: {error}. Nothing was logged.") from error


def _check_head(path: Path, head: list[str]) -> None:
    for name in head:
        if name not in COLUMNS or head.count(name) > 1:
            said = "stands there twice" if name in COLUMNS else f"is not known. {did_you_mean(name, COLUMNS)}"
            raise BadInput(f"{shown(path)}, line 1: the column {name!r} {said}. There are: {', '.join(COLUMNS)}.")
    if missing := [name for name in REQUIRED if name not in head]:
        raise BadInput(f"{shown(path)}, line 1: the column {missing[0]!r} is missing. Needed: {', '.join(REQUIRED)}.")


def _step(row: dict[str, str], more: int) -> Step | str:
    """A row as a step, or why it is none."""
    if more:
        return f"it has {abs(more)} cells too {'many' if more > 0 else 'few'}"
    try:
        day = date.fromisoformat(row["day"])
    except ValueError:
        return f"day is {row['day']!r}; write it as 2025-01-31"
    texts = [row.get(name, "") for name in ("kind", "reason", "note")]
    return Step(row["intervention_id"], row["student_id"], row["step"], day, row["by"], *map(_bare, texts))


def _plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _bare(text: str) -> str:
    """The text again, as it was before `_plain`."""
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text
