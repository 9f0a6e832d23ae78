"""Files that are added to at their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.access.appending import add, cut, last_whole, shorten


def test_bytes_are_added_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    add(file, b"one\n")
    add(file, b"two\n")
    assert file.read_bytes() == b"one\ntwo\n"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "last", "rest"),
    [
        (b"", b"", 0),
        (b"on", b"", 2),
        (b"one\n", b"one\n", 0),
        (b"one\ntwo\n", b"two\n", 0),
        (b"one\ntwo\nth", b"two\n", 2),
        (b"one\n" + b"x" * 200_000 + b"\n", b"x" * 200_000 + b"\n", 0),
        (b"one\n" + b"x" * 200_000, b"one\n", 200_000),
    ],
)
def test_the_last_whole_line_and_what_follows_it(tmp_path: Path, content: bytes, last: bytes, rest: int) -> None:
    (tmp_path / "file").write_bytes(content)
    assert last_whole(tmp_path / "file") == (last, rest)


def test_what_was_added_is_taken_back(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one\ntwo")
    cut(file, 3)
    assert file.read_bytes() == b"one\n"
    cut(file, 4)
    assert not file.exists()
    add(file, b"new\n")
    shorten(file, None)
    assert not file.exists()
    cut(file, 0)
