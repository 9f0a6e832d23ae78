"""Files that are added to at their end: a line is on the disk as a whole, or the file is as it was before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_LAST_BYTES: Final = 1 << 16


def add(path: Path, content: bytes) -> None:
    """Add bytes to the end of a file and flush them to the disk, or leave it as it was."""
    is_new = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        before = os.fstat(handle).st_size
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)
    if is_new:
        _flush_folder(path.parent)


def shorten(path: Path, size: int | None) -> None:
    """Take back what was added: cut a file to the size it had; one that was not there goes."""
    if size is None:
        path.unlink()
    else:
        os.truncate(path, size)


def cut(path: Path, rest: int) -> None:
    """Cut the beginning of a line off the end of a file; a file that holds no more goes."""
    if not path.exists():
        return
    size = path.stat().st_size - rest
    if size == 0:
        path.unlink()
    elif rest:
        os.truncate(path, size)


def last_whole(path: Path) -> tuple[bytes, int]:
    """Return the last line of a file that has its end, and how many bytes follow it."""
    size, reach = path.stat().st_size, _LAST_BYTES
    with open(path, "rb") as file:
        while True:
            file.seek(max(0, size - reach))
            tail = file.read()
            end = tail.rfind(b"\n") + 1
            begin = tail.rfind(b"\n", 0, max(0, end - 1)) + 1
            if begin or reach >= size:
                return tail[begin:end], len(tail) - end
            reach *= 4


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
