"""One published table as one HTML file: readable without its script, without a network, on paper and by telephone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Final

from workbench.disclosure.published import PublishedTable
from workbench.disclosure.suppression import SUPPRESSED
from workbench.markup import column_texts, in_words, is_numeric, with_intervals
from workbench.public import opening
from workbench.public.opening import ALL, EACH, Filter

HERE: Final = Path(__file__).parent
INTERVAL: Final = "interval"


@cache
def asset(name: str) -> str:
    """Return the style or the script of the pages, as it stands in each of them."""
    return (HERE / name).read_text(encoding="utf-8")


@cache
def policy() -> str:
    """Return the content security policy of a page: its own style and script by their hashes, and nothing else."""
    style, script = (_hash(asset(name)) for name in ("page.css", "table.js"))
    return f"default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"


def page(table: PublishedTable, heading: str = "") -> str:
    """Return the page of a published table: whose data and of which day, a choice of rows, the rows, what they mean.

    It holds the texts of the table's cells and no other form of them.
    """
    columns = {name: table.table.column(name).to_pylist() for name in table.table.column_names}
    withheld = columns.pop(SUPPRESSED)
    keys = {key: column_texts(key, columns[key], naming=True) for key in table.keys}
    choices = opening.filters(keys)
    visible = opening.shown(keys, choices)
    title = heading or table.title
    body = (
        f"{_top(table, title)}<main>"
        f"{_choices(table, columns, choices)}"
        f'<section aria-labelledby="t"><h2 id="t">The numbers</h2>{_note(table, sum(withheld), len(withheld))}'
        f'<p id="found" role="status" tabindex="-1">{sum(visible):,} of {len(visible):,} rows are shown.</p>'
        f'<div class="scrolled" role="region" aria-label="{escape(title)}" tabindex="0">'
        f"{_table(table, columns, withheld, visible)}</div></section>"
        f"{_meanings(table, columns)}</main>{_end(table)}"
    )
    return document(title, body, date=data_day(table), script=True)


def document(title: str, body: str, date: str = "", script: bool = False) -> str:
    """Return a whole HTML document under the pages' policy; `date` is up to which day its data go."""
    told = f'<meta name="data-date" content="{escape(date)}">' if date else ""
    acts = f"<script>{asset('table.js')}</script>" if script else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>{told}'
        f'<style>{asset("page.css")}</style></head><body><a class="skip" href="#t">Skip to the numbers</a>'
        f"{body}{acts}</body></html>\n"
    )


def data_day(table: PublishedTable) -> str:
    """Return up to which day a table's data go; where nobody said, when it was published."""
    return table.data_date or table.made_at[:10]


def _top(table: PublishedTable, title: str) -> str:
    source = f" of {escape(table.source)}" if table.source else ""
    kept = f'<p class="note">{escape(table.kept)}</p>' if table.kept else ""
    return (
        f'<header><nav><a href="../index.html">All tables</a></nav><h1>{escape(title)}</h1>'
        f"<p><strong>Data{source} up to {escape(data_day(table))}.</strong> "
        f"Published {escape(table.made_at[:10])}.</p>{kept}</header>"
    )


def _choices(table: PublishedTable, columns: Mapping[str, Sequence[Any]], choices: Sequence[Filter]) -> str:
    """The form that chooses rows; hidden until its script is there."""
    labels = "".join(
        f'<label>{_heading(one.key, table)}<select data-column="{table.keys.index(one.key)}" autocomplete="off">'
        f"{_options(one)}</select></label>"
        for one in choices
    )
    joined = list(with_intervals(columns))
    measures = [name for name in table.values if name in joined and is_numeric(columns[name])]
    drawn = "".join(
        f'<option value="{joined.index(name)}"{" selected" if place == 0 else ""}>{_heading(name, table)}</option>'
        for place, name in enumerate(measures)
    )
    picture = f'<label>Picture of<select id="measure" autocomplete="off">{drawn}<option value="">none</option></select>'
    again = '<button type="button" id="again">Begin again</button>' if choices else ""
    return f'<form id="choices" aria-label="Choose rows" hidden>{labels}{picture}</label>{again}</form>'


def _options(one: Filter) -> str:
    total = [(EACH, "each one")] if one.has_total else []
    every = ("", "each one and all together" if one.has_total else "each one")
    values = [
        (value, "all together" if value == ALL else label) for value, label in zip(one.values, one.labels, strict=True)
    ]
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value == one.chosen else ""}>{escape(label)}</option>'
        for value, label in [every, *total, *values]
    )


def _table(
    table: PublishedTable, columns: Mapping[str, Sequence[Any]], withheld: Sequence[bool], visible: Sequence[bool]
) -> str:
    joined = with_intervals(columns)
    texts = [
        column_texts(name, values, withheld=withheld, naming=name in table.keys) for name, values in joined.items()
    ]
    right = [
        name not in table.keys and (is_numeric(values) or name.endswith(INTERVAL)) for name, values in joined.items()
    ]
    cells = [_cell(place, name, right[place]) for place, name in enumerate(joined)]
    rows = "".join(
        f"<tr{'' if seen else ' hidden'}>{''.join(cell + escape(text) for cell, text in zip(cells, row, strict=True))}"
        for row, seen in zip(zip(*texts, strict=True), visible, strict=True)
    )
    heads = _heads(table, list(joined), right)
    return f"<table><caption>{escape(table.title)}</caption><thead>{heads}</thead><tbody>{rows}</tbody></table>"


def _cell(place: int, name: str, right: bool) -> str:
    """How a cell of a column begins; HTML lets its end go without saying."""
    kind = ' class="n"' if right else ' class="id"' if opening.IDENTIFIER.search(name) else ""
    return f"<td{kind}>" if place else f'<th scope="row"{kind}>'


def _heads(table: PublishedTable, names: Sequence[str], right: Sequence[bool]) -> str:
    heads = []
    for place, name in enumerate(names):
        number = ' class="n"' if right[place] else ""
        key = " data-key=1" if name in table.keys else ""
        limits = place + 1 < len(names) and names[place + 1].endswith(INTERVAL)
        interval = f" data-interval={place + 1}" if limits and not key else ""
        heads.append(f'<th scope="col"{number}{key}{interval}>{_heading(name, table)}</th>')
    return f"<tr>{''.join(heads)}</tr>"


def _heading(name: str, table: PublishedTable) -> str:
    words = "people" if name == table.count else in_words(name)
    return escape(words[:1].upper() + words[1:])


def _note(table: PublishedTable, hidden: int, rows: int) -> str:
    if not hidden:
        return "<p>Nothing is withheld in this table.</p>"
    return (
        f'<p class="note">In {hidden:,} of {rows:,} rows something is withheld, so that nothing can be worked out '
        f"about fewer than {table.min_count} people. “Withheld” is no zero: the number is there and is not told.</p>"
    )


def _meanings(table: PublishedTable, columns: Mapping[str, Sequence[Any]]) -> str:
    told = {name: table.help[name] for name in columns if table.help.get(name)}
    if not told:
        return ""
    terms = "".join(f"<dt>{_heading(name, table)}</dt><dd>{escape(text)}</dd>" for name, text in told.items())
    interval = any(name.endswith(INTERVAL) for name in with_intervals(columns))
    how = (
        "<p>An interval holds the true value in 95 of 100 such cases. Where the intervals of two rows overlap widely, "
        "chance alone may have made their difference.</p>"
        if interval
        else ""
    )
    return f"<section><h2>What the columns mean</h2>{how}<dl>{terms}</dl></section>"


def _end(table: PublishedTable) -> str:
    return (
        f"<footer><p>Published {escape(table.made_at)} by run {escape(table.run_id)}. This page holds groups of "
        f"at least {table.min_count} people, and nothing about a single person.</p></footer>"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
