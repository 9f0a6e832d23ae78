"""How figures look: one style, safe for colour-blind readers, set when the first figure is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

STYLE: dict[str, Any] = {
    "axes.prop_cycle": "cycler('color', ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#56B4E9', '#E69F00', '#000000'])",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "grid.color": "#e3e6ea",
    "figure.figsize": (8, 4.5),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "legend.frameon": False,
    "svg.hashsalt": "workbench",
    "text.parse_math": False,  # a group called "$10k-$20k" is an amount of money
}
"""Matplotlib settings of every figure; the colours are Okabe & Ito (2008), safe for colour-blind readers."""


class Drawn(NamedTuple):
    """A figure, its alt text, and the numbers behind it."""

    figure: Figure
    alt: str
    table: pd.DataFrame


def figure(width: float = 8, height: float = 4.5, rows: int = 1, columns: int = 1) -> tuple[Figure, Any]:
    """Return a new matplotlib figure and its axes in the workbench's style; sizes are in inches."""
    from matplotlib import pyplot

    use_style()
    return pyplot.subplots(rows, columns, figsize=(width, height))


def legend_below(fig: Figure, axes: Any, most: int = 3) -> None:
    """Put the legend of `axes` under the figure, at most so many entries in a row, where it covers no data."""
    handles, labels = axes.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=min(most, len(labels)), fontsize=9.5)


def use_style() -> None:
    """Set the workbench's matplotlib style for this session."""
    from matplotlib import style

    style.use(STYLE)
