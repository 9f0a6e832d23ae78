"""The pages for everybody, as the server in public mode hands them out: files, without sign-in and without a kernel."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from tornado.web import HTTPError, RequestHandler

from workbench.paths import resolve
from workbench.public.write import FOLDER, listing, may_be_shown

NOTHING: Final = "default-src 'none'; frame-ancestors 'none'"
_POLICY: Final = re.compile(rb'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"


@dataclass(frozen=True)
class Ready:
    """A page as it goes over the wire: packed and plain, the tag by which a browser knows that it has it, its policy.

    The policy is the page's own, so that pages written before an upgrade keep their script.
    """

    packed: bytes
    plain: bytes
    tag: str
    policy: str


@lru_cache(maxsize=256)
def _ready(path: Path, changed: int) -> Ready:
    return _packed(path.read_bytes())


@lru_cache(maxsize=4)
def _packed(plain: bytes) -> Ready:
    tag, policy = f'"{hashlib.sha256(plain).hexdigest()[:32]}"', _POLICY.search(plain[:4096])
    return Ready(gzip.compress(plain, 6, mtime=0), plain, tag, policy[1].decode() if policy else "default-src 'none'")


class Table(RequestHandler):
    """One page, as far as `access.yml` lets the public see its table at this moment; or the list of them."""

    def set_default_headers(self) -> None:
        """Allow nothing, until there is a page that says what it needs."""
        self.set_header("Content-Security-Policy", NOTHING)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Cache-Control", "no-cache")

    def compute_etag(self) -> None:
        """Leave the tag as it was made with the page."""

    def get(self, run_name: str = "", name: str = "") -> None:
        """Answer with the page, packed where the browser can unpack it, or with 304 where it has it already."""
        if name and not may_be_shown(name):
            raise HTTPError(404)
        path = resolve(FOLDER) / run_name / f"{name}.html"
        try:
            page = _ready(path, path.stat().st_mtime_ns) if name else _packed(listing().encode())
        except OSError as error:
            raise HTTPError(404) from error
        self.set_header("Content-Security-Policy", f"{page.policy}; frame-ancestors 'none'")
        self.set_header("ETag", page.tag)
        self.set_header("Vary", "Accept-Encoding")
        if self.check_etag_header():
            self.set_status(304)
        elif "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.write(page.packed)
        else:
            self.write(page.plain)

    head = get

    def write_error(self, status_code: int, **_: Any) -> None:
        """Answer a failure in words, without its cause."""
        self.finish("<!doctype html><title>Not shown</title><p>This is not there, or it is not for you.</p>")
