"""Who looks at a kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.access.signed_in import VARIABLE, present_viewer, told


@pytest.fixture
def people(site: Path) -> Path:
    entry = "  - {group: north, role: principal, schools: [S01], tables: all}"
    (site / "access.yml").write_text(f"min_count: 10\npublic: [open]\npeople:\n{entry}\n...\n")
    return site


def test_the_server_tells_user_and_groups(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, told("m.lee", ["north"]))
    viewer = present_viewer()
    assert (viewer.user, viewer.role, "S01" in viewer.scope.schools) == ("m.lee", "principal", True)


def test_without_a_word_of_a_server_it_is_the_public(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert (present_viewer().role, str(present_viewer().scope.tables)) == ("public", "open")
    assert told(None) == ""


@pytest.mark.parametrize("words", ["m.lee", "{", "[]", '{"user": "m.lee"}', '{"user": null, "groups": []}', "0"])
def test_words_that_cannot_be_read_show_nothing(people: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    monkeypatch.setenv(VARIABLE, words)
    assert present_viewer().role is None
