"""Made-up districts in which an effect is known, and in which the naive comparison is fooled."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.random import Generator

NEED_OF_TAKERS = 1 / (2 * np.pi**0.5) / 0.5
"""Mean need of those who take part with probability Φ(need), need standard normal: E[φ(need)] / ½."""


def lottery(rng: Generator, effect: float, n: int = 400) -> tuple[pd.DataFrame, dict[str, float]]:
    """Half are invited by lot; of them those in need come, with probability Φ(need), need ~ N(0, 1).

    absent = 10 + 4 need + 2 ε + effect (1 + ½ need) · came. Those who came are the needier, so that comparing them with
    the rest says harm. Truth: LATE effect (1 + ½ · 0.564), ITT half of it.
    """
    from scipy.stats import norm

    need = rng.normal(size=n)
    invited = rng.permutation(n) < n // 2
    came = invited & (rng.random(n) < norm.cdf(need))
    absent = 10 + 4 * need + 2 * rng.normal(size=n) + effect * (1 + need / 2) * came
    before = 4 * need + 3 * rng.normal(size=n)
    late = effect * (1 + NEED_OF_TAKERS / 2)
    rows = pd.DataFrame({"absent": absent, "invited": invited, "came": came, "before": before})
    return rows.assign(earlier=need + rng.normal(size=n)), {"ITT": late / 2, "LATE": late}


def schools(rng: Generator, effect: float, clusters: int = 20) -> tuple[pd.DataFrame, dict[str, float]]:
    """Seven of twenty schools, of 10 to 60 students, are drawn: score = school + earlier + ε + effect.

    A school's SD is 0.4 of a student's, so that errors by student reject far too often. Truth: ITT effect.
    """
    sizes = rng.integers(10, 61, clusters)
    school = np.repeat(np.arange(clusters), sizes)
    drawn = (rng.permutation(clusters) < round(0.35 * clusters))[school]
    earlier = rng.normal(size=len(school))
    score = 0.4 * rng.normal(size=clusters)[school] + 0.6 * earlier + 0.8 * rng.normal(size=len(school))
    rows = pd.DataFrame({"school": school, "drawn": drawn, "earlier": earlier, "score": score + effect * drawn})
    return rows, {"ITT": effect}


def cutoff(rng: Generator, effect: float, n: int = 1500) -> tuple[pd.DataFrame, dict[str, float]]:
    """Students with a placement score below 0 are given support; the outcome bends in the score.

    placement ~ N(0.3, 1); absent = 10 − 4 s + s² − ½ s³ + 2 ε + effect (1 + s) · [s < 0]. Those below are absent more
    whatever the support does. Truth: at the cut-off, effect.
    """
    s = 0.3 + rng.normal(size=n)
    absent = 10 - 4 * s + s**2 - s**3 / 2 + 2 * rng.normal(size=n) + effect * (1 + s) * (s < 0)
    rows = pd.DataFrame({"placement": s, "absent": absent, "earlier": 5 - 2 * s + rng.normal(size=n)})
    return rows, {"LATE at the cut-off": effect}


def chosen(rng: Generator, effect: float, n: int = 2000) -> tuple[pd.DataFrame, dict[str, float]]:
    """The needy are chosen: P(came) = Λ(0.6 need − 0.4 earlier), both and a third covariate N(0, 1).

    absent = 10 + 2 need − earlier + ½ need² + 2 ε + effect (1 + ½ need) · came. Truth: ATE effect; ATT
    effect (1 + ½ E[need | came]), by Gauss–Hermite quadrature.
    """
    need, earlier, third = rng.normal(size=(3, n))
    came = rng.random(n) < 1 / (1 + np.exp(-0.6 * need + 0.4 * earlier))
    absent = 10 + 2 * need - earlier + need**2 / 2 + 2 * rng.normal(size=n) + effect * (1 + need / 2) * came
    rows = pd.DataFrame({"absent": absent, "came": came, "need": need, "earlier": earlier, "third": third})
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    spread = 0.52**0.5
    index = weights @ (nodes / (1 + np.exp(-spread * nodes))) / weights.sum()
    rows["before"] = 2 * need - earlier + 2 * rng.normal(size=n)
    return rows, {"ATE": effect, "ATT": effect * (1 + 0.5 * 0.6 / spread * index / 0.5)}


def starts(rng: Generator, effect: float, units: int = 30) -> tuple[pd.DataFrame, dict[str, float]]:
    """Thirty schools over eight years; worse ones begin earlier, and the effect grows with each year.

    rate = school + year + AR(1) error + effect · (years since the start + 1) / 2, in points; a third begin in year 4, a
    third in year 6, the rest never; rates fall everywhere. Truth: the mean over school-years under treatment.
    """
    start = np.repeat([3.0, 5.0, np.inf], units // 3)
    level = 20 - 2 * np.minimum(start, 8) / 2 + 3 * rng.normal(size=units)
    shocks = -0.5 * np.arange(8) + rng.normal(size=8)
    error = rng.normal(size=(units, 8))
    for t in range(1, 8):
        error[:, t] = 0.5 * error[:, t - 1] + 0.75**0.5 * error[:, t]
    since = np.arange(8) - start[:, None]
    growth = np.where(since >= 0, (since + 1) / 2, 0.0)
    rate = level[:, None] + shocks + error + effect * growth
    school, year = np.indices((units, 8))
    rows = pd.DataFrame({"school": school.ravel(), "year": year.ravel(), "rate": rate.ravel()})
    rows["began"] = np.where(np.isinf(start), np.nan, start)[rows.school]
    return rows, {"ATT": effect * float(growth[growth > 0].mean())}
