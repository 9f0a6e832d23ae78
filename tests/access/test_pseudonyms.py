"""Pseudonyms: one a person, none to be guessed, and a key that lies where no data lie."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from workbench.access.pseudonyms import KEY_VARIABLE, key_file, pseudonym, site_key
from workbench.errors import BadInput


def test_it_is_the_keyed_hash_of_rfc_2104() -> None:
    key = bytes(range(32))
    expected = hmac.new(key, b"student\x00S00000001", hashlib.sha256).hexdigest()[:20]
    assert pseudonym("S00000001", "student", key) == f"S-{expected}"
    assert len({pseudonym("S1", kind, key) for kind in ("student", "teacher", "audit")}) == 3


def test_the_key_is_made_once_for_its_owner_alone(site: Path) -> None:
    assert not key_file().exists()
    first = site_key()
    assert (len(first), key_file().stat().st_mode & 0o777) == (32, 0o600)
    assert site_key() == first
    assert [path.name for path in key_file().parent.iterdir()] == ["key"]


def test_without_a_variable_it_lies_in_the_users_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert key_file() == tmp_path / "workbench" / "pseudonym.key"


def test_a_key_inside_the_project_is_refused(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, str(site / "data" / "key"))
    with pytest.raises(BadInput, match="lies inside the project"):
        site_key()
    assert not (site / "data").exists()


@pytest.mark.parametrize("text", ["", "abcd\n", "not hexadecimal\n"])
def test_a_damaged_key_is_refused_and_not_replaced(site: Path, text: str) -> None:
    site_key()
    key_file().write_text(text)
    with pytest.raises(BadInput, match="Restore it from its backup"):
        site_key()
    assert key_file().read_text() == text


def test_a_key_that_others_can_read_is_refused(site: Path) -> None:
    site_key()
    key_file().chmod(0o640)
    with pytest.raises(BadInput, match="chmod 600"):
        site_key()
