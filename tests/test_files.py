"""Files and folders are whole or not there, whatever was killed in between."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench import files
from workbench.files import draft_of, forget_abandoned, replace_folder, write_atomically


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def made(folder: Path, content: str) -> Path:
    folder.mkdir()
    (folder / "file").write_text(content)
    return folder


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_takes_the_place_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool) -> None:
    if not at_once:  # a file system that cannot exchange two folders
        monkeypatch.setattr(files, "_exchanged", lambda *_: False)
    final = made(tmp_path / "data", "old")
    replace_folder(made(draft_of(final), "new"), final)
    assert (final / "file").read_text() == "new"
    assert list(tmp_path.iterdir()) == [final]


def test_only_what_a_dead_process_left_is_forgotten(tmp_path: Path, dead: int) -> None:
    final = made(tmp_path / "data", "whole")
    alive = [made(tmp_path / name, "") for name in (f".data.writing-{os.getpid()}", f".other.writing-{dead}")]
    for name in (f".data.writing-{dead}", f".data.old-{dead}"):
        made(tmp_path / name, "half")
    forget_abandoned(final)
    assert sorted(tmp_path.iterdir()) == sorted([final, *alive])
    assert (final / "file").read_text() == "whole"


def test_a_folder_moved_away_by_a_process_that_died_comes_back(tmp_path: Path, dead: int) -> None:
    made(tmp_path / f".data.old-{dead}", "old")
    made(tmp_path / f".data.writing-{dead}", "half")
    forget_abandoned(tmp_path / "data")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert (tmp_path / "data" / "file").read_text() == "old"


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, dead: int) -> None:
    file = tmp_path / "results.json"
    (tmp_path / f".results.json.writing-{dead}").write_text("half")
    write_atomically(file, "one")
    with pytest.raises(TypeError):
        write_atomically(file, 2)  # type: ignore[arg-type]
    assert file.read_text() == "one"
    assert list(tmp_path.iterdir()) == [file]
