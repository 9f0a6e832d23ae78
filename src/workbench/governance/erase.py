"""Erase one student from everything this project stores, and prove it by looking again.

What is written: data folders (answer key and checksums included), the outputs of runs, released rows, and the index
of backups. Published tables hold groups, no person's rows, and stay. What cannot be rewritten is named.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workbench.access import audit
from workbench.alerts.outbox import FILE as OUTBOX
from workbench.alerts.outbox import FOLDER, Outbox
from workbench.disclosure import released
from workbench.disclosure.release import RELEASED
from workbench.errors import BadInput
from workbench.files import draft_of, replace_folder, sha256, write_atomically
from workbench.governance import backups
from workbench.governance.removal import REWRITABLE, remove
from workbench.governance.traces import PICTURES, Student, mentions
from workbench.paths import resolve, shown
from workbench.reports import ledger
from workbench.store import MANIFEST as DATASET

RUNS: Final = "runs"
PLACES: Final = ("data", RUNS, RELEASED, "published", "public", "backups", "params", "notebooks")


@dataclass(frozen=True)
class Trace:
    """One file that tells of a student: how often, and what keeps it from being looked into or rewritten."""

    path: Path
    times: int
    trouble: str = ""


@dataclass(frozen=True)
class Erasure:
    """What was found before, what is left after, pictures that cannot be searched, and backups to be re-erased."""

    found: tuple[Trace, ...]
    left: tuple[Trace, ...]
    pictures: int
    backups: tuple[str, ...]
    troubles: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.left and not self.troubles


def traces(student: Student, also: Iterable[Path] = ()) -> tuple[list[Trace], int]:
    """Return every file that tells of a student or cannot be looked into, and how many pictures there are.

    `also` are folders of data outside the project.
    """
    found, pictures = [], 0
    for path in _files([*map(resolve, PLACES), audit.site_log().folder, *also]):
        if path.suffix.lower() in PICTURES:
            pictures += 1
        try:
            times = mentions(path, student) + _is_named(path, student)
        except (OSError, ValueError) as error:
            found.append(Trace(path, 0, f"it cannot be looked into: {error}"))
            continue
        if times:
            found.append(Trace(path, times))
    return found, pictures


def erase(identifier: str, who: str, at: str, also: Iterable[Path] = ()) -> Erasure:
    """Erase a student and return what was found and what is left; the audit log tells of it by a keyed hash.

    No run may be under way. Raises BadInput where nothing is found and nothing was ever erased under this
    identifier, RunLocked where a run is under way, AuditError where the log cannot be written: nothing has changed.
    """
    student, also = Student.of(identifier), list(also)
    with _no_run():
        found, _ = traces(student, also)
        if not any(trace.times for trace in found) and not was_erased(student):
            raise BadInput(f"Nothing tells of a student {identifier!r}. Check how the identifier is written.")
        audit.record(audit.Event(who, "began to erase", "a student", students=(student.hash,)), at)
        troubles = list(_rewrite(found, student, also))
        marked, trouble = backups.mark(student)
        troubles += trouble
        left, pictures = traces(student, also)
        done = Erasure(tuple(found), tuple(left), pictures, tuple(marked), tuple(troubles))
        note = {"files": len(found), "left": len(left), "complete": done.is_complete}
        audit.record(audit.Event(who, "erased", "a student", students=(student.hash,), note=note), at)
    return done


def was_erased(student: Student) -> bool:
    """Return whether the audit log tells of an erasure of this student, done or begun: it may have been cut off."""
    from workbench.access.verification import lines

    told = (line.told for line in lines(audit.site_log()))
    of_erasure = (each for each in told if each.get("what") in ("began to erase", "erased"))
    return any(student.hash in each.get("students", ()) for each in of_erasure)


@contextmanager
def _no_run() -> Iterator[None]:
    """Hold the locks of all runs, so that none writes the student anew."""
    with ExitStack() as held:
        for lock in sorted(ledger.runs_folder().glob(".*.lock")):
            held.enter_context(ledger.lock(lock.name[1:].removesuffix(".lock")))
        yield


def _files(folders: Iterable[Path]) -> Iterator[Path]:
    """Give every file below some folders once, behind links too."""
    seen: set[Path] = set()
    for folder in folders:
        for here, below, names in os.walk(folder, followlinks=True):
            below[:] = sorted(name for name in below if (Path(here) / name).resolve() not in seen)
            seen |= {Path(here).resolve()}
            for path in (Path(here) / name for name in sorted(names)):
                if path.is_file() and (real := path.resolve()) not in seen:
                    seen.add(real)
                    yield path


def _rewrite(found: list[Trace], student: Student, also: list[Path]) -> Iterator[str]:
    """Take the student out of every file that tells of them; give what went wrong, in words."""
    paths = [trace.path for trace in found if trace.times]
    folders = {folder for path in paths if (folder := _data_folder(path))}
    homes = {path.parent for path in paths if path.is_relative_to(resolve(RELEASED)) and path.suffix == ".parquet"}
    for folder in sorted(folders):
        yield from _tried(folder, lambda folder=folder: _from_data(folder, paths, student))
    for home in sorted(homes):
        yield from _tried(home, lambda home=home: _from_released(home, student))
    for path in paths:
        if _data_folder(path) not in folders and path.parent not in homes:
            yield from _tried(path, lambda path=path: _from_file(path, student, also))


def _tried(what: Path, do: Any) -> Iterator[str]:
    try:
        do()
    except (OSError, ValueError, BadInput) as error:
        yield f"{shown(what)} could not be rewritten: {error}"


def _data_folder(path: Path) -> Path | None:
    """Return the data folder that a file lies in, if it lies in one."""
    return next((folder for folder in path.parents if (folder / DATASET).is_file()), None)


def _from_data(folder: Path, paths: list[Path], student: Student) -> None:
    """Write a data folder anew without a student, answer key and checksums too, and exchange the two."""
    final = folder.resolve()
    draft = draft_of(final)
    try:
        shutil.copytree(final, draft, copy_function=_linked)
        for path in paths:
            if path.is_relative_to(folder) and path.suffix in REWRITABLE and path.name != DATASET:
                remove(draft / path.relative_to(folder), student)
        manifest = json.loads((draft / DATASET).read_text(encoding="utf-8"))
        for name, table in manifest["tables"].items():
            _renew(draft / name, table)
        write_atomically(draft / DATASET, json.dumps(manifest, indent=1, sort_keys=True) + "\n")
        replace_folder(draft, final)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _linked(source: str, target: str) -> None:
    """Link an unchanged file rather than copy it; what is rewritten is put in its place, never written into."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _renew(folder: Path, table: dict[str, Any]) -> None:
    """Bring what the manifest says about a table's files up to date."""
    import pyarrow.parquet as pq

    for name, facts in table["files"].items():
        file = folder / name
        rows, size = pq.read_metadata(file).num_rows, file.stat().st_size
        facts |= {"rows": rows, "bytes": size, "sha256": sha256(file)}
    table["rows"] = sum(facts["rows"] for facts in table["files"].values())


def _from_released(home: Path, student: Student) -> None:
    """Rewrite the released tables of a run under their new contents' names; readers see the old rows or the new."""
    import pyarrow.parquet as pq

    manifest = released.load(home / released.MANIFEST)
    for name, about in (manifest or {"tables": {}})["tables"].items():
        draft = home / f".{name}.erasing.parquet"
        released.write_private(draft, (home / about["file"]).read_bytes())
        remove(draft, student)
        final = home / f"{name}-{sha256(draft)[:16]}.parquet"
        os.replace(draft, final)
        about |= {"file": final.name, "rows": pq.read_metadata(final).num_rows}
    if manifest:
        released.write_private(home / released.MANIFEST, json.dumps(manifest, indent=1) + "\n")
    released.forget_unnamed(home)


def _is_named(path: Path, student: Student) -> bool:
    """Return whether a file, or a folder of the project that it lies in, is named after a student."""
    return bool(student.in_text.search(shown(path)))


def _from_file(path: Path, student: Student, also: list[Path]) -> None:
    """Rewrite one file; what a run made and cannot be rewritten goes, with the figure that it belongs to."""
    is_output = path.is_relative_to(resolve(RUNS))
    is_data = path.is_relative_to(resolve("data")) or any(path.is_relative_to(folder) for folder in also)
    if is_output and path.parent.name == "figures":
        for part in path.parent.glob(f"{path.stem}.*"):
            part.unlink()
    elif is_output and _is_named(path, student):
        path.unlink()
        _forget_empty(path.parent)
    elif path == resolve(FOLDER) / OUTBOX:
        Outbox().forget(student.in_text)
    elif path.suffix in REWRITABLE and (is_output or is_data):
        remove(path, student)
    elif is_output:
        path.unlink(missing_ok=True)
        if path.suffix == ".html":  # the slides of a report hold its figures, and their alt texts packed
            path.with_suffix(".pdf").unlink(missing_ok=True)
    else:
        raise ValueError("mend it by hand")


def _forget_empty(folder: Path) -> None:
    """Remove a folder of a run that holds nothing any more, and those around it: its name may tell, too."""
    while folder != resolve(RUNS) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
