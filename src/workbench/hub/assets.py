"""The files that dashboards are made of, the same for everybody: read, packed and tagged once, and kept by browsers.

A dashboard is some ninety of them. A browser keeps one whose address changes with what is in it for a year; of the
others it asks whether they are still the same.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import voila
from tornado.web import HTTPError, RequestHandler
from voila.paths import collect_static_paths

Places = Callable[[str], tuple[tuple[str, ...], str]]
"""From the end of an address: the folders in which its file may lie, and the file's path in one of them."""

VERSION: Final = f"at-{re.sub(r'[^0-9a-z]', '-', voila.__version__)}"
"""What stands in the address of Voilà's own files, so that another version has other addresses."""
YEAR: Final = "public, max-age=31536000, immutable"
_HASHED: Final = re.compile(r"\.[0-9a-f]{16,}\.\w+$")
_PACKED: Final = (".js", ".css", ".json", ".svg", ".map")


@dataclass(frozen=True)
class Content:
    """A file as it goes over the wire, packed where that pays, and the tag by which a browser knows it again."""

    plain: bytes
    packed: bytes | None
    tag: str


@lru_cache(maxsize=2048)
def content(path: str, changed: int) -> Content:
    """Return a file's content; `changed` is when it was written, so that another one is read anew."""
    plain = Path(path).read_bytes()
    packed = gzip.compress(plain, 6, mtime=0) if path.endswith(_PACKED) else None
    return Content(plain, packed, f'"{hashlib.sha256(plain).hexdigest()[:32]}"')


@lru_cache(maxsize=4096)
def found(folders: tuple[str, ...], path: str) -> str:
    """Return the first file of this path in one of the folders, or nothing; no path leads out of them."""
    if any(part.startswith(".") or not part for part in path.split("/")) or "\\" in path or "\0" in path:
        return ""
    for folder in folders:
        inside, file = os.path.realpath(folder), os.path.realpath(os.path.join(folder, path))
        if file.startswith(inside + os.sep) and os.path.isfile(file):
            return file
    return ""


def of_template(path: str) -> tuple[tuple[str, ...], str]:
    """Return where the files of a page's template lie: `<template>/static/<path>`."""
    template, _, rest = path.partition("/static/")
    safe = re.fullmatch(r"[a-z0-9_]+", template)
    return (_template_folders(template) if safe else (), rest)


@lru_cache(maxsize=8)
def _template_folders(template: str) -> tuple[str, ...]:
    return tuple(collect_static_paths(["voila", "nbconvert"], template))


class Asset(RequestHandler):
    """One such file."""

    def initialize(self, places: Places) -> None:
        """Take where the files of this address lie."""
        self.places = places

    def set_default_headers(self) -> None:
        """Set the headers that every answer of the server has."""
        headers: Mapping[str, str] = self.settings["headers"]
        for name, value in headers.items():
            self.set_header(name, value)

    def compute_etag(self) -> None:
        """Leave the tag as it was made with the content."""

    def get(self, path: str) -> None:
        """Answer with the file, packed where the browser can unpack it, or with 304 where it has it already."""
        folders, rest = self.places(path)
        file = found(folders, rest)
        if not file:
            raise HTTPError(404)
        one = content(file, os.stat(file).st_mtime_ns)
        lasting = "v" in self.request.query_arguments or _HASHED.search(rest) or f"/{VERSION}/" in self.request.path
        self.set_header("Content-Type", mimetypes.guess_type(file)[0] or "application/octet-stream")
        self.set_header("Cache-Control", YEAR if lasting else "no-cache")
        self.set_header("ETag", one.tag)
        self.set_header("Vary", "Accept-Encoding")
        if self.check_etag_header():
            self.set_status(304)
        elif one.packed is not None and "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.write(one.packed)
        else:
            self.write(one.plain)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Answer a failure in a word, without its cause."""
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish("Not here.")
