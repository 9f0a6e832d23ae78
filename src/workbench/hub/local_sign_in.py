"""Sign-in for one machine, by the passwords that `workbench hub-user` has set."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from traitlets import Unicode

from workbench.hub.passwords import is_right

PAUSE = 1.0
"""Seconds after a wrong password; tries under one name wait for each other, so that guessing is slow."""


class LocalSignIn(Authenticator):
    """A name and a password; whoever has one may sign in, and sees what access.yml grants."""

    passwords = Unicode(help="the file of passwords", config=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def normalize_username(self, username: str) -> str:
        """Return a name as it was typed: access.yml tells capitals from small letters."""
        return username

    async def authenticate(self, handler: Any, data: dict[str, str]) -> str | None:
        """Return the user's name, or None, a moment later, where the password is not theirs."""
        user = data["username"]
        async with self._turns[user]:
            right = await asyncio.to_thread(is_right, Path(self.passwords), user, data["password"])
            if not right:
                await asyncio.sleep(PAUSE)
        return user if right else None
