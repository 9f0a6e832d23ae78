"""From careers to the rows of the data model."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.synthetic import calendar, equations
from workbench.synthetic.careers import (
    DROPPED,
    GRADUATED,
    MOVED,
    STAYED,
    TRANSFERRED,
    State,
    TermRecords,
    class_grade,
    credit_of,
    teacher_of,
)  # fmt: skip
from workbench.synthetic.places import Ints, Places
from workbench.synthetic.scores import SCALES, Scores, there_in_ninth
from workbench.synthetic.students import Bools, Students
from workbench.synthetic.truth import Shape
from workbench.tables import SUBJECTS

_COURSES = ("Mathematics", "English", "Science", "Social Studies", "Elective A", "Elective B")
_VERBS = np.array(["viewed", "played", "completed", "submitted", "answered", "posted"])
_VERB_SHARES = np.array([0.42, 0.14, 0.10, 0.12, 0.16, 0.06])
_REASONS = {
    STAYED: "year_end",
    DROPPED: "dropped_out",
    TRANSFERRED: "transferred",
    GRADUATED: "graduated",
    MOVED: "moved_school",
}
_STATUS = {STAYED: "enrolled", DROPPED: "dropped_out", TRANSFERRED: "transferred", GRADUATED: "graduated"}
_LETTERS = np.array(["F", "D", "C", "B", "A"])


def _dates(days: NDArray[np.datetime64]) -> pa.Array:
    return pa.array(days.astype("datetime64[D]"))


def exit_dates(record: TermRecords) -> NDArray[np.datetime64]:
    """First day off the roll: within the term for dropouts, otherwise the day after its end."""
    length = record.term.length
    offset = np.where(record.left == DROPPED, 1 + np.floor(record.share * length), length + 1)
    return calendar.days(record.term.start, offset.astype(np.int64))


def enrollments(shape: Shape, places: Places, ids: pa.Array, state: State, rng: np.random.Generator) -> pa.Table:
    """One row a spell: a whole year at one school, or a half where the student moved or came late."""
    parts = []
    for fall, spring in zip(state.history[::2], state.history[1::2], strict=True):
        fall_at, spring_at = _aligned(len(ids), fall), _aligned(len(ids), spring)
        both = (fall_at >= 0) & (spring_at >= 0)
        same = both.copy()
        same[both] = fall.school[fall_at[both]] == spring.school[spring_at[both]]
        moved = both & ~same
        parts.append(_spells(fall, fall_at[(fall_at >= 0) & ~both], None, rng, shape))
        parts.append(_spells(fall, fall_at[moved], MOVED, rng, shape))
        parts.append(_spells(spring, spring_at[moved], None, rng, shape))
        parts.append(_spells(spring, spring_at[same], None, rng, shape, since=fall.term.start))
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((rows["entry"], rows["who"]))
    rows = {name: values[order] for name, values in rows.items()}
    transferred = rows["why"] == TRANSFERRED
    return pa.table(
        {
            "student_id": ids.take(pa.array(rows["who"])),
            "school_id": places.school_ids[rows["school"]],
            "school_year": rows["year"],
            "grade_level": rows["grade"],
            "entry_date": _dates(rows["entry"]),
            "exit_date": _dates(rows["exit"]),
            "exit_reason": np.array([_REASONS[k] for k in range(5)])[rows["why"]],
            "transfer_documented": pa.array(rows["documented"], mask=~transferred),
            "full_year": rows["full"],
        }
    )


def _aligned(n: int, record: TermRecords) -> Ints:
    at = np.full(n, -1)
    at[record.who] = np.arange(len(record.who))
    return at


def _spells(
    record: TermRecords, rows: Ints, why: int | None, rng: np.random.Generator, shape: Shape, since: date | None = None
) -> dict[str, NDArray[np.generic]]:
    """Spells that end with this term's record; `since` is an earlier first day."""
    n, left = len(rows), record.left[rows] if why is None else np.full(len(rows), why)
    ended = exit_dates(record)[rows]
    start = since or record.term.start
    year_end = np.datetime64(calendar.term(record.term.school_year, 1).end) + 1
    return {
        "who": record.who[rows],
        "school": record.school[rows],
        "year": np.full(n, record.term.school_year),
        "grade": record.grade[rows],
        "entry": np.full(n, np.datetime64(start, "D")),
        "exit": ended,
        "why": left,
        "documented": rng.random(n) >= shape.truth.transfer_undocumented,
        "full": np.full(n, start.month == 9) & (ended >= year_end),
    }


def programs(students: Students, ids: pa.Array, state: State) -> pa.Table:
    """Programme flags a student and year on the roll."""
    who, year, grade = [], [], []
    for fall in state.history[::2]:
        who.append(fall.who)
        year.append(np.full(len(fall.who), fall.term.school_year))
        grade.append(class_grade(fall))
    rows, grades = np.concatenate(who), np.concatenate(grade)
    learner = students.ever_learner[rows] & (grades < students.reclassified_grade[rows])
    return pa.table(
        {
            "student_id": ids.take(pa.array(rows)),
            "school_year": np.concatenate(year),
            "economically_disadvantaged": students.disadvantaged[rows],
            "english_learner": learner,
            "disability": students.disability[rows],
            "alternate_assessment": students.alternate[rows],
        }
    )


def attendance(shape: Shape, places: Places, ids: pa.Array, record: TermRecords, rng: np.random.Generator) -> pa.Table:
    """Days enrolled and absent in one term: negative binomial, at most the days enrolled."""
    enrolled = np.maximum(1, np.round(record.share * calendar.TERM_DAYS)).astype(np.int64)
    mean = equations.absence_mean(shape.truth, record.engagement, record.high_year > 0, enrolled / calendar.TERM_DAYS)
    size = shape.truth.absence_size
    absent = np.minimum(rng.poisson(rng.gamma(size, mean / size)), enrolled)
    last = exit_dates(record) - 1
    return pa.table(
        {
            "student_id": ids.take(pa.array(record.who)),
            "school_id": places.school_ids[record.school],
            "school_year": np.full(len(absent), record.term.school_year),
            "term": np.full(len(absent), record.term.name),
            "end_date": _dates(last),
            "days_enrolled": enrolled,
            "days_absent": absent,
        }
    )


def discipline(
    shape: Shape, places: Places, students: Students, ids: pa.Array, record: TermRecords, prefix: str,
    rng: np.random.Generator,
) -> pa.Table:  # fmt: skip
    """Recorded incidents of one term: Poisson, on days spread evenly over the time on the roll."""
    mean = equations.incident_mean(shape.truth, record.engagement, students.male[record.who], record.share)
    rows = np.repeat(np.arange(len(record.who)), rng.poisson(mean))
    action = rng.choice(3, len(rows), p=[0.40, 0.27, 0.33])
    offset = 1 + np.floor(rng.random(len(rows)) * record.share[rows] * record.term.length)
    return pa.table(
        {
            "incident_id": _numbered(f"I{prefix}-", len(rows)),
            "student_id": ids.take(pa.array(record.who[rows])),
            "school_id": places.school_ids[record.school[rows]],
            "school_year": np.full(len(rows), record.term.school_year),
            "incident_date": _dates(calendar.days(record.term.start, offset.astype(np.int64))),
            "action": np.array(["none", "in_school_suspension", "out_of_school_suspension"])[action],
            "days_removed": np.where(action == 0, 0, rng.integers(1, 4, len(rows)) + 2 * (action == 2)),
        }
    )


def _numbered(prefix: str, n: int) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pc.cast(pa.array(np.arange(n)), pa.string()), "")


def classes(
    places: Places, students: Students, ids: pa.Array, record: TermRecords
) -> tuple[pa.Table, pa.Table, pa.Array]:
    """Sections of one term and the grades given in them; last, each student's section ids, row by row."""
    grade = np.minimum(class_grade(record), 12)
    course = np.broadcast_to(np.arange(record.section.shape[1]), record.section.shape)
    code = ((record.school[:, None] * 16 + grade[:, None]) * 8 + course) * 64 + record.section
    teacher = teacher_of(places, record.school[:, None], grade[:, None], record.section)
    taught = record.section >= 0
    codes, first, inverse = np.unique(code[taught], return_index=True, return_inverse=True)
    at_school, at_grade, at_course = codes >> 13, (codes >> 9) & 15, (codes >> 6) & 7
    year, letter = record.term.school_year, record.term.name[0].upper()
    names = pa.array(
        [
            f"{places.school_ids[s]}-{year}{letter}-{g:02d}-{c}-{k:02d}"
            for s, g, c, k in zip(at_school, at_grade, at_course, codes & 63, strict=True)
        ],
        pa.string(),
    )
    sections = pa.table(
        {
            "section_id": names,
            "school_id": places.school_ids[at_school],
            "school_year": np.full(len(codes), year),
            "term": np.full(len(codes), record.term.name),
            "grade_level": at_grade,
            "course_title": np.array(_COURSES)[at_course],
            "subject": np.array(SUBJECTS)[np.minimum(at_course, 4)],
            "teacher_id": places.teacher_ids[teacher[taught][first]],
        }
    )
    who = np.broadcast_to(record.who[:, None], taught.shape)[taught]
    points = record.letter[taught]
    high = np.broadcast_to(record.high_year[:, None] > 0, taught.shape)[taught]
    attempted = np.where(high, credit_of(students, who), 0.0)
    results = pa.table(
        {
            "student_id": ids.take(pa.array(who)),
            "section_id": names.take(pa.array(inverse)),
            "school_year": np.full(len(who), year),
            "term": np.full(len(who), record.term.name),
            "posted_date": _dates(np.full(len(who), np.datetime64(record.term.end))),
            "letter": _LETTERS[points],
            "grade_points": points.astype(np.float64),
            "credits_attempted": attempted,
            "credits_earned": np.where(points > 0, attempted, 0.0),
            "passed": points > 0,
        }
    )
    place = np.full(taught.shape, -1)
    place[taught] = inverse
    return sections, results, names.take(pa.array(place[:, 0], mask=place[:, 0] < 0))


def assessments(places: Places, ids: pa.Array, scores: list[Scores]) -> tuple[pa.Table, pa.Table]:
    """Test records, and beside them for the answer key the scores without error."""
    who = np.concatenate([s.who for s in scores])
    scale = np.concatenate([s.scale for s in scores])
    key = {
        "student_id": ids.take(pa.array(who)),
        "scale_id": SCALES["scale_id"].take(pa.array(scale)).combine_chunks(),
        "test_date": _dates(np.concatenate([s.date for s in scores]).astype("datetime64[D]")),
    }
    table = pa.table(
        {
            **key,
            "school_id": places.school_ids[np.concatenate([s.school for s in scores])],
            "school_year": np.concatenate([s.year for s in scores]),
            "grade_level": np.concatenate([s.grade for s in scores]),
            "subject": SCALES["subject"].take(pa.array(scale)).combine_chunks(),
            "scale_score": np.round(np.concatenate([s.score for s in scores]), 1),
            "standard_error": np.round(np.concatenate([s.error for s in scores]), 2),
        }
    )
    truth = pa.table(
        {
            **key,
            "true_score": np.concatenate([s.true_score for s in scores]),
            "value_added": np.concatenate([s.added for s in scores]),
        }
    )
    return table, truth


def events(
    shape: Shape, students: Students, ids: pa.Array, record: TermRecords, first_section: pa.Array, prefix: str,
    rng: np.random.Generator,
) -> pa.Table:  # fmt: skip
    """Learning events of one term, from grade 6: negative binomial, spread over days and school hours."""
    truth = shape.truth
    mean = equations.event_mean(truth, shape.events_per_term, record.engagement, record.share)
    counts = rng.poisson(rng.gamma(truth.event_size, mean / truth.event_size))
    rows = np.repeat(np.arange(len(counts)), np.where(class_grade(record) >= 6, counts, 0))
    verb = rng.choice(len(_VERBS), len(rows), p=_VERB_SHARES)
    day = 1 + np.floor(rng.random(len(rows)) * record.share[rows] * record.term.length)
    second = rng.integers(7 * 3600, 22 * 3600, len(rows))
    moment = calendar.days(record.term.start, day.astype(np.int64)).astype("datetime64[s]") + second
    quiz = equations.quiz_log_odds(truth, students.standing[record.who[rows]])
    score = equations.logistic(quiz + truth.quiz_noise_sd * rng.normal(size=len(rows)))
    spent = np.round(np.exp(rng.normal(6.0, 0.8, len(rows))))
    unit = pc.cast(pa.array(rng.integers(1, 40, len(rows))), pa.string())
    return pa.table(
        {
            "event_id": _numbered(f"E{prefix}-", len(rows)),
            "student_id": ids.take(pa.array(record.who[rows])),
            "section_id": first_section.take(pa.array(rows)),
            "school_year": np.full(len(rows), record.term.school_year),
            "timestamp": pa.array(moment.astype("datetime64[us]")),
            "verb": pa.array(_VERBS).take(pa.array(verb)),
            "object_id": pc.binary_join_element_wise("activity-", unit, ""),
            "score_scaled": pa.array(np.round(score, 6), mask=verb != 4),
            "duration_seconds": pa.array(spent, mask=verb > 2),
        }
    )


def interventions(shape: Shape, students: Students, ids: pa.Array, state: State) -> pa.Table:
    """The support each supported student was given in the fall of grade 9."""
    there = there_in_ninth(shape, students, state, calendar.ASSIGNMENT_DAY)
    who = np.flatnonzero(state.supported & there)
    year = students.ninth_year[who]
    fall = (year - 1 - 1970).astype("datetime64[Y]").astype("datetime64[M]") + 9
    assigned = fall.astype("datetime64[D]") + (calendar.ASSIGNMENT_DAY[1] - 1)
    return pa.table(
        {
            "intervention_id": pc.binary_join_element_wise("M", ids.take(pa.array(who)), ""),
            "student_id": ids.take(pa.array(who)),
            "school_year": year,
            "kind": np.full(len(who), "ninth_grade_mentoring"),
            "assigned_date": _dates(assigned),
            "started_date": _dates(assigned + 14),
            "ended_date": pa.nulls(len(who), pa.date32()),
            "assigned_by": np.full(len(who), "counsellor"),
            "reason": np.full(len(who), "placement score and need"),
        }
    )


def outcomes(shape: Shape, ids: pa.Array, state: State, reached_ninth: Bools) -> pa.Table:
    """Where each student who reached grade 9 stands on the last day."""
    last_day = np.datetime64(date(shape.last_year, 6, 30), "D")
    day = np.full(len(ids), last_day)
    year = np.full(len(ids), shape.last_year)
    for record in state.history:
        gone = record.left != STAYED
        day[record.who[gone]] = exit_dates(record)[gone]
        year[record.who[gone]] = record.term.school_year
    who = np.flatnonzero(reached_ninth)
    return pa.table(
        {
            "student_id": ids.take(pa.array(who)),
            "status": np.array([_STATUS[k] for k in range(4)])[state.left[who]],
            "outcome_date": _dates(day[who]),
            "school_year": year[who],
        }
    )
