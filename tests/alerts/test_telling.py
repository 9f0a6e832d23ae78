"""Alerts end to end: released rows to a real local mail server, a webhook and a CSV file, once for each reason."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.access.pseudonyms import pseudonym
from workbench.alerts import settings as written
from workbench.alerts import telling
from workbench.alerts.outbox import Message, Outbox
from workbench.cli import main
from workbench.disclosure import released

NOON, NIGHT = "2025-02-03T12:00:00+00:00", "2025-02-03T23:00:00+00:00"
ACCESS = """min_count: 10
public: all
people:
  - {user: rivera, role: counsellor, schools: ["0007"], tables: all, columns: all}
  - {user: stranger, role: district, districts: ["01"], schools: all, tables: all, columns: all}
...
"""


@pytest.fixture
def mail() -> Iterator[Any]:
    """A real SMTP server on this machine; `letters` holds what it took, `answer` what it says instead of taking."""
    controller = pytest.importorskip("aiosmtpd.controller", reason="aiosmtpd is not installed: type make setup")

    class Box:
        def __init__(self) -> None:
            self.letters: list[Any] = []
            self.answer, self.farewell, self.port = "250 OK", "221 Bye", 0

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            if self.answer.startswith(("250", "leave")):
                self.letters.append(envelope)
            if self.answer == "leave":
                server.transport.abort()
            return self.answer

        async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            return self.farewell

    box = Box()
    started = controller.Controller(box, hostname="127.0.0.1", port=0)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        started.port = free.getsockname()[1]
    started.start()
    box.port = started.port
    yield box
    started.stop()


@pytest.fixture
def hook() -> Iterator[Any]:
    """A webhook on this machine that gives the answers in `answers`, then 200; `taken` holds what came."""
    taken: list[tuple[dict[str, str], dict[str, Any]]] = []
    answers: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            taken.append((dict(self.headers), body))
            self.send_response(answers.pop(0) if answers else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.taken, server.answers = taken, answers  # type: ignore[attr-defined]
    yield server
    server.shutdown()
    server.server_close()


def release(
    site: Path, students: list[str], run_id: str = "night-1", rows: pd.DataFrame | None = None, day: str | None = None
) -> None:
    usual = pd.DataFrame(
        {"student_id": students, "name": "Ada Example", "school_id": "0007", "action": "tutoring",
         "note": [f"see file {one}" for one in students]}
    )  # fmt: skip
    usual.loc[len(usual)] = ["2222222", "Bob Example", "0008", "tutoring", "–"]
    with pytest.MonkeyPatch.context() as patch:
        folder = site / "runs" / run_id / "early_warning"
        patch.setenv("WORKBENCH_OUTPUT", str(folder))
        wb.release("caseload", usual if rows is None else rows, to="counsellor", scope="school_id", data_date=day)
        released.commit("night", {"early_warning": folder}, run_id, NOON)


def settle(site: Path, by: str = "mail", to: str = "rivera@example.org", port: int = 25, user: str = "rivera") -> Any:
    (site / "access.yml").write_text(ACCESS)
    (site / "alerts.yml").write_text(
        f"mail: {{host: 127.0.0.1, port: {port}, security: none, sender: workbench@example.org}}\n"
        'quiet: "20:00 to 07:00"\nnights_to: [operator@example.org]\n'
        f"people:\n  - {{user: {user}, by: {by}, to: '{to}', run: night, table: caseload}}\n"
    )
    return written.read()


def test_one_letter_holds_all_that_is_new_and_nothing_twice(site: Path, mail: Any) -> None:
    found, outbox = settle(site, port=mail.port), Outbox()
    release(site, ["1111111", "1111112"])
    assert telling.gather(found, outbox, NOON) == (1, ())
    assert telling.deliver(found, outbox, NOON).sent == 1
    (letter,) = mail.letters
    text = letter.content.decode()
    assert letter.rcpt_tos == ["rivera@example.org"]
    assert all(pseudonym(one, "student") in text for one in ("1111111", "1111112"))
    assert not any(word in text for word in ("1111111", "1111112", "2222222", "Example", "see file"))
    assert telling.gather(found, outbox, NOON) == (0, ())
    release(site, ["1111112", "1111113"], "night-2")
    telling.gather(found, outbox, NOON)
    telling.deliver(found, outbox, NOON)
    second = mail.letters[1].content.decode()
    assert pseudonym("1111113", "student") in second
    assert pseudonym("1111112", "student") not in second
    assert all(each.body == "" for each in outbox.messages("sent"))


def test_a_letter_and_a_file_are_two_addresses_of_one_receiver(site: Path) -> None:
    settle(site)
    with open(site / "alerts.yml", "a") as file:
        file.write("  - {user: rivera, by: csv, to: cases, run: night, table: caseload}\n")
    release(site, ["1111111"])
    assert telling.gather(written.read(), Outbox(), NOON)[0] == 2
    assert telling.gather(written.read(), Outbox(), NOON)[0] == 0


def test_who_may_not_see_the_list_is_told_nothing(site: Path) -> None:
    found, outbox = settle(site, user="stranger"), Outbox()
    release(site, ["1111111"])
    made, troubles = telling.gather(found, outbox, NOON)
    assert (made, outbox.messages()) == (0, [])
    assert troubles == ("stranger may not see night/caseload, so they are not told of it.",)


def test_quiet_hours_hold_what_is_not_urgent(site: Path, mail: Any) -> None:
    found, outbox = settle(site, port=mail.port), Outbox()
    release(site, ["1111111"])
    telling.gather(found, outbox, NIGHT)
    telling.night_failed(found, outbox, "night", "2025-02-03", "A notebook stopped.", NIGHT)
    done = telling.deliver(found, outbox, NIGHT)
    assert (done.sent, done.waiting) == (1, 1)
    assert mail.letters[0].rcpt_tos == ["operator@example.org"]
    assert telling.deliver(found, outbox, NOON).sent == 1


def test_a_failed_night_is_told_once_and_says_what_to_do(site: Path, mail: Any) -> None:
    found, outbox = settle(site, port=mail.port), Outbox()
    made = [telling.night_failed(found, outbox, "night", "2025-02-03", "It stopped.", NIGHT) for _ in range(3)]
    assert made == [1, 0, 0]
    telling.deliver(found, outbox, NIGHT)
    (letter,) = mail.letters
    assert "workbench runs" in letter.content.decode()
    assert "--resume" in letter.content.decode()


def test_a_server_that_is_busy_is_tried_again_and_one_that_refuses_is_not(site: Path, mail: Any) -> None:
    found, outbox = settle(site, port=mail.port), Outbox()
    telling.night_failed(found, outbox, "night", "2025-02-03", "It stopped.", NIGHT)
    mail.answer, pauses = "451 later", []
    assert telling.deliver(found, outbox, NOON, pauses.append).waiting == 1
    assert pauses == [1.0, 2.0]
    mail.answer = "550 no"
    assert "given up" in telling.deliver(found, outbox, NOON, pauses.append).troubles[0]
    mail.answer = "250 OK"
    outbox.again(outbox.messages("given up")[0].id)
    assert telling.deliver(found, outbox, NOON).sent == 1


def test_a_letter_that_was_taken_is_not_sent_again_for_a_rude_farewell(site: Path, mail: Any) -> None:
    found, outbox = settle(site, port=mail.port), Outbox()
    telling.night_failed(found, outbox, "night", "2025-02-03", "It stopped.", NIGHT)
    mail.farewell = "421 too busy"
    assert telling.deliver(found, outbox, NOON, lambda _: None).sent == 1
    assert len(mail.letters) == 1


def test_a_letter_whose_server_left_in_the_middle_waits_for_a_person(site: Path, mail: Any) -> None:
    found, outbox = settle(site, port=mail.port), Outbox()
    telling.night_failed(found, outbox, "night", "2025-02-03", "It stopped.", NIGHT)
    mail.answer = "leave"
    done = telling.deliver(found, outbox, NOON, lambda _: None)
    assert (done.sent, done.waiting, len(mail.letters), len(done.troubles)) == (0, 0, 1, 1)
    mail.answer = "250 OK"
    assert telling.deliver(found, outbox, NOON, lambda _: None).sent == 0
    assert [each.state for each in outbox.messages()] == ["uncertain"]


def test_who_was_near_and_is_offered_something_is_told_anew(site: Path) -> None:
    found, outbox = settle(site), Outbox()
    for night, place, made in (("1", "near", 1), ("2", "near", 0), ("3", "offered", 1), ("4", "offered", 0)):
        rows = pd.DataFrame({"student_id": ["1111111"], "school_id": ["0007"], "place": [place], "offer": ["Tutoring"]})
        release(site, ["1111111"], f"night-{night}", rows)
        assert telling.gather(found, outbox, NOON) == (made, ())


def test_the_same_offer_is_news_again_in_another_school_year(site: Path) -> None:
    found, outbox = settle(site), Outbox()
    for night, (day, made) in enumerate([("2025-01-31", 1), ("2025-07-31", 0), ("2025-08-01", 1), ("2026-01-31", 0)]):
        release(site, ["1111111"], f"night-{night}", day=day)
        assert telling.gather(found, outbox, NOON) == (made, ())


def test_a_webhook_is_tried_again_under_one_name(site: Path, hook: Any) -> None:
    address = f"http://127.0.0.1:{hook.server_port}/alerts"
    found, outbox = settle(site, "webhook", address), Outbox()
    release(site, ["1111111"])
    telling.gather(found, outbox, NOON)
    hook.answers += [503, 429]
    pauses: list[float] = []
    assert telling.deliver(found, outbox, NOON, pauses.append).sent == 1
    assert (len(hook.taken), pauses) == (3, [1.0, 2.0])
    assert len({headers["Idempotency-Key"] for headers, _ in hook.taken}) == 1
    assert "1111111" not in json.dumps(hook.taken[-1][1])


@pytest.mark.parametrize("answer", [301, 307, 404])
def test_a_webhook_that_sends_elsewhere_is_not_followed(site: Path, hook: Any, answer: int) -> None:
    found, outbox = settle(site, "webhook", f"http://127.0.0.1:{hook.server_port}/"), Outbox()
    release(site, ["1111111"])
    telling.gather(found, outbox, NOON)
    hook.answers.append(answer)
    assert telling.deliver(found, outbox, NOON, lambda _: None).sent == 0
    assert (len(hook.taken), [each.state for each in outbox.messages()]) == (1, ["given up"])


def test_a_case_system_gets_a_file_for_its_owner_alone(site: Path) -> None:
    found, outbox = settle(site, "csv", "cases"), Outbox()
    release(site, ["1111111"])
    telling.gather(found, outbox, NOON)
    assert telling.deliver(found, outbox, NOON).sent == 1
    (file,) = (site / "cases").glob("*.csv")
    assert pd.read_csv(file).student_id.tolist() == [pseudonym("1111111", "student")]
    assert oct(file.stat().st_mode)[-3:] == "600"


KILLED = """
import os, signal, sys
from workbench.alerts import settings, telling
from workbench.alerts.outbox import Outbox
send = telling.send
def dies(message, found):
    if sys.argv[1] == "after":
        send(message, found)
    os.kill(os.getpid(), signal.SIGKILL)
telling.send = dies
telling.deliver(settings.read(), Outbox(), "2025-02-03T12:00:00+00:00")
"""


def killed(when: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, when], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_letter_whose_sender_was_killed_waits_for_a_person(site: Path, mail: Any, when: str) -> None:
    found, outbox = settle(site, port=mail.port), Outbox()
    telling.night_failed(found, outbox, "night", "2025-02-03", "It stopped.", NIGHT)
    killed(when)
    done = telling.deliver(found, outbox, NOON)
    assert (done.sent, len(mail.letters)) == (0, int(when == "after"))
    assert "it may have arrived" in done.troubles[0]
    outbox.again(outbox.messages("uncertain")[0].id)
    assert telling.deliver(found, outbox, NOON).sent == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_webhook_whose_sender_was_killed_is_sent_under_its_name(site: Path, hook: Any, when: str) -> None:
    found, outbox = settle(site, "webhook", f"http://127.0.0.1:{hook.server_port}/"), Outbox()
    release(site, ["1111111"])
    telling.gather(found, outbox, NOON)
    killed(when)
    assert telling.deliver(found, outbox, NOON).sent == 1
    assert len({headers["Idempotency-Key"] for headers, _ in hook.taken}) == 1


def test_message_and_reasons_are_kept_together_or_not_at_all(site: Path) -> None:
    outbox = Outbox()
    message = Message("a", "csv", "cases", "s", "b", NOON)
    assert outbox.put(message, "rivera", ["one", "two"])
    other = Message("b", "csv", "cases", "s", "b", NOON)
    assert not outbox.put(other, "rivera", ["three", "two"])
    assert ([each.id for each in outbox.messages()], outbox.untold("rivera", ["three"])) == (["a"], {"three"})


def test_a_run_that_fails_tells_and_keeps_its_exit_code(site: Path, mail: Any, capsys: Any) -> None:
    settle(site, port=mail.port)
    (site / "notebooks").mkdir()
    (site / "pyproject.toml").touch()
    assert [main(["run", "params/absent.yml", "--tell"]) for _ in range(2)] == [2, 2]
    (letter,) = mail.letters
    assert "nothing was started" in letter.content.decode()
    assert main(["alerts"]) == 0
    assert "Nothing waits" in capsys.readouterr().out


def test_a_run_that_fails_goes_on_where_nobody_can_be_told(site: Path, capsys: Any) -> None:
    assert main(["run", "params/absent.yml", "--tell"]) == 2
    assert "Nobody was told that the run failed: alerts.yml cannot be read" in capsys.readouterr().err
