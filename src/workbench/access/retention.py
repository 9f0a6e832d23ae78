"""How long the log is kept: whole months that have ended are moved away, and the chain goes on without them."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

from workbench.access import chain
from workbench.access.appending import last_whole
from workbench.access.audit import RETIRED, Event, Log, record
from workbench.access.verification import verify
from workbench.errors import AuditError, BadInput


def retire(log: Log, before: date, who: str, at: str, to: Path | None = None) -> list[str]:
    """Move the files of which every line was told before a day to `to`, by default `retired/` below the log.

    The newest file stays. A line in the log says first which files go, and with which line each of them ends, so
    that `verify` can tell what was retired from what was removed; a move that was interrupted is done by the next
    call. Returns the names of the files. Raises AuditError where the log is not sound: then nothing is moved.
    """
    wrong = verify(log).wrong
    if wrong:
        raise AuditError(f"The audit log is not sound, so nothing is retired. {wrong[0]}")
    closed = _closed(log, before)
    if not closed:
        return []
    target = to or log.folder / RETIRED
    _make(target)
    for path in closed:
        if (target / path.name).exists() and (target / path.name).read_bytes() != path.read_bytes():
            raise BadInput(f"{target / path.name} is there already; name another folder. Nothing was moved.")
    names = [path.name for path in closed]
    note = {"files": names, "last_lines": [_last(path) for path in closed], "to": str(target)}
    record(Event(who, "retired", "audit log", note=note), at, log)
    for path in closed:
        shutil.move(path, target / path.name)
    return names


def _last(path: Path) -> int:
    line = chain.unseal(last_whole(path)[0])
    return line.n if line else 0


def _closed(log: Log, before: date) -> list[Path]:
    """Return the oldest files, in one piece, whose every line was told before a day; never the newest file."""
    found = []
    for path in log.files()[:-1]:
        times = [line.told["at"] for raw in path.read_bytes().splitlines(keepends=True) if (line := chain.unseal(raw))]
        if max(times, default="") >= before.isoformat():
            break
        found.append(path)
    return found


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadInput(f"{folder} cannot be made: {error.strerror or error}. Nothing was moved.") from error
