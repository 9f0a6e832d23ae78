"""The shared server as people meet it who have signed in: a cookie stands for the hub's word, all else is as it is."""

from __future__ import annotations

from typing import Any, Final

from workbench.access.signed_in import told
from workbench.hub import service
from workbench.hub.identity import PublicIdentity

USER: Final = "user"
"""The cookie that names who has signed in."""


class ByCookie(PublicIdentity):
    """Who a cookie says it is, with kernels of their own by the visit as in public mode. For load studies alone."""

    def viewer(self, handler: Any) -> str:
        """Return the words that tell a kernel its viewer."""
        return told(handler.get_cookie(USER, ""))


if __name__ == "__main__":
    service.HubIdentity = ByCookie  # type: ignore[misc, assignment]
    service.main()
