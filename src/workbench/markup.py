"""Accessible HTML for tables and figures: plain strings, no script, nothing from the network."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

MISSING = "–"
LONG = 20
"""Tables of more rows than this are folded."""
_NAMING = re.compile(r"(^|[ _])(year|cohort|grade|grade[ _]level|id)$", re.IGNORECASE)
_AS_WRITTEN = re.compile(r"(^|[ _])(id|column|file|path|notebook)$", re.IGNORECASE)
_INTERVAL = "interval"
_CODE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
_WORDS = {
    "american_indian": "American Indian",
    "asian": "Asian",
    "auc": "AUC",
    "black": "Black",
    "conf_high": "95 % interval, to",
    "conf_low": "95 % interval, from",
    "english_learner": "English learner",
    "grade_level": "grade",
    "group_kind": "kind of group",
    "hispanic": "Hispanic",
    "multiracial": "Multiracial",
    "n_a": "students, group a",
    "n_b": "students, group b",
    "n_priors": "earlier years",
    "p_value": "p",
    "pacific_islander": "Pacific Islander",
    "peers": "compared with",
    "race_ethnicity": "race or ethnicity",
    "school_id": "school",
    "sd": "SD",
    "std_error": "standard error",
    "white": "White",
}
"""Codes that want other words than their own without underscores."""
_CELL = "padding:.3em 1.1em .3em 0;border-bottom:1px solid #e3e6ea"
_NUMBER = "text-align:right;font-variant-numeric:tabular-nums"
_CAPTION = "caption-side:top;text-align:left;font-weight:600;padding:.3em 0"


def decimals(values: Sequence[Any]) -> int:
    """Return how many decimals a column of numbers needs to be read: 3 for shares, fewer for large numbers.

    One more where small numbers stand among them, which would lose what they say.
    """
    real = [abs(v) for v in values if isinstance(v, float) and math.isfinite(v)]
    if not real or all(v == int(v) for v in real):
        return 0
    largest, small = max(real), any(0 < v < 1 for v in real)
    return 3 if largest < 10 else 1 + small if largest < 1000 else 0


def in_words(code: str) -> str:
    """Return a name or value of the data model as a person says it: `race_ethnicity` as "race or ethnicity"."""
    return _WORDS.get(code, code.replace("_", " "))


def grade_name(grade: int) -> str:
    """Return a grade as schools write it: K for kindergarten."""
    return str(grade) if grade else "K"


def cell_text(value: Any, places: int = 3, missing: str = MISSING) -> str:
    """Return one value as a person reads it: thousands separated, `missing` for what is absent."""
    if value is None or value != value:
        return missing
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:z,.{places}f}" if math.isfinite(value) else str(value)
    return str(value)


def html_table(
    columns: Mapping[str, Sequence[Any]],
    caption: str = "",
    missing: str = MISSING,
    headings: Mapping[str, str] | None = None,
    withheld: Sequence[bool] | None = None,
    names: Sequence[str] = (),
) -> str:
    """Return a table as HTML with a caption and column scopes; every text is escaped.

    `columns` maps each column's name to its values, all of one length; `headings` gives a column
    another heading; what is missing in a row that `withheld` marks reads "withheld". Numbers are set
    to the right. Years, cohorts, grades and identifiers, known by the column's name or because `names` lists it,
    are written without separators, and codes in words.
    """
    headings = headings or {}
    numeric = {name: _is_numeric(values) or name.endswith(_INTERVAL) for name, values in columns.items()}
    head = "".join(
        f'<th scope="col" style="{_CELL};{_NUMBER if numeric[name] else "text-align:left"}">'
        f"{escape(headings.get(name, in_words(name)))}</th>"
        for name in columns
    )
    texts = [
        _cells(_texts(name, values, missing, withheld, name in names), numeric[name])
        for name, values in columns.items()
    ]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*texts, strict=True))
    title = f'<caption style="{_CAPTION}">{escape(caption)}</caption>' if caption else ""
    return (
        '<div class="workbench-table" style="overflow-x:auto"><table style="border-collapse:collapse">'
        f"{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def said_once(columns: Mapping[str, Sequence[Any]]) -> tuple[dict[str, Sequence[Any]], str]:
    """Return the columns that differ from row to row, and what names every row alike in one line.

    Only texts, years, grades and identifiers are told once, and only where there are two rows or more.
    """
    alike = {
        name: values[0]
        for name, values in columns.items()
        if len(values) > 1
        and all(value == values[0] for value in values)
        and values[0] != MISSING
        and (isinstance(values[0], str) or (_NAMING.search(name) and isinstance(values[0], int)))
    }
    if not alike or len(alike) == len(columns):
        return dict(columns), ""
    said = "; ".join(f"{in_words(name)}: {_texts(name, [value])[0]}" for name, value in alike.items())
    return {name: values for name, values in columns.items() if name not in alike}, f"In every row {said}."


def with_intervals(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Return columns in which the two limits of an interval (`…low`, `…high`) are one column of text."""
    found: dict[str, Sequence[Any]] = {}
    told = set()
    for name, values in columns.items():
        high = re.sub(r"(^|_)low$", r"\1high", name)
        if high != name and high in columns and _is_numeric(values) and _is_numeric(columns[high]):
            found[_interval_name(name)] = _joined(values, columns[high])
            told.add(high)
        elif name not in told:
            found[name] = values
    return found


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


def texts_of(name: str, values: Sequence[Any]) -> list[str]:
    """Return the values of one column as the texts that a table shows."""
    return _texts(name, values)


def _is_numeric(values: Sequence[Any]) -> bool:
    present = [v for v in values if v is not None and v == v]
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in present)


def _texts(
    name: str,
    values: Sequence[Any],
    missing: str = MISSING,
    withheld: Sequence[bool] | None = None,
    naming: bool = False,
) -> list[str]:
    """The values of one column as texts; whole numbers that name something keep their digits together."""
    absent = ["withheld" if hidden else missing for hidden in withheld or [False] * len(values)]
    if (naming or _NAMING.search(name)) and _is_whole(values):
        say = grade_name if name in ("grade", "grade_level") else str
        return [
            said if value is None or value != value else say(int(value))
            for value, said in zip(values, absent, strict=True)
        ]
    places = decimals(values)
    texts = [cell_text(value, places, said) for value, said in zip(values, absent, strict=True)]
    if _AS_WRITTEN.search(name):
        return texts
    return [in_words(text) if text in _WORDS or _CODE.fullmatch(text) else text for text in texts]


def _is_whole(values: Sequence[Any]) -> bool:
    return _is_numeric(values) and all(v is None or v != v or (math.isfinite(v) and v == int(v)) for v in values)


def _interval_name(limit: str) -> str:
    stem = re.sub(r"_?low$", "", limit)
    return f"95 % {_INTERVAL}" if stem == "conf" else f"{in_words(stem)} {_INTERVAL}".strip()


def _joined(low: Sequence[Any], high: Sequence[Any]) -> list[str | None]:
    """Two limits as one text, with the same decimals; None where both are absent."""
    places = decimals([*low, *high])
    texts = [(cell_text(a, places), cell_text(b, places)) for a, b in zip(low, high, strict=True)]
    return [None if limits == (MISSING, MISSING) else " to ".join(limits) for limits in texts]


def _cells(texts: Sequence[str], numeric: bool) -> list[str]:
    style = f"{_CELL};{_NUMBER}" if numeric else _CELL
    return [f'<td style="{style}{";white-space:nowrap" if len(t) < 24 else ""}">{escape(t)}</td>' for t in texts]
