"""Features from the enrolment history, the student's own record and the programme flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.features.declared import KEYS
from workbench.features.known import known

if TYPE_CHECKING:
    import ibis

    from workbench.store import Data

THREE_YEARS = 1095
START_OF_YEAR = 14
USUAL_AGE_IN_KINDERGARTEN = 5.5


def moves(data: Data, roster: ibis.Table) -> ibis.Table:
    """Return schools attended in the last 1,095 days, and joining the school during a year, by student and day.

    What counts is the first entry into the present school, in whichever year that was; a year's start is
    the first entry into that school in that school year by anybody.
    """
    start = data.enrollments.group_by("school_id", "school_year").agg(start=data.enrollments.entry_date.min())
    spells = data.enrollments.join(start, ["school_id", "school_year"])
    asked = roster.select(*KEYS, here="school_id")
    facts = known(roster, spells, "entry_date").join(asked, KEYS)
    in_window = facts.exit_date.isnull() | (facts.as_of.delta(facts.exit_date, unit="day") < THREE_YEARS)
    first = facts.days_ago == facts.days_ago.max().over(group_by=(*KEYS, "school_id"))
    facts = facts.mutate(
        joined=first & (facts.school_id == facts.here),
        after_start=facts.entry_date.delta(facts.start, unit="day"),
        in_window=in_window,
    )
    return facts.group_by(KEYS).agg(
        schools_3_years=facts.school_id.nunique(where=facts.in_window),
        late_entry=(facts.after_start.min(where=facts.joined) > START_OF_YEAR).cast("float64"),
    )


def student(data: Data, roster: ibis.Table) -> ibis.Table:
    """Return time since grade 9, over-age and the audit columns sex and race by student and day.

    Entry into grade 9 counts from its school year on: before, it has not happened yet.
    """
    import ibis

    facts = roster.join(data.students, "student_id")
    since = facts.school_year - facts.ninth_grade_year
    since = (since >= 0).ifelse(since, ibis.null("int64"))
    september = ibis.date(facts.school_year - 1, 9, 1)
    # As a float first: Spark reads 365.25 as a decimal and would keep six digits of the quotient.
    age = september.delta(facts.birth_date, unit="day").cast("float64") / 365.25
    return facts.select(
        *KEYS,
        "sex",
        "race_ethnicity",
        years_since_grade_9=since,
        behind_cohort=(facts.grade_level < since + 9).cast("float64"),
        years_over_age=age - facts.grade_level - USUAL_AGE_IN_KINDERGARTEN,
    )


def programs(data: Data, roster: ibis.Table) -> ibis.Table:
    """Return the programme flags (0 or 1) of the school year, by student and day."""
    flags = ("economically_disadvantaged", "english_learner", "disability")
    facts = roster.select(*KEYS, "school_year").join(data.programs, ["student_id", "school_year"])
    return facts.select(*KEYS, **{flag: facts[flag].cast("float64") for flag in flags})
