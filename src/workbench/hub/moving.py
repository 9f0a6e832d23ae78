"""Pages that move, each made for one viewer who was shown its words first and has yet to ask for the rest."""

from __future__ import annotations

from workbench.hub.kernels import Kernels
from workbench.hub.still import Key, Still, today


class MovingPages:
    """The pages that wait, one at most for each sign-in, address and audience."""

    def __init__(self, kernels: Kernels) -> None:
        self._kernels = kernels
        self._pages: dict[tuple[str, Key], tuple[str, str, tuple[object, ...]]] = {}

    def keep(self, owner: str, asked: Key, kernel_id: str, html: str, words: Still) -> None:
        """Keep a page whose kernel is `owner`'s, made with those words; forget those whose kernel has ended."""
        self._pages[owner, asked] = kernel_id, html, words.made_from
        self._pages = {who: page for who, page in self._pages.items() if self._kernels.owned(page[0], who[0])}

    def take(self, owner: str, asked: Key) -> str | None:
        """Return the page that waits for this viewer, once; None where none does or it is no longer right."""
        kernel_id, html, made_from = self._pages.pop((owner, asked), ("", "", ()))
        return html if made_from == today() and self._kernels.owned(kernel_id, owner) else None
