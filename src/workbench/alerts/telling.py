"""What is told: each receiver what is new for them on a released list, and the operators of a night that failed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from workbench.access.grants import viewer
from workbench.access.pseudonyms import pseudonym
from workbench.access.roles import NAMED, Viewer, names_a_person
from workbench.alerts.channels import NotSent, send
from workbench.alerts.outbox import MOST_TIMES, Message, Outbox
from workbench.alerts.settings import Receiver, Settings
from workbench.disclosure import released
from workbench.errors import AccessDenied
from workbench.exports.sheets import csv_bytes
from workbench.tables import school_year

FIRST_PAUSE, LONGEST_PAUSE, TRIES = 1.0, 30.0, 3
TOLD_ANEW: Final = ("action", "offer", "place")
"""Where one of these changes, a student on a list is news again: near yesterday, offered something today."""


@dataclass(frozen=True)
class Sent:
    """How many messages went, how many wait for the end of the quiet hours or another try, and what is wrong."""

    sent: int
    waiting: int
    troubles: tuple[str, ...]


def gather(settings: Settings, outbox: Outbox, at: str) -> tuple[int, tuple[str, ...]]:
    """Put one message a receiver into the outbox, of all that is new for them; return how many, and who has none why.

    Rows are read as that person's role and scope in access.yml show them, students under pseudonyms, and every look is
    audited. A student with one offer and one place on the list is told a receiver once a school year.
    """
    made, troubles = 0, []
    for receiver in settings.people:
        try:
            made += _gathered(receiver, outbox, at)
        except AccessDenied:
            troubles.append(f"{receiver.user} may not see {receiver.run}/{receiver.table}, so they are not told of it.")
    return made, tuple(troubles)


def night_failed(settings: Settings, outbox: Outbox, run: str, night: str, why: str, at: str) -> int:
    """Put one message a receiver of `nights_to` into the outbox: which night failed, and what to do; once a night.

    It knows no quiet hours. Words of the data are kept out: of `why` only where to look.
    """
    body = (
        f"The run {run!r} of {night} did not reach its end.\n\n{why}\n\n"
        "What was published before is still shown, with its date; nothing of this night was published.\n"
        "What to do: on the machine of the workbench type\n\n    workbench runs\n\n"
        "to see which notebook stopped and why. Mend it, then go on with the same command and --resume.\n"
    )
    reason = f"night failed: {run} {night}"
    made = 0
    for to in settings.nights_to:
        name = _name(to, [reason])
        message = Message(name, "mail", to, f"The night's run {run!r} failed", body, at, urgent=True)
        made += outbox.put(message, to, [reason])
    return made


def deliver(settings: Settings, outbox: Outbox, at: str, pause: Callable[[float], None] = time.sleep) -> Sent:
    """Send what waits, each with up to three tries, pausing twice as long each time.

    Quiet hours hold what is not urgent. What was not taken waits for the next call, and is given up after MOST_TIMES
    tries or where it was refused for good.
    """
    sent, troubles = 0, []
    with outbox.sending() as alone:
        if not alone:
            return Sent(0, len(outbox.messages("waiting")), ("Another process is sending; nothing was sent here.",))
        quiet, uncertain = settings.is_quiet(at), outbox.messages("uncertain")
        for message in outbox.messages("waiting"):
            if quiet and not message.urgent:
                continue
            trouble = _tried(message, settings, outbox, pause)
            sent += not trouble
            troubles += [f"{message.id} to {message.receiver}: {trouble}."] if trouble else []
        troubles += [f"{each.id} to {each.receiver}: {each.why}." for each in uncertain]
    return Sent(sent, len(outbox.messages("waiting")), tuple(troubles))


def _tried(message: Message, settings: Settings, outbox: Outbox, pause: Callable[[float], None]) -> str:
    """Try to send one message; return why it was not taken, or nothing."""
    why, times = "", message.times
    for number in range(TRIES):
        if number:
            pause(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (number - 1)))
        times += 1
        outbox.mark(message.id, "sending", times=times)
        try:
            send(message, settings)
        except NotSent as error:
            why = str(error)
            if error.unsure:
                outbox.mark(message.id, "uncertain", why=why)
                return why
            if error.for_good or times >= MOST_TIMES:
                outbox.mark(message.id, "given up", why=why)
                return f"{why}; given up"
            outbox.mark(message.id, "waiting", why=why)
        else:
            outbox.mark(message.id, "sent")
            return ""
    return why


def _gathered(receiver: Receiver, outbox: Outbox, at: str) -> bool:
    person = viewer(receiver.user)
    rows = released.read(receiver.run, receiver.table, person, at=at, what="was told").to_pylist()
    about = released.described(receiver.run, receiver.table, person)
    student = str(about["student"])
    if rows and student not in rows[0]:
        raise AccessDenied("The column of students lies outside this role.")
    shown = [_without_names(row, student, about["names"], person) for row in rows]
    year = school_year(date.fromisoformat(str(about["data_date"] or about["made_at"])[:10]))
    by_reason = {_reason(receiver, year, row, student): row for row in shown}
    who = f"{receiver.user} at {receiver.to}"
    new = sorted(outbox.untold(who, list(by_reason)))
    if not new:
        return False
    told = [by_reason[reason] for reason in new]
    subject = f"{len(told)} new on your list" if len(told) > 1 else "One new on your list"
    body = _csv(told) if receiver.by == "csv" else _letter(receiver, told)
    message = Message(_name(who, new), receiver.by, receiver.to, subject, body, at)
    return outbox.put(message, who, new)


def _without_names(row: Mapping[str, Any], student: str, names: Sequence[str], person: Viewer) -> dict[str, Any]:
    """A row under a pseudonym, without any column or text that names the person."""
    own = str(row.get(student) or "")
    kept = {name: value for name, value in row.items() if name not in names and not names_a_person(name)}
    if person.role in NAMED and own:
        texts = {name for name, value in kept.items() if name != student and own in str(value)}
        kept = {name: "" if name in texts else value for name, value in kept.items()}
        kept[student] = pseudonym(own, "student")
    return kept


def _reason(receiver: Receiver, year: int, row: Mapping[str, Any], student: str) -> str:
    said = [receiver.run, receiver.table, str(year), *(str(row.get(name, "")) for name in (student, *TOLD_ANEW))]
    return hashlib.sha256("\0".join(said).encode()).hexdigest()


def _letter(receiver: Receiver, rows: Sequence[Mapping[str, Any]]) -> str:
    lines = ["\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in row.items()) for row in rows]
    return (
        f"New for you on the list {receiver.table.replace('_', ' ')!r}. Students stand under pseudonyms; "
        "the dashboard shows your list. A person decides: this list recommends.\n\n" + "\n\n".join(lines) + "\n"
    )


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    return csv_bytes(columns, {}).decode("utf-8")


def _name(who: str, reasons: Sequence[str]) -> str:
    return hashlib.sha256("\0".join([who, *reasons]).encode()).hexdigest()[:24]
