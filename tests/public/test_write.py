"""Pages are written through the exit of the public, are whole, and go when access.yml no longer lets them be seen."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.access import audit
from workbench.disclosure import published
from workbench.errors import AuditError
from workbench.public import write

AT = "2025-02-01T03:00:00+00:00"


@pytest.fixture
def run(site: Path) -> Path:
    rows = pd.DataFrame({"school_id": ["S01", "S02"], "n": [360, 240]})
    for name in ("open_to_all", "by_school"):
        wb.publish(name, rows, keys=["school_id"], data_date="2025-01-31", title=f"Title of {name}")
    published.commit("demo", {"caseload": site / "runs" / "study-1" / "caseload"}, "demo-1")
    change(site, by_school={"audience": "school", "unit": "school_id"})
    return site


def change(site: Path, **tables: dict[str, str]) -> None:
    """Say something else of published tables than their run did."""
    manifest = site / "published" / "demo" / "manifest.json"
    told = json.loads(manifest.read_text())
    for name, facts in tables.items():
        told["tables"][name] |= facts
    manifest.write_text(json.dumps(told))


def allow(site: Path, public: str) -> None:
    (site / "access.yml").write_text(f"min_count: 10\npublic: {public}\n...\n")


def pages(site: Path) -> set[str]:
    return {str(path.relative_to(site / "public")) for path in (site / "public").rglob("*.html")}


def test_what_is_for_everybody_has_a_page_and_what_is_for_schools_has_none(run: Path) -> None:
    assert write.write("demo", AT).new == ("open_to_all",)
    assert pages(run) == {"index.html", "demo/open_to_all.html"}
    listed = (run / "public" / "index.html").read_text()
    assert '<a href="demo/open_to_all.html">Title of open_to_all</a>, data up to 2025-01-31' in listed
    assert "by_school" not in listed


def test_a_page_is_in_the_audit_log_before_it_is_there_and_not_again_while_it_is_the_same(run: Path) -> None:
    for _ in range(2):
        write.write("demo", AT)
    lines = [json.loads(line) for file in audit.site_log().files() for line in file.read_text().splitlines()]
    assert [(line["what"], line["thing"], line["rows"]) for line in lines] == [
        ("wrote for everybody", "demo/open_to_all", 2)
    ]


def test_without_a_log_no_page_is_written(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "audit").write_text("in the way")
    with pytest.raises((AuditError, OSError)):
        write.write("demo", AT)
    assert pages(run) == set()


def test_a_table_that_cannot_be_read_keeps_its_page_with_its_date(run: Path) -> None:
    write.write("demo", AT)
    before = (run / "public" / "demo" / "open_to_all.html").read_text()
    change(run, open_to_all={"data_date": "2025-12-31"})
    for file in (run / "published" / "demo").glob("open_to_all-*.parquet"):
        file.write_bytes(file.read_bytes()[:100])
    written = write.write("demo", AT)
    assert [name for name, _ in written.kept] == ["open_to_all"]
    assert (run / "public" / "demo" / "open_to_all.html").read_text() == before
    assert "data up to 2025-01-31" in (run / "public" / "index.html").read_text()


def test_a_table_that_is_not_published_this_time_keeps_its_page(run: Path) -> None:
    write.write("demo", AT)
    manifest = run / "published" / "demo" / "manifest.json"
    told = json.loads(manifest.read_text())
    del told["tables"]["open_to_all"]
    manifest.write_text(json.dumps(told))
    assert write.write("demo", AT).new == ()
    assert "demo/open_to_all.html" in pages(run)


@pytest.mark.parametrize("public", ["none", "[by_school]", "all and not sound: ["])
def test_what_the_public_may_no_longer_see_loses_its_page(run: Path, public: str) -> None:
    write.write("demo", AT)
    allow(run, public)
    assert "Title of" not in write.listing()
    assert write.write_all(AT)["demo"].new == ()
    assert pages(run) == {"index.html"}


def test_a_table_that_is_no_longer_for_everybody_loses_its_page(run: Path) -> None:
    write.write("demo", AT)
    change(run, open_to_all={"audience": "school", "unit": "school_id"})
    assert write.write("demo", AT).removed == ("open_to_all",)
    assert pages(run) == {"index.html"}


def test_before_anything_is_published_the_list_says_so(site: Path) -> None:
    assert "There is no table for everybody at the moment." in write.listing()


def test_a_table_too_large_for_a_browser_is_told(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "LARGEST", 1)
    ((name, why),) = write.write("demo", AT).kept
    assert (name, why) == ("open_to_all", "The table “open_to_all” has 2 rows; a page holds at most 1.")
