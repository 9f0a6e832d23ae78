"""The files that pages are made of: found in their folders and nowhere else, and read once."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

pytest.importorskip("voila")
from workbench.hub import assets


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, ...]:
    for name, text in (("one/a.js", "first"), ("two/a.js", "second"), ("two/deep/b.css", "deep"), ("secret", "no")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "two" / ".hidden").write_text("no")
    (tmp_path / "two" / "out.js").symlink_to(tmp_path / "secret")
    return str(tmp_path / "one"), str(tmp_path / "two")


def test_the_first_folder_that_has_a_file_gives_it(folders: tuple[str, ...]) -> None:
    assert Path(assets.found(folders, "a.js")).read_text() == "first"
    assert Path(assets.found(folders, "deep/b.css")).read_text() == "deep"


@pytest.mark.parametrize(
    "path", ["../secret", "deep/../../secret", "/etc/passwd", ".hidden", "out.js", "deep", "", "a.js/", "deep\\b.css"]
)
def test_nothing_outside_of_the_folders_is_found(folders: tuple[str, ...], path: str) -> None:
    assert assets.found(folders, path) == ""


def test_a_script_is_packed_once_and_tagged_by_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "a.js"
    file.write_text("let a = 1;" * 100)
    one = assets.content(str(file), 1)
    assert one.packed is not None
    assert gzip.decompress(one.packed) == one.plain == b"let a = 1;" * 100
    assert assets.content(str(file), 1) is one
    file.write_text("let a = 2;")
    assert assets.content(str(file), 2).tag != one.tag


def test_a_picture_is_not_packed(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"picture")
    assert assets.content(str(tmp_path / "a.png"), 1).packed is None


@pytest.mark.parametrize("path", ["../x/static/y", "workbench/y", "lab;/static/y"])
def test_only_a_templates_name_leads_to_its_files(path: str) -> None:
    assert assets.of_template(path)[0] == ()
