"""The exit for aggregates."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.disclosure import protect
from workbench.errors import DisclosureError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "access.yml").write_text("min_count: 10\n")
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    monkeypatch.setenv("WORKBENCH_OUTPUT", str(tmp_path / "notebook"))
    return tmp_path / "notebook"


def groups(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"school_id": ["a", "b", "c"], "n": [10, 9, 0], "rate": [0.5, 0.25, 0.0]} | columns)


def test_groups_under_ten_are_blanked_count_and_all(folder: Path) -> None:
    safe = wb.publish("rates", groups(), keys=["school_id"])
    assert safe["suppressed"].tolist() == [False, True, True]
    assert safe["school_id"].tolist() == ["a", "b", "c"]
    assert safe.loc[0, ["n", "rate"]].tolist() == [10, 0.5]
    assert safe.loc[1:, ["n", "rate"]].isna().all(axis=None)


def test_what_is_staged_is_what_is_seen(folder: Path) -> None:
    safe = wb.publish("rates", groups(), keys=["school_id"], title="Rates", help={"rate": "share", "x": "gone"})
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "published" / "rates.parquet"), safe)
    about = json.loads((folder / "published" / "rates.json").read_text())
    assert about == {
        "title": "Rates",
        "keys": ["school_id"],
        "count": "n",
        "values": ["rate"],
        "help": {"rate": "share"},
        "min_count": 10,
        "data_date": None,
        "source": "",
        "audience": "public",
        "unit": "",
        "period": None,
        "closed": True,
        "made_from": "notebook",
    }


def test_only_the_named_columns_leave(folder: Path) -> None:
    safe = wb.publish("rates", groups(note=["x", "y", "z"]), keys=["school_id"], values=["rate"])
    assert safe.columns.tolist() == ["school_id", "n", "rate", "suppressed"]


def test_the_table_that_was_given_is_not_changed(folder: Path) -> None:
    table = groups()
    wb.publish("rates", table, keys=["school_id"])
    pd.testing.assert_frame_equal(table, groups())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (groups(student_id=["1", "2", "3"]), "'student_id', which describes one person"),
        (groups(birth_date=["1", "2", "3"]), "'birth_date', which describes one person"),
        (groups().drop(columns="n"), "no count of people 'n'"),
        (groups().drop(columns="school_id"), "no column 'school_id'"),
        (groups(school_id=["a", "b", "a"]), r"group \(school_id a\) more than once"),
        (groups(school_id=["a", None, "c"]), "a group without a name"),
        (groups(rate=["x", "y", "z"]), "'rate' is not numeric"),
        (groups(n=[10, 9.5, 1]), "whole numbers"),
        (groups(n=[10, -1, 1]), "whole numbers"),
        (groups(n=[10, None, 1]), "whole numbers"),
        ([1, 2], "not list"),
    ],
)
def test_what_is_no_set_of_groups_is_refused(folder: Path, table: object, message: str) -> None:
    with pytest.raises(DisclosureError, match=message):
        wb.publish("rates", table, keys=["school_id"])
    assert not (folder / "published").exists()


def test_a_group_needs_a_key(folder: Path) -> None:
    with pytest.raises(DisclosureError, match="at least one key"):
        wb.publish("rates", groups(), keys=[], values=["rate"])


def test_without_a_policy_file_the_strictest_minimum_holds(folder: Path) -> None:
    (folder.parent / "access.yml").unlink()
    safe = wb.publish("rates", groups(n=[30, 29, 10]), keys=["school_id"])
    assert safe["suppressed"].tolist() == [False, True, True]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 1)), max_size=30), st.integers(5, 30))
def test_no_small_group_is_ever_seen_and_no_large_one_is_lost(rows: list[tuple[int, float]], least: int) -> None:
    table = pd.DataFrame({"g": range(len(rows)), "n": [n for n, _ in rows], "v": [v for _, v in rows]})
    safe = protect(table, ["g"], "n", ["v"], least, kinds={"v": "estimate"})
    assert safe["n"].dropna().tolist() == [n for n, _ in rows if n >= least]
    assert safe["v"].dropna().tolist() == [v for n, v in rows if n >= least]
    assert safe["suppressed"].tolist() == [n < least for n, _ in rows]


def test_a_published_file_holds_no_name_of_a_group_that_was_left_out(folder: Path) -> None:
    known = pd.Categorical(["a", "b"], categories=["a", "b", "Jane of group c"])
    table = pd.DataFrame({"group": known, "n": [50, 40]})
    table.attrs["rows"] = ["Jane of group c"]
    safe = wb.publish("rates", table, keys=["group"])
    assert safe["group"].tolist() == ["a", "b"]
    stored = (folder / "published" / "rates.parquet").read_bytes()
    assert b"Jane" not in stored
    assert "Jane" not in str(safe.attrs)


@pytest.mark.parametrize("name", [["S1", "S2"], ("S1", "S2"), {"student": "S1"}, b"S1"])
def test_rows_cannot_hide_in_the_name_of_a_group(folder: Path, name: object) -> None:
    with pytest.raises(DisclosureError, match=f"names a group by a {type(name).__name__}"):
        wb.publish("rates", pd.DataFrame({"group": [name], "n": [50]}), keys=["group"])
    assert not (folder / "published").exists()


@pytest.mark.parametrize("column", ["n", "rate"])
def test_a_complex_number_is_not_published(folder: Path, column: str) -> None:
    with pytest.raises(DisclosureError, match=f"column '{column}' is not numeric"):
        wb.publish("rates", groups(**{column: [50 + 1j, 40, 30]}), keys=["school_id"])


def test_the_page_heads_the_count_by_who_is_counted_and_speaks_of_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: list[str] = []
    monkeypatch.setattr("workbench.outputs.display", lambda page, *_: pages.append(page))
    wb.publish(
        "a",
        groups(n=[100, 200, 300], rate=[0.5, 0.5, 0.5]),
        keys=["school_id"],
        help={"n": "students of the smaller group; tested"},
    )
    wb.publish("b", groups(n=[100, 200, 300], rate=[0.5, 0.5, 0.5]), keys=["school_id"])
    assert ">students of the smaller group</th>" in pages[0]
    assert ">people</th>" in pages[1]
    assert "3 rows; nothing is withheld." in pages[0]
