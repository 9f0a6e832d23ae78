"""The designs side by side, each in a made-up district where the truth is known and the naive comparison is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator

from workbench.interventions.effect import worlds
from workbench.interventions.effect.adjusted import doubly_robust
from workbench.interventions.effect.cut_off import discontinuity
from workbench.interventions.effect.encouraged import encouragement
from workbench.interventions.effect.random_assignment import randomised
from workbench.interventions.effect.result import Effect
from workbench.interventions.effect.starts import staggered

if TYPE_CHECKING:
    import pandas as pd

Made = tuple["pd.DataFrame", dict[str, float]]


@dataclass(frozen=True)
class Design:
    """A made-up district, its effect, how the effect is estimated, and whom a naive comparison takes for treated."""

    make: Callable[[Generator, float], Made]
    effect: float
    estimate: Callable[[pd.DataFrame], Effect]
    outcome: str
    had: Callable[[pd.DataFrame], pd.Series]
    dear: bool = False


def _lottery(rows: pd.DataFrame) -> Effect:
    return randomised(rows, "absent", "invited", better="lower", covariates=["earlier"], placebo="before")


def _invited(rows: pd.DataFrame) -> Effect:
    return encouragement(rows, "absent", "invited", "came", better="lower", covariates=["earlier"])


def _schools(rows: pd.DataFrame) -> Effect:
    return randomised(rows, "score", "drawn", better="higher", covariates=["earlier"], cluster="school")


def _cutoff(rows: pd.DataFrame) -> Effect:
    return discontinuity(rows, "absent", "placement", 0.0, treated="below", better="lower", covariates=["earlier"])


def _starts(rows: pd.DataFrame) -> Effect:
    return staggered(rows, "rate", "school", "year", "began", better="lower")


def _chosen(rows: pd.DataFrame) -> Effect:
    return doubly_robust(rows, "absent", "came", ["need", "earlier", "third"], better="lower", estimand="ATE")


def _chosen_treated(rows: pd.DataFrame) -> Effect:
    return doubly_robust(rows, "absent", "came", ["need", "earlier", "third"], better="lower", estimand="ATT")


DESIGNS: dict[str, Design] = {
    "lottery of students": Design(worlds.lottery, -2.0, _lottery, "absent", lambda r: r.came),
    "invitation as instrument": Design(worlds.lottery, -2.0, _invited, "absent", lambda r: r.came),
    "lottery of 20 schools": Design(worlds.schools, 0.4, _schools, "score", lambda r: r.drawn),
    "cut-off": Design(worlds.cutoff, -2.0, _cutoff, "absent", lambda r: r.placement < 0),
    "staggered starts": Design(worlds.starts, -1.0, _starts, "rate", lambda r: r.year >= r.began),
    "chosen, ATE": Design(worlds.chosen, -1.0, _chosen, "absent", lambda r: r.came, dear=True),
    "chosen, ATT": Design(worlds.chosen, -1.0, _chosen_treated, "absent", lambda r: r.came, dear=True),
}


def naive(design: Design, rows: pd.DataFrame) -> tuple[float, bool]:
    """The difference of means, and whether it is more than chance by Welch's t, every row by itself."""
    from scipy.stats import ttest_ind

    had = design.had(rows)
    sides = rows[design.outcome][had], rows[design.outcome][~had]
    return float(sides[0].mean() - sides[1].mean()), bool(ttest_ind(*sides, equal_var=False).pvalue < 0.05)


def side_by_side(seed: int) -> pd.DataFrame:
    """One draw of every design: what is estimated, the truth, what the naive comparison says, and what the method."""
    import pandas as pd

    rows = []
    for number, (name, design) in enumerate(DESIGNS.items()):
        table, truths = design.make(np.random.default_rng([seed, number]), design.effect)
        told = design.estimate(table)
        truth = truths[told.estimand]
        held = told.conf_low <= truth <= told.conf_high
        rows.append(
            {
                "design": name, "estimand": told.estimand, "truth": truth, "naive": naive(design, table)[0],
                "estimate": told.estimate, "conf_low": told.conf_low, "conf_high": told.conf_high,
                "the interval holds the truth": "yes" if held else "no",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
