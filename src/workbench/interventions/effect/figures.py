"""Figures of effects, each with the alt text that says what it shows and the numbers behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from workbench.interventions.effect.adjusted import BALANCED
from workbench.interventions.effect.result import Effect
from workbench.style import Drawn, figure

BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"


def balance(effect: Effect, words: Callable[[str], str] = str, most: int = 15) -> Drawn:
    """How alike those compared are, before and after weighting: the `most` covariates that differed most."""
    if effect.balance is None:
        raise ValueError("Only doubly robust estimates weigh rows.")
    table = effect.balance.head(most)
    place, names = np.arange(len(table))[::-1], [words(name) for name in table.covariate]
    fig, axes = figure(8, 0.32 * len(table) + 1.4)
    axes.axvspan(-BALANCED, BALANCED, color="#eeeeee", zorder=0)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.plot(table.before, place, "D", color=RED, markersize=6, label="as they are")
    axes.plot(table.after, place, "o", color=BLUE, markersize=6, label="after weighting")
    axes.set_yticks(place, names, fontsize=9)
    axes.set_xlabel("those who had it above the others (SDs)")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=9, frameon=False)
    said = f"{names[0]} differs most: {table.before[0]:+.2f} standard deviations before, {table.after[0]:+.2f} after"
    farthest = effect.balance.after.abs().max()
    alt = f"{said} weighting. After weighting no covariate differs by more than {farthest:.2f}; the band is {BALANCED}."
    return Drawn(fig, alt, table.assign(covariate=names))


def estimates(found: Mapping[str, Effect], unit: str, factor: float = 1.0, truth: float | None = None) -> Drawn:
    """Estimates side by side, with their 95 % intervals, times `factor`; `truth` is drawn where it is known."""
    import pandas as pd

    rows = [(name, *(factor * v for v in (e.estimate, e.conf_low, e.conf_high)), e.n) for name, e in found.items()]
    table = pd.DataFrame(rows, columns=["how", "estimate", "conf_low", "conf_high", "n"])
    place = np.arange(len(table))[::-1]
    fig, axes = figure(8, 0.5 * len(table) + 1.2)
    axes.axvline(0, color=GREY, linewidth=1)
    if truth is not None:
        axes.axvline(factor * truth, color=RED, linestyle="--", label="the truth")
        axes.legend(loc="best", fontsize=9)
    reach = [table.estimate - table.conf_low, table.conf_high - table.estimate]
    axes.errorbar(table.estimate, place, xerr=reach, fmt="o", color=BLUE, capsize=4)
    axes.set_yticks(place, table.how)
    axes.set_ylim(-0.6, len(table) - 0.4)
    axes.set_xlabel(unit)
    said = "; ".join(f"{r.how} {r.estimate:+.2f} ({r.conf_low:+.2f} to {r.conf_high:+.2f})" for r in table.itertuples())
    return Drawn(fig, f"Estimates with 95 % intervals, {unit}: {said}.", table)
