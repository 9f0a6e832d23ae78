"""Daily sums: one row a student, course and day, from which every feature of activity is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis

GAP_SECONDS = 1800  # thirty minutes: the usual cut between sessions (Catledge & Pitkow 1995 found 25.5)
HALF_HOURS_A_DAY = 48
WHOLE = "int32"  # no day holds more; sums of it take less time
COURSE = ("student_id", "section_id")
GROUP = (*COURSE, "day")
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


def daily_sums(events: ibis.Table, due: ibis.Table | None = None) -> ibis.Table:
    """Return what each student did in each course on each day; the empty course holds events of none.

    Columns: `student_id`, `section_id`, `day`; counts of `events`, `sessions`, videos, quizzes, posts and
    submissions; `seconds` online; `score` and `scored`, sum and number of the quiz results; `late`, the
    submissions after `due_at` of the table `due` (`section_id`, `object_id`, `due_at`), missing without it. A session
    ends at midnight, so that a day's row depends on that day's events alone.
    """
    parts = half_hours(events)
    sums = {name: parts[name].sum().cast(WHOLE) for name in ("events", *COUNTS, "scored", "sessions", "seconds")}
    days = parts.group_by(GROUP).agg(score=parts.score.sum(), **sums)
    if due is None:
        return days.mutate(late=missing())
    late = late_work(events, due)
    joined = days.left_join(late, list(GROUP), rname="{name}_of_late")
    return joined.select(*days.columns, late=joined.late.coalesce(0))


def half_hours(events: ibis.Table) -> ibis.Table:
    """Return one row a student, course and half hour with an event: what adds up to the daily sums, but for late work.

    Within a half hour no gap can end a session, and a session that goes on does so in the very next half hour: one
    join finds where sessions end, and no events are put in order, which would take long. Of `sessions`, 1 stands at
    the last half hour of each and 0 elsewhere.
    """
    import ibis

    moment = events.timestamp.delta(ibis.timestamp("1970-01-01 00:00:00"), unit="second").cast("int64")
    lasted = ibis.least(ibis.greatest(events.duration_seconds, 0.0), float(GAP_SECONDS)).round().cast("int64")
    end, half_hour = moment + lasted.coalesce(0), moment // GAP_SECONDS
    rows = events.select(*_bare(events), moment=moment, end=end, half_hour=half_hour)
    place = (*COURSE, "half_hour")
    moments = {"first": rows.moment.min(), "last": rows.moment.max(), "end": rows.end.max()}
    parts = rows.group_by(place).agg(**moments, **_counted(rows))
    following = parts.select(*COURSE, half_hour=parts.half_hour - 1, following=parts.first)
    parts = parts.left_join(following, list(place), rname="{name}_of_following")
    gap = parts.following - parts["last"]
    at_midnight = (parts.half_hour + 1) % HALF_HOURS_A_DAY == 0
    goes_on = ((gap <= GAP_SECONDS) & ~at_midnight).fill_null(False)
    return parts.select(
        *COURSE,
        *("score", "events", *COUNTS, "scored"),
        day=parts.first.as_timestamp("s").date(),
        sessions=(~goes_on).cast(WHOLE),
        seconds=(parts["last"] - parts.first + goes_on.ifelse(gap, parts.end - parts["last"])).cast(WHOLE),
    )


def untimed_days(events: ibis.Table) -> ibis.Table:
    """Return one row a student, course and day with the columns of `half_hours`; sessions and seconds are missing."""
    rows = events.select(*_bare(events), day=events.timestamp.date())
    days = rows.group_by(GROUP).agg(**_counted(rows))
    return days.mutate(sessions=missing(), seconds=missing())


def _bare(events: ibis.Table) -> list[ibis.Value]:
    # As strings that might be missing, which is what a join makes of them: the parts of a union are typed alike.
    student, section = events.student_id.cast("string"), events.section_id.coalesce("").cast("string")
    score = (events.verb == "answered").ifelse(events.score_scaled, None)
    return [student.name("student_id"), events.verb, section.name("section_id"), score.name("score")]


def _counted(rows: ibis.Table) -> dict[str, ibis.Value]:
    counts = {name: rows.count(where=rows.verb == verb) for name, verb in COUNTS.items()}
    counts = {"events": rows.count(), **counts, "scored": rows.score.count()}
    return {"score": rows.score.sum(), **{name: count.cast(WHOLE) for name, count in counts.items()}}


def late_work(events: ibis.Table, due: ibis.Table) -> ibis.Table:
    """Return the submissions after the time due, `late`, one row a student, course and day that has any."""
    handed_in = events.filter(events.verb == "submitted").mutate(section_id=events.section_id.coalesce(""))
    dated = handed_in.join(due.select("section_id", "object_id", "due_at"), ["section_id", "object_id"])
    late = dated.filter(dated.timestamp > dated.due_at)
    return late.group_by("student_id", "section_id", day=late.timestamp.date()).agg(late=late.count().cast(WHOLE))


def missing() -> ibis.Value:
    """Return a count that is not known."""
    import ibis

    return ibis.null(WHOLE)
