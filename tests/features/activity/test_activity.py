"""Activity in a course: by hand, as of a day, from kept days, and on both engines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import store
from workbench.errors import BadInput, BadParameter
from workbench.features import activity
from workbench.features.activity.daily import half_hours
from workbench.tables import TABLES, VERBS

DAY = date(2024, 11, 29)
DUCK = store.connect()
SCHEMA = TABLES["events"].arrow_schema()
Rows = list[dict[str, Any]]


def event(
    when: str,
    verb: str = "viewed",
    who: str = "ana",
    course: str | None = "c",
    score: float | None = None,
    lasted: float | None = None,
) -> dict[str, Any]:
    return {"student_id": who, "section_id": course, "timestamp": datetime.fromisoformat(when), "verb": verb} | {
        "object_id": "o",
        "school_year": 2025,
        "score_scaled": score,
        "duration_seconds": lasted,
    }


def table(rows: Rows) -> ibis.Table:
    numbered = [{"event_id": f"e{i}", **row} for i, row in enumerate(rows)]
    return ibis.memtable(pa.Table.from_pylist(numbered, schema=SCHEMA))


def features(rows: Rows, as_of: date = DAY, **options: Any) -> pd.DataFrame:
    return DUCK.to_pandas(activity.course_features(activity.daily_sums(table(rows)), as_of, **options))


def of(frame: pd.DataFrame, who: str = "ana") -> dict[str, Any]:
    (row,) = frame[frame.student_id == who].to_dict("records")
    return row


ANA = [
    event("2024-10-01 09:00", "answered", score=0.2),
    event("2024-10-15 09:00", "answered", score=0.6),
    event("2024-11-20 10:00", "posted"),
    event("2024-11-25 09:00", "played"),
    event("2024-11-25 09:30", lasted=600.0),  # thirty minutes later: the same session
    event("2024-11-25 10:00:01", "submitted"),  # a second more: another
    event("2024-11-28 23:50", "completed"),
    event("2024-11-29 00:10", lasted=7200.0),  # midnight has passed: another; of two hours thirty minutes count
]


def test_features_computed_by_hand() -> None:
    found = of(
        features([*ANA, event("2024-11-01 08:00", who="ben"), event("2024-11-29 09:00", who="ben", course="d")]).query(
            "section_id == 'c'"
        )
    )
    wanted = {
        "events_7": 5, "events_28": 6, "events_change": 4, "active_days": 6, "active_days_7": 3, "active_days_28": 4,
        "sessions_28": 5, "minutes_28": 40 + 30, "videos_started": 1, "videos_completed": 1, "videos_completed_28": 1,
        "quizzes": 2, "quiz_mean": 0.4, "quiz_trend": 0.2, "posts": 1, "posts_28": 1, "submissions": 1, "work_28": 1,
        "days_since_last": 0, "regularity": 3 / 8, "active_days_28_rank": 1, "engagement": 100,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
    assert pd.isna(found["late_submissions"])


def test_engagement_is_the_weighted_mean_of_ranks_in_the_course() -> None:
    rows = [
        *ANA,
        event("2024-11-28 08:00", who="ben"),
        event("2024-11-28 08:00", "posted", who="cal"),
        event("2024-11-28 11:00", "posted", who="cal"),
    ]
    ben = of(features(rows, weights={"events_28": 3.0, "posts": 1.0}), "ben")
    cal = of(features(rows, weights={"events_28": 3.0, "posts": 1.0}), "cal")
    assert (ben["engagement"], cal["engagement"]) == (0, pytest.approx(100 * (0.75 * 0.5 + 0.25 * 1)))


def test_who_is_alone_in_a_course_has_no_rank() -> None:
    found = of(features(ANA))
    assert pd.isna(found["active_days_28_rank"])
    assert pd.isna(found["engagement"])


def test_a_roster_brings_those_who_were_never_there() -> None:
    roster = ibis.memtable(pd.DataFrame({"student_id": ["ana", "dot"], "section_id": ["c", "c"]}))
    dot = of(features(ANA, roster=roster), "dot")
    assert (dot["events_28"], dot["engagement"]) == (0, 0)
    assert pd.isna(dot["days_since_last"])
    assert pd.isna(dot["quiz_mean"])


def test_work_after_the_time_due_is_late() -> None:
    due = ibis.memtable(
        pd.DataFrame({"section_id": ["c"], "object_id": ["o"], "due_at": [pd.Timestamp("2024-11-25 10:00")]})
    )
    sums = activity.daily_sums(table([*ANA, event("2024-11-24 09:00", "submitted")]), due)
    assert of(DUCK.to_pandas(activity.course_features(sums, DAY)))["late_submissions"] == 1


@pytest.mark.parametrize("weights", [{"events_29": 1.0}, {"posts": -1.0}, {"posts": 0.0}, {}])
def test_weights_that_make_no_score_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(BadParameter):
        features(ANA, weights=weights)


moments = st.integers(0, 40 * 86_400).map(lambda s: datetime(2024, 11, 1) + timedelta(seconds=s))
events = st.builds(
    lambda when, verb, who, course, score, lasted: event(str(when), verb, who, course, score, lasted),
    moments, st.sampled_from(VERBS), st.sampled_from(["ana", "ben", "cal"]), st.sampled_from(["c", "d", None]),
    st.none() | st.floats(0, 1), st.none() | st.floats(0, 9000),
)  # fmt: skip


@settings(max_examples=6, deadline=None)
@given(st.lists(st.sets(st.integers(0, 120), min_size=1, max_size=40), min_size=1, max_size=20))
def test_days_and_weeks_are_those_of_the_calendar(students: list[set[int]]) -> None:
    rows = [event(f"{DAY - timedelta(ago)} 12:00", who=f"{i}") for i, days in enumerate(students) for ago in days]
    weeks_of_course = min(max(map(max, students)) // 7 + 1, 8)
    for frame in (features(rows), DUCK.to_pandas(activity.features_from_events(table(rows), DAY))):
        for i, days in enumerate(students):
            wanted = {
                "active_days": len(days),
                "active_days_7": len([ago for ago in days if ago < 7]),
                "active_days_28": len([ago for ago in days if ago < 28]),
                "days_since_last": min(days),
                "regularity": len({ago // 7 for ago in days if ago < 56}) / weeks_of_course,
            }
            found = of(frame, f"{i}")
            assert {name: found[name] for name in wanted} == pytest.approx(wanted)


@settings(max_examples=10, deadline=None)
@given(st.lists(events, min_size=1, max_size=25), st.integers(0, 39))
def test_what_comes_later_changes_nothing(rows: Rows, days: int) -> None:
    as_of = date(2024, 11, 1) + timedelta(days)
    known = [row for row in rows if row["timestamp"].date() <= as_of]
    pd.testing.assert_frame_equal(features(rows, as_of), features(known, as_of))


@settings(max_examples=25, deadline=None)
@given(st.lists(events, min_size=1, max_size=25), st.integers(0, 39))
def test_straight_from_events_are_the_features_of_daily_sums(rows: Rows, days: int) -> None:
    as_of = date(2024, 11, 1) + timedelta(days)
    straight = DUCK.to_pandas(activity.features_from_events(table(rows), as_of))
    pd.testing.assert_frame_equal(straight, features(rows, as_of))


def test_half_hours_tell_where_sessions_end() -> None:
    hours = ["2024-10-27 23:59:59", "2024-10-28 00:00", "2024-10-28 00:30", "2024-10-28 01:30:01"]
    rows = [*map(event, hours), event("2024-10-28 01:00", course=None)]
    parts = DUCK.to_pandas(half_hours(table(rows)).order_by("section_id", "day", "sessions", "seconds"))
    assert list(parts.section_id) == ["", "c", "c", "c", "c"]
    assert list(parts.sessions) == [1, 1, 0, 1, 1]
    assert list(parts.seconds) == [0, 0, 1800, 0, 0]


@settings(max_examples=25, deadline=None)
@given(st.lists(events, min_size=1, max_size=25))
def test_sessions_are_those_of_events_in_order(rows: Rows) -> None:
    wanted: dict[tuple[str, str, date], list[datetime]] = {}
    for row in sorted(rows, key=lambda row: row["timestamp"]):
        key = (row["student_id"], row["section_id"] or "", row["timestamp"].date())
        wanted.setdefault(key, []).append(row["timestamp"])
    gap = timedelta(minutes=30)
    sessions = {k: 1 + sum(b - a > gap for a, b in pairwise(v)) for k, v in wanted.items()}
    found = DUCK.to_pandas(activity.daily_sums(table(rows)))
    assert {
        (r.student_id, r.section_id, pd.Timestamp(r.day).date()): r.sessions for r in found.itertuples()
    } == sessions
    assert (found.seconds >= 0).all()


@settings(max_examples=10, deadline=None)
@given(rows=st.lists(events, min_size=1, max_size=25), extra=st.lists(events, max_size=3))
def test_kept_days_are_the_sums_of_the_whole(tmp_path_factory: pytest.TempPathFactory, rows: Rows, extra: Rows) -> None:
    folder = tmp_path_factory.mktemp("daily")
    activity.update_daily(folder, table(rows), date(2024, 11, 1), date(2024, 12, 31))
    both = table([*rows, *extra])
    for day in {row["timestamp"].date() for row in extra}:
        activity.update_daily(folder, both, day)
    keys = ["student_id", "section_id", "day"]
    kept, whole = (
        DUCK.to_pandas(sums).astype({"day": "datetime64[s]", "late": "Int64"}).sort_values(keys, ignore_index=True)
        for sums in (activity.read_daily(folder, DUCK), activity.daily_sums(both))
    )
    pd.testing.assert_frame_equal(kept[whole.columns], whole)


def test_an_update_touches_its_own_day_alone(tmp_path: Path) -> None:
    activity.update_daily(tmp_path, table(ANA), date(2024, 10, 1), DAY)
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert activity.update_daily(tmp_path, table([*ANA, event("2024-11-29 12:00")]), DAY) == [DAY]
    after = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert {name for name in after if before[name] != after[name]} == {"2024-11-29.parquet"}
    assert activity.update_daily(tmp_path, table(ANA[:-1]), DAY) == []
    assert not (tmp_path / "2024-11-29.parquet").exists()


def test_no_kept_days_and_days_in_the_wrong_order_are_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="update_daily"):
        activity.read_daily(tmp_path, DUCK)
    with pytest.raises(BadParameter, match="lies before"):
        activity.update_daily(tmp_path, table(ANA), DAY, date(2024, 1, 1))


def test_doubts_are_counted_and_an_event_counts_once() -> None:
    rows = table([*ANA, event("2023-01-01 09:00"), event("2024-11-24 09:00", "completed", course=None)]).to_pyarrow()
    twice = ibis.memtable(pa.concat_tables([rows, rows.slice(0, 3)]))
    assert list(activity.doubts(twice).events) == [3, 1, 1, 1]
    once = activity.daily_sums(activity.each_once(twice))
    assert DUCK.to_pandas(once.events.sum()) == len(rows)


def test_no_events_are_no_rows() -> None:
    assert features([]).empty
    assert list(activity.doubts(table([])).events) == [0, 0, 0, 0]


@pytest.fixture
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark", reason="PySpark is not installed: type make setup")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java: apt-get install openjdk-17-jre-headless")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_SPARK_PARTITIONS", "2")
        yield


@pytest.mark.usefixtures("spark")
def test_spark_gives_the_same_table() -> None:
    sample = Path(__file__).parents[3] / "data" / "synthetic" / "sample"
    frames = []
    for backend in ("duckdb", "spark"):
        data = store.open_data(sample, backend)  # type: ignore[arg-type]
        log = activity.each_once(data.events)
        due = (
            log.filter(log.verb == "submitted").group_by(log.section_id, log.object_id).agg(due_at=log.timestamp.min())
        )
        kept = activity.course_features(activity.daily_sums(log, due), "2024-01-31")
        frames += [
            data.connection.to_pandas(made) for made in (kept, activity.features_from_events(log, "2024-01-31", due))
        ]
    assert frames[0].late_submissions.sum() > 0
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frames[0], frame, check_dtype=False, rtol=1e-9, atol=1e-12)
