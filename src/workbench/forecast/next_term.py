"""The forecast for a data folder: tested at random and forward in time, told and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from workbench.forecast.gpa import FEWEST, GpaForecast, forecast_gpa, gpa_rows
from workbench.shares import share
from workbench.style import Drawn, figure

if TYPE_CHECKING:
    from workbench.store import Data


@dataclass(frozen=True)
class NextTerm:
    """The forecast twice: with a test part drawn `at_random`, and `forward`, on the latest cohorts."""

    at_random: GpaForecast
    forward: GpaForecast | None

    @property
    def told(self) -> str:
        """What was measured, in a sentence or two."""
        one = self.at_random
        learned, calibrated, tested = one.counts
        later = (
            f" In the latest year, learned from earlier ones, it held for {100 * self.forward.coverage:.0f} %."
            if self.forward
            else ""
        )
        return (
            f"Learned on {learned:,} students, calibrated on {calibrated:,}, tested on {tested:,}: the 90 % "
            f"interval held for {100 * one.coverage:.1f} %, and is {one.width:.2f} points wide on average.{later}"
        )


def next_term(data: Data, as_of: date | str, seed: int = 0) -> NextTerm | None:
    """Forecast next-term grade averages from a data folder; None where there are too few students.

    Forward in time: learned and calibrated on students whose day lies in earlier school years, tested
    on those whose day is the latest; see `gpa_rows` and `forecast_gpa`.
    """
    rows = gpa_rows(data, as_of, seed)
    latest = (rows.as_of == rows.as_of.max()).to_numpy()
    if len(rows) < 4 * FEWEST:
        return None
    enough = min(latest.sum(), (~latest).sum() // 2) >= FEWEST
    return NextTerm(forecast_gpa(rows, seed), forecast_gpa(rows, seed, latest) if enough else None)


def coverage_figure(both: NextTerm, groups: tuple[str, ...]) -> Drawn:
    """How often the interval held by group and forward in time, with 95 % Wilson limits."""
    import pandas as pd

    one = both.at_random
    table = one.by_group(groups)
    table = table[table.n >= 30]
    extra = [("all", "all students", len(one.rows), one.coverage, one.width)]
    if both.forward:
        extra.append(("time", "latest year", len(both.forward.rows), both.forward.coverage, both.forward.width))
    table = pd.concat([pd.DataFrame(extra, columns=table.columns), table], ignore_index=True)
    limits = [share(round(c * n), n) for c, n in zip(table.coverage, table.n, strict=True)]
    table["low"], table["high"] = [low for _, low, _ in limits], [high for _, _, high in limits]
    fig, axes = figure(8, 0.34 * len(table) + 1.2)
    labels = [_label(kind, group) for kind, group in zip(table.group_kind, table.group, strict=True)][::-1]
    values = 100 * table[["coverage", "low", "high"]].to_numpy()[::-1].T
    axes.errorbar(
        values[0], labels, xerr=[values[0] - values[1], values[2] - values[0]], fmt="o", capsize=3, color="#0072B2"
    )
    axes.axvline(100 * one.level, color="#D55E00", linestyle="--", label=f"promised: {100 * one.level:.0f} %")
    axes.set(xlabel="Students within their interval (%)", xlim=(min(75, values[1].min() - 1), 100))
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1))
    worst = table.iloc[int(table.coverage.to_numpy().argmin())]
    alt = (
        f"Dots of how often the 90 % interval held. All students: {100 * one.coverage:.0f} %. "
        f"Least: {_label(worst.group_kind, worst.group)}, {100 * worst.coverage:.0f} % of {worst.n:,}."
    )
    return Drawn(fig, alt, table)


def _label(kind: str, group: str) -> str:
    return group if kind in ("all", "time") else f"{kind.replace('_', ' ')}: {group.replace('_', ' ')}"
