"""Reading a person's own table, with the dirt that real files carry."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.sources.flat import FlatTable, read_table
from workbench.sources.values import MISSING


def read(folder: Path, content: str | bytes, name: str = "table.csv") -> FlatTable:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(file)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_separator_encoding_and_line_ends_are_recognised(
    tmp_path: Path, separator: str, encoding: str, newline: str
) -> None:
    text = newline.join(separator.join(r) for r in [["name", "grade"], ["José Núñez", "9"], ["Zoë", "10"]])
    table = read(tmp_path, text.encode(encoding))
    assert (table.separator, table.encoding) == (separator, encoding)
    assert table.frame.to_dict("list") == {"name": ["José Núñez", "Zoë"], "grade": [9, 10]}


def test_missing_markers_become_missing_in_numbers_and_in_text(tmp_path: Path) -> None:
    lines = [f'"{marker}",{marker},7' for marker in MISSING]
    frame = read(tmp_path, "\n".join(["a,b,c", *lines, "x, 1.5 ,7"])).frame
    assert frame[["a", "b"]].iloc[:-1].isna().all(axis=None)
    assert (frame.a.iloc[-1], frame.b.iloc[-1], frame.c.dtype) == ("x", 1.5, np.int64)


def test_identifiers_stay_text_and_numbers_become_numbers(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        "padded,long,count,rate,scientific,mixed,code\n"
        "00123,1234567890123456789,5,0.5,1e3,12,0\n"
        "99999,1234567890123456788,-7,.25,2,A1,10\n",
    )
    frame = table.frame
    assert frame.padded.tolist() == ["00123", "99999"]
    assert frame.long.tolist() == ["1234567890123456789", "1234567890123456788"]
    assert frame[["count", "rate", "scientific", "code"]].to_numpy().tolist() == [[5, 0.5, 1000, 0], [-7, 0.25, 2, 10]]
    assert frame.mixed.tolist() == ["12", "A1"]
    assert "identifiers kept as text: padded, long" in table.notes


def test_decimal_commas_are_read_where_the_separator_is_a_semicolon(tmp_path: Path) -> None:
    table = read(tmp_path, "id;gpa;absent;list\n7;3,5;2;1,2,3\n8;?;4;5\n9;,25;1;6\n")
    assert table.frame.gpa.fillna(-1).tolist() == [3.5, -1, 0.25]
    assert table.frame.absent.tolist() == [2, 4, 1]
    assert table.frame.list.tolist() == ["1,2,3", "5", "6"]
    assert "decimal commas read as decimal points: gpa" in table.notes
    assert read(tmp_path, 'id,gpa\n7,"3,5"\n').frame.gpa.tolist() == ["3,5"]


def test_quoted_cells_hold_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    frame = read(tmp_path, 'name,note\n"Doe, Ann","said ""hi""\nand left"\n\nBob,\n').frame
    assert frame.name.tolist() == ["Doe, Ann", "Bob"]
    assert frame.note.iloc[0] == 'said "hi"\nand left'
    assert pd.isna(frame.note.iloc[1])


def test_one_column_is_a_table_too(tmp_path: Path) -> None:
    assert read(tmp_path, "score\n1\n2\n").frame.score.tolist() == [1, 2]


def test_an_empty_column_is_named_in_the_notes(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n1,\n2,?\n")
    assert table.frame.b.isna().all()
    assert table.notes == ("2 rows, 2 columns, separator comma, encoding utf-8", "empty columns: b")


def test_parquet_keeps_its_types_and_loses_its_markers(tmp_path: Path) -> None:
    made = pd.DataFrame({"id": ["007", "?"], "n": [1, 2], "yes": [True, False], "x": [0.5, None]})
    made.to_parquet(tmp_path / "table.parquet")
    table = read_table(tmp_path / "table.parquet")
    assert table.frame.dtypes.astype(str).tolist() == ["str", "int64", "bool", "float64"]
    assert table.frame.id[0] == "007"
    assert pd.isna(table.frame.id[1])
    assert (table.separator, table.encoding) == ("", "")


BAD = {
    "empty": (b"", "is empty"),
    "blank": (b"\xef\xbb\xbf", "is empty"),
    "header only": (b"a,b\n", "names its columns but holds no rows"),
    "header without an end": (b"a,b", "names its columns but holds no rows"),
    "duplicate header": (b"id,x,y,x\n1,2,3,4\n", "line 1: columns 2 and 4 are both named 'x'"),
    "blank header": (b"id,,y\n1,2,3\n", "line 1: column 2 of 3 has no name"),
    "trailing comma": (b"id,y,\n1,2\n", "line 1: column 3 of 3 has no name.*at the end of the line"),
    "too many": (b'id,y\n1,"a\nb"\n\n2,3,4\n', "line 5: 3 fields where the header names 2 .too many."),
    "too few": (b"id,x,y\n1,2,3\n4,5\n", "line 3: 2 fields where the header names 3 .too few."),
    "open quote": (b'id,x\n1,2\n3,"4\n5,6\n', "line 3: a quotation mark is opened and never closed"),
    "rubbish": (bytes(range(256)) * 4, "not a text file"),
    "rubbish without zeros": (b"\x81\x02\x03" * 100, "not a text file"),
    "cut utf-16": (b"\xff\xfea\x00,\x00b", "not a text file"),
    "spreadsheet": (b"PK\x03\x04 and so on", "is a spreadsheet or a zip archive.*Save it as CSV"),
    "broken parquet": (b"PAR1 and so on", "not a readable Parquet file"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_is_told_with_file_and_line(tmp_path: Path, kind: str) -> None:
    content, message = BAD[kind]
    with pytest.raises(BadInput, match=message) as caught:
        read(tmp_path, content)
    assert str(tmp_path / "table.csv") in str(caught.value)


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "students.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match=r"no file .*student\.csv\. That folder holds: students\.csv"):
        read_table(tmp_path / "student.csv")
    with pytest.raises(BadInput, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize("names", [["a", "a"], ["a"]])
def test_an_unusable_parquet_file_is_refused(tmp_path: Path, names: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [[1]] * 2 if len(names) == 2 else [[]]
    pq.write_table(pa.Table.from_arrays([pa.array(r, pa.int64()) for r in rows], names=names), tmp_path / "t.parquet")
    with pytest.raises(BadInput, match=r"more than one column named 'a'|holds no rows"):
        read_table(tmp_path / "t.parquet")


# Characters that all the encodings below can write.
_letters = st.text("abcxyzÄéñß ,;|'\"\t\n0123456789.-", min_size=1, max_size=12)
_words = _letters.map(lambda t: f"w{t.strip()}")
_cell = {
    "text": st.none() | _words,
    "whole": st.integers(-(10**15) + 1, 10**15 - 1),
    "real": st.none() | st.floats(allow_nan=False, allow_infinity=False),
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list]:
    size = draw(st.integers(1, 8))
    kinds = draw(st.lists(st.sampled_from(sorted(_cell)), min_size=2, max_size=5))
    return {f"c{i}_{k}": draw(st.lists(_cell[k], min_size=size, max_size=size)) for i, k in enumerate(kinds)}


@given(
    table=tables(),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    newline=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    marker=st.sampled_from(MISSING),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    table: dict[str, list],
    separator: str,
    encoding: str,
    newline: str,
    quoting: int,
    marker: str,
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator=newline, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(table)
    writer.writerows([marker if v is None else v for v in row] for row in zip(*table.values(), strict=True))
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(text.getvalue().encode(encoding))
    found = read_table(file)
    assert found.separator == separator
    assert list(found.frame.columns) == list(table)
    for name, values in table.items():
        back = found.frame[name].astype(object).where(found.frame[name].notna(), None).tolist()
        assert back == values
