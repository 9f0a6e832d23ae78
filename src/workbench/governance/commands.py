"""The commands of those who answer for the data: `workbench audit …` and `workbench erase STUDENT`.

This is the edge: here the clock is asked, and the name of the person at the keyboard.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from workbench.machine import who

Do = Callable[[argparse.Namespace], int]
UNSOUND = 1


def add(commands: Any, command: Callable[[Any, str, Do, str], argparse.ArgumentParser]) -> None:
    """Add the commands to the command line."""
    audit = command(commands, "audit", _verify, "check the audit log, or ask it who saw what")
    asked = audit.add_subparsers(title="what to do", required=True, metavar="WHAT")
    verify = command(asked, "verify", _verify, "find a changed, removed, inserted or moved line")
    verify.add_argument("--anchor", type=Path, metavar="FILE", help="a copy of the anchor from another machine")
    command(asked, "review", _review, "show who has which role and scope, and when it was last used")
    student = command(asked, "student", _student, "show who saw the rows of a student (FERPA disclosure record)")
    student.add_argument("student", metavar="ID")
    command(asked, "anchor", _anchor, "begin the anchor of the log anew, where it was lost")
    retire = command(asked, "retire", _retire, "move whole months away from the log; the rest can still be verified")
    retire.add_argument("--before", required=True, type=date.fromisoformat, metavar="DATE", help="such as 2020-07-01")
    retire.add_argument("--to", type=Path, metavar="FOLDER", help="default: retired/ in the folder of the log")
    erase = command(commands, "erase", _erase, "erase one student everywhere, and prove it")
    erase.set_defaults(stopped="Stopped in the middle. Give the same command again: it goes on where it stopped.")
    erase.add_argument("student", metavar="STUDENT", nargs="?", help="the student's identifier")
    erase.add_argument("--data", action="append", default=[], type=Path, metavar="FOLDER", help="also outside data/")
    erase.add_argument("--dry-run", action="store_true", help="show what would be erased, change nothing")
    erase.add_argument("--after-restore", action="store_true", help="erase again whom a restored backup brought back")


def _verify(options: argparse.Namespace) -> int:
    from workbench.access.audit import site_log
    from workbench.access.verification import verify

    found = verify(site_log(), options.anchor)
    for line in (*found.wrong, *found.notes):
        print(line)
    if found.wrong:
        print(f"\nThe audit log is NOT sound: {len(found.wrong)} findings above, in {found.lines:,} lines.")
        return UNSOUND
    print(f"The audit log is sound: {found.lines:,} lines, each as it was written and in its place.")
    print(f"Its head, to be noted on another machine: {found.head}")
    return 0


def _review(_: argparse.Namespace) -> int:
    from workbench.governance.review import access_review
    from workbench.reports.screen import table

    found = access_review()
    rows = [(each.user, each.role, each.last_used, each.scope) for each in found]
    print(table(("user", "role", "last used", "scope"), rows) if rows else "Nobody has a role.")
    return 0


def _student(options: argparse.Namespace) -> int:
    from workbench.access import audit
    from workbench.governance.review import disclosures
    from workbench.reports.ledger import now
    from workbench.reports.screen import table

    found = disclosures(options.student)
    looked = audit.Event(who(), "looked up disclosures", students=(audit.student_hash(options.student),))
    audit.record(looked, now())
    rows = [(each.at, each.who, each.role, each.what, each.thing, each.filters) for each in found]
    headings = ("when", "who", "role", "what", "table", "filters")
    print(table(headings, rows) if rows else f"Nobody has seen rows of a student {options.student!r}.")
    return 0


def _anchor(_: argparse.Namespace) -> int:
    from workbench.access.audit import site_log
    from workbench.access.verification import begin_anchor
    from workbench.reports.ledger import now

    last = begin_anchor(site_log(), who(), now())
    print(f"The audit log is anchored again up to line {last:,}. Lines removed before cannot be told.")
    return 0


def _retire(options: argparse.Namespace) -> int:
    from workbench.access.audit import site_log
    from workbench.access.retention import retire
    from workbench.reports.ledger import now

    moved = retire(site_log(), options.before, who(), now(), options.to)
    print(f"Moved: {', '.join(moved)}" if moved else "No month that has ended lies before that day; nothing was moved.")
    return 0


def _erase(options: argparse.Namespace) -> int:
    from workbench.errors import BadParameter
    from workbench.governance.backups import returned
    from workbench.paths import resolve

    also = [resolve(folder) for folder in options.data]
    if bool((options.student or "").strip()) == options.after_restore:
        raise BadParameter("Name one student, or give --after-restore; nothing was changed.")
    students = returned(also) if options.after_restore else [options.student]
    if not students:
        print("Nobody who was erased stands in the data again.")
    return max((_erase_one(student, also, options.dry_run) for student in students), default=0)


def _erase_one(student: str, also: list[Path], dry_run: bool) -> int:
    from workbench.governance.erase import erase, traces
    from workbench.governance.traces import Student
    from workbench.reports.ledger import now

    if dry_run:
        found, _ = traces(Student.of(student), also)
        _tell("These would be rewritten or removed; nothing was changed", found)
        return 0
    done = erase(student, who(), now(), also)
    _tell("Found", done.found)
    if done.backups:
        print(f"Marked in the index of backups, to be erased after a restore: {', '.join(done.backups)}.")
    if done.pictures:
        print(
            f"{done.pictures:,} pictures and PDFs were searched by their bytes, PDFs also by their text; what is drawn "
            "in them was not: look at those that show persons."
        )
    for trouble in done.troubles:
        print(f"Not done: {trouble}")
    _tell("Looked again, and found", done.left)
    if not done.is_complete:
        print("\nThe student is NOT wholly erased. Mend what is named above, and give the same command again.")
        return UNSOUND
    print("\nThe student is erased: neither the identifier nor the pseudonym stands anywhere that was looked into.")
    return 0


def _tell(what: str, found: Any) -> None:
    from workbench.paths import shown

    print(f"{what}: {len(found) or 'nothing'}{' files' if found else ''}")
    for trace in found:
        print(f"    {shown(trace.path)}  ({trace.trouble or f'{trace.times:,} times'})")
