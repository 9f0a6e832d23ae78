"""Test scores: growth curves, what schools and teachers add, and measurement error."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from workbench.synthetic import calendar, equations
from workbench.synthetic.careers import DROPPED, State, TermRecords, class_grade, teacher_of
from workbench.synthetic.places import Floats, Ints, Places
from workbench.synthetic.students import Bools, Students
from workbench.synthetic.truth import Shape

GROWTH_GRADES = (0, 10)
CENTRE_GRADE = 5
EXIT_MEAN, EXIT_SD, EXIT_ERROR = 500.0, 100.0, 25.0
ALTERNATE_MEAN, ALTERNATE_SD = 250.0, 20.0
SUBJECTS = ("math", "reading")

SCALES = pa.table(
    {
        "scale_id": [
            "growth_math", "growth_reading", "exit_math", "exit_reading", "placement_math",
            "alternate_math", "alternate_reading",
        ],
        "name": [
            "Growth test, math", "Growth test, reading", "Exit test, math", "Exit test, reading",
            "Ninth-grade placement, math", "Alternate assessment, math", "Alternate assessment, reading",
        ],
        "subject": ["math", "reading", "math", "reading", "math", "math", "reading"],
        "vertical": [True, True, False, False, False, False, False],
        "alternate": [False, False, False, False, False, True, True],
        "low_grade": [0, 0, 11, 11, 9, 0, 0],
        "high_grade": [10, 10, 11, 11, 9, 11, 11],
    }
)  # fmt: skip


@dataclass(frozen=True)
class Scores:
    """Test records; `grade` is the one whose test was taken, `scale` a row of SCALES, `true_score` the
    score without error, `added` what schools and teachers added to it so far (points of its scale)."""

    who: Ints
    school: Ints
    grade: Ints
    year: Ints
    date: Floats
    scale: Ints
    score: Floats
    error: Floats
    true_score: Floats
    added: Floats


def placements(shape: Shape, students: Students, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Ninth-grade placement (SD of standing; NaN where not sat here), and who is then given support.

    Placement = θ + error. Support is assigned with log odds base + b·placement + c·disadvantaged:
    by what the school sees, never by what is latent.
    """
    truth = shape.truth
    sat = students.entry_year <= np.maximum(students.ninth_year, shape.first_year)
    seen = students.standing + rng.normal(0, truth.placement_error_sd, len(sat))
    log_odds = truth.support_base + truth.support_placement * seen
    log_odds = log_odds + truth.support_disadvantaged * students.disadvantaged
    support = sat & (rng.random(len(sat)) < equations.logistic(log_odds))
    return np.where(sat, seen, np.nan), support


def placement_scores(shape: Shape, students: Students, state: State, placement: Floats) -> Scores:
    """The placement scores of those who were there on the day (before the data start: of all)."""
    who = np.flatnonzero(~np.isnan(placement) & there_in_ninth(shape, students, state, calendar.PLACEMENT_DAY))
    year = students.ninth_year[who]
    day = np.array([np.datetime64(date(y - 1, *calendar.PLACEMENT_DAY)) for y in year], dtype="datetime64[D]")
    error = np.full(len(who), EXIT_SD * shape.truth.placement_error_sd)
    return Scores(
        who, state.first_high[who], np.full(len(who), 9), year, day.astype(np.float64), np.full(len(who), 4),
        EXIT_MEAN + EXIT_SD * placement[who], error, EXIT_MEAN + EXIT_SD * students.standing[who], np.zeros(len(who)),
    )  # fmt: skip


def there_in_ninth(shape: Shape, students: Students, state: State, day: tuple[int, int]) -> Bools:
    """Who was on the roll on a day of the fall of grade 9 (before the data start: everyone later seen)."""
    there = (state.first_high >= 0) & (students.ninth_year < shape.first_year)
    for record in state.history:
        if record.term.index == 0:
            offset = (date(record.term.start.year, *day) - record.term.start).days
            stayed = 1 + np.floor(record.share * record.term.length) > offset
            there[record.who[(record.high_year == 1) & stayed]] = True
    return there


def spring_tests(
    shape: Shape, places: Places, students: Students, state: State, rng: np.random.Generator
) -> list[Scores]:
    """All spring tests of one district, with what schools and teachers added carried forward.

    Standard errors vary with the length of the test, not with the true score: they tell nothing of it.
    """
    added = np.zeros((len(students.number), 2))
    scores = []
    for record in state.history:
        if record.term.index == 0:
            added *= shape.truth.value_added_persistence
        _add_value(shape, places, record, added)
        if record.term.index == 1:
            scores += _test(shape, students, record, added, rng)
    return scores


def _add_value(shape: Shape, places: Places, record: TermRecords, added: Floats) -> None:
    """Add half a year of this term's school and teacher: who moves in between has half of each."""
    year = record.term.school_year - shape.first_year
    grade = class_grade(record)
    teacher = teacher_of(places, record.school[:, None], grade[:, None], record.section)
    for subject in (0, 1):
        mine = teacher[:, subject]
        gain = np.where(mine >= 0, places.teacher_effect[mine, year], 0.0) + places.value_added[record.school, subject]
        added[record.who, subject] += 0.5 * gain


def _test(
    shape: Shape, students: Students, record: TermRecords, added: Floats, rng: np.random.Generator
) -> list[Scores]:
    truth, term = shape.truth, record.term
    day = (date(term.school_year, *calendar.TESTING_DAY) - term.start).days + rng.integers(0, 10, len(record.who))
    gone = (record.left == DROPPED) & (1 + np.floor(record.share * term.length) <= day)
    absent = rng.random(len(record.who)) < equations.logistic(equations.missing_log_odds(truth, record.engagement))
    grade = class_grade(record)
    alternate = students.alternate[record.who]
    scores = []
    for subject in (0, 1):
        for kind, grades in ((0, GROWTH_GRADES), (2, (11, 11)), (5, (0, 11))):
            takes = ~gone & ~absent & (grade >= grades[0]) & (grade <= grades[1]) & (alternate == (kind == 5))
            rows = np.flatnonzero(takes)
            true, error = _true_score(shape, students, record.who[rows], grade[rows], subject, kind, added, rng)
            scores.append(
                Scores(
                    record.who[rows], record.school[rows], grade[rows], np.full(len(rows), term.school_year),
                    calendar.days(term.start, day[rows]).astype("datetime64[D]").astype(np.float64),
                    np.full(len(rows), kind + subject), true + error * rng.normal(size=len(rows)), error, true,
                    added[record.who[rows], subject] * (1.0 if kind == 0 else EXIT_SD / truth.score_sd),
                )
            )  # fmt: skip
    return scores


def _true_score(
    shape: Shape, students: Students, who: Ints, grade: Ints, subject: int, kind: int, added: Floats,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:  # fmt: skip
    """True score and the standard error of its measurement, on the scale of one kind of test."""
    truth = shape.truth
    standing = students.standing[who] + students.subject_deviation[who, subject]
    if kind == 0:
        true = equations.curve(truth, subject, grade) + truth.score_sd * standing
        true = true + students.slope[who] * (grade - CENTRE_GRADE) + added[who, subject]
        return true, truth.score_error_sd * rng.uniform(0.85, 1.30, len(who))
    if kind == 2:
        true = EXIT_MEAN + EXIT_SD * (standing + added[who, subject] / truth.score_sd)
        return true, np.full(len(who), EXIT_ERROR)
    return rng.normal(ALTERNATE_MEAN, ALTERNATE_SD, len(who)), np.full(len(who), ALTERNATE_SD / 2)
