"""`workbench audit …` and `workbench erase`: what is printed, and the exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench import access
from workbench.access import audit
from workbench.cli import main
from workbench.disclosure import released
from workbench.errors import AccessDenied

FILE = """\
min_count: 10
public: all
groups:
  north: [khan]
people:
  - group: north
    role: counsellor
    schools: [S1]
    tables: all
    columns: all
    meal_programme: yes
  - group: hub-only
    role: principal
    schools: [S1]
    tables: all
  - user: lee
    role: district
    districts: [D1]
    schools: all
    tables: [rates]
...
"""
Said = pytest.CaptureFixture[str]


@pytest.fixture
def seen(site: Path) -> Path:
    """A project in which khan has seen a caseload in January, and somebody without a role was refused in February."""
    (site / "access.yml").write_text(FILE)
    rows = pd.DataFrame({"student_id": ["A1", "A2"], "school_id": ["S1", "S2"]})
    wb.release("caseload", rows, to="counsellor", scope="school_id")
    released.commit("study", {"caseload": site / "runs" / "study-1" / "caseload"}, "study-1", "2025-01-31T08:00:00Z")
    released.read("study", "caseload", access.viewer("khan"), at="2025-01-31T09:00:00Z", filters={"school_id": "S1"})
    with pytest.raises(AccessDenied):
        released.read("study", "caseload", access.viewer("nobody"), at="2025-02-01T09:00:00Z")
    return site


def test_verify_says_that_a_log_is_sound_or_which_line_is_not(seen: Path, capsys: Said) -> None:
    assert main(["audit", "verify"]) == 0
    said = capsys.readouterr().out
    assert "The audit log is sound: 3 lines" in said
    assert re.search(r"another machine: 3 [0-9a-f]{64}\n", said)
    file = audit.site_log().files()[0]
    file.write_bytes(file.read_bytes().replace(b"khan", b"lee!"))
    assert main(["audit", "verify"]) == 1
    said = capsys.readouterr().out
    assert "2025-01.jsonl, row 2: line 2 was changed." in said
    assert "NOT sound" in said


def test_verify_against_a_copy_of_the_anchor(seen: Path, capsys: Said) -> None:
    copy = seen.parent / "copy.txt"
    copy.write_text("1 " + "0" * 64 + "\n")
    assert main(["audit", "verify", "--anchor", str(copy)]) == 1
    assert "line 1 is not the one that was anchored" in capsys.readouterr().out
    assert main(["audit", "verify", "--anchor", str(seen / "nowhere")]) == 2
    assert "There is no anchor" in capsys.readouterr().err


def test_review_shows_roles_scopes_and_when_they_were_used(seen: Path, capsys: Said) -> None:
    assert main(["audit", "review"]) == 0
    said = {line.split("  ")[0]: re.sub(" {2,}", "|", line) for line in capsys.readouterr().out.splitlines()}
    assert said["(without sign-in)"] == "(without sign-in)|public|anybody|tables: all"
    scope = "schools: S1; tables: all; columns: all; meal programme"
    assert said["khan"] == f"khan|counsellor|2025-01-31T09:00:00+00:00|{scope}"
    assert said["lee"] == "lee|district|never|districts: D1; schools: all; tables: rates"
    assert said["group hub-only"] == "group hub-only|principal|members: see the sign-in|schools: S1; tables: all"
    assert said["nobody"] == "nobody|none|2025-02-01T09:00:00+00:00|no entry of their own in access.yml"


def test_review_of_a_file_that_cannot_be_used(seen: Path, capsys: Said) -> None:
    (seen / "access.yml").write_text(FILE.replace("...\n", ""))
    assert main(["audit", "review"]) == 2
    assert "half written" in capsys.readouterr().err


def test_student_shows_who_saw_them_and_is_written_down(seen: Path, capsys: Said) -> None:
    assert main(["audit", "student", "A1"]) == 0
    said = re.sub(" {2,}", "|", capsys.readouterr().out)
    assert "2025-01-31T09:00:00+00:00|khan|counsellor|saw|study/caseload|school_id = S1\n" in said
    assert main(["audit", "student", "A2"]) == 0
    assert "Nobody has seen rows of a student 'A2'." in capsys.readouterr().out
    assert main(["audit", "student", "A1"]) == 0
    assert "looked up disclosures" in capsys.readouterr().out


def test_retire_moves_whole_months(seen: Path, capsys: Said) -> None:
    assert main(["audit", "retire", "--before", "2025-02-01", "--to", str(seen.parent / "archive")]) == 0
    assert "Moved: 2025-01.jsonl" in capsys.readouterr().out
    assert main(["audit", "retire", "--before", "2025-02-01"]) == 0
    assert "nothing was moved" in capsys.readouterr().out
    assert main(["audit", "verify"]) == 0
    with pytest.raises(SystemExit) as stopped:
        main(["audit", "retire", "--before", "last year"])
    assert stopped.value.code == 2


def test_erase_proves_it_or_says_what_is_left(seen: Path, capsys: Said) -> None:
    assert main(["erase", "A1", "--dry-run"]) == 0
    assert "nothing was changed: 2 files" in capsys.readouterr().out
    (seen / "params").mkdir()
    (seen / "params" / "one.yml").write_text("student: A1\n")
    assert main(["erase", "A1"]) == 1
    said = capsys.readouterr().out
    assert "Not done: params/one.yml could not be rewritten: mend it by hand" in said
    assert "NOT wholly erased" in said
    (seen / "params" / "one.yml").unlink()
    assert main(["erase", "A1"]) == 0
    said = capsys.readouterr().out
    assert "Looked again, and found: nothing" in said
    assert "The student is erased" in said


def test_erase_needs_one_student_that_is_there(seen: Path, capsys: Said) -> None:
    assert main(["erase", "A3"]) == 2
    assert "Check how the identifier is written" in capsys.readouterr().err
    assert main(["erase"]) == 2
    assert main(["erase", "A1", "--after-restore"]) == 2
    assert "Name one student, or give --after-restore" in capsys.readouterr().err
    assert main(["erase", " "]) == 2


def test_erase_after_a_restore(seen: Path, capsys: Said) -> None:
    (seen / "data").mkdir()
    pd.DataFrame({"student_id": ["A1", "A2"]}).to_parquet(seen / "data" / "rows.parquet")
    kept = (seen / "data" / "rows.parquet").read_bytes()
    assert main(["erase", "A1"]) == 0
    (seen / "data" / "rows.parquet").write_bytes(kept)
    capsys.readouterr()
    assert main(["erase", "--after-restore"]) == 0
    assert "data/rows.parquet" in capsys.readouterr().out
    assert pd.read_parquet(seen / "data" / "rows.parquet")["student_id"].tolist() == ["A2"]
    assert main(["erase", "--after-restore"]) == 0
    assert "Nobody who was erased stands in the data again." in capsys.readouterr().out


def test_anchor_begins_anew_where_it_was_lost_and_says_so(seen: Path, capsys: Said) -> None:
    audit.site_log().anchor.unlink()
    assert main(["audit", "verify"]) == 1
    assert main(["audit", "anchor"]) == 0
    assert "anchored again up to line 3" in capsys.readouterr().out
    assert main(["audit", "verify"]) == 0
    assert main(["audit", "anchor"]) == 2
    assert "is there already" in capsys.readouterr().err


def test_every_command_in_the_docs_is_one(capsys: Said) -> None:
    from workbench.cli import _parser

    docs = Path(__file__).resolve().parents[2] / "docs"
    text = "".join((docs / name).read_text(encoding="utf-8") for name in ("access.md", "governance.md"))
    found = sorted({line.split("  ")[0] for line in re.findall(r"workbench ((?:audit|erase) [^`#\n]+)", text)})
    assert len(found) >= 10
    for command in found:
        assert _parser().parse_args(command.split())
