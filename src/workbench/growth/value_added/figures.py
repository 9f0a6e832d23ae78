"""Figures of value added, each with the alt text that says what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.growth.value_added.drift import Drift
from workbench.growth.value_added.effects import ABOVE, AVERAGE, BELOW
from workbench.growth.value_added.models import ValueAdded
from workbench.growth.value_added.stability import MAIN, Stability
from workbench.style import Drawn, figure, legend_below
from workbench.tables import LEVELS

if TYPE_CHECKING:
    import pandas as pd

MARKS = {AVERAGE: ("o", "#777777"), ABOVE: ("^", "#0072B2"), BELOW: ("v", "#D55E00")}
MOST_NAMED = 30


def caterpillar(found: ValueAdded, names: pd.DataFrame, year: int) -> Drawn:
    """Schools of one year in order, with intervals, and the zone of those that cannot be told apart from average."""
    table = _of_year(found, names, year).sort_values("estimate", ignore_index=True)
    fig, axes = figure(8, max(3.4, min(0.32 * len(table), 10) + 1.2))
    axes.axvline(0, color="#333333", linewidth=1)
    for kind, (mark, colour) in MARKS.items():
        part = table[table.category == kind]
        reach = np.array([part.estimate - part.conf_low, part.conf_high - part.estimate])
        label = f"{kind} ({len(part)})"
        axes.errorbar(part.estimate, part.index, xerr=reach, fmt=mark, color=colour, capsize=2, label=label)
    _named(axes, table)
    axes.set(xlabel="Value added in the year, against schools of the same level (points)")
    legend_below(fig, axes)
    counts = table.category.value_counts()
    alt = (
        f"Schools in order of their value added in {found.subject} in {year}, with 95 % intervals. "
        f"{counts.get(AVERAGE, 0)} of {len(table)} cannot be told apart from average; {counts.get(ABOVE, 0)} are above "
        f"and {counts.get(BELOW, 0)} below."
    )
    return Drawn(
        fig, alt, table[["name", "peers", "n", "estimate", "conf_low", "conf_high", "reliability", "category"]]
    )


def ranks(found: ValueAdded, names: pd.DataFrame, year: int) -> Drawn:
    """Which ranks each school may hold among its peers: all intervals hold at once."""
    table = _of_year(found, names, year)
    table = table.assign(place=-table.peers.map(LEVELS.index)).sort_values(["place", "unshrunken"], ignore_index=True)
    fig, axes = figure(8, max(3.4, min(0.32 * len(table), 10) + 1))
    for k, (level, part) in enumerate(table[::-1].groupby("peers", sort=False)):
        colour, mark = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")[k % 4], "os^D"[k % 4]
        axes.hlines(part.index, part.rank_best, part.rank_worst, color=colour, linewidth=3)
        rank = part.unshrunken.rank(ascending=False)
        axes.plot(rank, part.index, mark, color=colour, markeredgecolor="white", markersize=9, label=f"{level} schools")
    _named(axes, table)
    axes.set(xlabel="Rank among the schools of the same level (1 is the largest value added)")
    legend_below(fig, axes)
    width = (table.rank_worst - table.rank_best + 1).mean()
    alt = f"Intervals of ranks by level, {year}. On average {width:.1f} ranks are possible for a school."
    return Drawn(fig, alt, table[["name", "peers", "rank_best", "rank_worst"]])


def specifications(found: Stability) -> Drawn:
    """Estimates of the other specifications against the main one."""
    others = [name for name in found.summary.specification if name != MAIN]
    fig, axes = figure(10, 3.2, columns=len(others))
    values = found.estimates[[MAIN, *others]].to_numpy()
    low, high = 1.05 * np.nanmin(values), 1.05 * np.nanmax(values)
    summary = found.summary.set_index("specification")
    for axis, name in zip(axes, others, strict=True):
        axis.plot([low, high], [low, high], color="#999999", linestyle="--")
        axis.plot(found.estimates[MAIN], found.estimates[name], "o", markersize=4, alpha=0.7)
        axis.set(xlim=(low, high), ylim=(low, high), xlabel="main model (points)")
        axis.set_title(name.replace(" measurement", "\nmeasurement").replace(" school's", "\nschool's"), fontsize=10)
        axis.text(0.05, 0.9, f"rank corr. {summary.rank_correlation[name]:.2f}", transform=axis.transAxes, fontsize=9)
    axes[0].set(ylabel="other model (points)")
    worst = summary.drop(index=MAIN).rank_correlation
    farthest = f"{worst.idxmin()}, rank correlation {worst.min():.2f}"
    alt = f"Four scatter plots against the main specification. Farthest from it: {farthest}."
    return Drawn(fig, alt, found.summary)


def autocovariances(found: Drift) -> Drawn:
    """What teachers' means have in common with those of later years."""
    table = found.autocovariances
    fig, axes = figure(7, 4)
    axes.errorbar(
        table.lag, table.covariance, yerr=1.96 * table.std_error, fmt="o", capsize=4, label="estimate, 95 % interval"
    )
    lag = np.linspace(0, table.lag.max(), 50)
    keeps = f"a curve that keeps {found.drift:.2f} of itself from year to year"
    if found.variance > 0:
        axes.plot(lag, found.variance * found.drift**lag, linestyle="--", color="#D55E00", label=keeps)
    axes.set(
        xlabel="Years apart", ylabel="Covariance of a teacher's classes (points²)", ylim=(0, None), xticks=table.lag
    )
    axes.legend(loc="lower left")
    fall = f"falling by the factor {found.drift:.2f} a year" if found.variance > 0 else "around nothing"
    alt = f"Covariances of a teacher's mean gains by years apart, {fall}."
    return Drawn(fig, alt, table)


def recovery(table: pd.DataFrame, what: str) -> Drawn:
    """Estimates with intervals against true values; columns true, estimate, conf_low, conf_high."""
    fig, axes = figure(6, 5)
    reach = np.array([table.estimate - table.conf_low, table.conf_high - table.estimate])
    axes.errorbar(table.true, table.estimate, yerr=reach, fmt="o", markersize=4, alpha=0.6, linewidth=0.8)
    ends = [table.true.min(), table.true.max()]
    axes.plot(ends, ends, linestyle="--", color="#333333", label="estimate equals truth")
    axes.set(xlabel=f"True value added of {what} (points)", ylabel="Estimate, with 95 % interval (points)")
    axes.legend(loc="upper left")
    r = float(np.corrcoef(table.true, table.estimate)[0, 1])
    inside = ((table.conf_low <= table.true) & (table.true <= table.conf_high)).mean()
    alt = (
        f"Estimates against true values of {len(table):,} {what}; correlation {r:.2f}, "
        f"{100 * inside:.0f} % of intervals hold the truth."
    )
    return Drawn(fig, alt, table[["true", "estimate", "conf_low", "conf_high"]])


def _of_year(found: ValueAdded, names: pd.DataFrame, year: int) -> pd.DataFrame:
    return found.table[found.table.school_year == year].merge(names[["school_id", "name"]], on="school_id")


def _named(axes: object, table: pd.DataFrame) -> None:
    """School names where there is room for them."""
    axes.set(yticks=table.index if len(table) <= MOST_NAMED else [])  # type: ignore[attr-defined]
    if len(table) <= MOST_NAMED:
        axes.set_yticklabels(table["name"])  # type: ignore[attr-defined]
    else:
        axes.set(ylabel=f"{len(table)} schools")  # type: ignore[attr-defined]
