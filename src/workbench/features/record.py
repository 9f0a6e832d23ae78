"""Features from the school's records: attendance, discipline, course results, supports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.features.declared import KEYS
from workbench.features.known import YEAR, known, ratio, with_last_term

if TYPE_CHECKING:
    import ibis

    from workbench.store import Data


def attendance(data: Data, roster: ibis.Table) -> ibis.Table:
    """Return attendance, its change and chronic absence (10 % or more of enrolled days) by student and day."""
    facts = with_last_term(known(roster, data.attendance, "end_date"))
    recent = facts.days_ago < YEAR
    sums = facts.group_by(KEYS).agg(
        **_days("last", facts, facts["last"]),
        **_days("before", facts, ~facts["last"]),
        **_days("year", facts, recent),
        **_days("history", facts, ~recent),
    )
    last, before = 1 - _absence(sums, "last"), 1 - _absence(sums, "before")
    return sums.select(
        *KEYS,
        attendance_last_term=last,
        attendance_year=1 - _absence(sums, "year"),
        attendance_change=last - before,
        absence_history=_absence(sums, "history"),
        chronic_absence=chronically_absent(sums.absent_year, sums.enrolled_year).cast("float64"),
    )


def chronically_absent(absent: ibis.Value, enrolled: ibis.Value) -> ibis.Value:
    """Return whether 10 % or more of the days enrolled were missed (EDFacts 195); missing where there were none."""
    return absent * 10 >= enrolled.nullif(0)


def _days(name: str, facts: ibis.Table, where: ibis.Value) -> dict[str, ibis.Value]:
    return {
        f"enrolled_{name}": facts.days_enrolled.sum(where=where),
        f"absent_{name}": facts.days_absent.sum(where=where),
    }


def _absence(sums: ibis.Table, name: str) -> ibis.Value:
    return ratio(sums[f"absent_{name}"], sums[f"enrolled_{name}"])


def school_attendance(data: Data, roster: ibis.Table) -> ibis.Table:
    """Return the attendance of everybody at the school over the last 365 days, by student and day."""
    by_day = data.attendance.group_by("school_id", "end_date").agg(
        enrolled=data.attendance.days_enrolled.sum(), absent=data.attendance.days_absent.sum()
    )
    asked = roster.select("school_id", "as_of").distinct()
    facts = asked.join(by_day, "school_id")
    days_ago = facts.as_of.delta(facts.end_date, unit="day")
    sums = (
        facts.filter((days_ago >= 0) & (days_ago < YEAR))
        .group_by("school_id", "as_of")
        .agg(enrolled=facts.enrolled.sum(), absent=facts.absent.sum())
    )
    rates = sums.select("school_id", "as_of", school_attendance_year=1 - ratio(sums.absent, sums.enrolled))
    return roster.select(*KEYS, "school_id").join(rates, ["school_id", "as_of"]).drop("school_id")


def discipline(data: Data, roster: ibis.Table) -> ibis.Table:
    """Return incidents and days removed by student and day."""
    facts = known(roster, data.discipline, "incident_date")
    recent = facts.days_ago < YEAR
    return facts.group_by(KEYS).agg(
        incidents_year=facts.count(where=recent),
        incidents_ever=facts.count(),
        days_removed_year=facts.days_removed.sum(where=recent),
    )


def courses(data: Data, roster: ibis.Table) -> ibis.Table:
    """Return grade averages (weighted by credits attempted), failures and credits by student and day.

    Grades are first summed to one row a student, term and posting day: fewer rows to join.
    """
    facts = with_last_term(known(roster, _posted(data.course_results), "posted_date"))
    last = facts["last"]
    sums = facts.group_by(KEYS).agg(
        points=facts.points.sum(),
        points_last=facts.points.sum(where=last),
        points_before=facts.points.sum(where=~last),
        attempted=facts.attempted.sum(),
        attempted_last=facts.attempted.sum(where=last),
        attempted_before=facts.attempted.sum(where=~last),
        earned=facts.earned.sum(),
        failed=facts.failed.sum(),
        failed_last=facts.failed.sum(where=last),
        courses=facts.courses.sum(),
        courses_last=facts.courses.sum(where=last),
        grades=facts.grades.sum(),
        squares=facts.squares.sum(),
    )
    gpa_last = ratio(sums.points_last, sums.attempted_last)
    return sums.select(
        *KEYS,
        gpa_last_term=gpa_last,
        gpa_all=ratio(sums.points, sums.attempted),
        gpa_change=gpa_last - ratio(sums.points_before, sums.attempted_before),
        grade_spread=_deviation(sums.courses, sums.grades, sums.squares),
        courses_last_term=sums.courses_last,
        courses_failed_last_term=sums.failed_last,
        courses_failed_ever=sums.failed,
        credits_earned_share=ratio(sums.earned, sums.attempted),
    )


def _deviation(n: ibis.Value, total: ibis.Value, squares: ibis.Value) -> ibis.Value:
    """Sample standard deviation from a count, a sum and a sum of squares; missing below two."""
    within = squares - total * total / n.nullif(0)
    return (within.round(9).clip(lower=0) / (n - 1).nullif(0)).sqrt()


def _posted(results: ibis.Table) -> ibis.Table:
    return results.group_by("student_id", "school_year", "term", "posted_date").agg(
        points=(results.grade_points * results.credits_attempted).sum(),
        attempted=results.credits_attempted.sum(),
        earned=results.credits_earned.sum(),
        failed=(~results.passed).cast("int64").sum(),
        courses=results.count(),
        grades=results.grade_points.sum(),
        squares=(results.grade_points * results.grade_points).sum(),
    )


def supports(data: Data, roster: ibis.Table) -> ibis.Table:
    """Return the number of supports assigned so far by student and day."""
    facts = known(roster, data.interventions, "assigned_date")
    return facts.group_by(KEYS).agg(supports_assigned=facts.count())
