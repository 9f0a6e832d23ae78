"""Tables cut to their viewer, and looks written down."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.access import Scope, Viewer
from workbench.access.roles import ALL, Units
from workbench.dashboards import seen
from workbench.disclosure import published
from workbench.errors import AccessDenied, AuditError

AT = "2025-01-31T09:00:00+00:00"
CEDAR = Viewer("m.lee", "principal", Scope(schools=Units(frozenset({"S01"})), tables=ALL))


@pytest.fixture
def by_school(site: Path) -> Path:
    rows = pd.DataFrame({"school_id": ["S01", "S02"], "n": [360, 240]})
    wb.publish("by_school", rows, keys=["school_id"])
    manifest = published.commit("demo", {"caseload": site / "runs" / "study-1" / "caseload"}, "demo-1")
    assert manifest is not None
    told = json.loads(manifest.read_text())
    told["tables"]["by_school"] |= {"audience": "school", "unit": "school_id"}
    manifest.write_text(json.dumps(told))
    return site


def lines(site: Path) -> list[dict[str, object]]:
    return [json.loads(line) for file in (site / "audit").glob("*.jsonl") for line in file.read_text().splitlines()]


def test_rows_of_other_schools_are_left_out_and_the_look_is_written_down(by_school: Path) -> None:
    one = seen.read("demo", "by_school", at=AT, filters={"grade": "9"}, viewer=CEDAR)
    assert one.published.table.to_pylist() == [{"school_id": "S01", "n": 360.0, "suppressed": False}]
    assert one.not_shown == "Rows of other schools than those of your role (S01) are not shown."
    (line,) = lines(by_school)
    assert (line["who"], line["what"], line["thing"], line["rows"]) == ("m.lee", "saw", "demo/by_school", 1)
    assert (line["filters"], line["at"]) == ({"grade": "9"}, AT)


def test_the_public_is_refused_in_the_same_words_as_for_a_table_that_is_not_there(by_school: Path) -> None:
    for name in ("by_school", "nothing"):
        with pytest.raises(AccessDenied, match="not there, or it is not for you"):
            seen.read("demo", name, at=AT, viewer=Viewer("", "public", Scope(tables=Units(frozenset({"open"})))))
    assert [line["what"] for line in lines(by_school)] == ["was refused", "was refused"]


def test_what_cannot_be_written_down_is_not_shown(by_school: Path) -> None:
    with pytest.raises(AuditError):
        seen.read("demo", "by_school", at="yesterday", viewer=CEDAR)
