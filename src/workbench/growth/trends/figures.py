"""Figures of trends, each with the alt text that says what it shows and the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.growth.trends.change import RATES, Change
from workbench.growth.trends.flow import STATES
from workbench.growth.trends.indicators import ALL, Indicator, indicator
from workbench.growth.trends.policy import FEWEST_STUDENTS, PolicyEffect
from workbench.growth.trends.series import indicator_series
from workbench.markup import in_words
from workbench.style import Drawn, figure, legend_below

if TYPE_CHECKING:
    import pandas as pd

BLUE, RED, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
MOST_IN_TITLE = 24  # characters that fit above a panel 2.4 inches wide
_STATE_LOOKS = (
    ("#0072B2", ""), ("#56B4E9", ""), ("#E69F00", "//"), ("#f2f2f2", ".."), ("#cccccc", "xx"), ("#bbbbbb", ""),
    ("#CC79A7", "\\\\"), ("#D55E00", "||"),
)  # fmt: skip


def overview(table: pd.DataFrame) -> Drawn:
    """Every indicator by year, for everybody."""
    names = list(dict.fromkeys(table.indicator))
    rows = -(-len(names) // 2)
    fig, axes = figure(9, 2.1 * rows + 0.3, rows=rows, columns=2)
    for axis, name in zip(axes.ravel(), names, strict=False):
        one, part = indicator(name), indicator_series(table, name)
        _dots(axis, part, _factor(one))
        axis.set_title(f"{one.words.capitalize()} ({_unit(one)})", fontsize=10)
        _whole_years(axis, part.school_year)
    for axis in axes.ravel()[len(names) :]:
        axis.remove()
    fig.set_layout_engine("constrained", h_pad=0.08, w_pad=0.1)
    shown = table[(table.school_id == ALL) & (table.grade == ALL) & (table.group_kind == ALL)]
    ends = "; ".join(_told(indicator_series(table, name), indicator(name)) for name in names)
    return Drawn(
        fig, f"One panel an indicator, by year with 95 % intervals. First and last year: {ends}.", _readable(shown)
    )


def by_group(table: pd.DataFrame, name: str, kind: str) -> Drawn:
    """One indicator by year in each group of a kind, beside everybody."""
    one, everybody = indicator(name), indicator_series(table, name)
    rows = table[(table.indicator == name) & (table.school_id == ALL) & (table.group_kind == kind)]
    rows = rows[rows.n >= FEWEST_STUDENTS]
    groups = list(dict.fromkeys(rows.group))
    columns = min(4, len(groups))
    deep = -(-len(groups) // columns)
    fig, axes = figure(2.4 * columns + 0.6, 2.3 * deep + 0.3, rows=deep, columns=columns)
    panels = np.atleast_1d(axes).ravel()
    for axis, group in zip(panels, groups, strict=False):
        part = rows[rows.group == group]
        axis.plot(everybody.school_year, _factor(one) * everybody.value, color=GREY, linestyle="--", label="everybody")
        _dots(axis, part, _factor(one), "the group, with 95 % interval")
        title = f"{in_words(kind)}: {in_words(group)}" if group in ("yes", "no") else in_words(group)
        axis.set_title(fill(title, MOST_IN_TITLE), fontsize=10)
        axis.sharey(panels[0])
        _whole_years(axis, everybody.school_year, most=3)
    for axis in panels[len(groups) :]:
        axis.remove()
    panels[0].set_ylabel(_unit(one))
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
    last = rows[rows.school_year == rows.school_year.max()]
    ends = "; ".join(f"{in_words(r.group)} {_value(r.value, one)}" for r in last.itertuples())
    return Drawn(
        fig,
        f"{one.words} by {in_words(kind)} and year, with 95 % intervals. In the last year: {ends}.",
        _readable(rows),
    )


def by_school(table: pd.DataFrame, name: str, names: Mapping[str, str] | None = None) -> Drawn:
    """One indicator in each school, last year beside the first, in order of the last year's value.

    `names` maps identifiers of schools to what they are called.
    """
    one = indicator(name)
    rows = table[(table.indicator == name) & (table.school_id != ALL) & (table.grade == ALL)]
    rows = rows[(rows.group_kind == ALL) & (rows.n >= FEWEST_STUDENTS)]
    first, last = rows.school_year.min(), rows.school_year.max()
    now = rows[rows.school_year == last].sort_values("value", ignore_index=True)
    then = rows[rows.school_year == first].set_index("school_id").value.reindex(now.school_id)
    fig, axis = figure(7.5, 0.26 * len(now) + 1.4)
    k = _factor(one)
    axis.plot(k * then, now.index, "D", color=RED, markerfacecolor="white", markersize=8, label=str(first))
    axis.errorbar(k * now.value, now.index, xerr=k * np.array([now.value - now.low, now.high - now.value]), fmt="o",
                  color=BLUE, capsize=3, markersize=5, label=f"{last}, with 95 % interval")  # fmt: skip
    overall = indicator_series(table, name).value.iloc[-1]
    axis.axvline(k * overall, color=GREY, linestyle="--", label=f"everybody, {last}")
    axis.set(
        yticks=now.index,
        yticklabels=[(names or {}).get(school, school) for school in now.school_id],
        ylim=(-0.7, len(now) - 0.3),
        xlabel=f"{one.words.capitalize()} ({_unit(one)})",
    )
    legend_below(fig, axis)
    apart = int(((now.low > overall) | (now.high < overall)).sum())
    alt = (
        f"Dots of {one.words} in {len(now)} schools in {last}, with 95 % intervals, from "
        f"{_value(now.value.min(), one)} to {_value(now.value.max(), one)}; "
        f"{apart} of the intervals leave out the value of everybody."
    )
    return Drawn(fig, alt, _readable(rows[rows.school_year.isin([first, last])]))


def flow(table: pd.DataFrame) -> Drawn:
    """Where a cohort stands at the end of each year after entry."""
    wide = table.pivot(index="year", columns="state", values="share")
    fig, axis = figure(9, 4.2)
    base = np.zeros(len(wide))
    for state, (colour, hatch) in zip(STATES, _STATE_LOOKS, strict=True):
        share = 100 * wide[state].to_numpy()
        if share.any():
            axis.bar(wide.index, share, bottom=base, color=colour, hatch=hatch, edgecolor="white", label=state)
        base = base + share
    axis.set(xticks=wide.index, xlabel="End of year in high school", ylabel="Share of the cohort (%)", ylim=(0, 100))
    handles, labels = axis.get_legend_handles_labels()
    axis.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1, 1))
    axis.grid(axis="x", visible=False)
    last = table[(table.year == table.year.max()) & (table.n > 0)]
    ends = "; ".join(f"{row.state} {100 * row.share:.0f} %" for row in last.itertuples())
    alt = f"Stacked bars of the cohort of {table.cohort.iloc[0]} by year in high school. After year {last.year.max()}: "
    return Drawn(fig, f"{alt}{ends}.", _readable(table))


def parts(change: Change, one: Indicator) -> Drawn:
    """The parts of a change, with intervals; they add up to the last bar."""
    rows, k = change.parts, _factor(one)
    names = [{RATES: RATES, ALL: "change in all"}.get(part, f"who they are: {in_words(part)}") for part in rows.part]
    fig, axis = figure(8, 0.5 * len(rows) + 1.2)
    limits = k * np.array([rows.effect - rows.low, rows.high - rows.effect])
    colours = [GREY if part == ALL else RED if part == RATES else BLUE for part in rows.part]
    axis.barh(names[::-1], k * rows.effect[::-1], color=colours[::-1], alpha=0.75)
    axis.errorbar(k * rows.effect[::-1], names[::-1], xerr=limits[:, ::-1], fmt="none", ecolor="black", capsize=4)
    axis.axvline(0, color="black", linewidth=1)
    unit = "percentage points" if one.unit == "share" else one.unit
    axis.set(xlabel=f"Part of the change from {change.years[0]} to {change.years[1]} ({unit})")
    said = "; ".join(f"{n} {k * e:+.2f}" for n, e in zip(names, rows.effect, strict=True))
    return Drawn(
        fig, f"Bars of the parts of the change in {one.words}, in {unit}, with 95 % intervals: {said}.", _readable(rows)
    )


def ahead(past: pd.DataFrame, forecasts: dict[str, pd.DataFrame], words: str, factor: float = 1.0) -> Drawn:
    """A series and what may come next, by each method."""
    fig, axis = figure(8, 4)
    if "low" in past:
        _dots(axis, past, factor, label="observed, with 95 % interval")
    else:
        axis.plot(past.school_year, factor * past.value, "o-", color=BLUE, label="observed")
    looks = ((RED, "--", "s", -0.08), (GREEN, ":", "^", 0.08))
    for (method, said), (colour, line, marker, off) in zip(forecasts.items(), looks, strict=False):
        middle, limits = factor * said.value, factor * np.array([said.value - said.low, said.high - said.value])
        axis.errorbar(said.school_year + off, middle, yerr=limits, fmt=marker, linestyle=line, color=colour,
                      capsize=4, label=f"forecast: {method}, 95 %")  # fmt: skip
    axis.set(ylabel=words, xlabel="School year (spring)")
    _whole_years(axis, [*past.school_year, *next(iter(forecasts.values())).school_year])
    if past.value.max() * factor >= 1000:
        axis.yaxis.set_major_formatter("{x:,.0f}")
    legend_below(fig, axis)
    numbers = {name: factor * said[["value", "low", "high"]].iloc[-1] for name, said in forecasts.items()}
    digits = 0 if numbers and min(v.value for v in numbers.values()) >= 1000 else 1
    ends = "; ".join(
        f"by {name}, {v.value:,.{digits}f} ({v.low:,.{digits}f} to {v.high:,.{digits}f})" for name, v in numbers.items()
    )
    last = next(iter(forecasts.values())).school_year.iloc[-1]
    return Drawn(
        fig, f"{words} by year, and forecasts that widen with time. For {last}: {ends}.", _readable(_stacked(forecasts))
    )


def policy(effect: PolicyEffect, one: Indicator) -> Drawn:
    """The series before and after a date, and the main estimate as if the date had been another."""
    k = _factor(one)
    fig, (left, right) = figure(10, 4.6, columns=2)
    years = effect.series.school_year
    for name, (colour, look) in zip(effect.series.columns[1:], ((BLUE, "o-"), (RED, "s--")), strict=False):
        left.plot(years, k * effect.series[name], look, color=colour, label=name)
    left.axvline(effect.first_year - 0.5, color="black", linestyle=":", label="the date")
    left.set(ylabel=f"{one.words.capitalize()} ({_unit(one)}), mean of schools", xlabel="School year (spring)")
    _whole_years(left, years)
    rows = effect.placebos
    for placebo, colour, marker in ((True, GREY, "D"), (False, BLUE, "o")):
        part = rows[rows.placebo == placebo]
        limits = k * np.array([part.estimate - part.low, part.high - part.estimate])
        right.errorbar(part.first_year, k * part.estimate, yerr=limits, fmt=marker, color=colour, capsize=4,
                       label="another date" if placebo else "the date")  # fmt: skip
    right.axhline(0, color="black", linewidth=1)
    _whole_years(right, rows.first_year)
    unit = "percentage points" if one.unit == "share" else one.unit
    right.set(
        xlabel="First school year under the policy, as supposed",
        ylabel=f"{effect.main.estimand.iloc[0].capitalize()} ({unit})",
    )
    for axis in (left, right):  # below the axes, where a legend covers no data
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3, fontsize=9)
    alt = f"Left: series before and after {effect.first_year}. Right: the estimate for that and other dates. "
    return Drawn(fig, alt + effect.said(one.unit), _readable(effect.series))


def _dots(axis: Any, part: pd.DataFrame, factor: float, label: str | None = None) -> None:
    limits = factor * np.array([part.value - part.low, part.high - part.value]).clip(0)
    axis.errorbar(part.school_year, factor * part.value, yerr=limits, fmt="o-", color=BLUE, capsize=3, markersize=4,
                  label=label)  # fmt: skip


def _whole_years(axis: Any, years: Any, most: int = 6) -> None:
    every = sorted(set(years))
    axis.set_xticks(every, [str(year) if len(every) <= most else f"’{year % 100:02d}" for year in every])


def _stacked(forecasts: dict[str, pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([said.assign(method=method) for method, said in forecasts.items()], ignore_index=True)


def _readable(table: pd.DataFrame) -> pd.DataFrame:
    """The numbers behind a figure, each indicator by its words."""
    if "indicator" in table:
        table = table.assign(indicator=[indicator(name).words for name in table.indicator])
    return table.reset_index(drop=True)


def _factor(one: Indicator) -> float:
    return 100.0 if one.unit == "share" else 1.0


def _unit(one: Indicator) -> str:
    return "%" if one.unit == "share" else one.unit


def _value(value: float, one: Indicator) -> str:
    return f"{_factor(one) * value:.1f} {_unit(one)}"


def _told(part: pd.DataFrame, one: Indicator) -> str:
    return f"{one.words} {_value(part.value.iloc[0], one)} and {_value(part.value.iloc[-1], one)}"
