"""The moving parts of a dashboard: filters, and what changes when one of them is moved."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

import ipywidgets

from workbench.dashboards.guard import guarded


def choice(label: str, options: Mapping[str, Any] | Iterable[str]) -> ipywidgets.Dropdown:
    """Return a filter: a drop-down list of texts, or of the keys of a mapping, which then stand for its values."""
    listed = list(options.items()) if isinstance(options, Mapping) else list(dict.fromkeys(options))
    return ipywidgets.Dropdown(options=listed, description=label, style={"description_width": "auto"})


def filters(*choices: ipywidgets.Dropdown) -> ipywidgets.Box:
    """Return filters set side by side, or one below the other on a narrow screen."""
    box = ipywidgets.Box(choices)
    box.add_class("wb-filters")
    return box


def live(render: Callable[..., str], **chosen: ipywidgets.Dropdown) -> ipywidgets.HTML:
    """Return the HTML that `render` makes of the filters' values, made anew when one of them changes.

    `render` is called with the value of each filter by name. If it fails, the viewer reads a sentence.
    """
    part = ipywidgets.HTML()
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
