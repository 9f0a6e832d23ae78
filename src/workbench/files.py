"""Files and folders that are whole or not there: written under a draft's name, then put in place by a rename.

A draft of `demo` is called `.demo.writing-<process>`, what it replaces `.demo.old-<process>`. What a process
that was killed has left is cleared away when the same name is next written.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
from pathlib import Path

_WORKING_FOLDER, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


def draft_of(final: Path) -> Path:
    """Return the name beside `final` under which this process writes it."""
    return final.with_name(f".{final.name}.writing-{os.getpid()}")


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name, flush it to the disk, and rename it into place."""
    forget_abandoned(path)
    draft = draft_of(path)
    try:
        with open(draft, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def replace_folder(draft: Path, final: Path) -> None:
    """Put the folder `draft` in the place of `final`; both lie in one directory.

    On Linux the two are exchanged in one step, so that a reader always finds one of them. Where the
    file system cannot, two renames follow each other; see `forget_abandoned` for a death between them.
    """
    if final.exists() and _exchanged(draft, final):
        return shutil.rmtree(draft, ignore_errors=True)
    old = final.with_name(f".{final.name}.old-{os.getpid()}")
    if final.exists():
        os.rename(final, old)
    try:
        os.rename(draft, final)
    except OSError:
        if old.exists():
            os.rename(old, final)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders; return whether the system could."""
    try:
        exchange = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    names = os.fsencode(one), os.fsencode(other)
    return bool(exchange(_WORKING_FOLDER, names[0], _WORKING_FOLDER, names[1], _EXCHANGE) == 0)


def forget_abandoned(final: Path) -> None:
    """Remove the drafts of `final` whose process is gone; put back what such a process had moved away."""
    name = re.compile(rf"\.{re.escape(final.name)}\.(writing|old)-(\d+)")
    for path in final.parent.iterdir() if final.parent.is_dir() else ():
        found = name.fullmatch(path.name)
        if not found or _is_alive(int(found[2])):
            continue
        if found[1] == "old" and not final.exists():
            os.rename(path, final)
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
