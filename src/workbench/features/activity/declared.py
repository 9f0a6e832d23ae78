"""Every feature of activity in a course, declared once, and what engagement is made of."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.features.declared import Feature


def _activity(name: str, help: str, unit: str, words: str, monotone: int, nothing: float | None = 0) -> Feature:
    return Feature(name, help, unit, words, monotone, "events", nothing)  # type: ignore[arg-type]


# fmt: off
ACTIVITY: tuple[Feature, ...] = (
    _activity("events_7", "events in the last 7 days", "events", "online activity in the last week", -1),
    _activity("events_28", "events in the last 28 days", "events", "online activity in the last four weeks", -1),
    _activity("events_change", "events in the last 7 days minus those in the 7 days before",
              "events", "change in online activity since the week before", -1),
    _activity("active_days", "days with an event so far", "days", "days active in the course", -1),
    _activity("active_days_7", "days with an event in the last 7 days", "days", "days active in the last week", -1),
    _activity("active_days_28", "days with an event in the last 28 days",
              "days", "days active in the last four weeks", -1),
    _activity("sessions_28", "sessions in the last 28 days; a gap of more than 30 minutes, or midnight, "
              "begins a new one",
              "sessions", "times at work in the last four weeks", -1),
    _activity("minutes_28", "minutes from the first to the last event of each session of the last 28 days, and what "
              "the events of its last half hour lasted beyond that, 30 minutes an event at most",
              "minutes", "time at work in the last four weeks", -1),
    _activity("videos_started", "`played` events so far", "videos", "videos started", -1),
    _activity("videos_completed", "`completed` events so far", "videos", "videos watched to the end", -1),
    _activity("videos_completed_28", "`completed` events in the last 28 days",
              "videos", "videos watched to the end in the last four weeks", -1),
    _activity("quizzes", "`answered` events so far", "quizzes", "quizzes taken", -1),
    _activity("quiz_mean", "mean result of the scored `answered` events so far",
              "share of the maximum", "quiz results", -1, None),
    _activity("quiz_trend", "slope of a line through these results over time (least squares), a week",
              "share of the maximum a week", "trend of quiz results", -1, None),
    _activity("posts", "`posted` events so far", "posts", "forum posts", -1),
    _activity("posts_28", "`posted` events in the last 28 days", "posts", "forum posts in the last four weeks", -1),
    _activity("submissions", "`submitted` events so far", "submissions", "work handed in", -1),
    _activity("late_submissions", "of these, after the time due; missing where no times due are given",
              "submissions", "work handed in late", 1, None),
    _activity("work_28", "`answered` and `submitted` events in the last 28 days",
              "pieces of work", "quizzes and work handed in, in the last four weeks", -1),
    _activity("days_since_last", "days since the last event", "days", "days since last active in the course", 1, None),
    _activity("regularity", "weeks with an event, of the last 8 weeks or of those since the course's first event",
              "share of weeks", "how regularly active", -1),
)
# fmt: on

# Components of engagement: each is ranked within the course, so that a course with few videos punishes nobody.
WEIGHTS: Mapping[str, float] = {
    "active_days_28": 0.30,
    "minutes_28": 0.20,
    "regularity": 0.20,
    "work_28": 0.20,
    "videos_completed_28": 0.05,
    "posts_28": 0.05,
}
