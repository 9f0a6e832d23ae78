"""Writing the audit log: by several at once, through kills and full disks."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.access import chain
from workbench.access.audit import Event, Log, record, site_log, student_hash
from workbench.access.verification import lines, verify
from workbench.errors import AuditError, BadInput

AT = "2025-02-02T08:00:00+00:00"
WRITER = """
import sys
from pathlib import Path
from workbench.access.audit import Event, Log, record
log = Log(Path(sys.argv[1]), Path(sys.argv[2]))
for number in range(int(sys.argv[4])):
    record(Event(sys.argv[3], "saw", f"table {number}" + "x" * 2000), "2025-02-02T08:00:00+00:00", log)
    print(number, flush=True)
"""


def writer(log: Log, who: str, times: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(log.folder), str(log.anchor), who, str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "src"})


def contents(log: Log) -> dict[str, bytes]:
    files = [*log.files(), log.anchor]
    return {path.name: path.read_bytes() for path in files if path.exists()}


def test_a_line_tells_who_what_when_and_with_which_filters(log: Log) -> None:
    first = lines(log)[0]
    assert (first.n, first.prev) == (1, chain.START)
    assert first.told == {
        "at": "2025-01-30T08:00:00+00:00",
        "who": "user1",
        "what": "saw",
        "thing": "demo/caseload",
        "role": "counsellor",
        "filters": {"grade_level": "9"},
        "rows": 2,
        "students": ["A-1"],
    }
    assert [path.name for path in log.files()] == ["2025-01.jsonl", "2025-02.jsonl"]
    assert {path.stat().st_mode & 0o777 for path in (*log.files(), log.anchor)} == {0o600}
    assert log.folder.stat().st_mode & 0o777 == 0o700


def test_the_anchor_knows_the_seal_of_every_line(log: Log) -> None:
    assert log.anchor.read_text() == "".join(f"{line.n} {line.hash}\n" for line in lines(log))


def test_times_are_told_in_utc_and_need_a_zone(log: Log) -> None:
    assert record(Event("lee", "saw"), "2025-02-02T01:00:00+02:00", log) == 4
    assert lines(log)[-1].told["at"] == "2025-02-01T23:00:00+00:00"
    for at in ("2025-02-02T08:00:00", "today", ""):
        with pytest.raises(AuditError, match="with its zone"):
            record(Event("lee", "saw"), at, log)


def test_a_clock_that_goes_back_starts_no_older_file(log: Log) -> None:
    record(Event("lee", "saw"), "2024-12-31T08:00:00+00:00", log)
    assert [path.name for path in log.files()] == ["2025-01.jsonl", "2025-02.jsonl"]
    assert verify(log).wrong == ()


def test_where_the_log_of_a_site_lies(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert site_log().folder == site / "audit"
    assert student_hash("S1") != student_hash("S2")
    monkeypatch.setenv("WORKBENCH_AUDIT_ANCHOR", str(site / "audit" / "anchor.txt"))
    with pytest.raises(BadInput, match="must lie outside"):
        site_log()


def test_four_processes_write_one_chain(log: Log) -> None:
    running = [writer(log, f"writer{number}", 20) for number in range(4)]
    while any(process.poll() is None for process in running):
        found = verify(log)
        assert (found.wrong, found.notes) == ((), ()), "whoever looks meanwhile sees whole lines"
    assert [process.wait(60) for process in running] == [0] * 4
    for process in running:
        assert process.stdout
        process.stdout.close()
    found = verify(log)
    assert (found.wrong, found.notes, found.lines) == ((), (), 83)
    names = [line.told["who"] for line in lines(log)]
    assert [names.count(f"writer{number}") for number in range(4)] == [20] * 4


def test_a_writer_that_is_killed_leaves_a_log_that_goes_on(log: Log) -> None:
    told = 0
    for pause in (0.0, 0.003, 0.007):
        process = writer(log, "killed", 100_000)
        assert process.stdout
        process.stdout.readline()
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        told += 1 + len(process.stdout.read().split())
        process.wait()
        process.stdout.close()
        assert verify(log).wrong == ()
    record(Event("lee", "saw"), AT, log)
    assert verify(log).wrong == ()
    written = sum(line.told["who"] == "killed" for line in lines(log))
    assert told <= written <= told + 3, "what a writer was told is written, is written"


@pytest.mark.parametrize("length", [1, 40, -2, -1])
def test_a_torn_last_line_is_a_note_and_the_next_line_says_so(log: Log, length: int) -> None:
    last = lines(log)[-1]
    torn = chain.seal(4, last.hash, {"at": AT, "who": "killed"})[:length]
    with open(log.files()[-1], "ab") as file:
        file.write(torn)
    found = verify(log)
    assert found.wrong == ()
    assert "2025-02.jsonl ends in the beginning of a line" in found.notes[0]
    record(Event("lee", "saw"), AT, log)
    assert lines(log)[-1].told["torn"] == len(torn)
    assert verify(log) == audit_ok(4, log)


def audit_ok(count: int, log: Log) -> object:
    from workbench.access.verification import Verdict

    last = lines(log)[-1]
    return Verdict(count, (), (), f"{last.n} {last.hash}")


def test_a_whole_line_whose_writer_had_no_time_to_anchor_it_is_anchored_by_the_next(log: Log) -> None:
    with open(log.files()[-1], "ab") as file:
        file.write(chain.seal(4, lines(log)[-1].hash, {"at": AT, "who": "killed"}))
    with open(log.anchor, "ab") as file:
        file.write(b"4 0123")
    assert "Line 4 is not anchored yet" in verify(log).notes[0]
    assert record(Event("lee", "saw"), AT, log) == 5
    assert verify(log) == audit_ok(5, log)


def test_a_first_line_that_was_torn_leaves_no_empty_file(tmp_path: Path) -> None:
    log = Log(tmp_path / "audit", tmp_path / "elsewhere" / "anchor.txt")
    log.folder.mkdir()
    (log.folder / "2025-01.jsonl").write_bytes(b'{"n":1,"pr')
    assert record(Event("lee", "saw"), AT, log) == 1
    assert [path.name for path in log.files()] == ["2025-02.jsonl"]


@pytest.mark.parametrize("failing", ["log", "anchor"])
def test_on_a_full_disk_nothing_is_recorded_by_halves(log: Log, failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, write, calls = contents(log), os.write, []

    def full(handle: int, content: bytes) -> int:
        calls.append(handle)
        if len(calls) == (1 if failing == "log" else 2):
            return write(handle, bytes(content)[:10])
        if len(calls) == (2 if failing == "log" else 3):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(handle, content)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(AuditError, match=r"No space left on device.*nothing is shown"):
        record(Event("lee", "saw"), AT, log)
    assert contents(log) == before
    monkeypatch.undo()
    assert record(Event("lee", "saw"), AT, log) == 4


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (900, 900));" + WRITER
    )
    log = Log(tmp_path / "audit", tmp_path / "elsewhere" / "anchor.txt")
    command = [sys.executable, "-c", code, str(log.folder), str(log.anchor), "lee", "1"]
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "src"})
    assert "AuditError" in ended.stderr
    assert "nothing is shown" in ended.stderr
    assert b"".join(contents(log).values()) == b""
    assert record(Event("lee", "saw"), AT, log) == 1


def test_a_log_that_is_shorter_than_its_anchor_takes_no_more_lines(log: Log) -> None:
    log.files()[-1].unlink()
    before = contents(log)
    with pytest.raises(AuditError, match="ends at line 2, but its anchor knows line 3"):
        record(Event("lee", "saw"), AT, log)
    assert contents(log) == before


def test_a_log_without_its_anchor_takes_no_more_lines(log: Log) -> None:
    log.anchor.unlink()
    with pytest.raises(AuditError, match="its anchor knows line 0"):
        record(Event("lee", "saw"), AT, log)


def test_a_log_that_cannot_be_written_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file where the folder should be")
    with pytest.raises(AuditError, match="nothing is shown"):
        record(Event("lee", "saw"), AT, Log(tmp_path / "audit", tmp_path / "elsewhere" / "anchor.txt"))


def test_long_lines_are_found_from_the_end(log: Log) -> None:
    many = tuple(f"A-{number:020d}" for number in range(20_000))
    record(Event("state", "saw", students=many), AT, log)
    assert record(Event("lee", "saw"), AT, log) == 5
    assert verify(log).wrong == ()
