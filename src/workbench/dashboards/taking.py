"""Taking along what a page shows: the rows of a published table, and the chart drawn of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

import ipywidgets

from workbench.dashboards import seen
from workbench.dashboards.blocks import columns_where
from workbench.dashboards.exports import downloads
from workbench.dashboards.view import View
from workbench.dashboards.widgets import Part, Stack


def take_along(
    view: View,
    title: str,
    table: str | Callable[[], str],
    kept: Callable[[Mapping[str, Any]], bool],
    svg: Callable[[], str] | None = None,
) -> ipywidgets.Box:
    """Return buttons that give the rows of a published table that are `kept`, and a chart where `svg` draws one.

    `table` names it, or says at the click which it is. The click is the moment of the look in the audit log.
    """

    def read() -> seen.Seen:
        name = table if isinstance(table, str) else table()
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return seen.read(view.run_name, name, at=at, what="exported", filters=view.labels())

    def columns(found: seen.Seen) -> dict[str, list[Any]]:
        return columns_where(found.published, kept)

    said = Part(f'<p class="wb-take">Take along: {escape(title[:1].lower() + title[1:])}</p>')
    return Stack([said, downloads(title, read, columns, svg, view.labels)])
