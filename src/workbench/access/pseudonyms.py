"""Pseudonyms by a keyed hash (HMAC-SHA-256, RFC 2104): the same person has the same one, and none can be undone.

Without the key nobody can try out identifiers until one fits, as they could with a plain hash of a number that has
eight digits. The key therefore lies outside the project and its data, readable by its owner alone.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path
from typing import Final, Literal

from workbench.errors import BadInput
from workbench.paths import project_root

KEY_VARIABLE: Final = "WORKBENCH_KEY_FILE"
KEY_BYTES, SHOWN_DIGITS = 32, 20
Kind = Literal["student", "teacher", "audit"]
"""For whom a pseudonym is: one of the audit log cannot be matched with one that a researcher sees."""


def key_file() -> Path:
    """Return where the key lies: what WORKBENCH_KEY_FILE names, or a file in the user's configuration folder."""
    if named := os.environ.get(KEY_VARIABLE):
        return Path(named).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "workbench" / "pseudonym.key"


def pseudonym(identifier: str, kind: Kind, key: bytes | None = None) -> str:
    """Return the pseudonym of one person: a letter for the kind and 20 hexadecimal digits (80 bits).

    `key` spares reading the key file for each of many. Raises BadInput where the key cannot be used.
    """
    message = f"{kind}\0{identifier}".encode()
    return f"{kind[0].upper()}-{hmac.digest(key or site_key(), message, 'sha256').hex()[:SHOWN_DIGITS]}"


def site_key() -> bytes:
    """Return the site's key, making it on first use.

    Raises BadInput where it lies inside the project, is readable by others, or is not a key.
    """
    path = key_file()
    if path.resolve().is_relative_to(project_root().resolve()):
        raise BadInput(
            f"The key of the pseudonyms lies inside the project: {path}. Set {KEY_VARIABLE} to a place outside."
        )
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise BadInput(f"The key of the pseudonyms can be read by others. Type: chmod 600 '{path}'")
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise BadInput(
            f"The key of the pseudonyms cannot be used: {path} ({error}). Restore it from its backup."
        ) from error
    if len(key) != KEY_BYTES:
        raise BadInput(f"The key of the pseudonyms, {path}, has been cut short or changed. Restore it from its backup.")
    return key


def _make(path: Path) -> None:
    """Write a new key whole, and leave alone the one of a process that was first."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
