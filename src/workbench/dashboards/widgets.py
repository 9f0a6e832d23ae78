"""The moving parts of a dashboard: filters, and what changes when one of them is moved."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any
from urllib.parse import parse_qs

import ipywidgets

from workbench.dashboards.guard import guarded

STILL = "application/vnd.workbench.still"
"""Under this name an output carries the HTML that stands in its place until the widgets have come."""


class Part(ipywidgets.HTML):
    """HTML that can be read before it can change."""

    @property
    def still(self) -> str:
        """What it says now."""
        return str(self.value)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {**super()._repr_mimebundle_(**kwargs), STILL: self.still}


class Filters(ipywidgets.Box):
    """Filters whose choices can be read before they can be moved."""

    @property
    def still(self) -> str:
        """What each filter shows as chosen."""
        told = " · ".join(f"{one.description}: {one.label}" for one in self.children)
        return f'<div class="wb-filters">{escape(told)}</div>'

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        return {**super()._repr_mimebundle_(**kwargs), STILL: self.still}


class Stack(ipywidgets.VBox):
    """Parts one below the other; those that can be read before they move are."""

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        still = "".join(getattr(one, "still", "") for one in self.children)
        return {**super()._repr_mimebundle_(**kwargs), STILL: still}


def choice(label: str, options: Mapping[str, Any] | Iterable[str]) -> ipywidgets.Dropdown:
    """Return a filter: a drop-down list of texts, or of the keys of a mapping, which then stand for its values."""
    listed = list(options.items()) if isinstance(options, Mapping) else list(dict.fromkeys(options))
    return ipywidgets.Dropdown(options=listed, description=label, style={"description_width": "auto"})


def filters(*choices: ipywidgets.Dropdown) -> ipywidgets.Box:
    """Return filters set side by side, or one below the other on a narrow screen."""
    box = Filters(choices)
    box.add_class("wb-filters")
    return box


def live(render: Callable[..., str], **chosen: ipywidgets.Dropdown) -> ipywidgets.HTML:
    """Return the HTML that `render` makes of the filters' values, made anew when one of them changes.

    `render` is called with the value of each filter by name. If it fails, the viewer reads a sentence.
    """
    part = Part()
    safe = guarded(render)

    def renew(change: Any = None) -> None:
        part.value = safe(**{name: one.value for name, one in chosen.items()})

    for one in chosen.values():
        one.observe(renew, "value")
    renew()
    return part


def from_address(name: str, default: str) -> str:
    """Return what the page's address says after `?name=`, or `default` where it says nothing."""
    return parse_qs(os.environ.get("QUERY_STRING", "")).get(name, [default])[0]
