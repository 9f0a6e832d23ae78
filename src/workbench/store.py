"""A data folder as Ibis tables, on DuckDB or on Spark; written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from workbench.errors import BadInput, BadParameter, did_you_mean
from workbench.files import draft_of, forget_abandoned, replace_folder, sha256, write_atomically
from workbench.paths import resolve, shown
from workbench.tables import SCHEMA_VERSION, TABLES, Table, table

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa

Backend = Literal["duckdb", "spark"]
MANIFEST = "dataset.json"
ANSWER_KEY = "answer_key"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, eq=False)
class Data:
    """An open data folder: `data.table("students")` or `data.students` is an Ibis table.

    Equal to itself alone, so that what was read from it can be kept by it.
    """

    path: Path
    backend: Backend
    manifest: dict[str, Any]
    connection: Any = field(repr=False)

    def table(self, name: str) -> ibis.Table:
        """Return one table of the data model as an Ibis expression."""
        declared = table(name)
        if name not in self.manifest["tables"]:
            raise BadInput(
                f"{shown(self.path)} holds no table {name!r}; it holds {', '.join(self.manifest['tables'])}."
            )
        return self._tables[declared.name]

    def __getattr__(self, name: str) -> ibis.Table:
        if name in TABLES:
            return self.table(name)
        raise AttributeError(f"A data folder has no {name!r}. {did_you_mean(name, TABLES)}".strip())

    @cached_property
    def _tables(self) -> dict[str, ibis.Table]:
        return {name: self._read(name) for name in self.manifest["tables"]}

    def _read(self, name: str) -> ibis.Table:
        folder = self.path / name
        if self.backend == "duckdb":
            return self.connection.read_parquet(
                f"{as_it_is(folder)}/*.parquet", table_name=name, hive_partitioning=False
            )
        return self.connection.read_parquet(str(folder), table_name=name)

    @property
    def last_day(self) -> str:
        """The last day on which anything in this folder is known (ISO date)."""
        return str(self.manifest["last_day"])

    @property
    def checksum(self) -> str:
        """One checksum over all files: two folders with the same one hold the same bytes."""
        text = json.dumps({name: t["files"] for name, t in self.manifest["tables"].items()}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def open_data(path: str | Path, backend: Backend = "duckdb") -> Data:
    """Open a data folder; relative paths start at the project's root.

    Checks that the folder was finished, that every file named in `dataset.json` is there with its
    recorded size, and that every table has the columns and types of the data model.
    Raises BadInput, or BadParameter for an unknown backend.
    """
    folder = resolve(path)
    manifest = _read_manifest(folder)
    try:
        for name, entry in manifest["tables"].items():
            _check_files(folder, name, entry["files"])
            _check_schema(folder, table(name))
    except BadInput:
        if _read_manifest(folder) != manifest:  # the folder was replaced just now: look at the new one
            return open_data(folder, backend)
        raise
    return Data(folder, backend, manifest, connect(backend))


def as_it_is(path: Path) -> str:
    """Return a path as DuckDB must be given it where its name may hold `*`, `?` or `[`, which stand for other files.

    Read with `hive_partitioning=false`: otherwise a folder called `sex=male` makes everyone male.
    """
    return re.sub(r"[*?[]", r"[\g<0>]", str(path))


def connect(backend: Backend = "duckdb") -> Any:
    """Return an Ibis connection: an in-memory DuckDB, or the running (or a local) Spark session."""
    if backend not in get_args(Backend):
        raise BadParameter(f"backend is {backend!r}; it must be one of {', '.join(get_args(Backend))}.")
    import ibis

    if backend == "duckdb":
        connection = ibis.duckdb.connect()
        connection.raw_sql("SET TimeZone = 'UTC'")
        connection.raw_sql("SET enable_progress_bar = false")  # it would put a widget into a report
        return connection
    return ibis.pyspark.connect(_spark_session())


def _spark_session() -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise BadInput(
            "backend is 'spark', but PySpark is not installed. Type: make setup "
            "(or: pip install 'learning-analytics-workbench[spark]'), or use backend: duckdb."
        ) from error
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise BadInput("backend is 'spark', but there is no Java. Type: apt-get install openjdk-17-jre-headless")
    return (
        SparkSession.builder.master(os.environ.get("WORKBENCH_SPARK_MASTER", "local[2]"))
        .appName("workbench")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", os.environ.get("WORKBENCH_SPARK_PARTITIONS", "8"))
        .getOrCreate()
    )


def _read_manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        beside = [path.name for path in folder.parent.iterdir() if path.is_dir()] if folder.parent.is_dir() else []
        raise BadInput(
            f"There is no data folder {shown(folder)}. {did_you_mean(folder.name, beside)}Make one of synthetic "
            f"students with: workbench synthesize {shown(folder)}, or of your own tables with wb.write_data."
        )
    file = folder / MANIFEST
    if not file.is_file():
        raise BadInput(
            f"{shown(folder)} has no {MANIFEST}: it is not a data folder, or it was not finished. "
            "Tables of your own become one with wb.write_data; a folder that was made is to be made again."
        )
    try:
        manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        version = manifest["schema_version"]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise BadInput(f"{shown(file)} cannot be read ({error!r}). Write the data folder again.") from error
    if version != SCHEMA_VERSION:
        raise BadInput(
            f"{shown(file)} is of schema version {version}; this workbench reads version {SCHEMA_VERSION}. "
            "Write the data folder again with this version."
        )
    _check_manifest(file, manifest)
    return manifest


def _check_manifest(file: Path, manifest: dict[str, Any]) -> None:
    try:
        str(manifest["last_day"])
        facts = [each for entry in manifest["tables"].values() for each in entry["files"].values()]
        complete = all({"rows", "bytes", "sha256"} <= set(each) for each in facts)
    except (KeyError, AttributeError, TypeError) as error:
        raise BadInput(f"{shown(file)} lacks something ({error!r}). Write the data folder again.") from error
    if not complete:
        raise BadInput(f"{shown(file)} names a file without its rows, bytes and sha256. Write the data folder again.")
    if unknown := [name for name in manifest["tables"] if name not in TABLES]:
        raise BadInput(
            f"{shown(file)} names the table {unknown[0]!r}, which the data model does not have. "
            f"Its tables are: {', '.join(TABLES)}."
        )


def _check_files(folder: Path, name: str, files: dict[str, Any]) -> None:
    for file, facts in files.items():
        path = folder / name / file
        if not path.is_file():
            raise BadInput(f"{shown(path)} is missing, though {MANIFEST} names it. Write the data folder again.")
        if path.stat().st_size != facts["bytes"]:
            raise BadInput(
                f"{shown(path)} has {path.stat().st_size} bytes, but {MANIFEST} says {facts['bytes']}: "
                "it was cut short or changed. Write the data folder again."
            )
    for path in sorted((folder / name).glob("*.parquet")):
        if path.name not in files:
            raise BadInput(
                f"{shown(path)} is not named in {MANIFEST}: it does not belong to this data folder. Move it elsewhere."
            )


def _check_schema(folder: Path, declared: Table) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for file in sorted((folder / declared.name).glob("*.parquet")):
        try:
            found = pq.read_schema(file)
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{shown(file)} is not a readable Parquet file ({error}).") from error
        for wanted in declared.arrow_schema():
            if wanted.name not in found.names:
                raise BadInput(
                    f"{shown(file)} has no column {wanted.name!r}, which table {declared.name!r} needs. "
                    f"It has: {', '.join(found.names)}."
                )
            if found.field(wanted.name).type != wanted.type:
                raise BadInput(
                    f"{shown(file)}, column {wanted.name!r}: its type is {found.field(wanted.name).type}, "
                    f"it must be {wanted.type}."
                )


class DataWriter:
    """Writes a data folder table by table, in chunks; see `writing`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writers: dict[tuple[str, str], Any] = {}

    def append(self, name: str, rows: pa.Table) -> None:
        """Add rows to a table; they are put into the order and types of the data model.

        Rows of a table that is split by school year go to one file a year.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        declared = table(name)
        rows = rows.select(declared.names).cast(declared.arrow_schema())
        if not declared.by_year:
            return self._write(name, "part-0", rows)
        years = rows.column("school_year")
        for year in sorted(pc.unique(years).to_pylist()):
            self._write(name, f"year-{year}", rows.filter(pc.equal(years, pa.scalar(year))))

    def _write(self, name: str, part: str, rows: pa.Table) -> None:
        import pyarrow.parquet as pq

        if (name, part) not in self._writers:
            (self.folder / name).mkdir(exist_ok=True)
            self._writers[name, part] = pq.ParquetWriter(
                self.folder / name / f"{part}.parquet", rows.schema, compression="zstd"
            )
        self._writers[name, part].write_table(rows)

    def append_beside(self, name: str, rows: pa.Table) -> None:
        """Add rows to a file `name` (such as "answer_key/students") that is no table of the data model."""
        folder, _, part = name.rpartition("/")
        self._write(folder, part, rows)

    def abandon(self) -> None:
        """Let go of the files of a folder that is not to be; without this they would try to end themselves."""
        for writer in self._writers.values():
            with suppress(Exception):
                writer.close()
            writer.is_open = False

    def close(self) -> dict[str, Any]:
        """Finish every file and return the `tables` part of `dataset.json`."""
        import pyarrow.parquet as pq

        for writer in self._writers.values():
            writer.close()
        tables: dict[str, Any] = {}
        for name in sorted({name for name, _ in self._writers if name in TABLES}):
            files = {}
            for file in sorted((self.folder / name).glob("*.parquet")):
                files[file.name] = {
                    "rows": pq.read_metadata(file).num_rows,
                    "bytes": file.stat().st_size,
                    "sha256": sha256(file),
                }
            tables[name] = {"rows": sum(f["rows"] for f in files.values()), "files": files}
        return tables


@contextmanager
def writing(path: str | Path, provenance: dict[str, Any], last_day: str) -> Iterator[DataWriter]:
    """Write a data folder beside its final name, and put it in place when the block has ended well.

    A reader sees the old folder or the new one, never half; after an error nothing is left behind.
    """
    final = resolve(path).resolve()
    check_replaceable(final)
    writer = DataWriter(draft_of(final))
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        forget_abandoned(final)
        shutil.rmtree(writer.folder, ignore_errors=True)
        writer.folder.mkdir()
        yield writer
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "provenance": provenance,
            "last_day": last_day,
            "tables": writer.close(),
        }
        write_atomically(writer.folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True) + "\n")
        replace_folder(writer.folder, final)
    except OSError as error:
        raise BadInput(_unwritten(final, error)) from error
    finally:
        writer.abandon()
        shutil.rmtree(writer.folder, ignore_errors=True)


def _unwritten(final: Path, error: OSError) -> str:
    why = os.strerror(error.errno) if error.errno else str(error)
    room = " Make room there, or name a folder on another disk." if error.errno in DISK_FULL else ""
    return f"{shown(final)} could not be written: {why}. Nothing was changed.{room}"


def check_replaceable(final: Path) -> None:
    """Raise BadInput where a new data folder would take the place of anything but an old one."""
    if not final.exists():
        return
    if not final.is_dir():
        raise BadInput(f"{shown(final)} is there already and is not a folder; name another. Nothing was changed.")
    foreign = [path.name for path in sorted(final.iterdir()) if path.name not in (*TABLES, MANIFEST, ANSWER_KEY)]
    if foreign or (any(final.iterdir()) and not (final / MANIFEST).is_file()):
        holds = f" (it holds {foreign[0]!r})" if foreign else ""
        raise BadInput(
            f"{shown(final)} is there already and is not a data folder{holds}; name another. Nothing was changed."
        )
