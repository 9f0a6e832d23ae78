"""The audit log: who saw, exported or changed what, with which filters, when. It is added to and never rewritten.

`audit/` in the project holds one file a month; `chain` tells how a line is sealed to the one before it. The seal of
every line is also written to an anchor in another folder, without which lines removed from the end would not be
missed. A line is on the disk, and anchored, before anything is shown; where that fails, nothing is shown.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from workbench.access import chain
from workbench.access.pseudonyms import pseudonym
from workbench.errors import AuditError, BadInput
from workbench.paths import resolve

FOLDER_VARIABLE: Final = "WORKBENCH_AUDIT"
ANCHOR_VARIABLE: Final = "WORKBENCH_AUDIT_ANCHOR"
RETIRED: Final = "retired"
_LAST_BYTES: Final = 1 << 16


@dataclass(frozen=True)
class Log:
    """Where a log lies: the folder of its files, and the file that anchors it elsewhere."""

    folder: Path
    anchor: Path

    def files(self) -> list[Path]:
        """Return the files of the log, oldest first."""
        return sorted(self.folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9].jsonl"))


@dataclass(frozen=True)
class Event:
    """What is told: who, in which role, did `what` (saw, exported, released, erased …) to which `thing`.

    `filters` are as the person set them; `students` are keyed hashes (see `student_hash`), never identifiers.
    """

    who: str
    what: str
    thing: str = ""
    role: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    students: tuple[str, ...] = ()
    note: Mapping[str, Any] = field(default_factory=dict)


def site_log() -> Log:
    """Return the log of this site: WORKBENCH_AUDIT and WORKBENCH_AUDIT_ANCHOR name it; the defaults are
    `audit/` in the project and a file in the user's state folder. Raises BadInput where both are in one folder."""
    folder = resolve(os.environ.get(FOLDER_VARIABLE) or "audit").resolve()
    state = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
    anchor = Path(os.environ.get(ANCHOR_VARIABLE) or state / "workbench" / "audit-anchor.txt").expanduser().resolve()
    if anchor.is_relative_to(folder):
        raise BadInput(
            f"The anchor of the audit log must lie outside {folder}. Set {ANCHOR_VARIABLE} to another place."
        )
    return Log(folder, anchor)


def student_hash(identifier: str, key: bytes | None = None) -> str:
    """Return the keyed hash under which the log knows a student."""
    return pseudonym(identifier, "audit", key)


def record(event: Event, at: str, log: Log | None = None) -> int:
    """Add one line to the log, told at the time `at` (ISO 8601 with its zone), and return its number.

    When it returns, line and anchor are on the disk. Raises AuditError where they cannot be written or the log
    no longer continues what is anchored; then the caller shows nothing. Several processes may write at once.
    """
    log = log or site_log()
    told = {"at": _moment(at)} | {name: value for name, value in vars(event).items() if value not in (None, "", {}, ())}
    try:
        with writing(log) as (head, torn):
            if torn:
                told = told | {"torn": torn}
            return _append(log, head, told)
    except OSError as error:
        raise AuditError(
            f"The audit log cannot be written ({error.strerror or error}), so nothing is shown. "
            "Tell the people who run the workbench."
        ) from error


@contextmanager
def writing(log: Log) -> Iterator[tuple[tuple[int, str], int]]:
    """Hold the log against every other writer; give the last line's number and seal, and how many bytes were torn.

    What a writer that was killed has left is set right first: the beginning of a line is cut off, a whole line
    that it had no time to anchor is anchored. Raises AuditError, with nothing changed, where the log is not what
    is anchored.
    """
    for folder in (log.folder, log.anchor.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(log.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600), "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        last, torn = _last_line(log)
        n, sealed = (last.n, last.hash) if last else (0, chain.START)
        anchored, anchor_rest = _last_anchored(log)
        not_yet = last is not None and (n - 1, last.prev) == anchored
        if (n, sealed) != anchored and not not_yet:
            raise AuditError(
                f"The audit log ends at line {n}, but its anchor knows line {anchored[0]} as the last: the log or the "
                "anchor was changed. Nothing is shown until this is settled; type: workbench audit verify"
            )
        for path, rest in [*torn, (log.anchor, anchor_rest)]:
            _cut(path, rest)
        if not_yet:
            _add(log.anchor, _anchor_line(n, sealed))
        yield (n, sealed), sum(rest for _, rest in torn)


def _append(log: Log, head: tuple[int, str], told: Mapping[str, Any]) -> int:
    """Write the next line and its anchor, or leave both as they were."""
    n, prev = head
    files = log.files()
    month = log.folder / f"{told['at'][:7]}.jsonl"
    path = max(month, files[-1]) if files else month
    line = chain.seal(n + 1, prev, told)
    sealed = chain.unseal(line)
    assert sealed is not None
    before = path.stat().st_size if path.exists() else None
    _add(path, line)
    try:
        _add(log.anchor, _anchor_line(n + 1, sealed.hash))
    except OSError:
        _shorten(path, before)
        raise
    return n + 1


def _add(path: Path, content: bytes) -> None:
    """Add bytes to the end of a file and flush them to the disk, or leave it as it was."""
    is_new = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        before = os.fstat(handle).st_size
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)
    if is_new:
        _flush_folder(path.parent)


def _shorten(path: Path, size: int | None) -> None:
    if size is None:
        path.unlink()
    else:
        os.truncate(path, size)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _last_line(log: Log) -> tuple[chain.Line | None, list[tuple[Path, int]]]:
    """Return the last whole line, and after it the files with how many bytes of a line that was not ended."""
    torn = []
    for path in reversed(log.files()):
        whole, rest = _last_whole(path)
        if rest or not whole:
            torn.append((path, rest))
        if whole:
            if (line := chain.unseal(whole)) is None:
                raise AuditError("The last line of the audit log was changed. Type: workbench audit verify")
            return line, torn
    return None, torn


def _cut(path: Path, rest: int) -> None:
    """Cut the beginning of a line off the end of a file; a file that holds no more goes."""
    if not path.exists():
        return
    size = path.stat().st_size - rest
    if size == 0:
        path.unlink()
    elif rest:
        os.truncate(path, size)


def _last_whole(path: Path) -> tuple[bytes, int]:
    """Return the last line of a file that has its end, and how many bytes follow it."""
    size, reach = path.stat().st_size, _LAST_BYTES
    with open(path, "rb") as file:
        while True:
            file.seek(max(0, size - reach))
            tail = file.read()
            end = tail.rfind(b"\n") + 1
            begin = tail.rfind(b"\n", 0, max(0, end - 1)) + 1
            if begin or reach >= size:
                return tail[begin:end], len(tail) - end
            reach *= 4


def _anchor_line(n: int, sealed: str) -> bytes:
    return f"{n} {sealed}\n".encode()


def _last_anchored(log: Log) -> tuple[tuple[int, str], int]:
    """Return number and seal of the last whole line of the anchor, and how many bytes of another follow it."""
    if not log.anchor.exists():
        return (0, chain.START), 0
    whole, rest = _last_whole(log.anchor)
    if not whole:
        return (0, chain.START), rest
    n, _, sealed = whole.decode("ascii", "replace").strip().partition(" ")
    if not n.isdigit():
        raise AuditError(f"The anchor of the audit log, {log.anchor}, was changed. Type: workbench audit verify")
    return (int(n), sealed), rest


def _moment(at: str) -> str:
    """Return a time in UTC, to the second; raise AuditError where it is no time with a zone."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise AuditError(f"The audit log takes a time with its zone, such as 2025-01-31T08:00:00+00:00, not {at!r}.")
    return moment.astimezone(UTC).isoformat(timespec="seconds")
