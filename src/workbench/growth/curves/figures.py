"""Figures of growth curves, each with its alt text and the numbers behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.growth.curves.models import Comparison
from workbench.growth.curves.rows import CurveData
from workbench.style import Drawn, figure

if TYPE_CHECKING:
    import pandas as pd

    from workbench.hlm.result import MixedModel

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 1)), (0, (7, 2)))
_FILLS = ("#0072B2", "#56B4E9", "#E69F00", "#bbbbbb")
_HATCHES = ("", "//", "..", "xx")


def spaghetti(curve: CurveData, seed: int, students: int = 60) -> Drawn:
    """Scores of some students drawn at random, without names, and the mean of all at each grade."""
    times = curve.rows.groupby("student").size()
    some = np.random.default_rng(seed).permutation(times.index[times >= 3].to_numpy())[:students]
    fig, axes = figure(8, 4.8)
    for _, rows in curve.rows[curve.rows.student.isin(some)].groupby("student"):
        axes.plot(rows.grade, rows.score, color="#7a8794", linewidth=0.8, alpha=0.7)
    table = curve.rows.groupby("grade").score.agg(["size", "mean", "std"]).reset_index()
    table.columns = ["grade", "n", "mean", "sd"]
    axes.plot(table.grade, table["mean"], "o-", color=_COLOURS[0], linewidth=2.4, label="mean of all students")
    axes.plot([], [], color="#7a8794", label=f"{len(some)} students, drawn at random")
    _grades(axes, table.grade, f"{curve.scale_name} (scale score, points)")
    axes.legend(loc="lower right")
    first, last = table.iloc[0], table.iloc[-1]
    alt = (
        f"Thin lines of {len(some)} students' scores by grade around the bold mean, which rises from "
        f"{first['mean']:.0f} in grade {first.grade:.0f} to {last['mean']:.0f} in grade {last.grade:.0f}."
    )
    return Drawn(fig, alt, table)


def shapes(curve: CurveData, comparison: Comparison) -> Drawn:
    """What each shape of the mean curve misses: observed mean less predicted, by grade."""
    import pandas as pd

    fig, axes = figure(8, 4.2)
    parts = []
    for k, (name, model) in enumerate((n, m) for n, m in comparison.models.items() if n != "unconditional"):
        missed = (curve.rows.score - model.predict(random=False)).groupby(curve.rows.grade).mean()
        axes.plot(missed.index, missed, color=_COLOURS[k], marker=_MARKS[k], linestyle=_LINES[k], label=name)
        parts.append(pd.DataFrame({"model": name, "grade": missed.index, "observed_less_predicted": missed.to_numpy()}))
    axes.axhline(0, color="#333333", linewidth=1)
    _grades(axes, curve.rows.grade, "Observed − predicted mean (points)")
    axes.legend()
    table = pd.concat(parts, ignore_index=True)
    worst = table.groupby("model").observed_less_predicted.apply(lambda x: x.abs().max())
    told = "; ".join(f"{name} {value:.1f}" for name, value in worst.items())
    return Drawn(fig, f"Lines of what each mean curve misses by grade. Largest miss in points: {told}.", table)


def trajectories(curve: CurveData, table: pd.DataFrame, group: str) -> Drawn:
    """Predicted mean curves of groups with 95 % bands, of a table as `curves.trajectories` makes it; dots are means."""
    fig, axes = figure(8.5, 5)
    seen = table.dropna(subset=["predicted"])
    for k, (name, rows) in enumerate(seen.groupby("group", sort=False, observed=True)):
        style: dict[str, Any] = {"color": _COLOURS[k % 7]}
        axes.fill_between(rows.grade, rows.conf_low, rows.conf_high, alpha=0.2, linewidth=0, **style)
        axes.plot(rows.grade, rows.predicted, linestyle=_LINES[k % 7], label=str(name).replace("_", " "), **style)
        axes.plot(rows.grade, rows.observed, _MARKS[k % 7], markersize=5, markerfacecolor="none", **style)
    _grades(axes, seen.grade, f"{curve.scale_name} (points)")
    axes.legend(title=group.replace("_", " ").capitalize(), loc="lower right")
    middle = seen[seen.grade == curve.centre]
    told = "; ".join(f"{n} {p:.0f}" for n, p in zip(middle.group, middle.predicted, strict=True))
    return Drawn(
        fig, f"Mean growth curves by {group.replace('_', ' ')}. Predicted in grade {curve.centre}: {told}.", table
    )


def caterpillar(table: pd.DataFrame) -> Drawn:
    """Schools sorted by what they add a year, with 95 % intervals; the line is the mean curve."""
    fig, axes = figure(8, 0.24 * len(table) + 1.6)
    for k, level in enumerate(dict.fromkeys(table.level)):
        at = np.flatnonzero(table.level == level)
        mine = table.iloc[at]
        axes.errorbar(
            mine.difference, at, xerr=1.96 * mine.std_error, fmt=_MARKS[k], color=_COLOURS[k], capsize=3, label=level
        )
    axes.axvline(0, color="#333333", linewidth=1)
    axes.set(xlabel="Growth a year, school less mean curve (points)", ylim=(-0.7, len(table) - 0.3))
    axes.set_yticks(range(len(table)), table.name)
    axes.grid(axis="y", visible=False)
    axes.legend(title="School level", loc="lower right")
    apart = int((table.difference.abs() > 1.96 * table.std_error).sum())
    alt = (
        f"Sorted dots of {len(table)} schools with intervals, {apart} of which leave out 0, the mean curve; "
        f"the lowest is {table.difference.iloc[0]:+.2f}, the highest {table.difference.iloc[-1]:+.2f} points a year."
    )
    return Drawn(fig, alt, table)


def variance_bars(table: pd.DataFrame) -> Drawn:
    """Two stacked bars: shares of the variance of scores, and of growth."""
    fig, axes = figure(9, 3.6, columns=2)
    for axis, (of, rows) in zip(axes, table.groupby("of", sort=False), strict=True):
        start = 0.0
        for k, (part, share) in enumerate(zip(rows.part, 100 * rows.share, strict=True)):
            style: dict[str, Any] = {"color": _FILLS[k], "hatch": _HATCHES[k], "edgecolor": "white", "height": 0.5}
            axis.barh(0, share, left=start, label=f"{part} ({share:.0f} %)", **style)
            start += share
        axis.set(title=f"Variance of {of}", xlabel="Share (%)", xlim=(0, 100), yticks=[], ylim=(-0.4, 0.4))
        axis.legend(loc="upper left", bbox_to_anchor=(0, -0.3), fontsize=9)
        axis.grid(axis="y", visible=False)
    told = "; ".join(f"{of}, {p}: {100 * s:.0f} %" for of, p, s in zip(table.of, table.part, table.share, strict=True))
    return Drawn(fig, f"Two bars of shares of variance. {told}.", table)


def residuals(curve: CurveData, model: MixedModel, seed: int, points: int = 3000) -> Drawn:
    """Standardised residuals by grade (5, 50 and 95 % points), and against normal quantiles."""
    from scipy import stats

    rest = (curve.rows.score - model.predict()) * np.sqrt(curve.rows.precision / model.sigma2)
    table = rest.groupby(curve.rows.grade).describe(percentiles=[0.05, 0.5, 0.95])[["mean", "std", "5%", "50%", "95%"]]
    table = table.reset_index()
    fig, axes = figure(10, 4, columns=2)
    middle = table["50%"]
    axes[0].errorbar(table.grade, middle, [middle - table["5%"], table["95%"] - middle], fmt="o", capsize=4)
    axes[0].axhline(0, color="#333333", linewidth=1)
    _grades(axes[0], table.grade, "Standardised residual: median, 5 to 95 %")
    some = np.sort(np.random.default_rng(seed).choice(rest, min(points, len(rest)), replace=False))
    quantile = stats.norm.ppf((np.arange(len(some)) + 0.5) / len(some))
    axes[1].plot(quantile, some / rest.std(), ".", markersize=3)
    axes[1].plot([-3.5, 3.5], [-3.5, 3.5], color="#333333", linewidth=1)
    axes[1].set(xlabel="Normal quantile", ylabel="Quantile of the residuals")
    alt = (
        f"Left: medians and ranges of residuals by grade; means within {table['mean'].abs().max():.2f} SD of zero. "
        f"Right: quantiles of residuals against normal ones; excess kurtosis is {stats.kurtosis(rest):.2f}."
    )
    return Drawn(fig, alt, table)


def attrition(table: pd.DataFrame) -> Drawn:
    """Shares that missed the test or left, by group, with 95 % intervals; groups of fewer than 10 left out."""
    rows = table[table.n >= 10].reset_index(drop=True)
    fig, axes = figure(9, 0.3 * len(rows) + 1.6, columns=2)
    titles = {"missed": "On the roll, not tested (%)", "left": "No longer on the roll (%)"}
    for axis, (status, title) in zip(axes, titles.items(), strict=True):
        value = rows[status]
        limits = 100 * np.array([value - rows[f"{status}_low"], rows[f"{status}_high"] - value])
        axis.errorbar(100 * value, rows.index, xerr=limits, fmt="o", capsize=3)
        axis.set(title=title, xlim=(0, None), yticks=rows.index, ylim=(len(rows) - 0.5, -0.5))
        axis.set_yticklabels([])
    names = [f"{k}: {g}" if g in ("yes", "no") else g for k, g in zip(rows.group_kind, rows.group, strict=True)]
    axes[0].set_yticklabels([name.replace("_", " ") for name in names])
    first = rows.iloc[0]
    alt = (
        f"Two panels of shares a year after a score, by group, with 95 % intervals. Of all students "
        f"{100 * first.missed:.1f} % were not tested and {100 * first.left:.1f} % had left."
    )
    return Drawn(fig, alt, table)


def missing_views(table: pd.DataFrame, years: int) -> Drawn:
    """Mean growth under four views of those without a score at the end."""
    fig, axes = figure(8, 0.9 * len(table) + 1.8)
    for place in range(len(table)):
        row = table.iloc[place, 1:].astype(float)
        axes.plot([row.worst, row.best], [place, place], color="#bbbbbb", linewidth=7, solid_capstyle="butt")
        for k, view in enumerate(("complete_cases", "at_random")):
            error = [[row[view] - row[f"{view}_low"]], [row[f"{view}_high"] - row[view]]]
            axes.errorbar(row[view], place + 0.18 * (k - 1), xerr=error, fmt=_MARKS[k], color=_COLOURS[k])
        axes.plot(row.slower, place + 0.18, _MARKS[2], color=_COLOURS[2])
    names = ("complete cases", "missing at random", "the missing grew 1 SD a year less")
    for k, name in enumerate(names):
        axes.plot([], [], _MARKS[k], color=_COLOURS[k], label=name)
    axes.plot([], [], color="#bbbbbb", linewidth=7, label="bounds: 5 % to 95 % of growth seen")
    axes.set_yticks(range(len(table)), table.group)
    axes.set(xlabel=f"Mean growth over {years} years (points)", ylim=(len(table) - 0.5, -0.5))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=2, fontsize=9)
    first = table.iloc[0]
    alt = (
        f"Mean growth over {years} years. All students: {first.complete_cases:.1f} points from complete cases, "
        f"{first.at_random:.1f} under missing at random, bounds {first.worst:.1f} to {first.best:.1f}."
    )
    return Drawn(fig, alt, table)


def _grades(axes: Any, grades: Any, label: str) -> None:
    low, high = int(min(grades)), int(max(grades))
    axes.set(xlabel="Grade (K: kindergarten)", ylabel=label)
    axes.set_xticks(range(low, high + 1), ["K" if g == 0 else str(g) for g in range(low, high + 1)])


__all__ = [
    "attrition", "caterpillar", "missing_views", "residuals", "shapes", "spaghetti", "trajectories",
    "variance_bars",
]  # fmt: skip
