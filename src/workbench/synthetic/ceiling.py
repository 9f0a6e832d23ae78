"""How well anybody could predict dropping out: the oracle's risk and the attainable one.

*Oracle*: the probability given a student's true standing and engagement on the day.
*Attainable*: the Bayes risk given everything recorded by that day, with the true equations, school
and teacher effects known; who was an English learner before the first record is averaged over. It is
exact up to the grid: standing and engagement deviation are put on a two-dimensional lattice, the
posterior is carried forward term by term (a hidden Markov filter; Baum & Petrie 1966), and the risk
over the horizon is summed backwards from its end. No method that uses the records can rank students
better on average. Exact for days from 15 October of grade 9 on, but for three trifles: who is tested
in the first half of May, who finishes year 4 without a diploma and then transfers, and scores rounded
to one decimal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from workbench.store import Data
from workbench.synthetic import calendar, equations
from workbench.synthetic.evidence import Evidence, Floats, gather

_REACH = 4.2
_ROWS = 3000


@dataclass(frozen=True)
class Lattice:
    """Grid of standing deviations × engagement deviations; a step in either moves grades alike."""

    standing: Floats
    engagement: Floats
    step: float
    transition: Floats

    @classmethod
    def of(cls, evidence: Evidence, spacing: float) -> Lattice:
        truth = evidence.truth
        unit = spacing * truth.grade_engagement
        wide, tall = spacing * truth.grade_engagement / truth.grade_standing, spacing
        across = int(np.ceil(_REACH * truth.standing_deviation_sd / wide))
        along = int(np.ceil(_REACH / tall))
        engagement = np.arange(-along, along + 1) * tall
        spread = np.sqrt(1 - truth.engagement_persistence**2)
        gap = engagement[None, :] - truth.engagement_persistence * engagement[:, None]
        density = np.exp(-0.5 * (gap / spread) ** 2)
        return cls(
            np.arange(-across, across + 1) * wide, engagement, unit, density / density.sum(axis=1, keepdims=True)
        )


def ceiling(data: Data, as_of: date | str, until: date | str, spacing: float = 0.3) -> pd.DataFrame:
    """Return the true risks of dropping out after `as_of` and by `until`, for high-school students on the roll.

    Indexed by student_id, columns `oracle` and `attainable`: probabilities of dropping out in
    that time, among students who do not transfer away in it. `spacing` is
    the lattice's step in engagement (SD). Raises BadInput where the data have no answer key.
    """
    day, end = (date.fromisoformat(one) if isinstance(one, str) else one for one in (as_of, until))
    evidence = gather(data, day)
    lattice = Lattice.of(evidence, spacing)
    parts = [
        _risks(evidence, lattice, np.arange(start, min(start + _ROWS, len(evidence.students))), day, end)
        for start in range(0, len(evidence.students), _ROWS)
    ]
    values = np.concatenate(parts) if parts else np.zeros((0, 2))
    return pd.DataFrame(values, index=evidence.students.index, columns=["oracle", "attainable"])


def _risks(evidence: Evidence, lattice: Lattice, rows: Any, day: date, end: date) -> Floats:
    posterior = _posterior(evidence, lattice, rows)
    true = (evidence.students.standing - evidence.students.standing_known).to_numpy()[rows]
    drops, stays = _ahead(evidence, lattice, rows, lattice.standing[None, :], day, end)
    attainable = (posterior * drops).sum(axis=(1, 2)) / (posterior * (drops + stays)).sum(axis=(1, 2))
    drops, stays = _ahead(evidence, lattice, rows, true[:, None], day, end)
    log_odds = np.log(np.maximum(drops[:, 0], 1e-300)) - np.log(stays[:, 0])
    now = evidence.deviation[rows, -1]
    oracle = equations.logistic(_interpolated(lattice.engagement, log_odds, now))
    return np.stack([oracle, attainable], axis=1)


def _interpolated(grid: Floats, values: Floats, at: Floats) -> Floats:
    place = np.clip((at - grid[0]) / (grid[1] - grid[0]), 0, len(grid) - 1.000001)
    left = place.astype(int)
    rows, part = np.arange(len(at)), place - left
    return (1 - part) * values[rows, left] + part * values[rows, left + 1]


def _posterior(evidence: Evidence, lattice: Lattice, rows: Any) -> Floats:
    """Posterior over (standing, engagement) on the day; rows × standing × engagement, sums to one."""
    theta, d = lattice.standing, lattice.engagement
    log_theta = _log_prior(evidence, theta, rows)
    tests = evidence.score_weighted[rows, None] * theta - 0.5 * evidence.score_precision[rows, None] * theta**2
    prior = np.exp(-0.5 * d**2)
    weight = np.exp(log_theta + tests - (log_theta + tests).max(axis=1, keepdims=True))
    belief = weight[:, :, None] * prior[None, None, :]
    begun = np.zeros(len(rows), bool)
    for column in range(len(evidence.terms)):
        here = ~np.isnan(evidence.high_year[rows, column])
        belief = np.where((begun & here)[:, None, None], belief @ lattice.transition, belief)
        begun |= here
        log_seen = _seen(evidence, lattice, rows, column)
        log_seen += evidence.share[column] * _log_survival(evidence, lattice, rows, column, theta[None, :])
        log_seen = np.where(here[:, None, None], log_seen, 0.0)
        belief = belief * np.exp(log_seen - log_seen.max(axis=(1, 2), keepdims=True))
        belief /= belief.sum(axis=(1, 2), keepdims=True)
    return belief


def _log_prior(evidence: Evidence, theta: Floats, rows: Any) -> Floats:
    """Log density of standing about its known mean: normal, or shifted by the gap for a learner."""
    sd, gap = evidence.truth.standing_deviation_sd, evidence.truth.standing_learner
    chance = evidence.students.learner.to_numpy()[rows, None]
    plain, shifted = np.exp(-0.5 * (theta / sd) ** 2), np.exp(-0.5 * ((theta - gap) / sd) ** 2)
    return np.log((1 - chance) * plain + chance * shifted)


def _seen(evidence: Evidence, lattice: Lattice, rows: Any, column: int) -> Floats:
    """Log-likelihood of one term's records at each lattice point."""
    truth, share = evidence.truth, evidence.share[column]
    people = evidence.students.iloc[rows]
    engagement = people.engagement_mean.to_numpy()[:, None] + lattice.engagement[None, :]
    high = (evidence.high_year[rows, column] > 0)[:, None]
    enrolled, absent = evidence.enrolled[rows, column][:, None], evidence.absent[rows, column][:, None]
    mean = equations.absence_mean(truth, engagement, high, enrolled / calendar.TERM_DAYS)
    log_d = _negative_binomial(absent, mean, truth.absence_size, enrolled)
    mean = equations.incident_mean(truth, engagement, people.male.to_numpy()[:, None], share)
    if share > 0:
        log_d += np.nan_to_num(special.xlogy(evidence.incidents[rows, column][:, None], mean) - mean)
        mean = equations.event_mean(truth, evidence.shape.events_per_term, engagement, share)
        log_d += _negative_binomial(evidence.events[rows, column][:, None], mean, truth.event_size, np.inf)
    missing = equations.missing_log_odds(truth, engagement)
    missed = evidence.missed[rows, column][:, None]
    log_d += np.nan_to_num(missed * missing - np.logaddexp(0.0, missing))
    return log_d[:, None, :] + _grades(evidence, lattice, rows, column)


def _negative_binomial(count: Floats, mean: Floats, size: float, cap: Any) -> Floats:
    """Log-probability of a count, up to a constant; at the cap, of the count or more. 0 where unknown."""
    with np.errstate(invalid="ignore"):
        log_p = special.xlogy(count, mean / (mean + size)) + size * np.log(size / (mean + size))
        full = np.nonzero((count >= cap).ravel())[0]
    if len(full):
        log_p[full] = stats.nbinom.logsf(count[full] - 1, size, size / (size + mean[full]))
    return np.nan_to_num(log_p)


def _grades(evidence: Evidence, lattice: Lattice, rows: Any, column: int) -> Floats:
    """Log-likelihood of one term's letter grades; they depend on one sum of the two coordinates."""
    truth, across, along = evidence.truth, len(lattice.standing), len(lattice.engagement)
    sums = (np.arange(across + along - 1) - (across + along - 2) / 2) * lattice.step
    given = evidence.courses
    given = given[(given.column == column) & (given.row >= rows[0]) & (given.row <= rows[-1])]
    people = evidence.students
    standing = people.standing_known.to_numpy()[given.row]
    base = equations.grade_mean(
        truth, standing, people.engagement_mean.to_numpy()[given.row], given.leniency.to_numpy()
    )
    cuts = np.array([-np.inf, *truth.grade_cuts, np.inf])
    letter = given.letter.to_numpy()
    mean = base[:, None] + sums[None, :]
    noise = given.noise.to_numpy()[:, None]
    high = (cuts[letter + 1][:, None] - mean) / noise
    low = (cuts[letter][:, None] - mean) / noise
    log_p = np.log(np.maximum(special.ndtr(high) - special.ndtr(low), 1e-300))
    total = np.zeros((len(rows), len(sums)))
    np.add.at(total, given.row.to_numpy() - rows[0], log_p)
    return total[:, np.arange(across)[:, None] + np.arange(along)[None, :]]


def _log_odds(
    evidence: Evidence, lattice: Lattice, rows: Any, high_year: Floats, supported: Floats, theta: Floats
) -> Floats:
    people = evidence.students.iloc[rows]
    mean = people.standing_known.to_numpy()
    engagement = people.engagement_mean.to_numpy()[:, None, None] + lattice.engagement
    known = people.known_hazard.to_numpy() + evidence.truth.hazard_support * supported
    return equations.hazard_log_odds(
        evidence.truth, high_year[:, None, None], mean[:, None, None] + theta[:, :, None], engagement,
        known[:, None, None],
    )  # fmt: skip


def _support(evidence: Evidence, rows: Any, high_year: Floats, term: calendar.Term) -> Floats:
    """Whether support counts in a term: from the spring of grade 9 on."""
    given = evidence.students.known_support.to_numpy()[rows]
    return (given & ((high_year > 1) | (term.index == 1))).astype(float)


def _log_survival(evidence: Evidence, lattice: Lattice, rows: Any, column: int, theta: Floats) -> Floats:
    year = np.nan_to_num(evidence.high_year[rows, column])
    support = _support(evidence, rows, year, evidence.terms[column])
    return -np.logaddexp(0.0, _log_odds(evidence, lattice, rows, year, support, theta))


def _ahead(
    evidence: Evidence, lattice: Lattice, rows: Any, theta: Floats, day: date, end: date
) -> tuple[Floats, Floats]:
    """Probabilities of dropping out, and of neither that nor transferring, from `day` to `end`."""
    truth, now = evidence.truth, evidence.terms[-1]
    coming = [t for t in calendar.terms(now.school_year, end.year + 1) if t.start <= end and t.start >= now.start]
    year_now = evidence.high_year[rows, -1]
    need = evidence.students.need.to_numpy()[rows]
    leaving = (truth.transfer_out + truth.transfer_disadvantaged * need)[:, None, None]
    drops: Floats = np.zeros(())
    stays: Floats = np.ones(())
    for term in reversed(coming):
        year = year_now + (term.school_year - now.school_year)
        share = calendar.passed(term, end) - calendar.passed(term, day)
        log_odds = _log_odds(evidence, lattice, rows, year, _support(evidence, rows, year, term), theta)
        survive = np.exp(-share * np.logaddexp(0.0, log_odds))
        if term is not coming[-1]:
            graduates = ((year >= 4) & (term.index == 1))[:, None, None]
            drops = np.where(graduates, 0.0, (1 - leaving) * (drops @ lattice.transition.T))
            stays = np.where(graduates, 1.0, (1 - leaving) * (stays @ lattice.transition.T))
        drops, stays = (1 - survive) + survive * drops, survive * stays
    return drops, stays
