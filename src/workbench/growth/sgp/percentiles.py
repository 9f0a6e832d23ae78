"""Student growth percentiles: compared with students who had scored alike before, how much did a student grow?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from workbench.errors import BadParameter, ModelError
from workbench.growth.sgp.misfit import check_fit
from workbench.growth.sgp.norms import GrowthNorm, Spline, Ties, fewest_students, fit_norm, rank, spline
from workbench.growth.sgp.panel import Panel, check_most_priors, panel

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Places = NDArray[np.int64]

Reference = Literal["cohort", "pooled"]
LEVELS = ("very low", "low", "typical", "high", "very high")
"""Growth levels: percentiles 1–19, 20–39, 40–59, 60–79, 80–99."""
TOO_FEW = "too few students to make a norm"
NO_NORM = "no norm given for this subject and grade"


@dataclass(frozen=True)
class Cohort:
    """One norm with the places (in the panel) of the students it was made from, and of those it was used for."""

    norm: GrowthNorm
    made_from: Places
    used_for: Places


@dataclass(frozen=True)
class GrowthPercentiles:
    """Growth percentiles of students, and all that is needed to use them again.

    `table`: student, year, grade, subject and score under the names they came with, `n_priors` (priors used),
    `percentile` (1 to 99), `level`, `prior_score` (the most recent), and with standard errors of measurement
    `percentile_se`, `percentile_low`, `percentile_high` (95 %; see `current_score_error`).
    `cohorts`: norms and their students; `norms`: the norms alone, to be given to later years.
    `left_out`: how many scores got no percentile, by reason. `ties`: how scores on a quantile were placed.
    `messages`: what a reader must know of norms that hardly fit these scores, a sentence each.
    """

    table: pd.DataFrame
    cohorts: tuple[Cohort, ...] = field(repr=False)
    left_out: dict[str, int]
    names: dict[str, str]
    panel: Panel = field(repr=False)
    ties: Ties = "below"
    messages: tuple[str, ...] = ()

    @property
    def norms(self) -> tuple[GrowthNorm, ...]:
        """The coefficient matrices."""
        return tuple(cohort.norm for cohort in self.cohorts)

    @property
    def goodness_of_fit(self) -> pd.DataFrame:
        """By tenth of the most recent prior score: percent of students in each tenth of percentiles; 10 is perfect.

        Columns: year, grade, subject, `prior_decile` (1 lowest), n, and `percentile_0` … `percentile_90`.
        """
        return _goodness_of_fit(self.table, [self.names[role] for role in ("year", "grade", "subject")])


def percentiles(
    scores: Any,
    *,
    student: str = "student_id",
    year: str = "school_year",
    grade: str = "grade_level",
    subject: str = "subject",
    score: str = "scale_score",
    standard_error: str | None = None,
    years: Sequence[int] | None = None,
    most_priors: int = 4,
    reference: Reference = "cohort",
    norms: Sequence[GrowthNorm] | None = None,
    ties: Ties = "below",
) -> GrowthPercentiles:
    """Compute student growth percentiles (Betebenner 2009) from one row a student, subject and year.

    A student's priors are the scores in the same subject one grade below a year before, two below two years before, and
    so on as far as unbroken; the percentile comes from the norm with as many priors as the student has, at most
    `most_priors`. Norms are made from the students of the same year (`reference="cohort"`), from those of all years
    (`"pooled"`), or are given: `norms` of an earlier result (baseline referencing). A norm wants 25 students for each
    coefficient; where there are fewer, one with fewer priors is used, and below 200 none. `years` to report; all where
    None. Scales of different grades need not be linked: a norm conditions on priors, it does not subtract them.

    A score that lies on a quantile does not exceed it (`ties="below"`, as in the SGP package), or counts by its
    mid-rank ("middle"), which tests with few score values need.

    Raises BadInput for scores that cannot be used or lie on another scale than the norms given, ModelError where no
    student has a norm, or ties pull the mean of a norm's own students far from 50.
    """
    check_most_priors(most_priors)
    if reference not in get_args(Reference):
        raise BadParameter(f"reference is {reference!r}; it must be one of {', '.join(get_args(Reference))}.")
    if ties not in get_args(Ties):
        raise BadParameter(f"ties is {ties!r}; it must be one of {', '.join(get_args(Ties))}.")
    names = {"student": student, "year": year, "grade": grade, "subject": subject, "score": score}
    people = panel(scores, names, standard_error, most_priors, years)
    wanted = np.ones(len(people.rows), bool) if years is None else people.rows.year.isin(list(years)).to_numpy()
    cohorts = tuple(_given(people, wanted, norms) if norms is not None else _made(people, wanted, reference))
    if not cohorts:
        raise ModelError(_nobody(people, wanted, norms is not None))
    messages = tuple(
        told for cohort in cohorts for told in check_fit(cohort.norm, people, cohort.made_from, cohort.used_for, ties)
    )
    table = _table(people, cohorts, names, ties)
    without = int(wanted.sum()) - len(table)
    left_out = {**people.left_out, TOO_FEW if norms is None else NO_NORM: without}
    return GrowthPercentiles(table, cohorts, left_out, names, people, ties, messages)


def current_score_error(score: Floats, error: Floats, quantiles: Floats) -> tuple[Floats, Places, Places]:
    """Return the standard error of percentiles, and 95 % limits, that measurement error in the current score brings.

    The percentile is 1 + Σ [quantile < score] over the 2nd to 99th of a student's sorted quantiles, so with a score
    that is normal around the one observed its two moments are sums of normal probabilities: exact, nothing is drawn.
    Priors and norms are held as they are.
    """
    from scipy.special import ndtr, ndtri

    below = ndtr((score[:, None] - quantiles[:, 1:-1]) / np.maximum(error, 1e-12)[:, None])
    order = np.arange(1, below.shape[1] + 1)
    variance = below @ (2 * order - 1) - below.sum(axis=1) ** 2
    reach = ndtri(0.975) * error
    told = np.where(error > 0, np.sqrt(np.maximum(variance, 0)), 0.0)  # exact scores are where they are
    return told, rank(score - reach, quantiles), rank(score + reach, quantiles)


def splines_for(people: Panel, subject: str, grade: int, before: int | None, n_priors: int) -> tuple[Spline, ...]:
    """The splines of a norm, from all scores in each grade below in earlier years (in all years where pooled)."""
    return tuple(spline(people.earlier(subject, grade - back, before)) for back in range(1, n_priors + 1))


def _made(people: Panel, wanted: NDArray[np.bool_], reference: Reference) -> Iterator[Cohort]:
    """Make the norms of each subject, grade and year (or all years), and say who is placed by which."""
    by = ["subject", "grade"] + (["year"] if reference == "cohort" else [])
    groups: Any = people.rows[wanted | (reference == "pooled")].groupby(by, sort=True)
    for (subject, grade, *rest), rows in groups:
        year = int(rest[0]) if rest else None
        places, n_priors = rows.index.to_numpy(), rows.n_priors.to_numpy()
        feasible = [k for k in range(1, n_priors.max() + 1) if (n_priors >= k).sum() >= fewest_students(k)]
        used = np.array([max((k for k in feasible if k <= has), default=0) for has in range(n_priors.max() + 1)])
        for k in feasible:
            chosen, own = places[n_priors >= k], places[used[n_priors] == k]
            if not wanted[own].any():
                continue
            norm = fit_norm(
                people.current[chosen],
                people.priors[chosen],
                splines_for(people, subject, grade, year, k),
                subject=subject,
                grade=int(grade),
                year=year,
            )
            yield Cohort(norm, chosen, own[wanted[own]])


def _given(people: Panel, wanted: NDArray[np.bool_], norms: Sequence[GrowthNorm]) -> Iterator[Cohort]:
    """Use norms made before: of several for the same grade and number of priors, the one of the latest year."""
    latest = {(n.subject, n.grade, n.n_priors): n for n in sorted(norms, key=lambda n: (n.year is not None, n.year))}
    groups: Any = people.rows[wanted].groupby(["subject", "grade"], sort=True)
    for (subject, grade), rows in groups:
        n_priors = rows.n_priors.to_numpy()
        ready = sorted(k for s, g, k in latest if (s, g) == (subject, grade))
        used = np.array([max((k for k in ready if k <= has), default=0) for has in n_priors])
        for k in ready:
            if (used == k).any():
                yield Cohort(latest[subject, grade, k], np.empty(0, np.int64), rows.index.to_numpy()[used == k])


def _table(people: Panel, cohorts: Sequence[Cohort], names: dict[str, str], ties: Ties) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for cohort in cohorts:
        at = cohort.used_for
        score = people.current[at]
        quantiles = cohort.norm.quantiles(people.priors[at])
        found = {
            "n_priors": cohort.norm.n_priors,
            "percentile": rank(score, quantiles, ties),
            "prior_score": people.priors[at, 0],
        }
        if people.current_error is not None:
            errors = current_score_error(score, people.current_error[at], quantiles)
            found |= dict(zip(("percentile_se", "percentile_low", "percentile_high"), errors, strict=True))
        parts.append(people.rows.loc[at, ["student", "year", "grade", "subject"]].assign(score=score, **found))
    table = pd.concat(parts).sort_index()
    table.insert(list(table).index("percentile") + 1, "level", np.array(LEVELS)[table.percentile // 20])
    return table.rename(columns=names).rename_axis("place")


def _goodness_of_fit(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    import pandas as pd

    share = table.groupby(by).prior_score.rank(method="first", pct=True)
    rows = table.assign(prior_decile=np.ceil(10 * share).astype(int), band=table.percentile // 10 * 10)
    counts = rows.groupby([*by, "prior_decile", "band"]).size().unstack("band", fill_value=0)
    counts = counts.reindex(columns=range(0, 100, 10), fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0).mul(100).add_prefix("percentile_").rename_axis(columns=None)
    return pd.concat([counts.sum(axis=1).rename("n"), shares], axis=1).reset_index()


def _nobody(people: Panel, wanted: NDArray[np.bool_], given: bool) -> str:
    if not wanted.any():
        return (
            "No student has a score a grade below, a year before, in the years asked for: growth percentiles need at "
            "least two tests in consecutive years and grades, in the same subject."
        )
    if given:
        return "None of the norms given is for a subject and grade of these scores."
    most = people.rows[wanted].groupby(["subject", "grade", "year"]).size().max()
    return (
        f"Growth norms want at least {fewest_students(1)} students with a prior score in a subject, grade and year; "
        f'here there are at most {most:,}. Pool years (reference="pooled"), or give norms of more students (norms=…).'
    )
