"""Backups cannot be rewritten: whom one brings back after an erasure is found by keyed hash, to be erased again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from workbench.access import audit
from workbench.access.pseudonyms import site_key
from workbench.access.verification import lines
from workbench.disclosure.release import RELEASED
from workbench.files import write_atomically
from workbench.governance.traces import Student, names_students
from workbench.paths import resolve

INDEX: Final = "backups/index.json"


def mark(student: Student) -> tuple[list[str], list[str]]:
    """Mark every backup of the index: after it is restored, this student has to be erased again.

    Returns the names of the backups, and what kept them from being marked, in words.
    """
    path = resolve(INDEX)
    if not path.exists():
        return [], []
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        for backup in index["backups"]:
            backup["erase_on_restore"] = sorted({*backup.get("erase_on_restore", ()), student.hash})
        write_atomically(path, json.dumps(index, indent=1) + "\n")
        return [str(backup["name"]) for backup in index["backups"]], []
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [], [f"{INDEX} could not be brought up to date: {error!r}"]


def returned(also: Iterable[Path] = ()) -> list[str]:
    """Return the identifiers of erased students that stand in data folders or released rows again."""
    erased = {
        each
        for line in lines(audit.site_log())
        if line.told.get("what") == "erased"
        for each in line.told.get("students", ())
    }
    if not erased:
        return []
    key = site_key()
    found = {one for folder in (resolve("data"), resolve(RELEASED), *also) for one in _students(folder)}
    return sorted(one for one in found if audit.student_hash(one, key) in erased)


def _students(folder: Path) -> set[str]:
    import pyarrow.parquet as pq

    found: set[str] = set()
    for path in folder.rglob("*.parquet"):
        with pq.ParquetFile(path) as file:
            columns = [name for name in file.schema_arrow.names if names_students(name)]
            for batch in file.iter_batches(columns=columns):
                found |= {str(v) for column in batch.columns for v in column.unique().to_pylist() if v is not None}
    return found
