"""Old months leave the log, and what stays can still be verified."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from workbench.access.audit import Event, Log, record
from workbench.access.retention import retire
from workbench.access.verification import lines, verify
from workbench.errors import AuditError, BadInput

AT = "2025-03-01T08:00:00+00:00"


def test_whole_months_before_the_day_are_moved(log: Log, tmp_path: Path) -> None:
    record(Event("lee", "saw"), AT, log)
    assert retire(log, date(2025, 2, 1), "dpo", AT, tmp_path / "archive") == ["2025-01.jsonl"]
    assert [path.name for path in (tmp_path / "archive").iterdir()] == ["2025-01.jsonl"]
    found = verify(log)
    assert (found.wrong, found.lines) == ((), 3)
    assert lines(log)[-1].told["note"]["last_lines"] == [2]
    assert record(Event("lee", "saw"), AT, log) == 6


def test_a_month_with_a_later_line_and_the_newest_stay(log: Log) -> None:
    assert retire(log, date(2025, 1, 31), "dpo", AT) == []
    assert retire(log, date(2030, 1, 1), "dpo", AT) == ["2025-01.jsonl"]
    assert retire(log, date(2030, 1, 1), "dpo", AT) == ["2025-02.jsonl"]


def test_retired_files_that_are_still_there_are_verified_too(log: Log) -> None:
    retire(log, date(2025, 2, 1), "dpo", AT)
    assert verify(log).lines == 4
    moved = log.folder / "retired" / "2025-01.jsonl"
    moved.write_bytes(moved.read_bytes().replace(b"user1", b"user9"))
    assert verify(log).wrong == ("2025-01.jsonl, row 1: line 1 was changed.",)
    moved.unlink()
    assert verify(log).wrong == ()


def test_more_than_was_retired_cannot_be_removed(log: Log, tmp_path: Path) -> None:
    record(Event("lee", "saw"), AT, log)
    retire(log, date(2025, 2, 1), "dpo", AT, tmp_path / "archive")
    (log.folder / "2025-02.jsonl").unlink()
    assert verify(log).wrong == ("Lines 1 to 3 were removed: no line says that they were retired.",)


def test_an_interrupted_move_is_done_by_the_next(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.move", stopped)
        with pytest.raises(KeyboardInterrupt):
            retire(log, date(2025, 2, 1), "dpo", AT)
    assert verify(log).wrong == ()
    assert retire(log, date(2025, 2, 1), "dpo", AT) == ["2025-01.jsonl"]
    assert verify(log).wrong == ()


def test_nothing_is_retired_from_a_log_that_is_not_sound(log: Log) -> None:
    log.files()[0].write_bytes(log.files()[0].read_bytes().replace(b"user1", b"user9"))
    with pytest.raises(AuditError, match="line 1 was changed"):
        retire(log, date(2025, 2, 1), "dpo", AT)
    assert len(log.files()) == 2


def test_an_older_file_of_that_name_is_not_written_over(log: Log, tmp_path: Path) -> None:
    (tmp_path / "2025-01.jsonl").write_text("another")
    with pytest.raises(BadInput, match="is there already"):
        retire(log, date(2025, 2, 1), "dpo", AT, tmp_path)
    assert (tmp_path / "2025-01.jsonl").read_text() == "another"
    assert len(log.files()) == 2
    assert verify(log).lines == 3, "and nothing says that it was retired"


def test_a_copy_that_an_interrupted_move_has_left_is_no_obstacle(log: Log, tmp_path: Path) -> None:
    (tmp_path / "2025-01.jsonl").write_bytes(log.files()[0].read_bytes())
    assert retire(log, date(2025, 2, 1), "dpo", AT, tmp_path) == ["2025-01.jsonl"]
    assert verify(log).wrong == ()


def test_retired_months_may_be_deleted_one_by_one(log: Log) -> None:
    record(Event("lee", "saw"), AT, log)
    assert retire(log, date(2025, 3, 1), "dpo", AT) == ["2025-01.jsonl", "2025-02.jsonl"]
    for name in ("2025-01.jsonl", "2025-02.jsonl"):
        (log.folder / "retired" / name).unlink()
        assert verify(log).wrong == ()


def test_verify_says_of_each_retired_file_where_it_is(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "archive"
    with monkeypatch.context() as patch:
        patch.setattr("shutil.move", lambda *_: None)
        retire(log, date(2025, 2, 1), "dpo", AT, archive)
    (late,) = verify(log).notes
    assert late == "2025-01.jsonl, to line 2, was to be retired and is late: it still lies in the log. Retire again."
    retire(log, date(2025, 2, 1), "dpo", AT, archive)
    assert verify(log).notes == (f"2025-01.jsonl, to line 2, is retired; it lies in {archive}.",)
    moved = archive / "2025-01.jsonl"
    moved.write_bytes(moved.read_bytes().splitlines(keepends=True)[0])
    assert verify(log).wrong == (f"{moved}: it was retired with line 2 as its last, and ends otherwise now.",)
    moved.unlink()
    found = verify(log)
    assert (found.wrong, found.notes) == ((), (f"2025-01.jsonl, to line 2, was retired, and is gone from {archive}.",))


def test_verify_says_which_lines_went_with_a_file_that_is_gone(log: Log) -> None:
    record(Event("lee", "saw"), "2025-03-02T08:00:00+00:00", log)
    assert [path.name for path in log.files()] == ["2025-01.jsonl", "2025-02.jsonl", "2025-03.jsonl"]
    (log.folder / "2025-02.jsonl").unlink()
    said = (
        "2025-03.jsonl, row 1: line 3 was removed before line 4, with the file or the end of the file that held them."
    )
    assert verify(log).wrong == (said,)
