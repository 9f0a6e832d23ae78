"""Charts as SVG: the uncertainty is always drawn, and lines are told apart by shape and dash, never by colour alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Final

from workbench.dashboards.change import Estimate, Unit

COLOURS: Final = ("#0b5c8a", "#b34700", "#00694a", "#7a3d68")
"""Of lines, the chosen one first; each has a contrast of 4.5 or more to white."""
_DASHES: Final = ("", "7 4", "2 3", "9 3 2 3")
_INK, _GRID = "#1c2733", "#dfe4e9"
Scale = Callable[[float], float]
_FONT: Final = "system-ui, 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Line:
    """A line of a chart: its name, and an estimate at each place of the axis below."""

    name: str
    points: Mapping[str, Estimate]


def trend(lines: Sequence[Line], unit: Unit, title: str, told: str, width: int = 720, height: int = 300) -> str:
    """Return lines over years with their 95 % limits as a stand-alone SVG; at most four lines."""
    lines = lines[: len(COLOURS)]
    places = in_order(place for line in lines for place in line.points)
    low, high, ticks = axis([one for line in lines for one in line.points.values()], unit)
    top, left, right, bottom = 14 + 20 * len(lines), 52, 14, 26
    step = (width - left - right) / max(len(places), 1)

    def x(place: str, line: int = 0) -> float:
        return left + step * (places.index(place) + 0.5) + 5 * (line - (len(lines) - 1) / 2)

    def y(value: float) -> float:
        return top + (height - top - bottom) * (high - value) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(f"{title}. {told}")}" font-family="{escape(_FONT)}" font-size="13">',
        f"<title>{escape(title)}</title><desc>{escape(told)}</desc>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for tick in ticks:
        parts.append(_rule(left, width - right, y(tick)) + _text(left - 8, y(tick) + 4.5, label(tick, unit), "end"))
    every = ceil(46 / step)
    named = [(place, year) for place, year in enumerate(places) if (len(places) - 1 - place) % every == 0]
    parts += [_text(left + step * (place + 0.5), height - 7, year, "middle") for place, year in named]
    for number, line in enumerate(lines):
        parts.append(_legend(number, line.name, width))
        parts.append(_line([(x(place, number), line.points.get(place)) for place in places], y, number))
    return "".join(parts) + "</svg>"


def sparkline(points: Mapping[str, Estimate], told: str, width: int = 120, height: int = 30) -> str:
    """Return a small line with its 95 % limits as a band, for a cell of a table; `told` says what it shows."""
    places = in_order(points)
    low, high, _ = axis(points.values(), "share")
    step = (width - 10) / max(len(places) - 1, 1)
    at = [(5 + step * number, points[place]) for number, place in enumerate(places)]

    def y(value: float) -> float:
        return 4 + (height - 8) * (high - value) / (high - low)

    return (
        f'<svg class="wb-spark" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(told)}">{_line(at, y, 0, radius=0)}{_last(at, y)}</svg>'
    )


def ranges(rows: Sequence[tuple[str, Estimate]], unit: Unit, title: str, told: str, width: int = 720) -> str:
    """Return a dot and its 95 % limits a row as a stand-alone SVG."""
    low, high, ticks = axis([one for _, one in rows], unit)
    height, left, right = 34 + 22 * len(rows), 230, 24

    def x(value: float) -> float:
        return left + (width - left - right) * (value - low) / (high - low)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(f"{title}. {told}")}" font-family="{escape(_FONT)}" font-size="13">',
        f"<title>{escape(title)}</title><desc>{escape(told)}</desc>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for tick in ticks:
        parts.append(f'<path d="M{x(tick):.1f} 6V{height - 24}" stroke="{_GRID}"/>')
        parts.append(_text(x(tick), height - 8, label(tick, unit), "middle"))
    for place, (name, one) in enumerate(rows):
        y = 20 + 22 * place
        parts.append(_text(left - 10, y + 4.5, _cut(name, 31), "end"))
        if one.value is None:
            parts.append(_text(left + 4, y + 4.5, "withheld or not published", "start"))
            continue
        if one.low is not None and one.high is not None:
            parts.append(f'<path d="M{x(one.low):.1f} {y}H{x(one.high):.1f}" stroke="{COLOURS[0]}" stroke-width="2"/>')
        parts.append(f'<circle cx="{x(one.value):.1f}" cy="{y}" r="4.5" fill="{COLOURS[0]}"/>')
    return "".join(parts) + "</svg>"


def in_order(places: Iterable[str]) -> list[str]:
    """Return years or grades, each once, in their order."""
    return sorted(set(places), key=lambda place: (len(place), place))


def axis(points: Iterable[Estimate], unit: Unit) -> tuple[float, float, list[float]]:
    """Return the ends of an axis that holds every number with its limits, and round numbers on it."""
    known = [v for one in points for v in (one.value, one.low, one.high) if v is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if high - low < 1e-9:
        low, high = low - (0.01 if unit == "share" else 1), high + (0.01 if unit == "share" else 1)
    step = 10 ** floor(log10((high - low) / 2))
    step *= next(size for size in (1, 2, 5, 10) if (high - low) / (step * size) <= 5)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return first * step, last * step, [number * step for number in range(first, last + 1)]


def label(value: float, unit: Unit) -> str:
    """Return a number on an axis as text."""
    return f"{round(100 * value, 6):g} %" if unit == "share" else f"{round(value, 6):g}"


def _line(at: Sequence[tuple[float, Estimate | None]], y: Scale, number: int, radius: float = 4) -> str:
    """Band, line and marks of one series; it breaks where a number is missing."""
    colour, parts = COLOURS[number], []
    dash = f' stroke-dasharray="{_DASHES[number]}"' if _DASHES[number] else ""
    for run in _runs(at):
        if len(run) > 1 and number == 0:
            edge = [(x, y(high)) for x, _, _, high in run] + [(x, y(low)) for x, _, low, _ in reversed(run)]
            parts.append(f'<polygon points="{_points(edge)}" fill="{colour}" fill-opacity=".16"/>')
        line = _points([(x, y(value)) for x, value, _, _ in run])
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        for x, value, low, high in run if radius else ():
            span = f"M{x:.1f} {y(low):.1f}V{y(high):.1f}"
            parts.append(f'<path d="{span}" stroke="{colour}" stroke-width="1.5"/>{mark(number, x, y(value), radius)}')
    return "".join(parts)


def _points(at: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in at)


def _runs(at: Sequence[tuple[float, Estimate | None]]) -> list[list[tuple[float, float, float, float]]]:
    """Stretches without a missing number: place, value and limits; a number without limits is its own."""
    runs: list[list[tuple[float, float, float, float]]] = [[]]
    for x, one in at:
        if one is None or one.value is None:
            runs.append([])
        else:
            low, high = (one.value if limit is None else limit for limit in (one.low, one.high))
            runs[-1].append((x, one.value, low, high))
    return [run for run in runs if run]


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _last(at: Sequence[tuple[float, Estimate]], y: Scale) -> str:
    known = [(x, one.value) for x, one in at if one.value is not None]
    return mark(0, known[-1][0], y(known[-1][1]), 3) if known else ""


def mark(number: int, x: float, y: float, size: float = 4) -> str:
    """Return the mark of a series: circle, square, triangle, diamond."""
    fill = f'fill="{COLOURS[number]}"'
    if number == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" {fill}/>'
    if number == 1:
        return f'<rect x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size}" height="{2 * size}" {fill}/>'
    corners = [(0, -1.3), (1.2, 1), (-1.2, 1)] if number == 2 else [(0, -1.4), (1.3, 0), (0, 1.4), (-1.3, 0)]
    return f'<polygon points="{" ".join(f"{x + size * a:.1f},{y + size * b:.1f}" for a, b in corners)}" {fill}/>'


def _legend(number: int, name: str, width: int) -> str:
    y, most = 14 + 20 * number, int((width - 60) / 7)
    dash = f' stroke-dasharray="{_DASHES[number]}"' if _DASHES[number] else ""
    line = f'<path d="M10 {y}H42" stroke="{COLOURS[number]}" stroke-width="2"{dash}/>'
    return line + mark(number, 26, y) + _text(50, y + 4.5, _cut(name, most), "start")


def _rule(left: float, right: float, y: float) -> str:
    return f'<path d="M{left} {y:.1f}H{right}" stroke="{_GRID}"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_INK}">{escape(words)}</text>'
