"""The outbox: what is to be told, kept in one SQLite file until it was told, and remembered so that it is told once.

Message and reasons are written in one transaction, on the disk before anything is sent. Before a message is handed over
it is marked `sending`, after it `sent`. A process that dies between the two leaves nobody knowing whether it arrived:
a CSV or a webhook, which carry the message's own name, are sent again and recognised; an e-mail is kept as `uncertain`
until a person says so.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workbench.errors import BadInput
from workbench.paths import resolve

FOLDER: Final = "data/alerts"
FILE: Final = "outbox.sqlite"
MOST_TIMES: Final = 8
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS message (
    id TEXT PRIMARY KEY, channel TEXT NOT NULL, receiver TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL,
    made_at TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', times INTEGER NOT NULL DEFAULT 0,
    why TEXT NOT NULL DEFAULT '', urgent INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS told (receiver TEXT, reason TEXT, message TEXT NOT NULL, PRIMARY KEY (receiver, reason));
"""


@dataclass(frozen=True)
class Message:
    """One message: its own name, channel (mail, webhook, csv), address, words, and what became of it.

    `state` is waiting, sending, sent, uncertain (an e-mail whose sender died) or given up; `urgent` knows no
    quiet hours.
    """

    id: str
    channel: str
    receiver: str
    subject: str
    body: str
    made_at: str
    state: str = "waiting"
    times: int = 0
    why: str = ""
    urgent: bool = False


class Outbox:
    """The outbox of a site; several processes may add to it, one at a time sends."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or resolve(FOLDER)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        self.path = self.folder / FILE
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        with self._open() as base:
            base.executescript(_SCHEMA)

    def untold(self, receiver: str, reasons: Sequence[str]) -> set[str]:
        """Return which reasons a receiver has not been told, nor is about to be."""
        with self._open() as base:
            told = {reason for (reason,) in base.execute("SELECT reason FROM told WHERE receiver = ?", (receiver,))}
        return set(reasons) - told

    def put(self, message: Message, who: str, reasons: Sequence[str]) -> bool:
        """Keep a message and why it is told, both or neither; return False where any reason was told before."""
        row = (message.id, message.channel, message.receiver, message.subject, message.body, message.made_at)
        try:
            with self._open() as base:
                base.execute(
                    "INSERT INTO message (id, channel, receiver, subject, body, made_at, urgent)"
                    " VALUES (?,?,?,?,?,?,?)",
                    (*row, int(message.urgent)),
                )
                base.executemany("INSERT INTO told VALUES (?,?,?)", [(who, reason, message.id) for reason in reasons])
        except sqlite3.IntegrityError:
            return False
        return True

    def messages(self, *states: str) -> list[Message]:
        """Return the messages in these states (or all), oldest first."""
        with self._open() as base:
            base.row_factory = sqlite3.Row
            rows = base.execute("SELECT * FROM message ORDER BY made_at, id").fetchall()
        found = [Message(**{**dict(row), "urgent": bool(row["urgent"])}) for row in rows]
        return [each for each in found if not states or each.state in states]

    def mark(self, name: str, state: str, *, times: int | None = None, why: str = "") -> None:
        """Write down what became of a message; the words of one that was sent are not kept."""
        with self._open() as base:
            base.execute("UPDATE message SET state = ?, why = ? WHERE id = ?", (state, why, name))
            if times is not None:
                base.execute("UPDATE message SET times = ? WHERE id = ?", (times, name))
            if state == "sent":
                base.execute("UPDATE message SET body = '' WHERE id = ?", (name,))

    def again(self, name: str) -> None:
        """Put a message that is uncertain or given up back among the waiting. Raises BadInput for any other."""
        if name not in {each.id for each in self.messages("uncertain", "given up")}:
            raise BadInput(f"No message {name!r} is uncertain or given up; see: workbench alerts")
        self.mark(name, "waiting", times=0)

    def forget(self, student: re.Pattern[str]) -> None:
        """Take away every message that tells of a student; of one that waits, the others on it are told anew.

        Nothing of it is left in the file's free pages either. Raises BadInput while another process sends.
        """
        with self.sending() as alone:
            if not alone:
                raise BadInput("Alerts are being sent at this moment; try again when that has ended.")
            found = [each for each in self.messages() if student.search(f"{each.subject} {each.body} {each.why}")]
            with self._open() as base:
                base.executemany("DELETE FROM message WHERE id = ?", [(each.id,) for each in found])
                waited = [(each.id,) for each in found if each.state == "waiting"]
                base.executemany("DELETE FROM told WHERE message = ?", waited)
            with self._open() as base:
                base.execute("VACUUM")

    @contextmanager
    def sending(self) -> Iterator[bool]:
        """Be the only one who sends; gives False where another is. What a dead sender left is set right first."""
        with open(os.open(self.folder / ".sending", os.O_RDWR | os.O_CREAT, 0o600), "rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            for each in self.messages("sending"):
                mail = each.channel == "mail"
                why = "the sender stopped in the middle; it may have arrived" if mail else ""
                self.mark(each.id, "uncertain" if mail else "waiting", why=why)
            yield True

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            base = sqlite3.connect(self.path, timeout=30)
            try:
                base.execute("PRAGMA synchronous = FULL")
                base.execute("PRAGMA secure_delete = ON")  # the words of what was sent go from the disk, too
                with base:
                    yield base
            finally:
                base.close()
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise BadInput(f"The outbox {self.path} cannot be used: {error}. Nothing was sent.") from error
