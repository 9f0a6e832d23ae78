"""Daily sums: one row a student, course and day, from which every feature of activity is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis

GAP_SECONDS = 1800  # thirty minutes: the usual cut between sessions (Catledge & Pitkow 1995 found 25.5)
GROUP = ("student_id", "section_id", "day")
COUNTS = {"videos_started": "played", "videos_completed": "completed", "quizzes": "answered", "posts": "posted"}


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
    days = _summed(_half_hours(events))
    if due is None:
        return days.mutate(late=_missing())
    late = _late(events, due)
    joined = days.left_join(late, list(GROUP), rname="{name}_of_late")
    return joined.select(*days.columns, late=joined.late.coalesce(0))


def _half_hours(events: ibis.Table) -> ibis.Table:
    """One row a student, course and half hour: within it no gap can end a session, so only these are put in order."""
    moment = events.timestamp.epoch_seconds()
    lasted = events.duration_seconds.coalesce(0.0).clip(0, GAP_SECONDS).round().cast("int64")
    rows = events.select(
        "student_id",
        "verb",
        section_id=events.section_id.coalesce(""),
        moment=moment,
        end=moment + lasted,
        half_hour=(moment / GAP_SECONDS).floor().cast("int64"),
        timestamp=events.timestamp,
        score=(events.verb == "answered").ifelse(events.score_scaled, None),
    )
    return rows.group_by("student_id", "section_id", "half_hour").agg(
        day=rows.timestamp.min().date(),
        events=rows.count(),
        first=rows.moment.min(),
        last=rows.moment.max(),
        end=rows.end.max(),
        score=rows.score.sum(),
        scored=rows.score.count(),
        submissions=(rows.verb == "submitted").sum(),
        **{name: (rows.verb == verb).sum() for name, verb in COUNTS.items()},
    )


def _summed(parts: ibis.Table) -> ibis.Table:
    import ibis

    in_order = ibis.window(group_by=GROUP, order_by="first")
    gap = parts.first - parts["last"].lag().over(in_order)
    following = parts.first.lead().over(in_order) - parts["last"]
    parts = parts.mutate(
        begins=(gap.isnull() | (gap > GAP_SECONDS)).cast("int64"),
        within=(gap <= GAP_SECONDS).ifelse(gap, 0),
        beyond=(following <= GAP_SECONDS).ifelse(0, parts.end - parts["last"]),
    )
    summed = ("events", *COUNTS, "submissions", "scored")
    return parts.group_by(GROUP).agg(
        **{name: parts[name].sum().cast("int64") for name in summed},
        score=parts.score.sum(),
        sessions=parts.begins.sum().cast("int64"),
        seconds=(parts["last"] - parts.first + parts.within + parts.beyond).sum().cast("int64"),
    )


def _late(events: ibis.Table, due: ibis.Table) -> ibis.Table:
    handed_in = events.filter(events.verb == "submitted").mutate(section_id=events.section_id.coalesce(""))
    dated = handed_in.join(due.select("section_id", "object_id", "due_at"), ["section_id", "object_id"])
    late = dated.filter(dated.timestamp > dated.due_at)
    return late.group_by("student_id", "section_id", day=late.timestamp.date()).agg(late=late.count())


def _missing() -> ibis.Value:
    import ibis

    return ibis.null("int64")
