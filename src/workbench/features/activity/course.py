"""Features of activity, per student and course, as of any day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from workbench.errors import BadParameter, did_you_mean
from workbench.features.activity.daily import COUNTS, COURSE, half_hours, late_work, missing, untimed_days
from workbench.features.activity.declared import ACTIVITY, WEIGHTS
from workbench.features.known import ratio

if TYPE_CHECKING:
    import ibis

DECIMALS = 12
WEEKS, MONTH = 8, 28
IN_WEEK, IN_MONTH = (1 << 7) - 1, (1 << MONTH) - 1  # bits


def features_from_events(
    events: ibis.Table,
    as_of: date | str,
    due: ibis.Table | None = None,
    roster: ibis.Table | None = None,
    weights: Mapping[str, float] = WEIGHTS,
) -> ibis.Table:
    """Return the `course_features` of one day straight from `events`; `due` is that of `daily_sums`.

    Where many days are asked for, or every night one, keep the daily sums and make features from them. Here sessions
    are worked out for the last four weeks alone, which is as far back as they are asked for.
    """
    import ibis

    _check(weights)
    day = as_of if isinstance(as_of, date) else date.fromisoformat(as_of)
    end, begin = (ibis.timestamp(f"{day + timedelta(days)} 00:00:00") for days in (1, 1 - MONTH))
    before = untimed_days(events.filter(events.timestamp < begin)).mutate(late=missing())
    month = half_hours(events.filter((events.timestamp >= begin) & (events.timestamp < end))).mutate(late=missing())
    table = _sums(before, month, day)
    if due is not None:
        late = late_work(events.filter(events.timestamp < end), due)
        late = late.group_by(COURSE).agg(late_submissions=late.late.sum())
        joined = table.drop("late_submissions").left_join(late, list(COURSE), rname="{name}_of_late")
        table = joined.mutate(late_submissions=joined.late_submissions.coalesce(0))
    return _features(table, day, roster, weights)


def course_features(
    daily: ibis.Table,
    as_of: date | str,
    roster: ibis.Table | None = None,
    weights: Mapping[str, float] = WEIGHTS,
) -> ibis.Table:
    """Return one row a student and course: what `daily` (see `daily_sums`) says up to and including `as_of`.

    Columns: `student_id`, `section_id`, `as_of`, every feature of `ACTIVITY`, for each component of
    `weights` its rank in the course, `<name>_rank` (share of the others who have less, 0 to 1; missing for
    who is alone), and `engagement`, 0 to 100: 100 times the weighted mean of these ranks. Rows are those of `roster`
    (`student_id`, `section_id`), or of everybody with an event so far. Ordered by course and student.
    Raises BadParameter for weights that name no feature, are negative, or are all 0.
    """
    import ibis

    _check(weights)
    day = as_of if isinstance(as_of, date) else date.fromisoformat(as_of)
    begin = ibis.literal(day - timedelta(days=MONTH - 1))
    before, month = daily.filter(daily.day < begin), daily.filter(daily.day.between(begin, ibis.literal(day)))
    return _features(_sums(before, month, day), day, roster, weights)


def _features(table: ibis.Table, day: date, roster: ibis.Table | None, weights: Mapping[str, float]) -> ibis.Table:
    import ibis

    if roster is not None:
        pairs = roster.select(*COURSE).distinct()
        table = pairs.left_join(table, list(COURSE), rname="{name}_of_sums").drop(*(f"{k}_of_sums" for k in COURSE))
    table = table.select(
        *COURSE, as_of=ibis.literal(day), **{f.name: _finished(table[f.name], f.nothing) for f in ACTIVITY}
    )
    never_missing = {feature.name for feature in ACTIVITY if feature.nothing is not None}
    ranks = {f"{name}_rank": _rank(table, name, name in never_missing) for name in weights}
    table = table.mutate(**ranks)
    whole = sum(weights.values())
    score = sum(100 * weight / whole * table[f"{name}_rank"] for name, weight in weights.items())
    return table.mutate(engagement=score.round(DECIMALS)).order_by("section_id", "student_id")


def _sums(before: ibis.Table, month: ibis.Table, day: date) -> ibis.Table:
    """Add up the rows of the last four weeks, and those before, of which less is asked."""
    import ibis

    from workbench.features.activity.bits import bit_count

    month, before = (rows.mutate(ago=ibis.literal(day).delta(rows.day, unit="day")) for rows in (month, before))
    in_month = _of_month(month)
    nothing = dict.fromkeys(in_month, ibis.literal(0, "int64"))
    # Rows before the month are days; those of the month may be half hours, and its days are counted by their bits.
    later = _part(month, 0, {"days_before": ibis.literal(0, "int64"), **in_month})
    earlier = _part(before, MONTH, {"days_before": before.count(), **nothing})
    parts = later.union(earlier)
    how = {"days_since_last": "min", "first": "max"}
    sums = parts.group_by(COURSE).agg(
        **{name: getattr(parts[name], how.get(name, "sum"))() for name in parts.columns if name not in COURSE}
    )
    sums = sums.filter(sums["first"] >= 0)  # true of every row; it tells DuckDB that they are far fewer than events
    active_weeks = sum(((sums.days >> 7 * week & IN_WEEK) != 0).cast("int64") for week in range(WEEKS))
    weeks = ibis.least(sums["first"].max().over(group_by="section_id") // 7 + 1, WEEKS)
    n, x, xx = (sums[name].cast("float64") for name in ("n", "x", "xx"))
    y, xy = (sums[name].round(DECIMALS) for name in ("y", "xy"))
    spread = n * xx - x * x  # whole numbers: exactly 0 where all quizzes fell on one day
    active_days_28 = bit_count(sums.days & IN_MONTH)
    return sums.mutate(
        active_days=sums.days_before + active_days_28,
        active_days_7=bit_count(sums.days & IN_WEEK),
        active_days_28=active_days_28,
        events_change=sums.events_7 - sums.events_before,
        minutes_28=sums.seconds_28.cast("float64") / 60.0,
        quiz_mean=ratio(y, n),
        quiz_trend=-7 * ratio(n * xy - x * y, spread),
        regularity=ratio(active_weeks, weeks),
    )


def _part(rows: ibis.Table, since: int, also: Mapping[str, ibis.Value]) -> ibis.Table:
    """One row a student and course; what two of these say of the same one can be added up.

    `days` is a set, a bit each, of the days with a row among the four weeks from `since` days ago on.
    """
    import ibis

    from workbench.features.activity.bits import bit_or

    days = bit_or((ibis.literal(1) << ibis.least(rows.ago - since, MONTH)).cast("int32")) & IN_MONTH
    return rows.group_by(COURSE).agg(
        **{name: rows[name].sum() for name in COUNTS},
        late_submissions=rows.late.sum(),
        days=days.cast("int64") << since,
        days_since_last=rows.ago.min(),
        first=rows.ago.max(),
        n=rows.scored.sum(),
        x=(rows.scored * rows.ago).sum(),
        xx=(rows.scored * rows.ago * rows.ago).sum(),
        y=rows.score.sum(),
        xy=(rows.score * rows.ago).sum(),
        **also,
    )


def _of_month(rows: ibis.Table) -> dict[str, ibis.Value]:
    def total(name: str, where: ibis.Value) -> ibis.Value:
        return rows[name].sum(where=where).coalesce(0)

    week, week_before = rows.ago < 7, rows.ago.between(7, 13)
    return {
        "events_7": total("events", week),
        "events_28": rows.events.sum(),
        "events_before": total("events", week_before),
        "sessions_28": rows.sessions.sum(),
        "seconds_28": rows.seconds.sum(),
        "videos_completed_28": rows.videos_completed.sum(),
        "posts_28": rows.posts.sum(),
        "work_28": (rows.quizzes + rows.submissions).sum(),
    }


def _finished(value: ibis.Value, nothing: float | None) -> ibis.Value:
    value = value.cast("float64").round(DECIMALS)
    return value if nothing is None else value.coalesce(float(nothing))


def _rank(table: ibis.Table, name: str, never_missing: bool) -> ibis.Value:
    import ibis

    value = table[name]
    # Those of whom it is unknown are apart, so that they neither have a rank nor move anybody's.
    among = ["section_id"] if never_missing else ["section_id", value.isnull()]
    rank = ibis.percent_rank().over(group_by=among, order_by=value)
    has_others = table.count().over(group_by=among) > 1
    return (value.notnull() & has_others).ifelse(rank, None)


def _check(weights: Mapping[str, float]) -> None:
    names = [feature.name for feature in ACTIVITY]
    for name, weight in weights.items():
        if name not in names:
            raise BadParameter(
                f"weights name {name!r}, which is no feature of activity. {did_you_mean(name, names)}"
                f"There are: {', '.join(names)}."
            )
        if not weight >= 0:
            raise BadParameter(f"The weight of {name!r} is {weight}; a weight is 0 or more.")
    if not sum(weights.values()) > 0:
        raise BadParameter("All weights of engagement are 0; at least one must be more.")
