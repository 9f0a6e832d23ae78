"""What is doubtful about events, how often, and what is done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis
    import pandas as pd


def doubts(events: ibis.Table) -> pd.DataFrame:
    """Return one row a doubt: what it is, `events` it concerns, and what the features make of it.

    A clock that runs backwards shows where something is finished before it was first begun, and where an event lies
    outside the school year it belongs to (1 July to 30 June).
    """
    import pandas as pd

    copies = events.group_by("event_id").agg(n=events.count())
    repeated = copies.filter(copies.n > 1)
    year, month = events.timestamp.year(), events.timestamp.month()
    outside = events.filter(year + (month >= 7).cast("int64") != events.school_year)
    begun = (events.verb == "played").ifelse(events.timestamp, None).min()
    done = (events.verb == "completed").ifelse(events.timestamp, None).min()
    pairs = events.group_by("student_id", "object_id").agg(begun=begun, done=done)
    backwards = pairs.filter(pairs.done < pairs.begun)
    found = [
        ("the same event more than once", (repeated.n - 1).sum(), "`each_once` counts it once, at its earliest time"),
        ("finished before it was begun", backwards.count(), "both count, on the days they state"),
        ("outside its school year", outside.count(), "counts on the day it states; later than as_of, not at all"),
        ("no course", events.section_id.isnull().sum(), "counts under the empty course"),
    ]
    rows = [(what, int(count.fill_null(0).execute()), made_of_it) for what, count, made_of_it in found]
    return pd.DataFrame(rows, columns=["doubt", "events", "what is done"])
