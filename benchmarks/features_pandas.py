"""The features of tier 0 in plain pandas: the same numbers, written the way a careful analyst would.

For comparison only: `make bench` measures the workbench against it, and a test holds both to one answer.
One day after the other, each with a boolean filter, group-by and merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

YEAR = 365


def features(folder: str | Path, days: Sequence[str], grades: tuple[int, int] = (9, 12)) -> pd.DataFrame:
    """Return the table of `workbench.features.student_features` for the students enrolled on `days`."""
    from workbench.features import AUDIT, FEATURES, ROSTER
    from workbench.features.page import KNOWN_BY

    tables = {name: _read(Path(folder) / name) for name in (*KNOWN_BY, "scales")}
    frame = pd.concat([_one_day(tables, pd.Timestamp(day), grades) for day in sorted(set(days))], ignore_index=True)
    for feature in FEATURES:
        if feature.nothing is not None:
            frame[feature.name] = frame[feature.name].fillna(feature.nothing)
    columns = list(dict.fromkeys([*ROSTER, *(f.name for f in (*FEATURES, *AUDIT))]))
    floats = [name for name in columns if pd.api.types.is_float_dtype(frame[name])]
    frame[floats] = frame[floats].round(12)
    return frame[columns].sort_values(["as_of", "student_id"], ignore_index=True)


def _read(folder: Path) -> pd.DataFrame:
    frame = pd.read_parquet(folder)
    for name in frame.columns:
        if name.endswith("_date"):
            frame[name] = pd.to_datetime(frame[name])
    return frame


def _one_day(tables: dict[str, pd.DataFrame], day: pd.Timestamp, grades: tuple[int, int]) -> pd.DataFrame:
    spells = tables["enrollments"]
    there = spells[
        spells.grade_level.between(*grades)
        & (spells.entry_date <= day)
        & (spells.exit_date.isna() | (spells.exit_date > day))
    ]
    there = there.sort_values(["entry_date", "school_id"], ascending=[False, True]).drop_duplicates("student_id")
    roster = there[["student_id", "school_id", "school_year", "grade_level"]].assign(as_of=day)
    parts = [
        _attendance(tables["attendance"], day),
        _discipline(tables["discipline"], day),
        _courses(tables["course_results"], day),
        _scores(tables["assessments"], tables["scales"], day),
        _moves(spells, roster, day),
        _events(tables["events"], day),
        _count(tables["interventions"], "assigned_date", day).rename("supports_assigned").to_frame(),
    ]
    for part in parts:
        roster = roster.merge(part, "left", left_on="student_id", right_index=True)
    roster = roster.merge(_school_attendance(tables["attendance"], day), "left", left_on="school_id", right_index=True)
    return _background(roster, tables["students"], tables["programs"])


def _known(facts: pd.DataFrame, date: str, day: pd.Timestamp) -> pd.DataFrame:
    known = facts[facts[date].dt.normalize() <= day]
    return known.assign(ago=(day - known[date].dt.normalize()).dt.days)


def _last_term(facts: pd.DataFrame) -> pd.Series:
    term = facts.school_year * 2 + (facts.term == "spring")
    return term == term.groupby(facts.student_id).transform("max")


def _absence(facts: pd.DataFrame) -> pd.Series:
    sums = facts.groupby("student_id")[["days_absent", "days_enrolled"]].sum()
    return sums.days_absent / sums.days_enrolled.replace(0, np.nan)


def _attendance(attendance: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    facts = _known(attendance, "end_date", day)
    last, recent = _last_term(facts), facts.ago < YEAR
    year = facts[recent].groupby("student_id")[["days_absent", "days_enrolled"]].sum()
    chronic = (year.days_absent * 10 >= year.days_enrolled).astype(float).where(year.days_enrolled > 0)
    before = _absence(facts[~last])
    return pd.DataFrame(
        {
            "attendance_last_term": 1 - _absence(facts[last]),
            "attendance_year": 1 - _absence(facts[recent]),
            "attendance_change": before - _absence(facts[last]),
            "absence_history": _absence(facts[~recent]),
            "chronic_absence": chronic,
        }
    )


def _school_attendance(attendance: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    facts = _known(attendance, "end_date", day)
    sums = facts[facts.ago < YEAR].groupby("school_id")[["days_absent", "days_enrolled"]].sum()
    return (1 - sums.days_absent / sums.days_enrolled.replace(0, np.nan)).rename("school_attendance_year")


def _count(facts: pd.DataFrame, date: str, day: pd.Timestamp, within: int = 10**6) -> pd.Series:
    known = _known(facts, date, day)
    return known[known.ago < within].groupby("student_id").size().astype(float)


def _discipline(discipline: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    facts = _known(discipline, "incident_date", day)
    return pd.DataFrame(
        {
            "incidents_year": _count(discipline, "incident_date", day, YEAR),
            "incidents_ever": _count(discipline, "incident_date", day),
            "days_removed_year": facts[facts.ago < YEAR].groupby("student_id").days_removed.sum().astype(float),
        }
    )


def _courses(results: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    facts = _known(results, "posted_date", day)
    facts = facts.assign(points=facts.grade_points * facts.credits_attempted, failed=(~facts.passed).astype(float))
    last = _last_term(facts)
    sums, recent, before = (
        part.groupby("student_id").sum(numeric_only=True) for part in (facts, facts[last], facts[~last])
    )

    def gpa(of: pd.DataFrame) -> pd.Series:
        return of.points / of.credits_attempted.replace(0, np.nan)

    return pd.DataFrame(
        {
            "gpa_last_term": gpa(recent),
            "gpa_all": gpa(sums),
            "gpa_change": gpa(recent) - gpa(before),
            "grade_spread": facts.groupby("student_id").grade_points.std(),
            "courses_last_term": facts[last].groupby("student_id").size().astype(float),
            "courses_failed_last_term": recent.failed,
            "courses_failed_ever": sums.failed,
            "credits_earned_share": sums.credits_earned / sums.credits_attempted.replace(0, np.nan),
        }
    )


def _scores(tests: pd.DataFrame, scales: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    facts = _known(tests[tests.scale_id.isin(scales.scale_id[~scales.alternate])], "test_date", day)
    group = facts.groupby(["scale_id", "grade_level", "school_year"]).scale_score
    sd = group.transform("std").round(6)
    facts = facts.assign(z=(facts.scale_score - group.transform("mean").round(6)) / sd)[sd > 0]
    newest = facts[facts.ago == facts.groupby(["student_id", "subject"]).ago.transform("min")]
    latest = newest.pivot_table("z", "student_id", "subject", aggfunc="mean")
    latest = latest.reindex(columns=["math", "reading"]).rename(columns=lambda subject: f"{subject}_score_z")
    return latest.join(facts.groupby("student_id").z.mean().rename("mean_score_z"), how="outer")


def _moves(spells: pd.DataFrame, roster: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    start = spells.groupby(["school_id", "school_year"]).entry_date.transform("min")
    facts = _known(spells.assign(start=start), "entry_date", day)
    window = facts[facts.exit_date.isna() | ((day - facts.exit_date).dt.days < 1095)]
    first = facts.merge(roster[["student_id", "school_id"]]).sort_values("entry_date").drop_duplicates("student_id")
    after = (first.entry_date - first.start).dt.days.set_axis(first.student_id)
    return pd.DataFrame(
        {
            "schools_3_years": window.groupby("student_id").school_id.nunique().astype(float),
            "late_entry": (after > 14).astype(float),
        }
    )


def _events(events: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    facts = _known(events, "timestamp", day)
    recent = facts[facts.ago < 60]
    last_60, before = (
        recent.groupby("student_id").size(),
        facts[facts.ago.between(60, 119)].groupby("student_id").size(),
    )
    return pd.DataFrame(
        {
            "events_60_days": last_60.astype(float),
            "active_days_60": recent.groupby("student_id").ago.nunique().astype(float),
            "days_since_event": facts.groupby("student_id").ago.min().clip(upper=365).astype(float),
            "events_change": last_60.sub(before, fill_value=0),
            "quiz_score": facts.groupby("student_id").score_scaled.mean(),
        }
    )


def _background(roster: pd.DataFrame, students: pd.DataFrame, programs: pd.DataFrame) -> pd.DataFrame:
    frame = roster.merge(students, on="student_id").merge(programs, "left", on=["student_id", "school_year"])
    since = (frame.school_year - frame.ninth_grade_year).where(lambda years: years >= 0)
    september = pd.to_datetime({"year": frame.school_year - 1, "month": 9, "day": 1})
    flags = ["economically_disadvantaged", "english_learner", "disability"]
    return frame.assign(
        years_since_grade_9=since,
        behind_cohort=(frame.grade_level < since + 9).astype(float).where(since.notna()),
        years_over_age=(september - frame.birth_date).dt.days / 365.25 - frame.grade_level - 5.5,
        **{flag: frame[flag].astype(float) for flag in flags},
    )
