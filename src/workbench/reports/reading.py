"""A finished HTML report read back: its mark, and under each heading its words, figures and tables in their order.

Code, messages and what is folded away stay out; the report itself holds them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from typing import Final

from workbench.exports.deck import Figure, Grid, Part, Prose, Section

_SKIPPED: Final = ("script", "style", "nav", "header", "footer", "head")
_WORDS: Final = ("p", "ul", "ol", "pre", "h3", "blockquote")
_INSIDE: Final = ("li", "strong", "em", "b", "i", "code", "sub", "sup", "br", "p", "ul", "ol")
_VOID: Final = ("br", "img", "hr", "input", "meta", "link", "wbr", "col")
_FIGURES: Final = ("png", "jpeg", "svg+xml")


@dataclass
class Report:
    """What was read: the title, `public` or `research`, which run it says it is from, and its sections."""

    title: str = ""
    mark: str = ""
    run_id: str = ""
    made: str = ""
    data: str = ""
    sections: list[tuple[str, list[Part]]] = field(default_factory=list)

    def whole(self) -> list[Section]:
        """Return the sections that hold something."""
        return [Section(heading, parts) for heading, parts in self.sections if parts]


def read_report(html: str) -> Report:
    """Return a report from its HTML; what is no report of the workbench has no mark and no title."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    found = reader.report
    foot = html[html.rfind("<footer") :]
    if run := re.search(r"run <code>([^<]+)</code> · made (.*?) from", foot):
        found.run_id, found.made = run[1], re.sub(r"<[^>]+>", "", run[2])
    if data := re.search(r"<caption>Data: (.*?)</caption>", foot):
        found.data = data[1]
    return found


class _Reader(HTMLParser):
    """Walks through the tags once; a table of a hundred thousand rows costs no memory."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.report = Report()
        self._skipping: list[str] = []
        self._words: list[str] | None = None
        self._tag = ""
        self._depth = 0
        self._heading: list[str] | None = None
        self._table: _Table | None = None
        self._summary: list[str] | None = None
        self._caption: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "span" and "badge" in given.get("class", "").split():
            self.report.mark = next((m for m in ("public", "research") if m in given["class"].split()), "")
        if tag == "summary" and self._skipping == ["details"]:
            self._summary = []
        if self._skipping or tag == "details" or tag in _SKIPPED:
            if tag not in _VOID and (tag in self._skipping or not self._skipping):
                self._skipping.append(tag)
            return
        if self._table is not None:
            self._table.start(tag, given)
        elif tag == "table":
            self._table = _Table()
        elif tag in ("h1", "h2"):
            self._heading = []
        elif tag == "figcaption":
            self._caption = []
        elif self._words is not None:
            self._inside(tag, given)
        elif tag in _WORDS:
            self._words, self._tag, self._depth = [f"<{tag}>"], tag, 1
        elif tag == "img":
            self._figure(given)

    def handle_endtag(self, tag: str) -> None:
        if self._skipping:
            self._leave(tag)
        elif self._table is not None:
            if tag == "table":
                self._add(self._table.grid())
                self._table = None
            else:
                self._table.end(tag)
        elif tag in ("h1", "h2") and self._heading is not None:
            self._begin(tag, " ".join("".join(self._heading).split()))
        elif tag == "figcaption" and self._caption is not None:
            self._tell(" ".join("".join(self._caption).split()))
        elif self._words is not None:
            self._close(tag)

    def handle_data(self, data: str) -> None:
        if self._summary is not None:
            self._summary.append(data)
        if self._skipping:
            return
        if self._table is not None:
            self._table.text(data)
        elif self._heading is not None:
            self._heading.append(data)
        elif self._caption is not None:
            self._caption.append(data)
        elif self._words is not None:
            self._words.append(escape(data))

    def _leave(self, tag: str) -> None:
        if tag == "summary" and self._summary is not None:
            self._folded(" ".join("".join(self._summary).split()))
            self._summary = None
        if tag == self._skipping[-1]:
            self._skipping.pop()

    def _inside(self, tag: str, given: dict[str, str]) -> None:
        assert self._words is not None
        self._depth += tag == self._tag
        if tag == "img" and _is_picture(given.get("src", "")):
            size = re.fullmatch(r"height:[\d.]+em;vertical-align:-?[\d.]+em", given.get("style", ""))
            style = f' style="{size[0]}"' if size else ""
            alt = escape(given.get("alt", ""))
            self._words.append(f'<img class="math" src="{escape(given["src"])}" alt="{alt}"{style}>')
        elif tag in _INSIDE:
            self._words.append(f"<{tag}>")

    def _close(self, tag: str) -> None:
        assert self._words is not None
        self._depth -= tag == self._tag
        if tag == self._tag and self._depth == 0:
            html = "".join(self._words) + f"</{tag}>"
            self._words = None
            if re.sub(r"<(?!img)[^>]*>", "", html).strip():
                self._add(Prose(html))
        elif tag in _INSIDE and tag not in _VOID:
            self._words.append(f"</{tag}>")

    def _begin(self, tag: str, words: str) -> None:
        self._heading = None
        if tag == "h1" and not self.report.title:
            self.report.title = words
            self.report.sections.append(("In short", []))
        else:
            self.report.sections.append((words, []))

    def _figure(self, given: dict[str, str]) -> None:
        if _is_picture(given.get("src", "")):
            self._add(Figure(given["src"], given.get("alt", "")))

    def _tell(self, words: str) -> None:
        """Give the last figure its caption."""
        self._caption = None
        parts = self._parts()
        if parts and isinstance(parts[-1], Figure):
            parts[-1] = Figure(parts[-1].source, parts[-1].alt, words)

    def _folded(self, summary: str) -> None:
        """Say below a table how many rows there are, where the report folds the others away."""
        parts = self._parts()
        total = re.fullmatch(r"(?:All|More of the) ([\d,]+) rows", summary)
        if total and parts and isinstance(parts[-1], Grid):
            grid = parts[-1]
            said = f"The first {len(grid.rows)} of {total[1]} rows; the report holds the others."
            parts[-1] = Grid(grid.headings, grid.rows, grid.caption, grid.numeric, said)

    def _parts(self) -> list[Part]:
        return self.report.sections[-1][1] if self.report.sections else []

    def _add(self, part: Part) -> None:
        self._parts().append(part)


class _Table:
    """A table on its way: caption, headings, rows of texts."""

    def __init__(self) -> None:
        self._caption, self._head = "", list[str]()
        self._rows: list[list[str]] = []
        self._numeric: list[bool] = []
        self._part = ""
        self._cell: list[str] | None = None

    def start(self, tag: str, given: dict[str, str]) -> None:
        if tag in ("thead", "tbody"):
            self._part = tag
        elif tag == "tr" and self._part != "thead":
            self._rows.append([])
        elif tag in ("th", "td", "caption"):
            self._cell = []
            if tag == "th" and self._part == "thead":
                self._numeric.append("text-align:right" in given.get("style", ""))

    def end(self, tag: str) -> None:
        if tag not in ("th", "td", "caption") or self._cell is None:
            return
        text, self._cell = " ".join("".join(self._cell).split()), None
        if tag == "caption":
            self._caption = text
        elif self._part == "thead":
            self._head.append(text)
        elif self._rows:
            self._rows[-1].append(text)

    def text(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def grid(self) -> Grid:
        rows: Sequence[list[str]] = [row for row in self._rows if row]
        width = max([len(self._head), *map(len, rows)], default=0)
        head = self._head + [""] * (width - len(self._head))
        return Grid(head, [row + [""] * (width - len(row)) for row in rows], self._caption, self._numeric)


def _is_picture(source: str) -> bool:
    return source.startswith(tuple(f"data:image/{kind};base64," for kind in _FIGURES))
