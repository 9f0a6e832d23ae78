"""Downloads from a dashboard: what the viewer sees as CSV, Excel, SVG, PNG and slides, written down before it is given.

A click reads the table anew through the audited read, cut to its viewer; only then a file is made, in a process of
its own, and offered as a link that holds the whole file. No file lies on the server, so none can be fetched by others.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final

import ipywidgets

from workbench.dashboards.blocks import WITHHELD
from workbench.dashboards.guard import guarded
from workbench.dashboards.seen import Seen
from workbench.disclosure.published import PublishedTable
from workbench.disclosure.suppression import SUPPRESSED
from workbench.errors import DisclosureError, NotShown
from workbench.exports import charts
from workbench.exports.apart import made_apart
from workbench.exports.deck import Deck, Figure, Grid, Section, html, paragraphs
from workbench.markup import column_texts, in_words

MOST_BYTES: Final = 2_000_000
"""A link of more than this would go over what a server sends to a page within a few seconds."""
FORMATS: Final = {
    "csv": ("Table as CSV", "text/csv"),
    "xlsx": ("Table as Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "svg": ("Chart as SVG", "image/svg+xml"),
    "png": ("Chart as PNG", "image/png"),
    "pdf": ("Slides as PDF", "application/pdf"),
}

Table = Mapping[str, Sequence[Any]]


def downloads(
    title: str,
    read: Callable[[], Seen],
    table: Callable[[Seen], Table],
    svg: Callable[[], str] | None,
    filters: Callable[[], Mapping[str, str]],
    kinds: Sequence[str] = tuple(FORMATS),
) -> ipywidgets.Box:
    """Return buttons that make a file of what the page shows, and the place where its link then stands.

    `read` is the audited read (`seen.read(…, what="exported", filters=…)`): what cannot be written down is refused.
    `table` gives the columns shown of what was read, `svg` the chart as stand-alone SVG (None: no chart), `filters`
    the filters as they are set, `kinds` the files that are offered. Failures are told in a sentence.
    """
    link = ipywidgets.HTML()
    offered = [kind for kind in kinds if svg is not None or kind not in ("svg", "png")]
    buttons = [_button(FORMATS[kind][0], title) for kind in offered]

    def offer(kind: str) -> str:
        seen = read()  # the line in the audit log comes before everything else
        return _link(title, kind, made(kind, title, seen, table, svg, filters()), seen.published)

    safe = guarded(offer)

    def on_click(kind: str) -> Callable[[Any], None]:
        def make(_: Any) -> None:
            _hold(buttons, True)
            link.value = '<p role="status">The file is being made …</p>'
            try:
                link.value = f'<div role="status">{safe(kind)}</div>'
            finally:
                _hold(buttons, False)

        return make

    for kind, button in zip(offered, buttons, strict=True):
        button.on_click(on_click(kind))
    row = ipywidgets.Box(buttons, layout={"flex_flow": "row wrap"})
    row.add_class("wb-downloads-row")
    box = ipywidgets.VBox([row, link])
    box.add_class("wb-downloads")
    return box


def made(
    kind: str,
    title: str,
    seen: Seen,
    table: Callable[[Seen], Table],
    svg: Callable[[], str] | None,
    filters: Mapping[str, str],
) -> bytes:
    """Return the bytes of a file of what a viewer sees; `seen` is what the audited read gave.

    Raises DisclosureError where the table to be given holds a group that was not read, NotShown where the file cannot
    be made or is larger than 2 MB.
    """
    told = about(title, seen.published, filters)
    if kind in ("svg", "png"):
        if svg is None:
            raise NotShown("There is no chart here to save.")
        content = made_apart(kind, svg=svg(), about=told)
    else:
        columns = shown_columns(seen, table(seen))
        if kind == "pdf":
            content = made_apart(kind, html=html(slides(title, seen, columns, svg() if svg else "", filters)))
        else:
            content = made_apart(kind, columns=columns, about=told)
    if len(content) > MOST_BYTES:
        raise NotShown("This file would be larger than 2 MB. Choose less with the filters and try again.")
    return content


def about(title: str, published: PublishedTable, filters: Mapping[str, str]) -> dict[str, str]:
    """Return what every file says of itself: whose data, up to which day, of which run, and what is withheld."""
    chosen = "; ".join(f"{in_words(name)}: {value}" for name, value in filters.items() if value)
    return {
        "title": title,
        "data": f"Data of {published.source}" if published.source else "Data of the run named here",
        "up to": f"up to {published.data_date or published.made_at[:10]}",
        "run": f"run {published.run_id}",
        "filters": f"Filters: {chosen}" if chosen else "No filter set",
        "withheld": withheld_words(published.min_count),
    }


def withheld_words(least: int) -> str:
    """Return the sentence that explains what is withheld; of rows about students (`least` 0), how to keep them."""
    if not least:
        return "Rows about students: keep this file as you keep their records, and delete it when it is out of date"
    return (
        f"“{WITHHELD.capitalize()}” stands for numbers of groups of fewer than {least} students, and for others from "
        "which they could be worked out"
    )


def shown_columns(seen: Seen, columns: Table) -> dict[str, list[Any]]:
    """Return columns as a file holds them: `withheld` in what is blank in a flagged row, the flag itself left out.

    Raises DisclosureError where a row, in the columns that have their name from the table read, is not in it.
    """
    whole = {name: list(values) for name, values in columns.items()}
    if len({len(values) for values in whole.values()}) > 1:
        raise NotShown("This table cannot be saved at the moment.")
    _check_rows(seen, whole)
    flags = whole.pop(SUPPRESSED, [])
    if not flags:
        return whole
    return {
        name: [WITHHELD if hidden and value is None else value for value, hidden in zip(values, flags, strict=True)]
        for name, values in whole.items()
    }


def _check_rows(seen: Seen, columns: Mapping[str, Sequence[Any]]) -> None:
    """Hold the rows to be given against those that were read and written down."""
    shared = [name for name in columns if name in seen.published.table.column_names]
    if not shared:
        return
    read = set(zip(*(map(_plain, seen.published.table.column(name).to_pylist()) for name in shared), strict=True))
    given = set(zip(*(map(_plain, columns[name]) for name in shared), strict=True))
    if given - read:
        raise DisclosureError("This table does not hold what you may see, and is not given. Please reload the page.")


def _plain(value: Any) -> Any:
    return None if value == WITHHELD or value != value else value


def slides(title: str, seen: Seen, columns: Table, svg: str, filters: Mapping[str, str]) -> Deck:
    """Return a title slide, one of the chart, one or more of the table, and one on how to read them."""
    told = about(title, seen.published, filters)
    line = " · ".join(told[name] for name in ("data", "up to", "run"))
    parts: list[Section] = []
    if svg:
        chart = charts.picture(svg.encode())
        parts.append(Section(title, [Figure(chart, charts.told(svg) or f"Chart: {title}", f"{line}.")]))
    parts.append(Section(f"{title}: the numbers", [_grid(columns, f"{line}.")]))
    reading = paragraphs(
        f"{told['data']} {told['up to']}, {told['run']}, published {seen.published.made_at[:10]}.",
        f"{told['withheld']}.",
        seen.not_shown,
        f"{told['filters']}.",
    )
    parts.append(Section("How to read these slides", [reading]))
    return Deck(
        title=title,
        opening=[f"{told['data']} {told['up to']}.", f"{told['filters']}."],
        sections=parts,
        foot=f"{line} · groups of fewer than {seen.published.min_count} students are withheld",
        keywords=tuple(told.values()),
    )


def _grid(columns: Table, note: str) -> Grid:
    texts = {name: column_texts(name, values) for name, values in columns.items()}
    numeric = [
        any(isinstance(v, int | float) and not isinstance(v, bool) for v in values) for values in columns.values()
    ]
    return Grid([in_words(name) for name in columns], list(zip(*texts.values(), strict=True)), "", numeric, note)


def file_name(title: str, published: PublishedTable, kind: str) -> str:
    """Return the name under which a download is saved: title, day of the data, run."""
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60].strip("-") or "table"
    return f"{words}-{published.data_date or published.made_at[:10]}-{published.run_id}.{kind}"


def _link(title: str, kind: str, content: bytes, published: PublishedTable) -> str:
    name, words = file_name(title, published, kind), FORMATS[kind][0]
    address = f"data:{FORMATS[kind][1]};base64,{base64.b64encode(content).decode()}"
    size = f"{max(1, round(len(content) / 1000)):,} KB"
    return f'<p><a class="wb-download" download="{escape(name)}" href="{address}">Save {escape(words)} ({size})</a></p>'


def _button(words: str, title: str) -> ipywidgets.Button:
    button = ipywidgets.Button(description=words, tooltip=f"Make {words.lower()}: {title}", layout={"width": "auto"})
    button.add_class("wb-download-button")
    return button


def _hold(buttons: Sequence[ipywidgets.Button], held: bool) -> None:
    for button in buttons:
        button.disabled = held
