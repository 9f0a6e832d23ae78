"""Figures of growth percentiles, each with its alt text and the numbers behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.markup import in_words
from workbench.style import Drawn, figure

if TYPE_CHECKING:
    import pandas as pd

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
_MARKS = ("o", "s", "^", "D")
LEAST_LABELLED = 5  # percent: a narrower bar has no room for its number, which stands in the table
_PLATE = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
_MEAN = "Mean growth percentile"


def intervals(table: pd.DataFrame, label: str, most: int = 40) -> Drawn:
    """Mean growth percentiles with 95 % intervals, sorted, a mark a subject; `label` names the column of groups."""
    order = table.groupby(label).mean_percentile.mean().sort_values().index
    if len(order) > most:  # the ends and the middle tell the story; the table has them all
        order = order[np.linspace(0, len(order) - 1, most).round().astype(int)]
    seen = table[table[label].isin(order)]
    fig, axes = figure(8.5, 0.32 * len(order) + 1.6)
    places = {name: place for place, name in enumerate(order)}
    subjects = sorted(seen.subject.unique())
    for k, subject in enumerate(subjects):
        part = seen[(seen.subject == subject) & seen.mean_low.notna()]
        at = part[label].map(places) + 0.2 * (k - (len(subjects) - 1) / 2)
        reach = [part.mean_percentile - part.mean_low, part.mean_high - part.mean_percentile]
        axes.errorbar(part.mean_percentile, at, xerr=reach, fmt=_MARKS[k], color=_COLOURS[k], capsize=3, label=subject)
    axes.axvline(50, color="#333333", linewidth=1, linestyle="--")
    axes.set(xlabel=f"{_MEAN} (95 % interval); the dashed line is usual growth", yticks=range(len(order)))
    axes.set_yticklabels([in_words(str(name)) for name in order])
    fig.legend(loc="outside lower center", ncols=len(subjects))
    clear = int(((table.mean_low > 50) | (table.mean_high < 50)).sum())
    alt = (
        f"Dots with 95 % intervals, mean growth percentile from {table.mean_percentile.min():.0f} to "
        f"{table.mean_percentile.max():.0f}. {clear} of {len(table)} intervals leave out 50, usual growth."
    )
    return Drawn(fig, alt, table)


def goodness_of_fit(table: pd.DataFrame) -> Drawn:
    """Percent of students in each tenth of percentiles, by tenth of prior score, over all grades; 10 is perfect."""
    columns = [name for name in table if str(name).startswith("percentile_")]
    weighted = table[columns].mul(table.n, axis=0).groupby(table.prior_decile).sum()
    shares = weighted.div(table.groupby("prior_decile").n.sum(), axis=0)
    fig, axes = figure(8, 4.6)
    image = axes.imshow(shares.to_numpy().T, origin="lower", cmap="PuOr", vmin=5, vmax=15, aspect="auto")
    for i, row in enumerate(shares.to_numpy()):
        for j, share in enumerate(row):
            ink = "white" if abs(share - 10) > 2.6 else "black"  # a darker field wants lighter ink
            axes.text(i, j, f"{share:.0f}", ha="center", va="center", fontsize=9, color=ink)
    axes.set(xlabel="Where students started: tenth of earlier scores (1 is the lowest)", ylabel="Growth percentile")
    axes.set(xticks=range(10), yticks=range(10))
    axes.set_xticklabels(range(1, 11))
    axes.set_yticklabels([f"{max(low, 1)}–{low + 9}" for low in range(0, 100, 10)])
    axes.grid(visible=False)
    fig.colorbar(image, label="Students of the column (%); 10 is right")
    apart = np.abs(shares.to_numpy() - 10).max()
    alt = f"Grid of shares by tenth of prior score and of growth percentile; all lie within {apart:.1f} points of 10 %."
    return Drawn(fig, alt, shares.reset_index())


def targets(table: pd.DataFrame) -> Drawn:
    """Share of students by the growth they need every year, for one, two and three years ahead."""
    bands = {"1–34": (1, 34), "35–65": (35, 65), "66–99": (66, 99), "out of reach": (100, 100)}
    share = {
        name: 100 * table.target.between(low, high).groupby(table.years_ahead).mean()
        for name, (low, high) in bands.items()
    }
    fig, axes = figure(8, 3.6)
    start = np.zeros(len(share["1–34"]))
    places = np.arange(len(start))
    for k, (name, values) in enumerate(share.items()):
        colour = ("#56B4E9", "#E9E2B5", "#E69F00", "#8A8A8A")[k]
        bars = axes.barh(places, values, left=start, color=colour, edgecolor="white", hatch=("", "", "//", "xx")[k])
        axes.bar_label(
            bars,
            [f"{v:.0f} %" if v >= LEAST_LABELLED else "" for v in values],
            label_type="center",
            fontsize=9,
            bbox=_PLATE,
        )
        bars.set_label(name)
        start = start + values.to_numpy()
    axes.set(xlabel="Students (%)", yticks=places, xlim=(0, 100))
    axes.set_yticklabels([f"in {k} year{'s' if k > 1 else ''}" for k in share["1–34"].index])
    axes.invert_yaxis()
    axes.legend(title="Growth percentile needed every year", loc="upper left", bbox_to_anchor=(0, -0.2), ncols=4)
    last = {name: values.iloc[-1] for name, values in share.items()}
    told = ", ".join(f"{name}: {value:.0f} %" for name, value in last.items())
    behind = share["1–34"].to_frame("1–34").assign(**share).reset_index()
    return Drawn(fig, f"Bars of the growth percentile needed to be at the cut score. Furthest ahead: {told}.", behind)


def against_truth(schools: pd.DataFrame) -> Drawn:
    """Mean growth percentile of schools, uncorrected and corrected, against what was truly added there."""
    fig, axes = figure(11, 4.8, columns=2)
    told = []
    for axis, (column, words) in zip(axes, (("percentile", "uncorrected"), ("corrected", "corrected")), strict=True):
        for k, (subject, part) in enumerate(schools.groupby("subject")):
            label = f"{subject}, r = {part[column].corr(part.added):.2f}"
            reach = 1.96 * part[f"{column}_se"]
            axis.errorbar(
                part.added, part[column], yerr=reach, fmt=_MARKS[k], color=_COLOURS[k], alpha=0.8, label=label
            )
            told.append(f"{words}, {label}")
        axis.axhline(50, color="#999999", linewidth=1)
        axis.axvline(0, color="#999999", linewidth=1)
        axis.set(title=words.capitalize(), xlabel="Truly added by school and teachers (scale points)", ylabel=_MEAN)
        axis.legend(loc="upper left")
    limits = np.array([axis.get_ylim() for axis in axes])
    for axis in axes:
        axis.set_ylim(limits.min(), limits.max() + 0.12 * np.ptp(limits))
    alt = (
        f"Two panels of {len(schools)} schools' mean growth percentiles with 95 % intervals, against what was "
        f"truly added: {'; '.join(told)}."
    )
    return Drawn(fig, alt, schools)
