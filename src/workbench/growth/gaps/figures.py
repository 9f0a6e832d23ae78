"""Figures of the gap report, each with its alt text and the numbers behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.growth.gaps.report import V_COUNTS, V_SCORES, D
from workbench.markup import grade_name
from workbench.style import Drawn, figure, legend_below

if TYPE_CHECKING:
    import pandas as pd

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
_MARKS = ("o", "s", "^", "D")
_SD = "Gap (standard deviations)"


def measures(table: pd.DataFrame) -> Drawn:
    """V from scores, V from counts and d in each grade, with the true gap where it is known."""
    fig, axes = figure(9, 4.6)
    shown = table[table.measure.isin([V_SCORES, V_COUNTS, D])]
    for k, (name, part) in enumerate(shown.groupby("measure", sort=False)):
        _dots(axes, part.grade_level + 0.18 * (k - 1), part, k, str(name))
    true = table[table.measure == V_SCORES]
    if "true_gap" in true and true.true_gap.notna().any():
        axes.plot(
            true.grade_level + 0.36,
            true.true_gap,
            "x",
            color="black",
            markersize=7,
            label="V of the true scores (answer key)",
        )
    axes.axhline(0, color="#333333", linewidth=1)
    axes.set(xlabel="Grade", ylabel=_SD)
    _grades(axes, sorted(shown.grade_level.unique()))
    legend_below(fig, axes, 2)
    low, high = true.gap.min(), true.gap.max()
    others = shown[shown.measure != V_SCORES].merge(true[["grade_level", "gap"]], on="grade_level", suffixes=("", "_v"))
    apart = (others.gap - others.gap_v).abs().max()
    alt = (
        f"Dots with 95 % intervals: the gap in each grade by three measures. V from scores lies between {low:.2f} and "
        f"{high:.2f} standard deviations; V from counts and d are at most {apart:.2f} from it."
    )
    return Drawn(fig, alt, shown)


def trends(table: pd.DataFrame, most: int = 3) -> Drawn:
    """The gap by school year, by grade, and along the cohorts followed longest; `table` as from `trend_table`."""
    fig, axes = figure(11, 4.2, columns=3)
    years, grades, cohorts = (table[table["by"] == view].sort_values("at") for view in ("year", "grade", "cohort"))
    seen = cohorts.cohort.value_counts()
    latest = sorted(seen.index[seen == seen.max()])[-2 * most + 1 :: 2]
    _line(axes[0], years["at"], years, 0)
    _line(axes[1], grades["at"], grades, 0)
    for k, cohort in enumerate(latest):
        part = cohorts[cohorts.cohort == cohort]
        _line(axes[2], part["at"] + 0.22 * (k - 1), part, k, f"in kindergarten in {cohort}")
    axes[0].set(title="By year, mean of grades", xlabel="School year (spring)", ylabel=_SD)
    axes[0].set_xticks(years["at"], [str(year) for year in years["at"]], rotation=45)
    axes[1].set(title="By grade, mean of years", xlabel="Grade")
    _grades(axes[1], grades["at"])
    axes[2].set(title="Some cohorts, as they grew", xlabel="Grade")
    _grades(axes[2], range(0, int(grades["at"].max()) + 1, 2))
    legend_below(fig, axes[2])
    limits = np.array([axis.get_ylim() for axis in axes])
    for axis in axes:
        axis.set_ylim(min(0, limits.min()), max(0, limits.max()))
        axis.axhline(0, color="#333333", linewidth=1)
    first, last = years.iloc[0], years.iloc[-1]
    alt = (
        f"Three panels of the gap (V) with 95 % intervals. By year it goes from {first.gap:.2f} in {first['at']} to "
        f"{last.gap:.2f} in {last['at']}; by grade it lies between {grades.gap.min():.2f} and {grades.gap.max():.2f}; "
        f"the third follows {len(latest)} cohorts."
    )
    return Drawn(fig, alt, table)


def parts(table: pd.DataFrame) -> Drawn:
    """Within, ambiguous and between parts of the gap at each level of school, with the total."""
    kinds = ("total", "within", "ambiguous", "between")
    levels = list(table.level.unique())
    fig, axes = figure(9, 0.9 * len(levels) + 1.9)
    for k, kind in enumerate(kinds):
        part = table[table.part == kind]
        place = np.array([levels.index(level) for level in part.level]) + 0.18 * (k - 1.5)
        reach = np.array([part.estimate - part.conf_low, part.conf_high - part.estimate])
        axes.errorbar(part.estimate, place, xerr=reach, fmt=_MARKS[k], color=_COLOURS[k], capsize=4, label=kind)
    axes.axvline(0, color="#333333", linewidth=1)
    axes.set(xlabel=_SD, yticks=range(len(levels)), ylim=(len(levels) - 0.5, -0.5))
    axes.set_yticklabels([f"{level} schools" for level in levels])
    legend_below(fig, axes, 4)
    told = "; ".join(
        f"{level}: {of['within']:.2f} within, {of['ambiguous']:.2f} ambiguous, {of['between']:.2f} between"
        for level in levels
        for of in [table[table.level == level].set_index("part").estimate]
    )
    return Drawn(fig, f"Dots with 95 % intervals of the parts of the gap, in standard deviations. {told}.", table)


def school_means(table: pd.DataFrame) -> Drawn:
    """School means from counts against those of scores, one dot a school and grade."""
    fig, axes = figure(6.5, 5.4)
    reach = np.array([table["mean"] - table.conf_low, table.conf_high - table["mean"]])
    axes.errorbar(
        table.score_mean, table["mean"], yerr=reach, fmt="o", color=_COLOURS[0], ecolor="#9ecae1", markersize=4,
        linewidth=1, label="school and grade, with 95 % interval",
    )  # fmt: skip
    ends = [table[["score_mean", "conf_low"]].min().min(), table[["score_mean", "conf_high"]].max().max()]
    axes.plot(ends, ends, color="#555555", linestyle="--", label="perfect agreement")
    axes.set(xlabel="Mean of scores (SDs of the grade)", ylabel="Mean from counts (SDs of the grade)")
    axes.legend(loc="upper left")
    close = float(np.corrcoef(table.score_mean, table["mean"])[0, 1])
    alt = f"Dots of {len(table)} school means from counts against those of scores, and the diagonal: r = {close:.3f}."
    return Drawn(fig, alt, table)


def _grades(axes: Any, grades: Any) -> None:
    axes.set_xticks(list(grades), [grade_name(int(grade)) for grade in grades])


def _dots(axes: Any, x: Any, part: pd.DataFrame, k: int, label: str) -> None:
    reach = np.array([part.gap - part.conf_low, part.conf_high - part.gap])
    axes.errorbar(x, part.gap, yerr=reach, fmt=_MARKS[k], color=_COLOURS[k], capsize=3, markersize=5, label=label)


def _line(axes: Any, x: Any, part: pd.DataFrame, k: int, label: str = "") -> None:
    _dots(axes, x, part, k, label)
    axes.plot(x, part.gap, color=_COLOURS[k], linewidth=1, linestyle=("-", "--", "-.", ":")[k])
