"""What changed from one run to the next: beyond noise, by a jump, and who is new on a list."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.access.grants import viewer
from workbench.cli import main
from workbench.disclosure import released
from workbench.errors import AccessDenied, BadParameter
from workbench.reports.changes import Changes, changes, seen
from workbench.reports.ledger import Record

DATA = {"path": "data/own", "checksum": "a", "last_day": "2025-02-01"}


def made(site: Path, run_id: str, results: dict[str, Any], students: list[str], **data: str) -> Record:
    folder = site / "runs" / run_id
    out = folder / "early_warning"
    out.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps({"early_warning": results}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_OUTPUT", str(out))
        rows = pd.DataFrame({"student_id": students, "school_id": "0007", "action": "tutoring"})
        wb.release("caseload", rows, to="counsellor", scope="school_id")
    entry = {"status": "done", "parameters": {"seed": 1}, "error": None, "seconds": 1, "notebook": "n"}
    manifest = {
        "run": "night", "run_id": run_id, "status": "done", "started": run_id[-8:], "whole": True,
        "inputs": [DATA | data], "notebooks": {"early_warning": entry},
    }  # fmt: skip
    record = Record(folder, manifest)
    record.save()
    return record


def results(auc: float = 0.80, n: int = 1000, **more: Any) -> dict[str, Any]:
    return {"auc": auc, "auc_low": auc - 0.03, "auc_high": auc + 0.03, "n": n} | more


def compared(site: Path, old: dict[str, Any], new: dict[str, Any], **data: str) -> Changes:
    before = made(site, "night-20250201", old, ["1001", "1002"])
    return changes(before, made(site, "night-20250202", new, ["1002", "1003"], **data))


def test_a_metric_moves_beyond_noise_or_not(site: Path) -> None:
    """Half widths of 0.03 each: noise is 0.042."""
    assert compared(site, results(0.80), results(0.84)).rows == ()
    before, now = Record(site / "runs" / "night-20250201", {}), made(site, "night-20250203", results(0.75), ["1002"])
    before = Record(before.folder, json.loads((before.folder / "manifest.json").read_text()))
    assert [row[4] for row in changes(before, now).rows] == ["moved beyond noise"]


@pytest.mark.parametrize(
    ("n", "said"), [(1090, []), (1127, ["JUMPED: look at the data"]), (0, ["JUMPED: look at the data"])]
)
def test_a_count_jumps_beyond_four_roots(site: Path, n: int, said: list[str]) -> None:
    assert [row[4] for row in compared(site, results(n=1000), results(n=n)).rows] == said


def test_data_that_end_earlier_are_named(site: Path) -> None:
    found = compared(site, results(), results(), checksum="b", last_day="2025-01-15")
    assert "data/own – data end EARLIER than before: 2025-02-01 before, 2025-01-15 now." in found.sentences


def test_a_result_that_vanished_or_has_no_interval_is_told(site: Path) -> None:
    found = compared(site, results(brier=0.1, old=1), results(brier=0.2))
    assert {row[4] for row in found.rows} == {"changed; no interval says whether by chance", "is no longer kept"}


def test_few_students_newly_listed_are_not_counted(site: Path) -> None:
    found = compared(site, results(), results())
    assert found.sentences == ("Fewer than 10 students are newly on the list 'caseload' of early_warning.",)
    assert found.new == {("early_warning", "caseload"): {"1003"}}


def test_rows_are_for_those_entitled(site: Path) -> None:
    (site / "access.yml").write_text(
        "min_count: 10\npublic: all\npeople:\n"
        "  - {user: rivera, role: counsellor, schools: ['0007'], tables: all, columns: all}\n"
        "  - {user: other, role: counsellor, schools: ['0008'], tables: all, columns: all}\n...\n"
    )
    found = compared(site, results(), results())
    now = Record(site / "runs" / "night-20250202", {"run": "night"})
    released.commit("night", {"early_warning": now.folder / "early_warning"}, now.id, "2025-02-02T03:00:00+00:00")
    at = f"{date(2025, 2, 2)}T08:00:00+00:00"
    rows = seen(found, now, viewer("rivera"), at)["caseload"]
    assert [row["student_id"] for row in rows] == ["1003"]
    assert seen(found, now, viewer("other"), at)["caseload"] == []
    with pytest.raises(AccessDenied):
        seen(found, now, viewer("stranger"), at)


def test_the_command_prints_it(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compared(site, results(0.8), results(0.7))
    assert main(["diff", "night-20250201"]) == 0
    out = capsys.readouterr().out
    assert "early_warning: AUC (0.5 chance, 1 perfect) – moved beyond noise: 0.800 (0.770–0.830) before" in out
    assert "1003" not in out


def test_two_names_cannot_be_compared(site: Path) -> None:
    one = made(site, "night-20250201", results(), ["1"])
    with pytest.raises(BadParameter, match="two runs of one params file"):
        changes(one, one)
