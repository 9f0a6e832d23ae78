"""Accessible HTML for tables and figures: plain strings, no script, nothing from the network."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

MISSING = "–"
_CELL = "padding:.3em .8em;border-bottom:1px solid #e3e6ea"
_NUMBER = "text-align:right;font-variant-numeric:tabular-nums"
_CAPTION = "caption-side:top;text-align:left;font-weight:600;padding:.3em 0"


def decimals(values: Sequence[Any]) -> int:
    """Return how many decimals a column of numbers needs to be read: 3 for shares, fewer for large numbers."""
    real = [abs(v) for v in values if isinstance(v, float) and math.isfinite(v)]
    if not real or all(v == int(v) for v in real):
        return 0
    largest = max(real)
    return 3 if largest < 10 else 1 if largest < 1000 else 0


def cell_text(value: Any, places: int = 3, missing: str = MISSING) -> str:
    """Return one value as a person reads it: thousands separated, `missing` for what is absent."""
    if value is None or value != value:
        return missing
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.{places}f}" if math.isfinite(value) else str(value)
    return str(value)


def html_table(
    columns: Mapping[str, Sequence[Any]],
    caption: str = "",
    missing: str = MISSING,
    headings: Mapping[str, str] | None = None,
    withheld: Sequence[bool] | None = None,
) -> str:
    """Return a table as HTML with a caption and column scopes; every text is escaped.

    `columns` maps each column's name to its values, all of one length; `headings` gives a column
    another heading; what is missing in a row that `withheld` marks reads "withheld". Numbers are set
    to the right. Years and identifiers given as numbers get no special treatment: pass them as text.
    """
    headings = headings or {}
    numeric = {name: _is_numeric(values) for name, values in columns.items()}
    head = "".join(
        f'<th scope="col" style="{_CELL};{_NUMBER if numeric[name] else "text-align:left"}">'
        f"{escape(headings.get(name, name.replace('_', ' ')))}</th>"
        for name in columns
    )
    texts = [_cells(values, numeric[name], missing, withheld) for name, values in columns.items()]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*texts, strict=True))
    title = f'<caption style="{_CAPTION}">{escape(caption)}</caption>' if caption else ""
    return (
        '<div class="workbench-table" style="overflow-x:auto"><table style="border-collapse:collapse">'
        f"{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def html_figure(png: bytes, alt: str, caption: str = "", width: int | None = None, below: str = "") -> str:
    """Return a PNG as a self-contained `<figure>` with alt text; `below` is HTML put under the caption."""
    image = base64.b64encode(png).decode("ascii")
    size = f'width="{width}" ' if width else ""
    said = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return (
        '<figure class="workbench-figure" style="margin:1em 0">'
        f'<img src="data:image/png;base64,{image}" alt="{escape(alt, quote=True)}" {size}'
        f'style="max-width:100%;height:auto">{said}{below}</figure>'
    )


def folded(summary: str, html: str) -> str:
    """Return `html` folded away under one line that a reader can open."""
    return f"<details><summary>{escape(summary)}</summary>{html}</details>"


def _is_numeric(values: Sequence[Any]) -> bool:
    present = [v for v in values if v is not None and v == v]
    return bool(present) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in present)


def _cells(values: Sequence[Any], numeric: bool, missing: str, withheld: Sequence[bool] | None) -> list[str]:
    places = decimals(values)
    style = f"{_CELL};{_NUMBER}" if numeric else _CELL
    absent = ["withheld" if hidden else missing for hidden in withheld or [False] * len(values)]
    texts = [cell_text(value, places, said) for value, said in zip(values, absent, strict=True)]
    return [f'<td style="{style}{";white-space:nowrap" if len(t) < 24 else ""}">{escape(t)}</td>' for t in texts]
