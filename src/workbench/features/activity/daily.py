"""Daily sums: one row a student, course and day, from which every feature of activity is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import ibis

GAP_SECONDS = 1800  # thirty minutes: the usual cut between sessions (Catledge & Pitkow 1995 found 25.5)
WHOLE = "int32"  # no day holds more; sums of it take less time
GROUP = ("student_id", "section_id", "day")
COUNTS = {
    "videos_started": "played",
    "videos_completed": "completed",
    "quizzes": "answered",
    "posts": "posted",
    "submissions": "submitted",
}


def each_once(events: ibis.Table) -> ibis.Table:
    """Return each event once: of rows with the same `event_id`, the earliest.

    For events from outside; those of a data folder are checked to be unique when it is written.
    """
    import ibis

    first = ibis.row_number().over(group_by="event_id", order_by=["timestamp", "student_id", "object_id"])
    return events.mutate(copy=first).filter(ibis._["copy"] == 0).drop("copy")


def daily_sums(events: ibis.Table, due: ibis.Table | None = None, timed_from: date | str | None = None) -> ibis.Table:
    """Return what each student did in each course on each day; the empty course holds events of none.

    Columns: `student_id`, `section_id`, `day`; counts of `events`, `sessions`, videos, quizzes, posts and
    submissions; `seconds` online; `score` and `scored`, sum and number of the quiz results; `late`, the
    submissions after `due_at` of the table `due` (`section_id`, `object_id`, `due_at`), missing without it. A session
    ends at midnight, so that a day's row depends on that day's events alone. Before the day `timed_from`, sessions and
    seconds are missing: putting events in order is what takes long.
    """
    if timed_from is None:
        days = _timed(events)
    else:
        import ibis

        begin = ibis.timestamp(f"{timed_from} 00:00:00")
        days = _untimed(events.filter(events.timestamp < begin))
        days = days.union(_timed(events.filter(events.timestamp >= begin)).select(days.columns))
    if due is None:
        return days.mutate(late=_missing())
    late = _late(events, due)
    joined = days.left_join(late, list(GROUP), rname="{name}_of_late")
    return joined.select(*days.columns, late=joined.late.coalesce(0))


def _untimed(events: ibis.Table) -> ibis.Table:
    rows = events.select(*_bare(events), day=events.timestamp.date())
    days = rows.group_by(GROUP).agg(**_counted(rows))
    return days.mutate(sessions=_missing(), seconds=_missing())


def _timed(events: ibis.Table) -> ibis.Table:
    """By way of half hours: within one no gap can end a session, so only these are put in order."""
    import ibis

    moment = events.timestamp.delta(ibis.timestamp("1970-01-01 00:00:00"), unit="second").cast("int64")
    lasted = events.duration_seconds.coalesce(0.0).clip(0, GAP_SECONDS).round().cast("int64")
    rows = events.select(*_bare(events), "timestamp", moment=moment, end=moment + lasted)
    parts = rows.group_by("student_id", "section_id", half_hour=rows.moment // GAP_SECONDS).agg(
        day=rows.timestamp.min().date(),
        first=rows.moment.min(),
        last=rows.moment.max(),
        end=rows.end.max(),
        **_counted(rows),
    )
    following = parts.first.lead().over(ibis.window(group_by=GROUP, order_by="half_hour"))
    parts = parts.mutate(gap=following - parts["last"])
    goes_on = (parts.gap <= GAP_SECONDS).fill_null(False)
    until_next = goes_on.ifelse(parts.gap, parts.end - parts["last"])
    whole = ("events", *COUNTS, "scored")
    return parts.group_by(GROUP).agg(
        **{name: parts[name].sum().cast(WHOLE) for name in whole},
        score=parts.score.sum(),
        sessions=(parts.count() - parts.count(where=goes_on)).cast(WHOLE),
        seconds=(parts["last"] - parts.first + until_next).sum().cast(WHOLE),
    )


def _bare(events: ibis.Table) -> list[ibis.Value]:
    section, score = events.section_id.coalesce(""), (events.verb == "answered").ifelse(events.score_scaled, None)
    return [events.student_id, events.verb, section.name("section_id"), score.name("score")]


def _counted(rows: ibis.Table) -> dict[str, ibis.Value]:
    counts = {name: rows.count(where=rows.verb == verb) for name, verb in COUNTS.items()}
    counts = {"events": rows.count(), **counts, "scored": rows.score.count()}
    return {"score": rows.score.sum(), **{name: count.cast(WHOLE) for name, count in counts.items()}}


def _late(events: ibis.Table, due: ibis.Table) -> ibis.Table:
    handed_in = events.filter(events.verb == "submitted").mutate(section_id=events.section_id.coalesce(""))
    dated = handed_in.join(due.select("section_id", "object_id", "due_at"), ["section_id", "object_id"])
    late = dated.filter(dated.timestamp > dated.due_at)
    return late.group_by("student_id", "section_id", day=late.timestamp.date()).agg(late=late.count().cast(WHOLE))


def _missing() -> ibis.Value:
    import ibis

    return ibis.null(WHOLE)
