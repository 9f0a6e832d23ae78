"""Features from tests and from learning events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.features.declared import KEYS
from workbench.features.known import YEAR, known, ratio

if TYPE_CHECKING:
    import ibis

    from workbench.store import Data

COMPARABLE = ("scale_id", "grade_level", "school_year")
WINDOW = 60
DECIMALS = 6


def scores(data: Data, roster: ibis.Table) -> ibis.Table:
    """Return standardised test scores by student and day; alternate assessments are left out.

    A score is compared with all scores known on that day of the same scale, grade and school year,
    whoever's they are: (score - mean) ÷ standard deviation (n - 1), both to six decimals. Missing where fewer than two
    different scores are known.
    """
    usual = data.scales.filter(~data.scales.alternate).select("scale_id")
    tests = data.assessments.semi_join(usual, "scale_id")
    facts = known(roster, tests, "test_date").join(_norms(tests, roster), ["as_of", *COMPARABLE])
    facts = facts.mutate(z=(facts.scale_score - facts.mean) / facts.sd)
    newest = facts.days_ago == facts.days_ago.min().over(group_by=(*KEYS, "subject"))
    facts = facts.mutate(newest=newest)
    return facts.group_by(KEYS).agg(
        math_score_z=facts.z.mean(where=facts.newest & (facts.subject == "math")),
        reading_score_z=facts.z.mean(where=facts.newest & (facts.subject == "reading")),
        mean_score_z=facts.z.mean(),
    )


def _norms(tests: ibis.Table, roster: ibis.Table) -> ibis.Table:
    days = roster.select("as_of").distinct()
    seen = tests.join(days, tests.test_date <= days.as_of)
    # Rounded, so that the order in which an engine or its threads add cannot move a student's score.
    norms = seen.group_by("as_of", *COMPARABLE).agg(
        mean=seen.scale_score.mean().round(DECIMALS), sd=seen.scale_score.std(how="sample").round(DECIMALS)
    )
    return norms.filter(norms.sd > 0)


def events(data: Data, roster: ibis.Table) -> ibis.Table:
    """Return learning activity by student and day.

    Events are first summed to one row a student and calendar day, so that the many days asked about
    are joined to days of activity and not to single events.
    """
    log = data.events
    daily = log.group_by("student_id", day=log.timestamp.date()).agg(
        events=log.count(), score=log.score_scaled.sum(), scored=log.score_scaled.count()
    )
    facts = known(roster, daily, "day")
    recent = facts.days_ago < WINDOW
    earlier = (facts.days_ago >= WINDOW) & (facts.days_ago < 2 * WINDOW)
    sums = facts.group_by(KEYS).agg(
        recent=facts.events.sum(where=recent).coalesce(0),
        earlier=facts.events.sum(where=earlier).coalesce(0),
        active=facts.count(where=recent),
        days_ago=facts.days_ago.min(),
        score=facts.score.sum(),
        scored=facts.scored.sum(),
    )
    return sums.select(
        *KEYS,
        events_60_days=sums.recent,
        active_days_60=sums.active,
        days_since_event=(sums.days_ago > YEAR).ifelse(YEAR, sums.days_ago),
        events_change=sums.recent - sums.earlier,
        quiz_score=ratio(sums.score, sums.scored),
    )
