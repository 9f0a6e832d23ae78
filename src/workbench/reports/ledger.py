"""The ledger: a folder a run, its manifest, and the lock that keeps two runs of one name apart."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.errors import BadParameter, RunLocked
from workbench.files import write_atomically
from workbench.paths import resolve, shown
from workbench.reports.contract import nearest

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Record:
    """A run in the ledger: its folder, and its manifest as it stands on the disk."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def status(self) -> str:
        """running, done, failed or interrupted; a run that nobody holds any more is not running."""
        status = str(self.manifest["status"])
        return "interrupted" if status == "running" and not is_locked(self.manifest["run"]) else status

    def save(self) -> None:
        """Write the manifest to the disk, whole or not at all."""
        write_atomically(self.folder / MANIFEST, json.dumps(self.manifest, indent=1, ensure_ascii=False) + "\n")


def runs_folder() -> Path:
    """Return runs/ in the project, made where it is missing."""
    folder = resolve("runs")
    folder.mkdir(exist_ok=True)
    return folder


def now() -> str:
    """Return the time of day in UTC, to the second, as ISO text."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def new_record(run: str, manifest: dict[str, Any]) -> Record:
    """Make the folder of a new run, named after the run and the time in UTC."""
    stem = f"{run}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    for number in range(1, 1000):
        folder = runs_folder() / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        record = Record(folder, manifest | {"run": run, "run_id": folder.name})
        record.save()
        return record
    raise RunLocked(f"No free name for a run like {stem}; wait a second and start it again.")


def records() -> list[Record]:
    """Return every run in the ledger, newest first; a folder without a readable manifest is left out."""
    found = []
    for file in runs_folder().glob(f"*/{MANIFEST}"):
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
            found.append((manifest["started"], file.parent.name, Record(file.parent, manifest)))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return [each for _, _, each in sorted(found, key=lambda entry: entry[:2], reverse=True)]


def record(run_id: str) -> Record:
    """Return one run by its id. Raises BadParameter where there is none."""
    known = {each.id: each for each in records()}
    if run_id not in known:
        raise BadParameter(f"There is no run {run_id!r} in {shown(runs_folder())}. {nearest(run_id, known)}")
    return known[run_id]


def last_record(run: str, whole: bool | None = None) -> Record | None:
    """Return the newest run of a name, if there is one; with `whole`, of those of all its notebooks or of a part."""
    mine = (each for each in records() if each.manifest["run"] == run)
    return next((each for each in mine if whole is None or each.manifest["whole"] == whole), None)


def _lock_file(run: str) -> Path:
    return runs_folder() / f".{run}.lock"


@contextmanager
def lock(run: str) -> Iterator[None]:
    """Hold the lock of a run's name; the system lets go of it when the process ends, however it ends.

    Raises RunLocked, saying who holds it since when.
    """
    with open(_lock_file(run), "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise RunLocked(
                f"Another run of {run!r} is under way ({file.read().strip() or 'just started'}). "
                "Wait until it has ended, or stop it; nothing was started."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()} since {now()}\n")
        file.flush()
        yield


def is_locked(run: str) -> bool:
    """Return whether a run of this name is under way."""
    if not _lock_file(run).exists():
        return False
    with open(_lock_file(run), encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
