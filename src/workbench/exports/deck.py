"""Slides: a deck of headings, texts, figures and tables as HTML with pages of 16:9, for `paper` to print.

What belongs under one heading begins on a slide of its own and goes on to the next where it must; tables then repeat
their head, and a heading its words. Body texts have 16 points, nothing has fewer than 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

MOST_ROWS: Final = 40
FITS: Final = 92
"""How many letters stand beside each other in a table on a slide, at 14 points."""


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
    """A title slide and sections; `foot` stands on every page, and so does `mark` (research, public) where there is one."""

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
    return f"<section><h2>{escape(section.heading)}</h2>{''.join(map(_part, section.parts))}</section>"


def _part(part: Part) -> str:
    if isinstance(part, Prose):
        return part.html
    if isinstance(part, Figure):
        caption = f"<figcaption>{escape(part.caption)}</figcaption>" if part.caption else ""
        return f'<figure><img src="{escape(part.source)}" alt="{escape(part.alt)}">{caption}</figure>'
    return "".join(map(_grid, side_by_side(cut(part))))


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


CSS: Final = """
@page { size: 13.333in 7.5in; margin: 0.85in 0.7in 0.8in;
  @top-left { content: string(heading, first-except); font: 600 15pt/1.2 "DejaVu Sans", sans-serif; color: #44525f;
    width: 75%; text-align: left; vertical-align: middle; }
  @top-right { content: MARK; font: 700 14pt "DejaVu Sans", sans-serif; color: #8a4b00; vertical-align: middle; }
  @bottom-left { content: FOOT; font: 10.5pt/1.25 "DejaVu Sans", sans-serif; color: #44525f; width: 88%;
    text-align: left; vertical-align: middle; }
  @bottom-right { content: counter(page) " of " counter(pages); font: 12pt "DejaVu Sans", sans-serif; color: #44525f;
    vertical-align: middle; } }
@page :first { background: #eef3f7; @top-left { content: none; } }
html { font: 16pt/1.4 "DejaVu Sans", "Liberation Sans", sans-serif; color: #1c2733; }
body { margin: 0; }
.first { padding: 1.1in 0.4in 0; }
h1 { font-size: 34pt; line-height: 1.2; margin: 0 0 24pt; color: #0b3954; }
.first p { font-size: 18pt; margin: 0 0 8pt; }
section { break-before: page; }
h2 { font-size: 24pt; line-height: 1.2; margin: 0 0 10pt; color: #0b3954; break-after: avoid;
  string-set: heading content() " (continued)"; }
h3 { font-size: 18pt; margin: 12pt 0 6pt; break-after: avoid; }
p, ul, ol { margin: 0 0 9pt; orphans: 2; widows: 2; }
li { margin: 0 0 4pt; }
figure { margin: 0; break-inside: avoid; break-before: auto; }
figure img { display: block; max-width: 11.9in; max-height: 4.85in; margin: 0 auto; }
figcaption { font-size: 14pt; color: #44525f; margin-top: 6pt; }
table { border-collapse: collapse; font-size: 14pt; line-height: 1.25; margin: 0 0 9pt; max-width: 100%; }
tr { break-inside: avoid; }
th, td { text-align: left; vertical-align: top; padding: 4pt 14pt 4pt 0; border-bottom: 0.75pt solid #d5dce3; }
th { font-weight: 700; vertical-align: bottom; border-bottom: 1.5pt solid #44525f; }
.number { text-align: right; white-space: nowrap; }
th.number { white-space: normal; }
.caption { font-weight: 700; margin: 6pt 0 4pt; break-after: avoid; }
.below { font-size: 14pt; color: #44525f; break-before: avoid; }
pre { font: 14pt/1.3 "DejaVu Sans Mono", monospace; white-space: pre-wrap; margin: 0 0 9pt; }
code { font-family: "DejaVu Sans Mono", monospace; font-size: 0.9em; }
img.math { display: inline; }
"""
