"""Slides: a deck of headings, texts, figures and tables as HTML with pages of 16:9, for `paper` to print.

What belongs under one heading begins on a slide of its own and goes on to the next where it must; tables then repeat
their head, and a heading its words, in the same place. A figure shares its slide with the words around it where
it stays large enough. Body texts have 16 points, tables and captions 14, the line at the foot 10.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from math import ceil
from typing import Final

from workbench.exports.look import CSS

MOST_ROWS: Final = 40
FITS: Final = 92
"""How many letters stand beside each other in a table on a slide, at 14 points."""
_HIGH: Final = 5.6
"""The inches of a slide between heading and foot."""
_FIGURE: Final = (3.0, 5.0)
"""How high, in inches, a figure must be at least beside words, and may be at most."""


@dataclass(frozen=True)
class Grid:
    """A table of texts; `numeric` says which columns stand to the right, `note` what a reader must know of it."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    numeric: Sequence[bool] = ()
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A picture by its data: address, with its alt text."""

    source: str
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Prose:
    """Words as safe HTML: paragraphs and lists."""

    html: str


Part = Grid | Figure | Prose


@dataclass(frozen=True)
class Section:
    """What stands under one heading."""

    heading: str
    parts: Sequence[Part]


@dataclass(frozen=True)
class Deck:
    """A title slide and sections; `foot` stands on every page, and `mark` (research, public) if there is one."""

    title: str
    opening: Sequence[str]
    sections: Sequence[Section]
    foot: str
    mark: str = ""
    lang: str = "en"
    keywords: Sequence[str] = field(default_factory=tuple)


def html(deck: Deck) -> str:
    """Return a deck as one page of HTML."""
    opening = "".join(f"<p>{escape(line)}</p>" for line in deck.opening)
    body = "".join(map(_section, deck.sections))
    style = CSS.replace("FOOT", css_text(deck.foot)).replace("MARK", css_text(deck.mark.capitalize()))
    return (
        f'<!DOCTYPE html><html lang="{escape(deck.lang)}"><head><meta charset="utf-8">'
        f'<title>{escape(deck.title)}</title><meta name="keywords" content="{escape(", ".join(deck.keywords))}">'
        f'<style>{style}</style></head><body><header class="first"><h1>{escape(deck.title)}</h1>{opening}</header>'
        f"{body}</body></html>"
    )


def paragraphs(*texts: str) -> Prose:
    """Return plain texts as paragraphs."""
    return Prose("".join(f"<p>{escape(text)}</p>" for text in texts if text))


def css_text(text: str) -> str:
    """Return a text as a string of CSS that can end neither the string nor the style sheet."""
    return '"' + "".join(c if c.isalnum() or c in " .,:;()·–/%-" else f"\\{ord(c):06x}" for c in text) + '"'


def cut(grid: Grid, most: int = MOST_ROWS) -> Grid:
    """Return a table of at most so many rows, which says so where there are more."""
    if len(grid.rows) <= most:
        return grid
    said = f"The first {most} of {len(grid.rows):,} rows."
    return Grid(grid.headings, grid.rows[:most], grid.caption, grid.numeric, f"{said} {grid.note}".strip())


def side_by_side(grid: Grid) -> list[Grid]:
    """Return a table as one, or several that a slide is wide enough for; each begins with the first column."""
    wide = [_width(grid, place) for place in range(len(grid.headings))]
    groups: list[list[int]] = [[0]]
    for place in range(1, len(wide)):
        if len(groups[-1]) > 1 and sum(wide[each] for each in groups[-1]) + wide[place] > FITS:
            groups.append([0])
        groups[-1].append(place)
    if len(groups) == 1:
        return [grid]
    return [_columns(grid, group, number, len(groups)) for number, group in enumerate(groups, start=1)]


def _width(grid: Grid, place: int) -> int:
    """The letters of the longest word in a column, and the space beside it; numbers are not broken."""
    texts = [grid.headings[place], *(row[place] for row in grid.rows)]
    if place < len(grid.numeric) and grid.numeric[place]:
        return max([len(text) for text in texts[1:]] + [len(word) for word in texts[0].split()] + [3]) + 3
    return max([min(len(word), 30) for text in texts for word in text.split()] + [3]) + 3


def _columns(grid: Grid, places: Sequence[int], number: int, of: int) -> Grid:
    return Grid(
        [grid.headings[place] for place in places],
        [[row[place] for place in places] for row in grid.rows],
        f"{grid.caption} (columns, part {number} of {of})".strip(),
        [place < len(grid.numeric) and grid.numeric[place] for place in places],
        grid.note,
    )


def _section(section: Section) -> str:
    return f"<section><h2>{escape(section.heading)}</h2>{''.join(_flow(section.parts))}</section>"


def _flow(parts: Sequence[Part]) -> Iterator[str]:
    """Give the parts in their order, a figure on one slide with as many of the words around it as leave it room."""
    before: list[Prose] = []
    tabled, place = False, 0
    while place < len(parts):
        part, place = parts[place], place + 1
        if isinstance(part, Figure):
            beside = _company(part, before, _leading(parts[place:]))
            yield from (one.html for one in before[: len(before) - len(beside[0])])
            yield _together(part, *beside)
            before, tabled, place = [], False, place + len(beside[1])
        elif isinstance(part, Prose) and not tabled:
            before.append(part)
        else:
            yield from (one.html for one in before)
            yield part.html if isinstance(part, Prose) else "".join(map(_grid, side_by_side(cut(part))))
            before, tabled = [], True  # words right after a table belong to it
    yield from (one.html for one in before)


def _leading(parts: Sequence[Part]) -> list[Prose]:
    """The words with which some parts begin."""
    found: list[Prose] = []
    for part in parts:
        if not isinstance(part, Prose):
            break
        found.append(part)
    return found


def _company(figure: Figure, before: list[Prose], after: list[Prose]) -> tuple[list[Prose], list[Prose]]:
    """The words that stand on a figure's slide: those before it if there is room, and as many of those after it."""
    for some in (before, []):
        for many in range(len(after), -1, -1):
            if _room(figure, [*some, *after[:many]]) >= _FIGURE[0]:
                return some, after[:many]
    return [], []


def _room(figure: Figure, words: Sequence[Prose]) -> float:
    """The inches left for the picture beside its caption and some words."""
    caption = 0.15 + 0.28 * ceil(len(figure.caption) / 105)
    return min(_HIGH - caption - 0.1 - sum(map(_height, words)), _FIGURE[1])


def _height(words: Prose) -> float:
    """About how many inches words take, at 16 points on the width of a slide."""
    blocks = [re.sub(r"<[^>]+>", "", block) for block in re.split(r"</(?:p|li|h3|pre|blockquote)>", words.html)]
    return sum(0.125 + 0.312 * ceil(len(block.strip()) / 95) for block in blocks if block.strip())


def _together(figure: Figure, before: Sequence[Prose], after: Sequence[Prose]) -> str:
    caption = f"<figcaption>{escape(figure.caption)}</figcaption>" if figure.caption else ""
    high = f"max-height:{_room(figure, [*before, *after]):.2f}in"
    picture = f'<img src="{escape(figure.source)}" alt="{escape(figure.alt)}" style="{high}">'
    words = ["".join(one.html for one in some) for some in (before, after)]
    return f'<div class="together">{words[0]}<figure>{picture}{caption}</figure>{words[1]}</div>'


def _grid(grid: Grid) -> str:
    sides = [' class="number"' if right else "" for right in grid.numeric] + [""] * len(grid.headings)
    head = "".join(
        f'<th scope="col"{side}>{escape(text)}</th>' for text, side in zip(grid.headings, sides, strict=False)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{side}>{escape(text)}</td>" for text, side in zip(row, sides, strict=False)) + "</tr>"
        for row in grid.rows
    )
    caption = f'<p class="caption">{escape(grid.caption)}</p>' if grid.caption else ""
    note = f'<p class="below">{escape(grid.note)}</p>' if grid.note else ""
    return f"{caption}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"
