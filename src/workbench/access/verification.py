"""Is the audit log what was written? Every line is held against its seal, the line before it, and the anchor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.access import chain
from workbench.access.appending import last_whole
from workbench.access.audit import RETIRED, Event, Log, reading, record
from workbench.errors import AuditError, BadInput
from workbench.files import write_atomically

_ANCHOR_LINE = re.compile(rb"([1-9][0-9]*) ([0-9a-f]{64})")


@dataclass(frozen=True)
class Verdict:
    """What was found: how many lines are sound, what is wrong (empty: nothing), and what is only worth knowing."""

    lines: int
    wrong: tuple[str, ...]
    notes: tuple[str, ...] = ()
    head: str = ""


@dataclass(frozen=True)
class Read:
    """One line as it lies in a file: where, its bytes, and what it is, None where it is not as it was sealed."""

    where: str
    raw: bytes
    line: chain.Line | None


def verify(log: Log, anchor: Path | None = None) -> Verdict:
    """Hold a log, with its retired files where they are still there, against its anchor or a copy of it.

    Finds a changed, removed (also the last), inserted or moved line and says which. A torn last line, which
    a killed writer leaves, is a note: nothing was shown on its account. Raises BadInput for no readable log.
    """
    if anchor is not None and not anchor.is_file():
        raise BadInput(f"There is no anchor {anchor}.")
    try:
        with reading(log):
            anchored, spoilt = _anchor(anchor or log.anchor)
            reads, torn = _read(log)
    except OSError as error:
        raise BadInput(f"The {log.name} cannot be read: {error.filename or ''} ({error.strerror or error}).") from error
    last_anchored = max(anchored, default=0)
    wrong, notes, n, sealed = list(spoilt), [], 0, chain.START
    if reads and reads[0].line and reads[0].line.n > 1:
        n, sealed = reads[0].line.n - 1, reads[0].line.prev
        wrong += _start(reads, n, sealed, anchored)
    for read in reads:
        found, n, sealed = _next(read, n, sealed)
        wrong += found
        if read.line and read.line.n in anchored and anchored[read.line.n] != read.line.hash:
            wrong.append(f"{read.where}: line {read.line.n} is not the one that was anchored.")
    if n < last_anchored:
        wrong.append(f"Lines {n + 1} to {last_anchored} were removed from the end: the anchor knows them.")
    elif anchor is not None and n > last_anchored:
        notes.append(f"The copy of the anchor reaches to line {last_anchored}, the log to line {n}.")
    elif n == last_anchored + 1:
        notes.append(f"Line {n} is not anchored yet: its writer was stopped before anything was shown.")
    elif n > last_anchored + 1:
        wrong.append(
            f"Lines {last_anchored + 1} to {n} are not anchored: the anchor was cut, or they were added by hand."
        )
    gone, told = _retired(log, reads)
    wrong, notes = wrong + gone, notes + told
    if torn and not wrong:
        notes.append(f"{torn} ends in the beginning of a line: its writer was stopped before anything was shown.")
    return Verdict(len(reads), tuple(wrong), tuple(notes), f"{n} {sealed}")


def begin_anchor(log: Log, who: str, at: str) -> int:
    """Anchor a log whose anchor was lost, where its lines are sound in themselves, and say so in a line of it.

    Returns up to which line. Nothing can tell whether lines had been removed from the end before. Raises
    BadInput where there is an anchor, AuditError where the lines are not sound.
    """
    if log.anchor.exists():
        raise BadInput(f"The anchor {log.anchor} is there already; a wrong one has to be moved away by hand first.")
    found = [line for line in verify(log).wrong if "are not anchored" not in line]
    if found:
        raise AuditError(f"The audit log is not sound, so it is not anchored again. {found[0]}")
    anchored = lines(log)
    log.anchor.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(log.anchor, "".join(f"{line.n} {line.hash}\n" for line in anchored))
    log.anchor.chmod(0o600)
    record(Event(who, "began the anchor anew", "audit log"), at, log)
    return len(anchored)


def lines(log: Log) -> list[chain.Line]:
    """Return every sound line, retired ones that are still there included, in the order of the files."""
    return [read.line for read in _read(log)[0] if read.line]


def _read(log: Log) -> tuple[list[Read], str]:
    """Return every whole line, and the name of the last file where it ends in an unfinished one."""
    files = [*sorted((log.folder / RETIRED).glob("*.jsonl")), *log.files()]
    reads: list[Read] = []
    torn = ""
    for path in files:
        parts = path.read_bytes().split(b"\n")
        reads += _whole(path.name, parts[:-1])
        if parts[-1] and path == files[-1]:
            torn = path.name
        elif parts[-1]:
            reads.append(Read(f"{path.name}, row {len(parts)}", parts[-1], None))
    return reads, torn


def _whole(name: str, parts: list[bytes]) -> Iterator[Read]:
    for row, part in enumerate(parts, 1):
        yield Read(f"{name}, row {row}", part, chain.unseal(part + b"\n"))


def _next(read: Read, n: int, sealed: str) -> tuple[list[str], int, str]:
    """Return what is wrong with a line that should follow line `n`, and the number and seal to go on from."""
    line = read.line
    if line is None:
        return [f"{read.where}: line {n + 1} was changed."], n + 1, ""
    wrong = []
    if line.n > n + 1:
        missing = f"line {n + 1} was" if line.n == n + 2 else f"lines {n + 1} to {line.n - 1} were"
        gone = ", with the file or the end of the file that held them" if read.where.endswith(", row 1") else ""
        wrong.append(f"{read.where}: {missing} removed before line {line.n}{gone}.")
    elif line.n <= n:
        return [f"{read.where}: line {line.n} was inserted, or moved here from its place."], n, sealed
    elif sealed and line.prev != sealed:
        wrong.append(f"{read.where}: line {n} was replaced, or line {line.n}: one does not continue the other.")
    return wrong, line.n, line.hash


def _start(reads: list[Read], n: int, sealed: str, anchored: dict[int, str]) -> list[str]:
    """A log may begin later than line 1 only where it says itself that the lines before were retired."""
    retired = any(
        read.line.told.get("what") == "retired" and n in ((read.line.told.get("note") or {}).get("last_lines") or ())
        for read in reads
        if read.line
    )
    if not retired:
        return [f"Lines 1 to {n} were removed: no line says that they were retired."]
    if anchored.get(n, sealed) != sealed:
        return [f"Line {n + 1} does not continue the line {n} that was anchored."]
    return []


def _retired(log: Log, reads: list[Read]) -> tuple[list[str], list[str]]:
    """Return what is wrong with files that the log says were retired, and where each of them is now."""
    wrong: dict[Path, str] = {}
    notes: dict[str, str] = {}
    for told in (read.line.told for read in reads if read.line and read.line.told.get("what") == "retired"):
        note = told.get("note") or {}
        for name, last in zip(note.get("files") or (), note.get("last_lines") or (), strict=False):
            path, late = Path(note.get("to") or log.folder / RETIRED) / name, log.folder / name
            if late.exists():
                notes[name] = (
                    f"{name}, to line {last}, was to be retired and is late: it still lies in the log. Retire again."
                )
            elif not path.exists():
                notes[name] = f"{name}, to line {last}, was retired, and is gone from {path.parent}."
            elif (end := chain.unseal(last_whole(path)[0])) is None or end.n != last:
                wrong[path] = f"{path}: it was retired with line {last} as its last, and ends otherwise now."
            else:
                notes[name] = f"{name}, to line {last}, is retired; it lies in {path.parent}."
    return list(wrong.values()), list(notes.values())


def _anchor(path: Path) -> tuple[dict[int, str], list[str]]:
    """Return the seal of each anchored line, and what is wrong with the anchor itself."""
    if not path.exists():
        return {}, []
    found: dict[int, str] = {}
    wrong = []
    whole = path.read_bytes().split(b"\n")[:-1]
    for row, text in enumerate(whole, 1):
        line = _ANCHOR_LINE.fullmatch(text)
        if line is None or (found and int(line[1]) != max(found) + 1):
            wrong.append(f"{path}, row {row}: the anchor was changed.")
        if line is not None:
            found[int(line[1])] = line[2].decode()
    return found, wrong
