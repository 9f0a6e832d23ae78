"""A data folder: what is written is what is read, by either engine, or nothing has changed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from workbench import store
from workbench.checks import check
from workbench.errors import BadInput, BadParameter
from workbench.store import Data, open_data, writing
from workbench.tables import TABLES

PROJECT = Path(__file__).resolve().parents[1]


def attendance(*absent: int) -> pa.Table:
    """One student's terms of 2024 and 2025, in an order and with types other than the data model's."""
    from datetime import date

    n = len(absent)
    return pa.table(
        {
            "days_absent": pa.array(absent, pa.int32()),
            "days_enrolled": [90] * n,
            "student_id": ["S1"] * n,
            "school_id": ["A"] * n,
            "school_year": [2024, 2024, 2025, 2025][:n],
            "term": ["fall", "spring"] * (n // 2),
            "end_date": [date(2024, 1, 31), date(2024, 6, 15), date(2025, 1, 31), date(2025, 6, 15)][:n],
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "data", 1, 2, 3, 4)
    return tmp_path / "data"


def write(path: Path, *absent: int) -> None:
    with writing(path, {"made by": "a test"}, "2025-06-30") as writer:
        writer.append("attendance", attendance(*absent))


def absent(data: Data) -> list[int]:
    return data.attendance.order_by("school_year", "term").days_absent.to_pandas().tolist()


def test_what_is_written_is_read_in_the_types_of_the_data_model(folder: Path) -> None:
    data = open_data(folder)
    assert absent(data) == [1, 2, 3, 4]
    assert data.table("attendance").columns == TABLES["attendance"].names
    assert str(data.attendance.days_absent.type()) == "int64"
    assert (data.last_day, data.manifest["provenance"]) == ("2025-06-30", {"made by": "a test"})
    assert sorted(file.name for file in (folder / "attendance").iterdir()) == ["year-2024.parquet", "year-2025.parquet"]
    assert data.manifest["tables"]["attendance"]["rows"] == 4


def test_rows_may_come_in_parts(tmp_path: Path) -> None:
    with writing(tmp_path / "data", {}, "2025-06-30") as writer:
        for part in (attendance(1, 2, 3, 4).slice(0, 1), attendance(1, 2, 3, 4).slice(1, 3)):
            writer.append("attendance", part)
    assert absent(open_data(tmp_path / "data")) == [1, 2, 3, 4]


def test_the_checksum_speaks_of_the_bytes(folder: Path) -> None:
    before = open_data(folder).checksum
    write(folder, 1, 2, 3, 4)
    assert open_data(folder).checksum == before
    write(folder, 1, 2, 3, 5)
    assert open_data(folder).checksum != before


def test_both_engines_open_the_same_rows() -> None:
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Spark needs Java, which is not here")
    pytest.importorskip("pyspark", reason="PySpark is not installed")
    for name in ("students", "attendance", "events"):
        duck, spark = (
            open_data(PROJECT / "data" / "synthetic" / "sample", backend).table(name).to_pandas()
            for backend in ("duckdb", "spark")
        )
        keys = list(TABLES[name].key)
        duck, spark = (frame.sort_values(keys, ignore_index=True) for frame in (duck, spark))
        assert duck.astype(str).replace("NaT", "None").equals(spark.astype(str).replace("NaT", "None")), name


def test_a_table_that_is_not_there_is_told(folder: Path) -> None:
    data = open_data(folder)
    with pytest.raises(BadInput, match="holds no table 'events'; it holds attendance"):
        _ = data.events
    with pytest.raises(BadInput, match="There is no table 'pupils' in the data model"):
        data.table("pupils")
    with pytest.raises(AttributeError):
        _ = data.pupils


def test_an_unknown_engine_is_told(folder: Path) -> None:
    with pytest.raises(BadParameter, match="backend is 'polars'; it must be one of duckdb, spark"):
        open_data(folder, "polars")  # type: ignore[arg-type]


def test_an_error_while_writing_leaves_the_old_folder_and_no_draft(folder: Path) -> None:
    def interrupted() -> None:
        with writing(folder, {}, "2025-06-30") as writer:
            writer.append("attendance", attendance(9, 9, 9, 9))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert absent(open_data(folder)) == [1, 2, 3, 4]
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_replaced_between_two_looks_is_read_as_the_new_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = store._check_files

    def replaced_meanwhile(*arguments: Any) -> None:
        monkeypatch.setattr(store, "_check_files", look)
        write(folder, 7, 8)  # fewer files than the list just read names
        look(*arguments)

    monkeypatch.setattr(store, "_check_files", replaced_meanwhile)
    assert absent(open_data(folder)) == [7, 8]


def test_what_is_beside_the_tables_is_no_table(tmp_path: Path) -> None:
    with writing(tmp_path / "data", {}, "2025-06-30") as writer:
        writer.append("attendance", attendance(1, 2))
        writer.append_beside("answer_key/students", pa.table({"hazard": [0.1]}))
    manifest = json.loads((tmp_path / "data" / store.MANIFEST).read_text())
    assert list(manifest["tables"]) == ["attendance"]
    assert (tmp_path / "data" / "answer_key" / "students.parquet").is_file()
    write(tmp_path / "data", 3, 4)
    assert not (tmp_path / "data" / "answer_key").exists()


@pytest.mark.parametrize("name", ["student_id=S9", "data[1]", "dat*", "dat?1", "it's; --"])
def test_a_folder_is_read_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    write(tmp_path / "data1", 9, 9)
    write(tmp_path / name / "data", 1, 2, 3, 4)
    write(tmp_path / "data1" / "data", 9, 9)
    data = open_data(tmp_path / name / "data")
    assert absent(data) == [1, 2, 3, 4]
    assert set(data.attendance.student_id.to_pyarrow().to_pylist()) == {"S1"}
    check(data)
