"""How pages link to each other, and the way from the whole to a part and back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import urlencode

from workbench.access.roles import OF_PERSONS
from workbench.access.signed_in import present_viewer

PAGES: Final = {
    "overview": "Overview",
    "school_profile": "School profile",
    "equity": "Equity",
    "growth": "Growth and value added",
    "explore": "Tables and charts",
    "student_prediction": "Student prediction",
    "early_warning": "Early warning",
}
"""The dashboards, in the order in which pages name them."""
OF_PLACES: Final = ("overview", "school_profile", "equity", "growth")
OF_SCHOOLS: Final = ("school_profile",)
"""Pages with the filter `place`, and those of them whose places are schools only."""
OF_ANOTHER_RUN: Final = ("student_prediction", "early_warning", "caseload")
"""Pages that show the tables of a run of their own."""


def offered() -> dict[str, str]:
    """Return the pages that the viewer of this kernel is offered, with their titles."""
    role = present_viewer().role
    own = {page: page.capitalize() for page, roles in OF_PERSONS.items() if role in roles}
    return PAGES | own


def page_address(page: str) -> str:
    """Return the address of a page as seen from the one that is open; empty for the page itself.

    Voilà alone serves notebooks under their file names, the hub under their names.
    """
    here = os.environ.get("SCRIPT_NAME", "")
    return f"{page}.ipynb" if page and (not here or here.endswith(".ipynb")) else page


def other_pages(run_name: str, carried: Sequence[str] = ("student_prediction",)) -> dict[str, str]:
    """Return the addresses of all pages as seen from one with a run of its own, which those `carried` show too."""
    own = f"?{urlencode({'run_name': run_name})}"
    return {page: page_address(page) + (own if page in carried else "") for page in offered()}


def navigation(here: str, address: dict[str, str]) -> str:
    """Return the links to all pages, `here` marked; `address` gives the address of each page."""
    items = "".join(
        f'<li><a aria-current="page" href="{escape(address[page])}">{escape(title)}</a></li>'
        if page == here
        else f'<li><a href="{escape(address[page])}">{escape(title)}</a></li>'
        for page, title in offered().items()
        if page in address
    )
    words = '<li><a href="#wb-words">Words and methods</a></li>'
    return f'<nav class="wb-nav" aria-label="Dashboards"><ul>{items}{words}</ul></nav>'


def crumbs(way: Sequence[tuple[str, str]], here: str, moving: bool = True) -> str:
    """Return the way from the whole to the place shown: names with their addresses, and last where one is.

    The addresses are of the page that is open, or (not `moving`) of another.
    """
    kind = ' class="wb-move"' if moving else ""
    links = "".join(f'<li><a{kind} href="{escape(link)}">{escape(name)}</a></li>' for name, link in way)
    return (
        f'<nav class="wb-crumbs" aria-label="Where you are"><ol>{links}'
        f'<li><h2 class="wb-here" tabindex="-1" aria-current="location">{escape(here)}</h2></li></ol></nav>'
    )


def moving_link(text: str, address: str) -> str:
    """Return a link that moves filters of the page that is open."""
    return f'<a class="wb-move" href="{escape(address)}">{escape(text)}</a>'


def link_list(links: Sequence[tuple[str, str]]) -> str:
    """Return links to other pages as a list: names with their addresses."""
    items = "".join(f'<li><a href="{escape(address)}">{escape(name)}</a></li>' for name, address in links)
    return f'<ul class="wb-changes">{items}</ul>'
