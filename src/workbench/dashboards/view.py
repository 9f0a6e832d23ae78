"""The filters of a page in step with its address: it can be sent on, and the way back moves the filters back.

What an address says is held against what a filter offers before anything is done with it. The page's template
(`jupyter/voila`) carries the address to the browser's own line and back; without it, links load the page anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import ipywidgets

from workbench.dashboards.guard import guarded
from workbench.dashboards.pages import OF_ANOTHER_RUN, OF_PLACES, OF_SCHOOLS, offered, page_address
from workbench.dashboards.widgets import Part, Stack, filters

LONGEST: Final = 2000
"""An address of more characters than this is not read."""
_OTHERS: Final = ("token", "run_name", "theme", "template", "voila-theme", "voila-template")


class View:
    """Filters by name, each a drop-down whose values are texts; the first option is what an address need not say."""

    def __init__(self, run_name: str, fixed: Mapping[str, str] | None = None, **choices: ipywidgets.Dropdown) -> None:
        self.run_name, self.fixed, self.choices = run_name, dict(fixed or {}), choices
        self._first = {name: _values(one)[0] for name, one in choices.items()}
        self._moving = False
        self._said, self._link = Part(), Part()
        self._heard: list[Callable[[], None]] = []
        for one in choices.values():
            one.observe(self._moved, "value")
        self.move(os.environ.get("QUERY_STRING", ""))

    def bar(self) -> ipywidgets.Box:
        """Return the filters side by side, the link to the view, and what of the address was not understood."""
        asked = ipywidgets.Text()
        asked.layout.display = "none"
        asked.add_class("wb-address")

        def follow(change: Any) -> None:
            self._said.value = guarded(lambda: self._told(change["new"].partition("#")[0]))()

        asked.observe(follow, "value")
        return Stack([filters(*self.choices.values()), self._link, self._said, asked])

    def values(self) -> dict[str, str]:
        """Return the value of each filter."""
        return {name: str(one.value) for name, one in self.choices.items()}

    def labels(self) -> dict[str, str]:
        """Return what each filter shows as chosen."""
        return {name: str(one.label) for name, one in self.choices.items()}

    def address(self, page: str = "", **moved: str) -> str:
        """Return the address of a page (this one, without a name) with the filters as they are, but for `moved`."""
        chosen = {name: value for name, value in (self.values() | moved).items() if value != self._first.get(name)}
        return f"{page_address(page)}?{urlencode({'run_name': self.run_name} | self.fixed | chosen)}"

    @staticmethod
    def link_to(page: str, run_name: str) -> Callable[..., str]:
        """Return a function that gives the address of another page with filters set."""
        return lambda **chosen: f"{page_address(page)}?{urlencode({'run_name': run_name} | chosen)}"

    def addresses(self, schools: Container[str]) -> dict[str, str]:
        """Return the address of every page about the same run, and about the same place where it can be shown there."""
        place = self.values().get("place", "")
        shown = {page for page in OF_PLACES if place and (page not in OF_SCHOOLS or place in schools)}
        carried = {
            page: {}
            if page in OF_ANOTHER_RUN
            else {"run_name": self.run_name} | ({"place": place} if page in shown else {})
            for page in offered()
        }
        return {page: f"{page_address(page)}?{urlencode(said)}" for page, said in carried.items()}

    def move(self, query: str) -> None:
        """Set every filter to what an address says; to its first option where that is nothing it offers."""
        self._said.value = self._told(query)

    def live(self, render: Callable[..., str], *names: str) -> ipywidgets.HTML:
        """Return the HTML that `render` makes of the filters named (all, where none is), made anew when they move.

        If it fails, the viewer reads a sentence.
        """
        part, safe = Part(), guarded(render)

        def renew() -> None:
            chosen = self.values()
            part.value = safe(**{name: chosen[name] for name in names or chosen})

        self._heard.append(renew)
        renew()
        return part

    def _told(self, query: str) -> str:
        asked, said = understood(query, {name: _values(one) for name, one in self.choices.items()}, self.fixed)
        self._moving = True
        try:
            for name, one in self.choices.items():
                one.value = asked.get(name, self._first[name])
        finally:
            self._moving = False
        self._renew()
        return f'<p class="wb-note" role="status">{escape(said)}</p>' if said else ""

    def _moved(self, _: Any) -> None:
        if not self._moving:
            self._said.value = ""
            self._renew()

    def _renew(self) -> None:
        for renew in self._heard:
            renew()
        link = escape(self.address())  # last: the page takes a new link for the sign that all else is there
        self._link.value = f'<p class="wb-share-line"><a class="wb-share" href="{link}">Link to this view</a></p>'


def understood(
    query: str, offered: Mapping[str, tuple[str, ...]], others: Container[str] = ()
) -> tuple[dict[str, str], str]:
    """Return what an address says of each filter, as far as it is offered, and one sentence about the rest."""
    try:
        given = dict(parse_qsl(query.lstrip("?")[: LONGEST + 1], max_num_fields=40)) if len(query) <= LONGEST else None
    except ValueError:
        given = None
    if given is None:
        return {}, "This address cannot be read; the page shows what it shows at first."
    good = {name: value for name, value in given.items() if value in offered.get(name, ())}
    odd = [name for name in given if name not in good and name not in _OTHERS and name not in others]
    if not odd:
        return good, ""
    listed = ", ".join(f"{name[:30]}: {given[name][:30]}" for name in odd[:5])
    return good, f"Part of this address is not on this page and was left out ({listed})."


def _values(one: ipywidgets.Dropdown) -> tuple[str, ...]:
    return tuple(str(option[1] if isinstance(option, tuple) else option) for option in one.options)
