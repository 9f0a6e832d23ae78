"""Passwords of one machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.hub.passwords import is_right, remove_user, set_password


def test_only_the_right_password_of_a_known_user_is_right(tmp_path: Path) -> None:
    path = tmp_path / "place" / "passwords.json"
    set_password(path, "m.lee", "a long password")
    assert is_right(path, "m.lee", "a long password")
    assert not is_right(path, "m.lee", "a long passwore")
    assert not is_right(path, "M.Lee", "a long password")
    assert not is_right(path, "nobody", "a long password")
    remove_user(path, "m.lee")
    assert not is_right(path, "m.lee", "a long password")


def test_the_file_is_its_owners_and_holds_no_password(tmp_path: Path) -> None:
    path = tmp_path / "passwords.json"
    for user in ("a", "b"):
        set_password(path, user, "the same for both")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "the same" not in path.read_text()
    first, second = json.loads(path.read_text()).values()
    assert first["hash"] != second["hash"], "each has a salt of its own"


def test_short_passwords_and_odd_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least 12"):
        set_password(tmp_path / "p", "m.lee", "elevenchars")
    for name in ("", " m.lee", "m\nlee"):
        with pytest.raises(BadInput, match="one word or name"):
            set_password(tmp_path / "p", name, "a long password")
    assert not (tmp_path / "p").exists()


def test_a_file_that_was_damaged_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "passwords.json"
    path.write_text("{")
    with pytest.raises(BadInput, match="cannot be read"):
        is_right(path, "m.lee", "a long password")
