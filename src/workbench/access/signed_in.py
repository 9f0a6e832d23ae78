"""Who looks at this kernel: told by the server that started it, never by the page or its address."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Final

from workbench.access.grants import viewer
from workbench.access.roles import Viewer

VARIABLE: Final = "WORKBENCH_VIEWER"
AHEAD: Final = "WORKBENCH_AHEAD"
"""Set in a kernel that makes a page as this viewer would see it, though nobody looks yet."""


def told(user: str | None, groups: Iterable[str] = ()) -> str:
    """Return the words with which a server tells a kernel its viewer; None is somebody who has not signed in."""
    return "" if user is None else json.dumps({"user": user, "groups": sorted(groups)})


def present_viewer() -> Viewer:
    """Return the viewer of this kernel; the public, where no server told of one, and nobody where it cannot be read."""
    return viewer_told(os.environ.get(VARIABLE, ""))


def made_ahead() -> bool:
    """Return whether this kernel makes a page that nobody looks at yet."""
    return bool(os.environ.get(AHEAD))


def viewer_told(words: str) -> Viewer:
    """Return the viewer of whom a server tells in these words (see `told`)."""
    if not words:
        return viewer(None)
    try:
        person = json.loads(words)
        user, groups = person["user"], person["groups"]
    except (ValueError, KeyError, TypeError):
        return Viewer("", why=f"{VARIABLE} cannot be read.")
    if type(user) is not str or type(groups) is not list:
        return Viewer("", why=f"{VARIABLE} names no user.")
    return viewer(user, [str(group) for group in groups])
