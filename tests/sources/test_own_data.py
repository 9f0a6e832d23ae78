"""Tables of one's own as a data folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import workbench as wb
from workbench.errors import BadInput, BadParameter

DOCS = Path(__file__).resolve().parents[2] / "docs" / "your-district.md"
SAID: dict[str, Any] = {"last_day": "2025-06-30", "source": "tests"}


def districts(**changed: Any) -> pd.DataFrame:
    return pd.DataFrame({"district_id": ["A", "B"], "name": ["North", "South"], "state": ["OH", "OH"], **changed})


def test_what_the_docs_show_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    (tmp_path / "tests.csv").write_text(
        "sid,school,school_year,grade_level,subject,test_date,score,standard_error,room\n"
        "007,01,2025,4,math,2025-04-02,431.5,9.2,a\n008,01,2025,5,math,2025-04-02,452,8.8,b\n"
    )
    code = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)[0]
    found: dict[str, Any] = {}
    exec(code, found)  # the page's own code is what is tested
    rows = found["district"].assessments.to_pandas()
    assert rows.student_id.tolist() == ["007", "008"]
    assert rows.scale_score.tolist() == [431.5, 452.0]
    assert "room" not in rows


def test_every_kind_of_table_becomes_one(tmp_path: Path) -> None:
    for k, rows in enumerate((districts(), pl.from_pandas(districts()), pl.from_pandas(districts()).to_arrow())):
        data = wb.write_data(tmp_path / str(k), {"districts": rows}, **SAID)
        assert data.districts.name.to_pandas().tolist() == ["North", "South"]
        assert data.last_day == "2025-06-30"


@pytest.mark.parametrize(
    ("tables", "error", "told"),
    [
        ({"distrcts": districts()}, BadParameter, "Did you mean 'districts'"),
        ({"districts": [1, 2]}, BadParameter, "is a list"),
        ({"districts": districts().rename(columns={"state": "State"})}, BadInput, "no column 'state'.*mean 'State'"),
        ({"districts": districts(district_id=["A", "A"])}, BadInput, "more than once"),
        ({"districts": districts(name=["North", None])}, BadInput, "row 2, column 'name'"),
        ({"districts": districts(name=["North", 3])}, BadInput, "mixed types"),
        ({"schools": pd.DataFrame({"school_id": ["1"], "district_id": ["A"], "name": ["x"], "level": ["prim"],
                                   "low_grade": [0], "high_grade": [5]})}, BadInput, "'prim'; it must be one of"),
        ({"schools": pd.DataFrame({"school_id": ["1"], "district_id": ["A"], "name": ["x"], "level": ["middle"],
                                   "low_grade": ["six"], "high_grade": [8]})}, BadInput, "'low_grade'.*cannot be made"),
    ],
)  # fmt: skip
def test_what_will_not_do_is_named_and_the_folder_before_it_stays(
    tmp_path: Path, tables: dict[str, Any], error: type[Exception], told: str
) -> None:
    place = tmp_path / "ours"
    wb.write_data(place, {"districts": districts()}, **SAID)
    with pytest.raises(error, match=told):
        wb.write_data(place, tables, **SAID)
    assert wb.open_data(place).districts.count().to_pandas() == 2
    assert [path.name for path in tmp_path.iterdir()] == ["ours"]


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("hello")
    with pytest.raises(BadInput, match="not a data folder"):
        wb.write_data(tmp_path / "letters", {"districts": districts()}, **SAID)
