"""Write the pages of what runs have published: `public/<run>/<table>.html`, and the list of them.

Each page goes through the exit that everybody's looks go through, and is whole or as it was. A table that cannot be
read, or that a run has not published this time, keeps the page it had, with its date; one that the public may no longer
see loses its page.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from pathlib import Path
from typing import Final

from workbench.access import Viewer
from workbench.access.audit import Event, record
from workbench.access.grants import viewer
from workbench.disclosure import published
from workbench.disclosure.published import PublishedTable
from workbench.errors import BadInput
from workbench.files import write_atomically
from workbench.outputs import check_name
from workbench.paths import resolve
from workbench.public.page import document, page

FOLDER: Final = "public"
INDEX: Final = "index.html"
LARGEST: Final = 20_000
"""A table of more rows has no page: browsers would not bear it."""
_TITLE: Final = re.compile(r"<title>(.*?)</title>")
_DATE: Final = re.compile(r'<meta name="data-date" content="(.*?)">')


@dataclass(frozen=True)
class Written:
    """What became of the pages of a run: table names, and for each kept one why it is the earlier page."""

    new: tuple[str, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()


def write(run_name: str, at: str) -> Written:
    """Write a page for each table of a run that the public may see, at the time `at` (ISO 8601), and the list of all.

    Raises AuditError where it cannot be written down first; pages not yet reached then stay as they were.
    """
    home = resolve(FOLDER) / check_name(run_name)
    with _one_at_a_time(home):
        public = viewer(None)
        removed = _withdraw(home, public)
        new, kept = [], []
        for name in published.tables(run_name):
            try:
                if _written(home, name, public, at):
                    new.append(name)
                elif _forget(home / f"{name}.html"):
                    removed.append(name)
            except BadInput as error:
                kept.append((name, str(error)))
        write_atomically(index(), listing())
    return Written(tuple(new), tuple(kept), tuple(removed))


def write_all(at: str) -> dict[str, Written]:
    """Write the pages of every run, as after a change of `access.yml`; also those of runs that are gone."""
    here = resolve(FOLDER)
    with _one_at_a_time(here):
        public = viewer(None)
        for home in sorted(path for path in here.iterdir() if path.is_dir()):
            _withdraw(home, public)
        write_atomically(index(), listing())
    return {run_name: write(run_name, at) for run_name in published.runs()}


def index() -> Path:
    """Return the list of all pages."""
    return resolve(FOLDER) / INDEX


def may_be_shown(name: str) -> bool:
    """Return whether `access.yml` lets the public see a table of this name at this moment."""
    public = viewer(None)
    return public.role == "public" and name in public.scope.tables


def _written(home: Path, name: str, public: Viewer, at: str) -> bool:
    """Write one table's page; return False where it is not for the public."""
    if public.role != "public" or name not in public.scope.tables:
        return False
    run_name = home.name
    found: PublishedTable = published.read(run_name, name)
    if not public.sees({"audience": found.audience, "unit": found.unit}, name):
        return False
    if len(found.table) > LARGEST:
        raise BadInput(f"The table “{name}” has {len(found.table):,} rows; a page holds at most {LARGEST:,}.")
    text = page(found)
    path = home / f"{name}.html"
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        record(Event("workbench", "wrote for everybody", f"{run_name}/{name}", "public", rows=len(found.table)), at)
        write_atomically(path, text)
    return True


def _withdraw(home: Path, public: Viewer) -> list[str]:
    """Remove the pages of tables whose names the public may not see."""
    allowed = public.scope.tables if public.role == "public" else ()
    return [path.stem for path in sorted(home.glob("*.html")) if path.stem not in allowed and _forget(path)]


def _forget(path: Path) -> bool:
    there = path.is_file()
    path.unlink(missing_ok=True)
    return there


def listing() -> str:
    """Return the list of the pages that are there and that the public may see, each with the day of its data."""
    parts = []
    for home in sorted(path for path in resolve(FOLDER).glob("*") if path.is_dir()):
        pages = [path for path in sorted(home.glob("*.html")) if may_be_shown(path.stem)]
        listed = "".join(_line(path, *_told(path, path.stat().st_mtime_ns)) for path in pages)
        parts += [f"<section><h2>{escape(home.name.capitalize())}</h2><ul>{listed}</ul></section>"] if pages else []
    top = "<header><h1>Tables for everybody</h1><p>Groups of people only; nothing about a single person.</p></header>"
    none = "<p>There is no table for everybody at the moment.</p>"
    return document("Tables for everybody", f'{top}<main id="t">{"".join(parts) or none}</main>')


def _line(path: Path, title: str, day: str) -> str:
    address = f"{escape(path.parent.name)}/{escape(path.name)}"
    return f'<li><a href="{address}">{escape(title)}</a>, data up to {escape(day)}</li>'


@lru_cache(maxsize=1024)
def _told(path: Path, changed: int) -> tuple[str, str]:
    """The title of a page and the day of its data, from its head."""
    with open(path, encoding="utf-8") as file:
        head = file.read(20_000)
    found = [fact.search(head) for fact in (_TITLE, _DATE)]
    title, day = (unescape(one[1]) if one else "" for one in found)
    return title, day


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold the pages against another run that ends at the same moment."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(resolve(FOLDER) / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise BadInput(f"The pages for everybody cannot be written: {error}.") from error
    with open(lock, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
