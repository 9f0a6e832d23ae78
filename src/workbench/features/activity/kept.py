"""Daily sums kept as one Parquet file a day, so that a night reads the new day's events alone."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput, BadParameter
from workbench.features.activity.daily import daily_sums, each_once
from workbench.files import write_atomically
from workbench.paths import shown
from workbench.store import as_it_is

if TYPE_CHECKING:
    import ibis

_NAME = re.compile(r"\d{4}-\d\d-\d\d\.parquet")


def update_daily(
    folder: Path, events: ibis.Table, first: date, last: date | None = None, due: ibis.Table | None = None
) -> list[date]:
    """Make the files of the days from `first` to `last` (that day alone where left out) anew; return days written.

    No other file is touched. A day without events has none, so a correction that empties a day removes
    its file. Files hold one row a student and course: they are personal, and belong beside the data folder.
    Raises BadParameter where `last` lies before `first`.
    """
    import ibis
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    last = last or first
    if last < first:
        raise BadParameter(f"last is {last}, which lies before first, {first}.")
    begin, end = (ibis.timestamp(f"{day} 00:00:00") for day in (first, last + timedelta(days=1)))
    those = events.filter((events.timestamp >= begin) & (events.timestamp < end))
    sums = daily_sums(each_once(those), due).order_by("day", "section_id", "student_id").to_pyarrow()
    sums = sums.set_column(sums.column_names.index("day"), "day", sums["day"].cast(pa.date32()))
    written = sorted(pc.unique(sums["day"]).to_pylist())
    folder.mkdir(parents=True, exist_ok=True)
    for day in written:
        buffer = pa.BufferOutputStream()
        pq.write_table(sums.filter(pc.equal(sums["day"], pa.scalar(day))), buffer, compression="zstd")
        write_atomically(folder / f"{day}.parquet", buffer.getvalue().to_pybytes())
    for day in kept_days(folder):
        if first <= day <= last and day not in written:
            (folder / f"{day}.parquet").unlink()
    return written


def kept_days(folder: Path) -> list[date]:
    """The days that have a file, in order."""
    return sorted(date.fromisoformat(file.stem) for file in folder.glob("*.parquet") if _NAME.fullmatch(file.name))


def read_daily(folder: Path, connection: Any) -> ibis.Table:
    """Return the kept days as an Ibis table on a connection of `workbench.store.connect`.

    Raises BadInput where none is kept.
    """
    if not kept_days(folder):
        raise BadInput(f"{shown(folder)} holds no daily sums. Make them with wb.features.activity.update_daily.")
    files = f"{as_it_is(folder)}/????-??-??.parquet"
    if connection.name == "duckdb":
        return connection.read_parquet(files, hive_partitioning=False)
    return connection.read_parquet(files)
