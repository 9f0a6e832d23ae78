"""The audit log: who saw, exported or changed what, with which filters, when. It is added to and never rewritten.

`audit/` in the project holds one file a month; `chain` tells how a line is sealed to the one before it. The seal of
every line is also written to an anchor in another folder, without which lines removed from the end would not be
missed. A line is on the disk, and anchored, before anything is shown; where that fails, nothing is shown.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from workbench.access import chain
from workbench.access.appending import add, cut, last_whole, shorten
from workbench.access.pseudonyms import pseudonym
from workbench.errors import AuditError, BadInput
from workbench.paths import resolve

FOLDER_VARIABLE: Final = "WORKBENCH_AUDIT"
ANCHOR_VARIABLE: Final = "WORKBENCH_AUDIT_ANCHOR"
RETIRED: Final = "retired"


@dataclass(frozen=True)
class Log:
    """Where a log lies: the folder of its files, the file that anchors it elsewhere, and what messages call it."""

    folder: Path
    anchor: Path
    name: str = "audit log"
    to_verify: str = "workbench audit verify"

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
    `audit/` in the project and a file of its own in the user's state folder, so that two projects of one person do not
    share an anchor. Raises BadInput where both are in one folder."""
    folder = resolve(os.environ.get(FOLDER_VARIABLE) or "audit").resolve()
    state = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
    usual = state / "workbench" / f"audit-anchor-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}.txt"
    anchor = Path(os.environ.get(ANCHOR_VARIABLE) or usual).expanduser().resolve()
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
            f"The {log.name} cannot be written ({error.strerror or error}), so nothing is shown. "
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
                f"The {log.name} ends at line {n}, but its anchor knows line {anchored[0]} as the last: the log or the "
                f"anchor was changed. Nothing is shown until this is settled; type: {log.to_verify}"
            )
        for path, rest in [*torn, (log.anchor, anchor_rest)]:
            cut(path, rest)
        if not_yet:
            add(log.anchor, _anchor_line(n, sealed))
        yield (n, sealed), sum(rest for _, rest in torn)


@contextmanager
def reading(log: Log) -> Iterator[None]:
    """Keep writers waiting, where there ever was one, so that log and anchor are read at one moment."""
    lock = log.folder / ".lock"
    with open(lock, "rb") if lock.exists() else nullcontext() as held:
        if held is not None:
            fcntl.flock(held, fcntl.LOCK_SH)
        yield


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
    add(path, line)
    try:
        add(log.anchor, _anchor_line(n + 1, sealed.hash))
    except OSError:
        shorten(path, before)
        raise
    return n + 1


def _last_line(log: Log) -> tuple[chain.Line | None, list[tuple[Path, int]]]:
    """Return the last whole line, and after it the files with how many bytes of a line that was not ended."""
    torn = []
    for path in reversed(log.files()):
        whole, rest = last_whole(path)
        if rest or not whole:
            torn.append((path, rest))
        if whole:
            if (line := chain.unseal(whole)) is None:
                raise AuditError(f"The last line of the {log.name} was changed. Type: {log.to_verify}")
            return line, torn
    return None, torn


def _anchor_line(n: int, sealed: str) -> bytes:
    return f"{n} {sealed}\n".encode()


def _last_anchored(log: Log) -> tuple[tuple[int, str], int]:
    """Return number and seal of the last whole line of the anchor, and how many bytes of another follow it."""
    if not log.anchor.exists():
        return (0, chain.START), 0
    whole, rest = last_whole(log.anchor)
    if not whole:
        return (0, chain.START), rest
    n, _, sealed = whole.decode("ascii", "replace").strip().partition(" ")
    if not n.isdigit():
        raise AuditError(f"The anchor of the {log.name}, {log.anchor}, was changed. Type: {log.to_verify}")
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
