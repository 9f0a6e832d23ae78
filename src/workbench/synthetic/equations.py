"""The generating equations, written once: the generator draws from them, the ceiling inverts them.

Symbols: θ standing, e engagement (group mean + AR(1) deviation), x the share of a term that counts.
All functions take arrays that broadcast together and return arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.synthetic.truth import Truth

Floats = NDArray[Any]


def hazard_log_odds(truth: Truth, year: Floats, standing: Floats, engagement: Floats, known: Floats) -> Floats:
    """Log odds of dropping out in one term, in year 1 to 4 of high school; −∞ outside these years.

    a[year] + bθ·θ + be·e + known, where `known` holds over-age, support and the school's effect.
    """
    base = np.array([-np.inf, *truth.hazard_year, -np.inf])
    offset = base[np.clip(year, 0, 5).astype(int)]
    return offset + truth.hazard_standing * standing + truth.hazard_engagement * engagement + known


def logistic(log_odds: Floats) -> Floats:
    """Return 1 / (1 + exp(−log odds)), without overflow."""
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-log_odds))


def absence_mean(truth: Truth, engagement: Floats, high_school: Floats, share: Floats) -> Floats:
    """Expected days absent in a term of which `share` was spent on the roll."""
    log_mean = truth.absence_log_mean + truth.absence_high_school * high_school
    return share * np.exp(log_mean + truth.absence_engagement * engagement)


def incident_mean(truth: Truth, engagement: Floats, male: Floats, share: Floats) -> Floats:
    """Expected recorded incidents in a share of a term."""
    return share * np.exp(truth.incident_log_mean + truth.incident_engagement * engagement + truth.incident_male * male)


def event_mean(truth: Truth, events_per_term: float, engagement: Floats, share: Floats) -> Floats:
    """Expected learning events in a share of a term."""
    return share * events_per_term * np.exp(truth.event_engagement * engagement)


def grade_mean(truth: Truth, standing: Floats, engagement: Floats, leniency: Floats) -> Floats:
    """Mean of the latent course performance that is cut into letters."""
    return truth.grade_standing * standing + truth.grade_engagement * engagement + leniency


def missing_log_odds(truth: Truth, engagement: Floats) -> Floats:
    """Log odds of missing the spring tests."""
    return truth.missing_log_odds + truth.missing_engagement * engagement


def quiz_log_odds(truth: Truth, standing: Floats) -> Floats:
    """Mean log odds of a quiz score."""
    return truth.quiz_mean + truth.quiz_standing * standing


def curve(truth: Truth, subject: int, grade: Floats) -> Floats:
    """Mean growth-scale score at a grade, for math (0) or reading (1)."""
    level, slope, bend = truth.curve_math if subject == 0 else truth.curve_reading
    return level + slope * grade + bend * grade**2
