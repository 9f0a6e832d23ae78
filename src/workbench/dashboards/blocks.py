"""The parts a dashboard is made of, as plain HTML: nothing from the network, readable by everyone."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from workbench.dashboards.theme import CSS
from workbench.disclosure.published import PublishedTable
from workbench.disclosure.suppression import SUPPRESSED
from workbench.markup import MISSING, html_table

WITHHELD = "withheld"
Value = float | str | None
"""A number, `WITHHELD`, or None where there is nothing to tell."""


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its length in the units of the chart (none where it is no number), the text beside it.

    `limits` are the ends of the line that is drawn across its end, in the same units; the text tells them too.
    """

    label: str
    value: Value
    text: str
    chosen: bool = False
    limits: tuple[float, float] | None = None


def opens_at(options: Iterable[str], is_shown: Callable[[str], bool]) -> list[str]:
    """Return the options of a filter, the first that has something to show in front; as they are where none has."""
    found = list(options)
    first = next(filter(is_shown, found), None)
    return found if first is None else [first, *(one for one in found if one != first)]


def header(title: str, question: str, published: PublishedTable) -> str:
    """Return the top of a page, with the style of every part below it, and whose data it shows."""
    return (
        f'<style>{CSS}</style><header class="wb-header"><h1>{escape(title)}</h1>'
        f"<p>{escape(question)}</p><p><strong>{escape(_whose(published))}</strong></p>"
        f"{note(published.kept) if published.kept else ''}</header>"
    )


def section(title: str, *parts: str) -> str:
    """Return parts of a page under one heading."""
    return f'<section class="wb-section"><h2>{escape(title)}</h2>{"".join(parts)}</section>'


def words(text: str) -> str:
    """Return one paragraph."""
    return f"<p>{escape(text)}</p>"


def note(text: str) -> str:
    """Return one paragraph that stands out: what a reader must not overlook."""
    return f'<p class="wb-note">{escape(text)}</p>'


def cards(headlines: Mapping[str, tuple[str, str]]) -> str:
    """Return headline numbers: for each heading, the number and a line that says what it means."""
    inside = "".join(
        f'<div class="wb-card"><h3>{escape(heading)}</h3><b{_as_word(number)}>{escape(number)}</b>'
        f"<span>{escape(meaning)}</span></div>"
        for heading, (number, meaning) in headlines.items()
    )
    return f'<div class="wb-cards" aria-live="polite">{inside}</div>'


def listed(names: Iterable[str], first: str) -> list[str]:
    """Return each name once, in the order of the alphabet and of the numbers in it, `first` before all others."""
    return sorted(
        set(names), key=lambda name: (name != first, re.sub(r"\d+", lambda n: n[0].zfill(9), name.casefold()))
    )


def told_apart(names: Mapping[str, str]) -> dict[str, str]:
    """Return the name of each identifier, with the identifier in brackets where two have the same name."""
    count = Counter(names.values())
    return {one: name if count[name] == 1 else f"{name} ({one})" for one, name in names.items()}


def longest_first(items: Iterable[Bar]) -> list[Bar]:
    """Return bars in the order of their length; those without come last, in the order of their labels."""
    return sorted(items, key=lambda item: (not isinstance(item.value, float), -_length(item), item.label))


def bars(items: Iterable[Bar], caption: str) -> str:
    """Return a bar chart as a table of labels, bars and values; `caption` tells what it shows.

    Every value stands beside its bar as text, so that colour and length carry nothing alone.
    """
    items = list(items)
    longest = max([one.limits[1] if one.limits else _length(one) for one in items], default=0) or 1
    rows = "".join(_bar(item, longest) for item in items)
    return (
        f'<figure class="wb-bars"><figcaption>{escape(caption)}</figcaption>'
        f"<table><tbody>{rows}</tbody></table></figure>"
    )


def table(columns: Mapping[str, Sequence[Any]], caption: str = "", withheld: Sequence[bool] | None = None) -> str:
    """Return a table; what is blank in a row that `withheld` marks is said to be withheld.

    Where it is wider than the screen, it can be moved by keyboard too.
    """
    reached = f'tabindex="0" role="group" aria-label="{escape(caption or "Table")}"'
    html = html_table(columns, caption, withheld=withheld)
    return html.replace('<div class="workbench-table"', f'<div class="workbench-table" {reached}', 1)


def sentences(said: Iterable[str]) -> str:
    """Return sentences as a list."""
    return f'<ul class="wb-changes">{"".join(f"<li>{escape(one)}</li>" for one in said)}</ul>'


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of a published table with `WITHHELD` in every blank, if its group was too small to show."""
    blank = WITHHELD if row.get(SUPPRESSED) else None
    return {name: blank if value is None else value for name, value in row.items()}


def columns_where(published: PublishedTable, kept: Callable[[Mapping[str, Any]], bool]) -> dict[str, list[Any]]:
    """Return the rows of a published table that are `kept`, as columns: what a download is made of."""
    rows = [row for row in published.table.to_pylist() if kept(row)]
    return {name: [row[name] for row in rows] for name in published.table.column_names}


def provenance(published: PublishedTable) -> str:
    """Return the lines that say whose data these are, when they were published, and what is withheld.

    Of rows about students (no `min_count`) nothing is withheld but whole rows and columns.
    """
    withheld = (
        f" “{WITHHELD.capitalize()}” stands where a group has fewer than {published.min_count} students: its own "
        "numbers could tell about a single person and are left out. So are some numbers of larger groups, totals among "
        "them, from which those could be worked out."
        if published.min_count
        else ""
    )
    return (
        f'<p class="wb-provenance">{escape(_whose(published))} Published {escape(published.made_at[:10])} '
        f"(run {escape(published.run_id)}).{withheld}</p>"
    )


def people(count: Value) -> str:
    """Return a number of people as text."""
    return "fewer than 1" if isinstance(count, float) and 0 < count < 1 else decimal(count, 0)


def chance(expected: Value) -> tuple[int, int] | None:
    """Return within which numbers a count lies in 95 of 100 cases if what is expected is exactly right.

    Quantiles of a Poisson count, whose variance is at least that of a sum of yes and no (Hodges & Le Cam 1960).
    """
    return (_poisson(expected, 0.025), _poisson(expected, 0.975)) if isinstance(expected, float) else None


def by_chance(words: str, expected: Value) -> str:
    """Return words, and within which numbers `chance` alone lets a count lie."""
    if (limits := chance(expected)) is None:
        return words
    return f"{words}; by chance alone {limits[0]:,} to {limits[1]:,}"


def _poisson(expected: float, level: float) -> int:
    """The smallest count that is not exceeded with probability `level`; what lies 12 standard deviations below is 0."""
    count = max(0, int(expected - 12 * math.sqrt(expected)))
    chance = math.exp((count * math.log(expected) if count else 0.0) - expected - math.lgamma(count + 1))
    below = chance
    while below < level:
        count += 1
        chance *= expected / count
        below += chance
    return count


def of_hundred(share: Value) -> str:
    """Return a share as a number of people out of 100, as text."""
    return people(100 * share if isinstance(share, float) else share)


def percent(share: Value) -> str:
    """Return a share in per cent as text; `withheld` where it is blank, as in a table of which all blanks are that."""
    return f"{100 * share:.1f} %" if isinstance(share, float) else share or WITHHELD


def decimal(value: Value, places: int = 2) -> str:
    """Return a number with fixed decimals, as text."""
    return f"{value:,.{places}f}" if isinstance(value, float) else value or MISSING


def between(low: Value, high: Value) -> str:
    """Return an interval of shares out of 100, as text: `(5 to 9)`; nothing where there is none."""
    if isinstance(low, float) and isinstance(high, float):
        return f"({100 * low:.0f} to {100 * high:.0f})"
    return ""


def _as_word(number: str) -> str:
    return "" if any(one.isdigit() for one in number) or number == MISSING else ' class="wb-word"'


def _whose(published: PublishedTable) -> str:
    source = f" of {published.source}" if published.source else ""
    return f"Data{source} up to {published.data_date or published.made_at[:10]}."


def _length(item: Bar) -> float:
    return item.value if isinstance(item.value, float) else 0


def _bar(item: Bar, longest: float) -> str:
    width = 100 * _length(item) / longest
    mark = ' class="wb-chosen"' if item.chosen else ""
    line = ""
    if item.limits:
        left, right = (100 * limit / longest for limit in item.limits)
        line = f'<i class="wb-limits" style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'
    return (
        f'<tr{mark}><th scope="row">{escape(item.label)}</th><td><span class="wb-length">'
        f'<span class="wb-bar" style="width:{width:.1f}%"></span>{line}</span></td><td>{escape(item.text)}</td></tr>'
    )
