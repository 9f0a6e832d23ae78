"""Charts on a page: drawn for a wide and for a narrow screen, with their numbers as a table one click away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from workbench.dashboards import drawing
from workbench.dashboards.blocks import table
from workbench.dashboards.change import Estimate, Unit, number, with_limits
from workbench.dashboards.drawing import Line
from workbench.markup import MISSING, column_texts, folded


@dataclass(frozen=True)
class Range:
    """A row of a chart of ranges: name, estimate, what stands beside it, and where a click on the name leads."""

    name: str
    estimate: Estimate
    text: str
    address: str = ""
    chosen: bool = False


def trend_figure(lines: Sequence[Line], unit: Unit, title: str, across: str = "year") -> str:
    """Return lines over years with their 95 % limits, and the same numbers as a table.

    A line without any number is told in words and in the table; among the drawn ones it would only be looked for.
    """
    told = trend_words(lines, unit)
    drawn = [line for line in lines if any(one.value is not None for one in line.points.values())] or lines
    wide = drawing.trend(drawn, unit, title, told)
    narrow = drawing.trend(drawn, unit, title, told, width=340, height=270 + 10 * len(drawn))
    return (
        f'<figure class="wb-chart"><figcaption>{escape(title)}</figcaption>'
        f'<div class="wb-wide">{wide}</div><div class="wb-narrow">{narrow}</div></figure>'
        f"{folded('The numbers of this chart', table(trend_columns(lines, unit, across), title))}"
    )


def trend_words(lines: Sequence[Line], unit: Unit) -> str:
    """Return in words where each line begins and where it ends, for who cannot see it."""
    said = []
    for line in lines:
        known = [(year, one) for year in drawing.in_order(line.points) if (one := line.points[year]).value is not None]
        if not known:
            said.append(f"{line.name}: no number is shown.")
            continue
        (first, a), (last, b) = known[0], known[-1]
        said.append(f"{line.name}: {number(a.value, unit)} in {first}, {number(b.value, unit)} in {last}.")
    return " ".join(said)


def trend_columns(lines: Sequence[Line], unit: Unit, across: str = "year") -> dict[str, list[str]]:
    """Return the numbers of a chart of lines as columns of text: years (or what is `across`), lines with limits."""
    years = drawing.in_order(year for line in lines for year in line.points)
    columns = {across: years}
    for line in lines:
        cells = [line.points.get(year, Estimate(None)) for year in years]
        columns[line.name] = [with_limits(one, unit) for one in cells]
    return columns


def ranges(rows: Sequence[Range], unit: Unit, caption: str, reference: tuple[str, float | None] = ("", None)) -> str:
    """Return a dot and its 95 % limits a row, each with its number as text; `reference` is a line through all rows."""
    caption = caption if caption.endswith(".") else f"{caption}."
    known = [row.estimate for row in rows] + ([Estimate(reference[1])] if reference[1] is not None else [])
    low, high, ticks = drawing.axis(known, unit)

    def at(value: float) -> float:
        return 100 * (value - low) / (high - low)

    line = f'<i class="wb-ref" style="left:{at(reference[1]):.2f}%"></i>' if reference[1] is not None else ""
    body = "".join(
        f"<tr{_chosen(row)}><th scope='row'>{_name(row)}</th>"
        f'<td class="wb-range" aria-hidden="true"><span class="wb-track">{line}{_dot(row.estimate, at)}</span></td>'
        f"<td>{escape(row.text)}</td></tr>"
        for row in rows
    )
    scale = "".join(f'<i style="left:{at(tick):.2f}%">{drawing.label(tick, unit)}</i>' for tick in _few(ticks))
    what = f" The line marks {reference[0]}: {number(reference[1], unit)}." if reference[1] is not None else ""
    return (
        f'<figure class="wb-bars wb-ranges"><figcaption>{escape(caption)} The bar around each dot is its 95 % interval.'
        f"{escape(what)}</figcaption><table><tbody>{body}</tbody></table>"
        f'<div class="wb-scale" aria-hidden="true"><span class="wb-track">{scale}</span></div></figure>'
    )


def sparkline(points: Mapping[str, Estimate], unit: Unit) -> str:
    """Return a small line with its band, which says in words where it begins and ends."""
    if all(one.value is None for one in points.values()):
        return MISSING
    return drawing.sparkline(points, trend_words([Line("Trend", points)], unit))


def rich_table(columns: Mapping[str, Sequence[str]], caption: str, cards: bool = False) -> str:
    """Return a table whose cells are HTML already; headings and caption are text.

    With `cards`, each row is a card on a narrow screen.
    """
    names = list(columns)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{cells[0]}</th>'
        + "".join(f'<td data-label="{escape(n)}">{cell}</td>' for n, cell in zip(names[1:], cells[1:], strict=True))
        + "</tr>"
        for cells in zip(*columns.values(), strict=True)
    )
    kind = "wb-table wb-records" if cards else "wb-table"
    return (
        f'<p class="wb-said">{escape(caption)}</p>'
        f'<div class="{kind}" tabindex="0" role="group" aria-label="{escape(caption)}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def records(columns: Mapping[str, Sequence[Any]], caption: str) -> str:
    """Return a table of many words a row, named by its first column; on a narrow screen each row is a card."""
    texts = {name: [escape(text) for text in column_texts(name, values)] for name, values in columns.items()}
    return rich_table(texts, caption, cards=True)


def _name(row: Range) -> str:
    return (
        f'<a class="wb-move" href="{escape(row.address)}">{escape(row.name)}</a>' if row.address else escape(row.name)
    )


def _chosen(row: Range) -> str:
    return ' class="wb-chosen"' if row.chosen else ""


def _dot(one: Estimate, at: drawing.Scale) -> str:
    if one.value is None:
        return ""
    span = ""
    if one.low is not None and one.high is not None:
        left, right = at(one.low), at(one.high)
        span = f'<i class="wb-span" style="left:{left:.2f}%;width:{right - left:.2f}%"></i>'
    return f'{span}<i class="wb-dot" style="left:{at(one.value):.2f}%"></i>'


def _few(ticks: Sequence[float]) -> Sequence[float]:
    """The ends and what is between them, as many as a narrow screen can hold."""
    return ticks if len(ticks) < 5 else ticks[:: max(2, (len(ticks) - 1) // 2)]
