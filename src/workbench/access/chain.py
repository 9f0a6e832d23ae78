"""The lines of the audit log, each sealed to the one before it.

A line is JSON: `n` counts from 1, `prev` is the seal of line n − 1, then what happened, and last `hash`, the SHA-256
of every byte of the line before it. A changed byte breaks the line's own seal; a removed, inserted or moved line
breaks the count or `prev` of the next (Schneier & Kelsey 1999, *Secure audit logs to support computer forensics*).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

START: Final = "0" * 64
_SEAL_OPENS, _SEAL_CLOSES = b',"hash":"', b'"}\n'
_SEAL_BYTES: Final = len(_SEAL_OPENS) + 64 + len(_SEAL_CLOSES)


@dataclass(frozen=True)
class Line:
    """One sealed line: its number, the seal of the line before, its own, and what it tells."""

    n: int
    prev: str
    hash: str
    told: Mapping[str, Any]


def seal(n: int, prev: str, told: Mapping[str, Any]) -> bytes:
    """Return the bytes of line `n`, ended by a line feed."""
    text = json.dumps({"n": n, "prev": prev, **told}, ensure_ascii=True, separators=(",", ":"))
    body = text.encode()[:-1]
    return body + _SEAL_OPENS + hashlib.sha256(body).hexdigest().encode() + _SEAL_CLOSES


def unseal(raw: bytes) -> Line | None:
    """Return a line from its bytes, or None where a byte of it is not as it was sealed."""
    body, end = raw[:-_SEAL_BYTES], raw[-_SEAL_BYTES:]
    own = hashlib.sha256(body).hexdigest()
    if end != _SEAL_OPENS + own.encode() + _SEAL_CLOSES:
        return None
    try:
        told = json.loads(body + b"}")
        n, prev = told.pop("n"), told.pop("prev")
    except (ValueError, KeyError, AttributeError, RecursionError):
        return None
    return Line(n, prev, own, told) if type(n) is int and type(prev) is str else None
