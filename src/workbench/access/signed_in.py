"""Who looks at this kernel: told by the server that started it, never by the page or its address."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Final

from workbench.access.grants import read, viewer
from workbench.access.roles import Viewer
from workbench.errors import WorkbenchError

VARIABLE: Final = "WORKBENCH_VIEWER"
AHEAD: Final = "WORKBENCH_AHEAD"
"""Set in a kernel that makes a page as this viewer would see it, though nobody looks yet."""
NOBODY: Final = "nobody-has-come-yet"
"""Whom a page for a group is made for before somebody of it comes."""


def told(user: str | None, groups: Iterable[str] = ()) -> str:
    """Return the words with which a server tells a kernel its viewer; None is somebody who has not signed in."""
    return "" if user is None else json.dumps({"user": user, "groups": sorted(groups)})


def present_viewer() -> Viewer:
    """Return the viewer of this kernel; the public, where no server told of one, and nobody where it cannot be read."""
    return viewer_told(os.environ.get(VARIABLE, ""))


def made_ahead() -> bool:
    """Return whether this kernel makes a page that nobody looks at yet."""
    return bool(os.environ.get(AHEAD))


def audiences() -> dict[Viewer, str]:
    """Return each role and scope that `access.yml` grants, as a viewer without a name, and words that tell of one.

    It is empty while the file cannot be used.
    """
    try:
        people = read().people
    except WorkbenchError:
        return {}
    found: dict[Viewer, str] = {}
    for grant in people:
        words = told(NOBODY, [grant.who]) if grant.is_group else told(grant.who)
        found.setdefault(Viewer("", grant.role, grant.scope), words)
    return found


def public_audience() -> dict[Viewer, str]:
    """Return the public alone in the same form, where anything is shown without sign-in."""
    public = viewer(None)
    return {public: told(None)} if public.role else {}


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
