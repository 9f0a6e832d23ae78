"""Features of activity, per student and course, as of any day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

from workbench.errors import BadParameter, did_you_mean
from workbench.features.activity.daily import daily_sums
from workbench.features.activity.declared import ACTIVITY, WEIGHTS
from workbench.features.known import ratio

if TYPE_CHECKING:
    import ibis

DECIMALS = 12
WEEKS, MONTH = 8, 28
COURSE = ("student_id", "section_id")


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

    day = as_of if isinstance(as_of, date) else date.fromisoformat(as_of)
    known = events.filter(events.timestamp < ibis.timestamp(f"{day + timedelta(days=1)} 00:00:00"))
    daily = daily_sums(known, due, timed_from=day - timedelta(days=MONTH - 1))
    return course_features(daily, day, roster, weights)


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
    known = daily.filter(daily.day <= ibis.literal(day))
    table = _sums(known, day)
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


def _sums(known: ibis.Table, day: date) -> ibis.Table:
    import ibis

    ago = ibis.literal(day).delta(known.day, unit="day")
    rows = known.mutate(ago=ago)
    week, month, before = rows.ago < 7, rows.ago < MONTH, (rows.ago >= 7) & (rows.ago < 14)

    def total(name: str, where: ibis.Value | None = None) -> ibis.Value:
        return rows[name].sum(where=where).coalesce(0)

    sums = rows.group_by(COURSE).agg(
        events_7=total("events", week),
        events_28=total("events", month),
        events_before=total("events", before),
        active_days=rows.count(),
        active_days_7=rows.count(where=week),
        active_days_28=rows.count(where=month),
        sessions_28=total("sessions", month),
        seconds_28=total("seconds", month),
        videos_started=total("videos_started"),
        videos_completed=total("videos_completed"),
        videos_completed_28=total("videos_completed", month),
        quizzes=total("quizzes"),
        posts=total("posts"),
        posts_28=total("posts", month),
        submissions=total("submissions"),
        late_submissions=rows.late.sum(),
        work_28=total("quizzes", month) + total("submissions", month),
        days_since_last=rows.ago.min(),
        first=rows.ago.max(),
        **{f"week_{w}": rows.ago.between(7 * w, 7 * w + 6).any().cast("int32") for w in range(WEEKS)},
        n=rows.scored.sum().cast("float64"),
        x=(rows.scored * rows.ago).sum().cast("float64"),
        xx=(rows.scored * rows.ago * rows.ago).sum().cast("float64"),
        y=rows.score.sum().round(DECIMALS),
        xy=(rows.score * rows.ago).sum().round(DECIMALS),
    )
    weeks = ibis.least(sums["first"].max().over(group_by="section_id") // 7 + 1, WEEKS)
    spread = sums.n * sums.xx - sums.x * sums.x  # whole numbers: exactly 0 where all quizzes fell on one day
    return sums.mutate(
        events_change=sums.events_7 - sums.events_before,
        minutes_28=sums.seconds_28.cast("float64") / 60.0,
        quiz_mean=ratio(sums.y, sums.n),
        quiz_trend=-7 * ratio(sums.n * sums.xy - sums.x * sums.y, spread),
        regularity=ratio(sum(sums[f"week_{w}"] for w in range(WEEKS)), weeks),
    )


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
