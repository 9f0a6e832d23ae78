"""The log of interventions: what was assigned, accepted, started and ended, with which outcome, and by whom.

It lies in the folder of the data, beside the data folders, which are replaced as a whole and would take it along. A
line is added and never rewritten; each is sealed to the one before it and anchored elsewhere, as those of the audit log
are (`access.audit`). A student stands in it under the keyed hash of the audit log, so that a leaked log names nobody
and an erased student leaves nothing behind; `rows` finds the identifiers again where the data still hold them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.access import audit
from workbench.access.audit import Event, Log, student_hash
from workbench.access.pseudonyms import site_key
from workbench.access.roles import ROLES
from workbench.access.verification import Verdict, lines, verify
from workbench.errors import AuditError, BadInput, did_you_mean
from workbench.paths import resolve
from workbench.tables import school_year

if TYPE_CHECKING:
    import pandas as pd

FOLDER: Final = "data/interventions"
ANCHOR_VARIABLE: Final = "WORKBENCH_INTERVENTIONS_ANCHOR"
BY: Final = (*(role for role in ROLES if role != "public"), "workbench")
NEEDS: Final[dict[str, str]] = {
    "assigned": "", "accepted": "assigned", "declined": "assigned", "withdrawn": "assigned", "started": "assigned",
    "ended": "started", "outcome": "started",
}  # fmt: skip
"""What has to have happened before a step."""
RULES_OUT: Final[dict[str, tuple[str, ...]]] = {
    "accepted": ("declined", "withdrawn", "started"), "declined": ("withdrawn", "started"),
    "withdrawn": ("started",), "started": ("declined", "withdrawn"),
}  # fmt: skip
"""What must not have happened before a step."""
LONGEST_NOTE: Final = 500
LEAST_TELLING: Final = 4
"""A shorter identifier may be any number in a sentence."""


@dataclass(frozen=True)
class Step:
    """One thing that happened: to which intervention, of which student, on which day, by which role.

    `step` is a key of NEEDS; `kind`, the support, and `reason` stand on `assigned`; `note` holds an outcome in words.
    """

    intervention_id: str
    student_id: str
    step: str
    day: date
    by: str
    kind: str = ""
    reason: str = ""
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """A step as the log holds it: `student` is the keyed hash, `who` wrote it down, `at` is when."""

    n: int
    at: str
    who: str
    student: str
    step: Step


@dataclass
class Course:
    """What has happened in one intervention so far: the day of each step."""

    student: str
    kind: str
    days: dict[str, date] = field(default_factory=dict)

    def refuses(self, step: Step, student: str) -> str:
        """Why a step cannot follow what has happened, or nothing."""
        need = NEEDS[step.step]
        if student != self.student:
            return f"{step.intervention_id!r} belongs to another student"
        if step.kind and step.kind != self.kind:
            return f"{step.intervention_id!r} is of the kind {self.kind!r}, not {step.kind!r}"
        if step.step in self.days and step.step != "outcome":
            return f"it was already {step.step}, on {self.days[step.step]}"
        if need and need not in self.days:
            return f"it cannot be {step.step} before it was {need}"
        if out := next((name for name in RULES_OUT.get(step.step, ()) if name in self.days), ""):
            return f"it cannot be {step.step} after it was {out}"
        if need and step.day < self.days[need]:
            return f"it cannot be {step.step} on {step.day}, before it was {need} on {self.days[need]}"
        return ""


def site_log() -> Log:
    """Return the log of this site; WORKBENCH_INTERVENTIONS_ANCHOR names its anchor, outside of the data.

    Raises BadInput where the anchor lies inside the folder of the log.
    """
    folder = resolve(FOLDER).resolve()
    state = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser()
    usual = state / "workbench" / f"interventions-anchor-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}.txt"
    anchor = Path(os.environ.get(ANCHOR_VARIABLE) or usual).expanduser().resolve()
    if anchor.is_relative_to(folder):
        raise BadInput(f"The anchor must lie outside {folder}. Set {ANCHOR_VARIABLE} to another place.")
    return Log(folder, anchor, "log of interventions", "workbench interventions verify")


def identifier(student_id: str, kind: str, day: date) -> str:
    """Return the name of an intervention, the same for the same student, support and day; it tells neither."""
    said = f"{student_hash(student_id)}\0{kind}\0{day}"
    return f"I-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def assigned(chosen: pd.DataFrame, *, day: date, by: str, who: str, at: str, log: Log | None = None) -> int:
    """Log a list of assignments (student_id, action, reasons) as of one day; return how many are new.

    Who already was assigned the same support that day is passed over, so that a list may be logged again after
    a crash. Raises BadInput, with nothing logged, where a row cannot be.
    """
    rows = zip(chosen.student_id, chosen.action, chosen.reasons, strict=True)
    steps = [
        Step(identifier(student, kind, day), student, "assigned", day, by, kind, said[:LONGEST_NOTE])
        for student, kind, said in rows
    ]
    return add(steps, who=who, at=at, log=log, places=[f"student {number}" for number in range(1, len(steps) + 1)])


def add(
    steps: Sequence[Step],
    *,
    who: str,
    at: str,
    log: Log | None = None,
    places: Sequence[str] | None = None,
    wrong: Sequence[str] = (),
) -> int:
    """Add steps to the log in the order in which they are given; return how many are new.

    `at` is the time with its zone; `places` says where each stands, for messages, and `wrong` what is wrong already.
    A step that is there already, the same in every part, is passed over. Raises BadInput that names every step that
    cannot be, with nothing logged; AuditError where the log cannot be written: then what was written before it stays,
    and the same call goes on.
    """
    log = log or site_log()
    places = places or [f"step {number}" for number in range(1, len(steps) + 1)]
    key = site_key()
    with _alone(log):
        there = entries(log)
        found, known = _courses(there), {(each.student, _bare(each.step)) for each in there}
        new: list[tuple[str, Step]] = []
        wrong = list(wrong)
        for place, step in zip(places, steps, strict=True):
            student = student_hash(step.student_id, key)
            if (student, _bare(step)) in known:
                continue
            if why := _unfit(step, at) or _follow(found, step, student):
                wrong.append(f"{place}: {why}.")
            known.add((student, _bare(step)))
            new.append((student, step))
        if wrong:
            raise BadInput("\n".join([*wrong, f"Nothing was logged. Mend the {len(wrong)} named above."]))
        for student, step in new:
            audit.record(_event(step, student, who), at, log)
    return len(new)


def entries(log: Log | None = None) -> tuple[Entry, ...]:
    """Return every step that the log tells of, oldest first; a line that was changed is left out (see `sound`)."""
    log = log or site_log()
    found = []
    for line in lines(log):
        told, note = line.told, line.told.get("note", {})
        if told.get("what") in NEEDS and told.get("students"):
            step = Step(
                str(told["thing"]), "", str(told["what"]), date.fromisoformat(note["day"]), str(told.get("role", "")),
                *(str(note.get(name, "")) for name in ("kind", "reason", "note")),
            )  # fmt: skip
            found.append(Entry(line.n, str(told["at"]), str(told["who"]), str(told["students"][0]), step))
    return tuple(found)


def sound(log: Log | None = None) -> Verdict:
    """Hold the log against its seals and its anchor: has anything been changed, removed, inserted or moved?"""
    return verify(log or site_log())


def rows(students: Iterable[str], log: Log | None = None) -> pd.DataFrame:
    """Return the log as rows of the table `interventions`, of those of `students` whom it knows.

    What was withdrawn is left out; what was declined was assigned and never started.
    """
    import pandas as pd

    from workbench.tables import TABLES

    key = site_key()
    names = {student_hash(student, key): student for student in students}
    found: dict[str, dict[str, object]] = {}
    for each in entries(log):
        step = each.step
        if each.student not in names:
            continue
        if step.step == "assigned":
            found[step.intervention_id] = {
                "intervention_id": step.intervention_id, "student_id": names[each.student],
                "school_year": school_year(step.day), "kind": step.kind, "assigned_date": step.day,
                "assigned_by": step.by, "reason": step.reason or None,
            }  # fmt: skip
        elif step.step in ("started", "ended"):
            found[step.intervention_id][f"{step.step}_date"] = step.day
        elif step.step == "withdrawn":
            found.pop(step.intervention_id, None)
    columns = [column.name for column in TABLES["interventions"].columns]
    table = pd.DataFrame(list(found.values()), columns=columns).astype(object)
    return table.where(table.notna(), None)


def _courses(there: Iterable[Entry]) -> dict[str, Course]:
    found: dict[str, Course] = {}
    for each in there:
        course = found.setdefault(each.step.intervention_id, Course(each.student, each.step.kind))
        course.days[each.step.step] = each.step.day
    return found


def _follow(found: dict[str, Course], step: Step, student: str) -> str:
    """Take a step, or say why it cannot be taken."""
    if step.step == "assigned":
        if step.intervention_id in found:
            return f"{step.intervention_id!r} was already assigned"
        if not step.kind:
            return "an assignment names its kind, the support"
        found[step.intervention_id] = Course(student, step.kind)
    elif step.intervention_id not in found:
        return f"no intervention is called {step.intervention_id!r}"
    if why := found[step.intervention_id].refuses(step, student):
        return why
    found[step.intervention_id].days[step.step] = step.day
    return ""


def _unfit(step: Step, at: str) -> str:
    """Why a step cannot stand in the log whatever happened before, or nothing."""
    if step.step not in NEEDS:
        return f"step is {step.step!r}. {did_you_mean(step.step, NEEDS)}It must be one of {', '.join(NEEDS)}"
    if step.by not in BY:
        return f"by is {step.by!r}. {did_you_mean(step.by, BY)}Name a role: {', '.join(BY)}"
    if step.day > datetime.fromisoformat(at).astimezone(UTC).date():
        return f"{step.day} has not come yet"
    if step.step == "outcome" and not step.note:
        return "an outcome says in its note what came of it"
    for name in ("intervention_id", "kind", "reason", "note"):
        text = getattr(step, name)
        if len(text) > LONGEST_NOTE or any(ord(letter) < 32 for letter in text):
            return f"{name} is longer than {LONGEST_NOTE} letters, or has a line break in it"
        if len(step.student_id) >= LEAST_TELLING and step.student_id in text and name != "intervention_id":
            return f"{name} holds the student's identifier, which the log must not"
    return "" if step.student_id and step.intervention_id else "student_id or intervention_id is empty"


def _bare(step: Step) -> tuple[str, ...]:
    """What makes two steps one: all but the identifier, which the log does not hold."""
    if step.step == "assigned":  # its words may have changed when a list is logged again
        return step.intervention_id, step.step, step.kind, str(step.day)
    return step.intervention_id, step.step, str(step.day), step.by, step.note


def _event(step: Step, student: str, who: str) -> Event:
    told = {"day": str(step.day), "kind": step.kind, "reason": step.reason, "note": step.note}
    note = {name: value for name, value in told.items() if value}
    return Event(who, step.step, step.intervention_id, step.by, students=(student,), note=note)


@contextmanager
def _alone(log: Log) -> Iterator[None]:
    """Keep others from adding between the check and the writing."""
    try:
        log.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(log.folder / ".adding", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise AuditError(f"The {log.name} cannot be written: {error.strerror or error}.") from error
    with open(handle, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
