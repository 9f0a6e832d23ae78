"""Who a request comes from: the hub's word for it, or nobody's in public mode."""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import Any, Final

from jupyter_server.auth.identity import IdentityProvider, User
from jupyterhub.services.auth import HubOAuth
from jupyterhub.singleuser.extension import JupyterHubIdentityProvider, JupyterHubOAuthCallbackHandler
from traitlets import Instance, default

from workbench.access.signed_in import told

ASK_AGAIN: Final = int(os.environ.get("WORKBENCH_HUB_LOOK") or 30)
"""Seconds for which the hub's word is remembered: so long can a sign-in that has ended still be used."""


class HubIdentity(JupyterHubIdentityProvider):
    """The user that JupyterHub vouches for, by its OAuth."""

    hub_auth = Instance(HubOAuth)

    @default("hub_auth")
    def _default_hub_auth(self) -> HubOAuth:
        return HubOAuth(parent=self, cache_max_age=ASK_AGAIN)

    def get_handlers(self) -> list[Any]:
        """Return the page to which the hub sends a browser back."""
        return [("oauth_callback", JupyterHubOAuthCallbackHandler, {"hub_auth": self.hub_auth})]

    def owner(self, handler: Any) -> str:
        """Return what tells this sign-in from every other one, also of the same user; nothing without a sign-in."""
        token = self.hub_auth.get_token(handler)
        return hashlib.sha256(token.encode()).hexdigest() if token and handler.current_user else ""

    def viewer(self, handler: Any) -> str:
        """Return the words that tell a kernel its viewer."""
        model = handler.current_user.hub_user
        return told(model["name"], model.get("groups") or ())

    async def still_there(self, handler: Any) -> bool:
        """Return whether the sign-in still holds; the hub is asked, at most every ASK_AGAIN seconds."""
        token, session = self.hub_auth.get_token(handler), self.hub_auth.get_session_id(handler)
        return bool(token and await self.hub_auth.user_for_token(token, session_id=session, sync=False))


class PublicIdentity(IdentityProvider):
    """Nobody signs in: everyone is the public, and a cookie tells one browser's kernels from another's."""

    COOKIE: Final = "workbench-visit"

    async def get_user(self, handler: Any) -> User:
        """Return the public."""
        if not self._visit(handler):
            visit = secrets.token_urlsafe(24)
            handler.set_secure_cookie(
                self.COOKIE, visit, expires_days=None, httponly=True, samesite="Strict", path=handler.base_url
            )
            handler.visit = visit
        return User("public")

    def get_handlers(self) -> list[Any]:
        """Return nothing: there is no page to sign in."""
        return []

    def owner(self, handler: Any) -> str:
        """Return what tells this browser from every other one."""
        return hashlib.sha256(self._visit(handler).encode()).hexdigest() if self._visit(handler) else ""

    def viewer(self, handler: Any) -> str:
        """Return the words that tell a kernel that its viewer is the public."""
        return told(None)

    async def still_there(self, handler: Any) -> bool:
        """Return that a visit does not end before its kernel does."""
        return True

    def _visit(self, handler: Any) -> str:
        cookie = handler.get_secure_cookie(self.COOKIE, max_age_days=1)
        return cookie.decode() if cookie else getattr(handler, "visit", "")
