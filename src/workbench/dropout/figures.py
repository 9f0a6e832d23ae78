"""Figures of a study, each with the alt text that says what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.dropout.assess import ATTAINABLE, ORACLE, Assessment
from workbench.dropout.explain import Explanation
from workbench.dropout.fairness import flagged
from workbench.dropout.published_flags import published_flags
from workbench.style import Drawn, figure

if TYPE_CHECKING:
    import pandas as pd

_LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#555555", "#999999")


def roc(assessment: Assessment) -> Drawn:
    """Share of cases found against share of false alarms, for every model."""
    from sklearn.metrics import roc_curve

    fig, axes = figure(7.5, 5.2)
    for k, (name, score) in enumerate(assessment.scores.items()):
        alarms, found, _ = roc_curve(assessment.outcome, score)
        thin = name in (ATTAINABLE, ORACLE)
        axes.plot(
            alarms, found, linestyle=_LINES[k % 5], color=_COLOURS[k % 5], linewidth=1.4 if thin else 2.2,
            label=f"{name} (AUC {assessment.result('auc', name):.2f})",
        )  # fmt: skip
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
    axes.set(
        xlabel="False alarms: share of those who stayed",
        ylabel="Found: share of the cases",
        xlim=(0, 1),
        ylim=(0, 1.005),
    )
    axes.legend(loc="lower right")
    parts = "; ".join(f"{n} {assessment.result('auc', n):.2f}" for n in assessment.scores)
    return Drawn(
        fig, f"Line chart of cases found against false alarms. Area under the curve: {parts}.", assessment.quality
    )


def among_flags(assessment: Assessment, capacity: float) -> Drawn:
    """The models on the ROC plane, XGBoost's list of the share `capacity` as a point, and the published flags."""
    from sklearn.metrics import roc_curve

    flags = published_flags()
    fig, axes = figure(7.5, 5.2)
    axes.scatter(
        flags.false_alarms, flags.sensitivity, s=22, color="#999999", alpha=0.7, linewidth=0,
        label=f"{len(flags)} published flags",
    )  # fmt: skip
    for k, (name, score) in enumerate(assessment.scores.items()):
        if name not in (ATTAINABLE, ORACLE):
            alarms, found, _ = roc_curve(assessment.outcome, score)
            axes.plot(alarms, found, linestyle=_LINES[k % 5], color=_COLOURS[k % 5], linewidth=2, label=name)
    left, listed = assessment.outcome == 1, flagged(assessment.risk, capacity)
    at = float(listed[~left].mean()), float(listed[left].mean())
    axes.scatter(*at, s=90, color=_COLOURS[0], edgecolor="white", zorder=5, label=f"List of {100 * capacity:.1f} %")
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1)
    axes.set(
        xlabel="False alarms: share of those who stayed",
        ylabel="Found: share of the cases",
        xlim=(0, 1),
        ylim=(0, 1.005),
    )
    axes.legend(loc="lower right")
    alt = (
        f"The plane of cases found against false alarms. A list of {100 * capacity:.1f} % by XGBoost finds "
        f"{100 * at[1]:.0f} % of the cases at {100 * at[0]:.1f} % false alarms; {len(flags)} published flags are dots."
    )
    return Drawn(fig, alt, flags[["flag", "study", "false_alarms", "sensitivity"]])


def calibration(assessment: Assessment) -> Drawn:
    """Predicted risk against what happened, by band."""
    table = assessment.calibration
    fig, axes = figure(7, 4.6)
    low = table.share_left - table.share_left_low
    high = table.share_left_high - table.share_left
    axes.errorbar(
        100 * table.mean_risk, 100 * table.share_left, yerr=100 * np.array([low, high]),
        fmt="o", capsize=4, color=_COLOURS[0], label="Observed, with 95 % interval",
    )  # fmt: skip
    top = min(100.0, 105 * max(table.share_left_high.max(), table.mean_risk.max()))
    axes.plot([0, top], [0, top], color="#999999", linestyle="--", label="Perfect agreement")
    axes.set(
        xlabel="Predicted risk, mean of the band (%)",
        ylabel="Share that had the outcome (%)",
        xlim=(0, None),
        ylim=(0, None),
    )
    axes.legend(loc="upper left")
    last = table.iloc[-1]
    alt = (
        f"Dots of observed against predicted share in five risk bands. In the highest band "
        f"{100 * last.mean_risk:.0f} % were predicted and {100 * last.share_left:.0f} % observed "
        f"(interval {100 * last.share_left_low:.0f} to {100 * last.share_left_high:.0f})."
    )
    return Drawn(fig, alt, table)


def when(table: pd.DataFrame) -> Drawn:
    """Share expected to have left by the end of each coming year, a line a grade, beside what was observed before."""
    fig, axes = figure(7.5, 4.4)
    for k, (grade, rows) in enumerate(table.groupby("grade_level")):
        style = {"color": _COLOURS[k % 5], "label": f"Grade {grade}, {rows.n.iloc[0]:,} students"}
        axes.plot(rows.year, 100 * rows.expected, linestyle=_LINES[k % 5], linewidth=2.2, **style)
        aside = rows.year + 0.03 * (k - table.grade_level.nunique() / 2)  # so that no interval hides another
        limits = 100 * abs(rows[["observed_low", "observed_high"]].sub(rows.observed, axis=0)).T.to_numpy()
        axes.errorbar(aside, 100 * rows.observed, yerr=limits, fmt="o", markersize=6, capsize=3, color=_COLOURS[k % 5])
    dot = {"fmt": "o", "markersize": 6, "capsize": 3, "color": "#555555"}
    axes.errorbar([], [], yerr=[], label="Observed among earlier students, with 95 % interval", **dot)
    years = sorted(table.year.unique())
    axes.set(xlabel="Years from today", ylabel="Will have left by then (%)", ylim=(0, None), xticks=years)
    axes.legend(loc="upper left")
    last = table[table.year == years[-1]]
    told = "; ".join(f"grade {row.grade_level} {100 * row.expected:.1f} %" for row in last.itertuples())
    return Drawn(fig, f"Lines of the share expected to have left, by grade. After {years[-1]} years: {told}.", table)


def by_week(curve: pd.DataFrame) -> Drawn:
    """How well risk separates by day of the course, with 95 % limits, beside the two rules; see `weeks.by_week`."""
    fig, axes = figure(7.5, 4.4)
    limits = abs(curve[["auc_low", "auc_high"]].sub(curve.auc, axis=0)).T.to_numpy()
    axes.errorbar(
        curve.day, curve.auc, yerr=limits, capsize=3, linewidth=2.2, color=_COLOURS[0], linestyle=_LINES[0],
        label="XGBoost, with 95 % interval",
    )  # fmt: skip
    for k, (rule, words) in enumerate({"missed": "Work missed", "inactive": "Days since last seen"}.items(), start=1):
        axes.plot(curve.day, curve[f"auc_{rule}"], linestyle=_LINES[k], color=_COLOURS[k], linewidth=2.2, label=words)
    marks = [f"{day}\n{n:,}" for day, n in zip(curve.day, curve.n, strict=True)]
    axes.set(xlabel="Day of the course, and enrolments still open", ylabel="AUC (0.5 is a coin)", ylim=(0.45, 1))
    axes.set_xticks(curve.day, marks)
    axes.legend(loc="lower right")
    first, last = curve.iloc[0], curve.iloc[-1]
    return Drawn(
        fig,
        f"Lines of the AUC by day of the course. Model: {first.auc:.2f} on day {first.day:.0f}, {last.auc:.2f} on day "
        f"{last.day:.0f}; work missed {last.auc_missed:.2f}, days since last seen {last.auc_inactive:.2f} on that day.",
        curve,
    )


def importance(explanation: Explanation, most: int = 12) -> Drawn:
    """The predictors that move risks most."""
    table = explanation.importance.head(most)
    fig, axes = figure(8, 0.36 * len(table) + 1.2)
    axes.barh(table.iloc[::-1, 0], table.mean_effect[::-1], color=_COLOURS[0])
    axes.set(xlabel="Mean size of the effect on the risk (log odds)")
    axes.grid(axis="y", visible=False)
    first = ", ".join(table.iloc[:3, 0])
    return Drawn(fig, f"Bar chart of what the model looks at most: {first}, and {len(table) - 3} more.", table)


def reasons(explanation: Explanation, row: int) -> Drawn:
    """What raised and lowered one student's risk."""
    table = explanation.reasons(row)
    fig, axes = figure(8, 3.4)
    colours = [_COLOURS[1] if effect > 0 else _COLOURS[0] for effect in table.effect]
    labels = [f"{reason}: {value}" for reason, value in zip(table.reason, table.value, strict=True)]
    bars = axes.barh(labels[::-1], table.effect[::-1], color=colours[::-1])
    axes.bar_label(bars, ["raises" if e > 0 else "lowers" for e in table.effect[::-1]], padding=4, fontsize=9)
    axes.axvline(0, color="#333333", linewidth=1)
    axes.margins(x=0.18)
    axes.set(xlabel="Effect on this student's risk (log odds)")
    axes.grid(axis="y", visible=False)
    raising = ", ".join(table.reason[table.effect > 0][:3]) or "nothing"
    return Drawn(fig, f"Bar chart of the reasons for one student's risk. Raised most by: {raising}.", table)


def fairness(table: pd.DataFrame, group: str) -> Drawn:
    """False alarms, misses, and predicted beside observed shares of one kind of group, with intervals."""
    part = table[(table.group_kind == group) & (table.n >= 10)].reset_index(drop=True)
    fig, axes = figure(10, 0.42 * len(part) + 1.8, columns=3)
    panels = {"false_alarm_rate": "False alarms (%)", "miss_rate": "Missed (%)", "share_left": "Had the outcome (%)"}
    for axis, (rate, title) in zip(axes, panels.items(), strict=True):
        known = part[part[rate].notna()]
        limits = 100 * np.array([known[rate] - known[f"{rate}_low"], known[f"{rate}_high"] - known[rate]]).clip(0)
        axis.errorbar(
            100 * known[rate], known.index, xerr=limits, fmt="o", capsize=4, color=_COLOURS[0], label="observed"
        )
        axis.set(title=title, xlim=(0, None), yticks=part.index, ylim=(len(part) - 0.5, -0.5))
        axis.set_yticklabels([])
    axes[2].plot(100 * part.mean_risk, part.index, "x", color=_COLOURS[1], markersize=8, label="predicted")
    axes[2].legend(loc="upper left", bbox_to_anchor=(0, -0.12), ncols=2)
    axes[0].set_yticklabels([f"{_words(name)} ({n:,})" for name, n in zip(part.group, part.n, strict=True)])
    worst = part.iloc[int(part.false_alarm_rate.to_numpy().argmax())]
    alt = (
        f"Three panels by {_words(group)}, with 95 % intervals: false alarms, misses, and the observed beside the "
        f"predicted share. Most false alarms: {_words(worst.group)}, {100 * worst.false_alarm_rate:.0f} %."
    )
    return Drawn(fig, alt, part)


def _words(name: str) -> str:
    return name.replace("_", " ")


__all__ = ["among_flags", "calibration", "fairness", "importance", "reasons", "roc", "when"]
