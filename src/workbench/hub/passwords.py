"""Passwords for one machine: a file outside the project, with a salted scrypt hash for each user.

Scrypt makes a guess cost 64 MB and a tenth of a second or so (Percival 2009; parameters as OWASP advises).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from pathlib import Path
from typing import Final

from workbench.errors import BadInput
from workbench.files import write_atomically

SHORTEST: Final = 12
_COST: Final = {"n": 2**16, "r": 8, "p": 1, "maxmem": 2**27, "dklen": 32}


def set_password(path: Path, user: str, password: str) -> None:
    """Give a user a password, or another one. Raises BadInput for a short password or a name that is no name."""
    if len(password) < SHORTEST:
        raise BadInput(f"A password needs at least {SHORTEST} characters.")
    if not user.strip() or user != user.strip() or not user.isprintable():
        raise BadInput("The name of a user must be one word or name.")
    salt = secrets.token_bytes(16)
    known = _read(path) | {user: {"salt": salt.hex(), "hash": _hash(password, salt)}}
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(path, json.dumps(known, indent=1) + "\n")
    path.chmod(0o600)


def remove_user(path: Path, user: str) -> None:
    """Take a user's password away: they can no longer sign in. Raises BadInput where there is no such user."""
    known = _read(path)
    if user not in known:
        raise BadInput(f"{user!r} has no password here.")
    del known[user]
    write_atomically(path, json.dumps(known, indent=1) + "\n")
    path.chmod(0o600)


def is_right(path: Path, user: str, password: str) -> bool:
    """Return whether a password is the user's; an unknown user takes as long as a wrong password."""
    entry = _read(path).get(user, {"salt": "00" * 16, "hash": ""})
    return hmac.compare_digest(_hash(password, bytes.fromhex(entry["salt"])), entry["hash"])


def _hash(password: str, salt: bytes) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, **_COST).hex()


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise BadInput(f"The file of passwords, {path}, cannot be read ({error}).") from error
    if not isinstance(known, dict):
        raise BadInput(f"The file of passwords, {path}, is not what it was.")
    return known
