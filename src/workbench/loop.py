"""The commands of the early-warning loop: `workbench diff`, `workbench interventions …` and `workbench alerts …`.

This is the edge: here the clock is asked, and the name of the person at the keyboard.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError

Do = Callable[[argparse.Namespace], int]
UNSOUND = 1


def add(commands: Any, command: Callable[[Any, str, Do, str], argparse.ArgumentParser]) -> None:
    """Add the commands to the command line."""
    diff = command(commands, "diff", _diff, "say what changed between two runs of one params file")
    diff.add_argument("before", metavar="RUN_ID", help="the earlier run")
    diff.add_argument("now", metavar="RUN_ID", nargs="?", help="the later run; without it, the last whole one")
    diff.add_argument(
        "--rows", action="store_true", help="also the students newly listed, as far as your role sees them"
    )
    log = command(commands, "interventions", _verify, "keep the log of interventions")
    asked = log.add_subparsers(title="what to do", required=True, metavar="WHAT")
    command(asked, "verify", _verify, "find a changed, removed, inserted or moved line of the log")
    out = command(asked, "export", _export, "write the log as CSV, of the students of a data folder")
    out.add_argument("data", metavar="DATA", help="such as data/own")
    out.add_argument("file", metavar="FILE", type=Path)
    back = command(asked, "import", _import, "add what a CSV file tells to the log, or name its bad rows")
    back.add_argument("file", metavar="FILE", type=Path)
    alerts = command(commands, "alerts", _waiting, "tell people what is new for them")
    told = alerts.add_subparsers(title="what to do", metavar="WHAT")
    command(told, "send", _send, "gather what is new for each receiver of alerts.yml, and send it")
    again = command(told, "again", _again, "send a message that is uncertain or given up once more")
    again.add_argument("message", metavar="ID")
    night = command(told, "night", _night, "tell that the night's run failed, where `run --tell` could not")
    night.add_argument("params", metavar="PARAMS", help="the params file of the run")


def tell_failure(params: str, why: BaseException | str) -> None:
    """Tell, once a night, that a run failed; where that cannot be told, say so and go on."""
    from datetime import UTC, datetime

    from workbench.alerts import settings, telling
    from workbench.alerts.outbox import Outbox
    from workbench.reports.ledger import now

    said = why if isinstance(why, str) else _where(why)
    try:
        found, outbox = settings.read(), Outbox()
        night = datetime.now(UTC).astimezone(found.zone).date().isoformat()
        telling.night_failed(found, outbox, Path(params).stem, night, said, now())
        done = telling.deliver(found, outbox, now())
        for trouble in done.troubles:
            print(trouble, file=sys.stderr)
    except (WorkbenchError, OSError) as error:
        print(f"Nobody was told that the run failed: {error}", file=sys.stderr)


def _where(error: BaseException) -> str:
    """What kind of failure it was; its own words may hold values of the data, and stay on the machine."""
    from workbench.errors import BadInput, BadParameter, NotebookFailed, RunLocked

    kinds = {
        NotebookFailed: "A notebook stopped before its end.",
        RunLocked: "The run of the night before was still under way, so nothing was started.",
        BadInput: "The data cannot be used as they are, so nothing was started.",
        BadParameter: "A parameter is wrong, so nothing was started.",
    }
    return next((said for kind, said in kinds.items() if isinstance(error, kind)), "It stopped.")


def _verify(_: argparse.Namespace) -> int:
    from workbench.interventions.log import sound

    found = sound()
    for line in (*found.wrong, *found.notes):
        print(line)
    if found.wrong:
        print(f"\nThe log of interventions is NOT sound: {len(found.wrong)} findings above, in {found.lines:,} lines.")
        return UNSOUND
    print(f"The log of interventions is sound: {found.lines:,} lines, each as it was written and in its place.")
    return 0


def _export(options: argparse.Namespace) -> int:
    from workbench import open_data
    from workbench.access import audit
    from workbench.access.pseudonyms import site_key
    from workbench.interventions import exchange
    from workbench.interventions.log import entries
    from workbench.machine import who
    from workbench.paths import shown
    from workbench.reports.ledger import now

    key = site_key()
    students = open_data(options.data).students.select("student_id").to_pandas().student_id
    known = {each.student for each in entries()}
    hashes = tuple(sorted(known & {audit.student_hash(student, key) for student in students}))
    audit.record(audit.Event(who(), "exported", "log of interventions", rows=len(hashes), students=hashes), now())
    written = exchange.write(options.file, students)
    print(f"Wrote {written:,} steps to {shown(options.file)}. It names students: keep it as you keep their records.")
    return 0


def _import(options: argparse.Namespace) -> int:
    from workbench.interventions import exchange
    from workbench.machine import who
    from workbench.reports.ledger import now

    print(f"Logged {exchange.read(options.file, who=who(), at=now()):,} new steps.")
    return 0


def _waiting(_: argparse.Namespace) -> int:
    from workbench.alerts.outbox import Outbox
    from workbench.reports.screen import table

    there = Outbox().messages("waiting", "sending", "uncertain", "given up")
    rows = [(each.id, each.state, each.channel, each.receiver, each.why or "–") for each in there]
    print(table(("message", "state", "by", "to", "why"), rows) if rows else "Nothing waits in the outbox.")
    return 0


def _send(_: argparse.Namespace) -> int:
    from workbench.alerts import settings, telling
    from workbench.alerts.outbox import Outbox
    from workbench.reports.ledger import now

    found, outbox = settings.read(), Outbox()
    made, unseen = telling.gather(found, outbox, now())
    done = telling.deliver(found, outbox, now())
    for trouble in (*unseen, *done.troubles):
        print(trouble, file=sys.stderr)
    print(f"{made} new messages; {done.sent} sent, {done.waiting} waiting.")
    return UNSOUND if unseen or done.troubles else 0


def _again(options: argparse.Namespace) -> int:
    from workbench.alerts.outbox import Outbox

    Outbox().again(options.message)
    print("It waits again. Type: workbench alerts send")
    return 0


def _night(options: argparse.Namespace) -> int:
    tell_failure(options.params, "It ended without a result, or was stopped by the system.")
    return 0


def _diff(options: argparse.Namespace) -> int:
    from workbench.errors import BadParameter
    from workbench.reports import ledger
    from workbench.reports.changes import HEADINGS, changes, seen
    from workbench.reports.screen import table

    before = ledger.record(options.before)
    now = ledger.record(options.now) if options.now else ledger.last_record(before.manifest["run"], whole=True)
    if now is None:
        raise BadParameter(f"There is no whole run after {before.id} to compare it with.")
    found = changes(before, now)
    print("\n".join(found.sentences))
    if found.rows:
        print(f"\n{table(HEADINGS, found.rows)}")
    if options.rows:
        for name, rows in seen(found, now, _viewer(), ledger.now()).items():
            print(f"\n{name}")
            print(table(tuple(rows[0]), [[str(cell) for cell in row.values()] for row in rows]) if rows else "nobody")
    return 0


def _viewer() -> Any:
    """Who is at the keyboard, with the role that access.yml gives them."""
    from workbench.access import grants
    from workbench.machine import who

    return grants.viewer(who())
