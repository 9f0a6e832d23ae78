"""Where a student stands, in any kind of file."""

from __future__ import annotations

import gzip
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.errors import BadParameter
from workbench.governance.traces import Student, mentions, names_students

KNOWN = Student("0042", "S-ab12", "A-cd34")


@pytest.mark.parametrize(
    ("text", "times"),
    [("0042", 1), ("x 0042, S-ab12.", 2), ("00421 10042 a0042b", 0), ("id_0042-x", 1), ("", 0), ("A-cd34", 0)],
)
def test_mentions_in_text(tmp_path: Path, text: str, times: int) -> None:
    (tmp_path / "file.txt").write_text(text)
    (tmp_path / "wide.bin").write_bytes(text.encode("utf-16-le"))
    assert mentions(tmp_path / "file.txt", KNOWN) == times
    assert mentions(tmp_path / "wide.bin", KNOWN) == times


def test_a_mention_across_two_pieces_of_a_large_file_is_one(tmp_path: Path) -> None:
    for place in ((1 << 22) - 2, (1 << 22) - 256, 1 << 22, (1 << 22) - 300):
        content = bytearray(b"." * ((1 << 22) + 1000))
        content[place : place + 4] = b"0042"
        (tmp_path / "large").write_bytes(content)
        assert mentions(tmp_path / "large", KNOWN) == 1


def test_mentions_in_a_database_are_its_rows(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "box.sqlite")) as base, base:
        base.execute('CREATE TABLE "a ""b" (one TEXT, two TEXT)')
        base.executemany('INSERT INTO "a ""b" VALUES (?, ?)', [("x", "0042 and S-ab12"), ("S-ab12", ""), ("00421", "")])
    assert mentions(tmp_path / "box.sqlite", KNOWN) == 2
    (tmp_path / "torn.sqlite").write_bytes((tmp_path / "box.sqlite").read_bytes()[:3000])
    with pytest.raises(ValueError, match="no database that can be read"):
        mentions(tmp_path / "torn.sqlite", KNOWN)


def test_mentions_inside_of_archives(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", "<v>0042</v>")
        archive.writestr("0042.xml", "")
    (tmp_path / "log.gz").write_bytes(gzip.compress(b"0042 0042"))
    assert mentions(tmp_path / "book.xlsx", KNOWN) == 2
    assert mentions(tmp_path / "log.gz", KNOWN) == 2


@pytest.mark.parametrize(
    ("columns", "times"),
    [
        ({"student_id": ["0042", "0043"]}, 1),
        ({"studentId": [42, 43]}, 1),
        ({"student": ["S-ab12", None]}, 1),
        ({"students": [42, 43]}, 0),
        ({"school_id": ["0042", "0043"]}, 0),
        ({"note": ["see 0042", None]}, 1),
        ({"note": [["0042"], ["0043"]]}, 1),
        ({"score": [42.0, 43.0]}, 0),
        ({"0042": [1.5, 2.5]}, 1),
        ({"student_id": ["0042", "0043"], "note": ["0042", "0042"]}, 2),
    ],
)
def test_rows_of_tables(tmp_path: Path, columns: dict[str, list[object]], times: int) -> None:
    pq.write_table(pa.table(columns), tmp_path / "table.parquet")
    assert mentions(tmp_path / "table.parquet", KNOWN) == times


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("student_id,n\n0042,1\n0043,2\n", 1),
        ("\ufeffStudent ID;n\r\n0042;1\r\n0043;2\r\n", 1),
        ('name,n\n"a, 0042",1\n', 1),
        ("measure,0042\ngpa,1\n", 1),
        ("school_id,n\n0042,1\n", 0),
        ("", 0),
    ],
)
def test_rows_of_sheets(tmp_path: Path, text: str, times: int) -> None:
    (tmp_path / "sheet.csv").write_text(text, encoding="utf-8")
    assert mentions(tmp_path / "sheet.csv", KNOWN) == times


@pytest.mark.parametrize(
    ("name", "content"),
    [("table.parquet", b"PAR1"), ("sheet.csv", b"\xff\xfea"), ("log.gz", b"\x1f\x8b\x08broken"), ("gone.txt", None)],
)
def test_what_cannot_be_looked_into_says_so(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises((OSError, ValueError)):
        mentions(tmp_path / name, KNOWN)


def test_which_columns_name_students() -> None:
    assert [name for name in ("student_id", "StudentID", "Student Number", "student") if names_students(name)] == [
        "student_id",
        "StudentID",
        "Student Number",
        "student",
    ]
    assert not any(map(names_students, ("students", "student_count", "school_id", "id", "n")))


def test_blanks_around_an_identifier_are_no_part_of_it(site: Path) -> None:
    assert Student.of(" 0042 ") == Student.of("0042")


@pytest.mark.parametrize("identifier", ["", " ", "7", " 7 "])
def test_what_stands_in_every_file_is_no_identifier(site: Path, identifier: str) -> None:
    with pytest.raises(BadParameter, match="no identifier that could be looked for"):
        Student.of(identifier)
