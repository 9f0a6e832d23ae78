"""What was known on a day: facts joined to the students and days asked about, by the facts' own date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.features.declared import KEYS

if TYPE_CHECKING:
    import ibis

YEAR = 365


def known(roster: ibis.Table, facts: ibis.Table, date: str) -> ibis.Table:
    """Return the facts known about each student on each day, one row a (roster row, fact).

    Adds `as_of` and `days_ago`, the whole days from the fact's `date` to `as_of`: 0 is that very day.
    """
    import ibis

    dated = roster.select(*KEYS).join(facts, "student_id")
    dated = dated.mutate(days_ago=dated.as_of.delta(dated[date], unit="day"))
    return dated.filter(ibis._.days_ago >= 0)


def with_last_term(facts: ibis.Table) -> ibis.Table:
    """Add `last`: does the fact belong to the newest term known of that student on that day?"""
    term = facts.school_year * 2 + (facts.term == "spring").cast("int64")
    return facts.mutate(last=term == term.max().over(group_by=KEYS))


def ratio(part: ibis.Value, whole: ibis.Value) -> ibis.Value:
    """Return part ÷ whole, missing where the whole is 0 (Spark would stop, DuckDB would say infinity)."""
    return part.cast("float64") / whole.cast("float64").nullif(0.0)
