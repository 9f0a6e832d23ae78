"""After a backup was restored: whoever was erased since then stands in it again, and is found by keyed hash."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from workbench.access import audit
from workbench.access.pseudonyms import site_key
from workbench.access.verification import lines
from workbench.disclosure.release import RELEASED
from workbench.governance.traces import names_students
from workbench.paths import resolve


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
