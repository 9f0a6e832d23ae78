"""The features of activity in a course, as one writes them in plain pandas: what benchmarks are held against."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

PAIR = ["student_id", "section_id"]
WEIGHTS = {
    "active_days_28": 0.30,
    "minutes_28": 0.20,
    "regularity": 0.20,
    "work_28": 0.20,
    "videos_completed_28": 0.05,
    "posts_28": 0.05,
}


def features(path: str, as_of: date) -> pd.DataFrame:
    """Read events and return one row a student and course, the columns of `course_features`."""
    events = pd.read_parquet(path)
    events = events[events.timestamp < pd.Timestamp(as_of) + pd.Timedelta(days=1)]
    events["section_id"] = events.section_id.fillna("")
    events["ago"] = (pd.Timestamp(as_of) - events.timestamp.dt.normalize()).dt.days
    events = events.sort_values([*PAIR, "timestamp"])
    group = events.groupby(PAIR)
    table = pd.DataFrame(
        {
            "active_days": group.ago.nunique(),
            "days_since_last": group.ago.min(),
            "videos_started": _count(events, verb="played"),
            "videos_completed": _count(events, verb="completed"),
            "videos_completed_28": _count(events, 28, "completed"),
            "quizzes": _count(events, verb="answered"),
            "posts": _count(events, verb="posted"),
            "posts_28": _count(events, 28, "posted"),
            "submissions": _count(events, verb="submitted"),
            "events_7": _count(events, 7),
            "events_28": _count(events, 28),
            "events_14": _count(events, 14),
            "work_28": _count(events, 28, "answered").add(_count(events, 28, "submitted"), fill_value=0),
            "active_days_7": events[events.ago < 7].groupby(PAIR).ago.nunique(),
            "active_days_28": events[events.ago < 28].groupby(PAIR).ago.nunique(),
            **_sessions(events[events.ago < 28]),
        },
        index=group.size().index,
    )
    counts = table.columns.drop("days_since_last")
    table[counts] = table[counts].fillna(0)
    table["events_change"] = 2 * table.events_7 - table.pop("events_14")
    weeks = events[events.ago < 56].assign(week=lambda e: e.ago // 7).groupby(PAIR).week.nunique()
    all_weeks = (events.groupby("section_id").ago.max() // 7 + 1).clip(upper=8)
    table["regularity"] = weeks.reindex(table.index).fillna(0) / all_weeks.reindex(table.index, level="section_id")
    return _ranked(table.join(_quizzes(events))).reset_index()


def _count(events: pd.DataFrame, within: int = 10**6, verb: str | None = None) -> pd.Series:
    here = events[events.ago < within]
    return (here if verb is None else here[here.verb == verb]).groupby(PAIR).size()


def _sessions(events: pd.DataFrame) -> dict[str, pd.Series]:
    """Sessions and minutes; what an event lasted counts for the last half hour of a session."""
    keys = [*PAIR, "ago"]
    gap = events.groupby(keys).timestamp.diff()
    session = (gap.isna() | (gap > pd.Timedelta(minutes=30))).cumsum()
    half_hour = events.timestamp.dt.floor("30min")
    lasted = pd.to_timedelta(events.duration_seconds.fillna(0).clip(0, 1800).round(), unit="s")
    facts = events[PAIR].assign(session=session, timestamp=events.timestamp, half_hour=half_hour)
    facts["end"] = events.timestamp + lasted
    facts = facts[half_hour == facts.groupby("session").half_hour.transform("max")]
    ends = facts.groupby("session").end.max()
    begins = events.groupby(session).timestamp.min()
    first = events[PAIR].assign(session=session).drop_duplicates("session").set_index("session")
    first["minutes"] = (ends - begins).dt.total_seconds() / 60
    by_pair = first.groupby(PAIR).minutes
    return {"sessions_28": by_pair.size(), "minutes_28": by_pair.sum().round(12)}


def _quizzes(events: pd.DataFrame) -> pd.DataFrame:
    scored = events[(events.verb == "answered") & events.score_scaled.notna()]
    x, y = scored.ago, scored.score_scaled
    sums = scored[PAIR].assign(n=1.0, x=x, xx=x * x, y=y, xy=x * y).groupby(PAIR).sum()
    spread = (sums.n * sums.xx - sums.x**2).replace(0, np.nan)
    return pd.DataFrame(
        {"quiz_mean": sums.y / sums.n, "quiz_trend": -7 * (sums.n * sums.xy - sums.x * sums.y) / spread}
    )


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    course = table.groupby("section_id")
    others = course.events_7.transform("size") - 1
    for name in WEIGHTS:
        table[f"{name}_rank"] = (course[name].rank(method="min") - 1) / others.where(others > 0)
    table["engagement"] = sum(100 * w * table[f"{name}_rank"] for name, w in WEIGHTS.items())
    return table
