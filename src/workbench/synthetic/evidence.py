"""What the records said about each student by a given day, in the form the ceiling needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.store import Data, as_it_is, connect
from workbench.synthetic import answer_key, calendar, equations
from workbench.synthetic.scores import CENTRE_GRADE, EXIT_MEAN, EXIT_SD
from workbench.synthetic.students import LEARNER_SHARE, RECLASSIFIED
from workbench.synthetic.truth import Shape, Truth
from workbench.tables import RACES, school_year

Floats = NDArray[Any]
LETTERS = {"F": 0, "D": 1, "C": 2, "B": 3, "A": 4}


@dataclass(frozen=True)
class Evidence:
    """Arrays over students (rows) and terms up to the day (columns); NaN where nothing is known.

    `students` is indexed by student_id and holds the key's true values and known covariates:
    `standing_known` is the mean standing without the gap of English learners, `learner` the
    probability of ever having been one, given the flags seen (services end with reclassification);
    `share` is the share of each term that had passed; `courses` has one row a grade given;
    `score_precision` and `score_weighted` sum up all tests and quizzes as a Gaussian in standing.
    """

    shape: Shape
    truth: Truth
    terms: list[calendar.Term]
    students: pd.DataFrame
    high_year: Floats
    deviation: Floats
    share: Floats
    absent: Floats
    enrolled: Floats
    incidents: Floats
    events: Floats
    missed: Floats
    courses: pd.DataFrame
    score_precision: Floats
    score_weighted: Floats


def gather(data: Data, as_of: date) -> Evidence:
    """Read what was known on a day about the high-school students enrolled on it."""
    shape, truth = answer_key.read_parameters(data.path)
    terms = [t for t in calendar.terms(shape.first_year, shape.last_year) if t.start <= as_of]
    sql = _Reader(data, as_of)
    students = _with_prior(sql.students(), truth)
    position = pd.Series(np.arange(len(students)), index=students.index)
    wide = _Wide(position, terms)
    lived = sql.lived()
    lived = lived[lived.student_id.isin(students.index)]
    high_year = wide(lived, "high_school_year")
    share = np.array([calendar.passed(t, as_of) for t in terms])
    absences = sql.counts("attendance", "end_date", "sum(days_absent) AS absent, sum(days_enrolled) AS enrolled")
    incidents = wide(sql.dated("discipline", "incident_date", shape), "n")
    events = wide(sql.dated("events", '"timestamp"', shape), "n")
    there = ~np.isnan(high_year)
    return Evidence(
        shape, truth, terms, students, high_year, wide(lived, "engagement_deviation"), share,
        wide(absences, "absent"), wide(absences, "enrolled"),
        np.where(there, np.nan_to_num(incidents), np.nan),
        np.where(there & wide.from_grade(students, 6), np.nan_to_num(events), np.nan),
        _missed(sql, wide, students, terms, there, as_of),
        sql.courses(position, terms),
        *_scores(sql, truth, students, position),
    )  # fmt: skip


def _with_prior(students: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """Add what is known of standing beforehand: its mean for others than learners, and who may be one."""
    share = LEARNER_SHARE[students.race_ethnicity.map({race: k for k, race in enumerate(RACES)}).to_numpy()]
    first_grade = 9 + students.first_year - students.ninth_grade_year
    low, high = RECLASSIFIED
    ended = np.clip((first_grade.to_numpy() - low + 1) / (high - low), 0.0, 1.0)
    chance = np.where(students.ever_flagged, 1.0, share * ended / (1 - share + share * ended))
    gap = truth.standing_learner * students.ever_learner
    return students.assign(learner=chance, standing_known=students.standing - students.standing_deviation - gap)


class _Reader:
    """SQL on the files of a data folder and its answer key; always DuckDB, the key is small."""

    def __init__(self, data: Data, as_of: date) -> None:
        self.duck, self.path, self.as_of = connect("duckdb").con, data.path, as_of

    def frame(self, query: str) -> pd.DataFrame:
        return self.duck.execute(query).df()

    def t(self, name: str) -> str:
        return self._files(f"{as_it_is(self.path / name)}/*.parquet")

    def key(self, name: str) -> str:
        return self._files(f"{as_it_is(self.path / answer_key.FOLDER / name)}.parquet")

    def _files(self, pattern: str) -> str:
        quoted = pattern.replace("'", "''")
        return f"read_parquet('{quoted}', hive_partitioning=false)"

    def students(self) -> pd.DataFrame:
        day = f"DATE '{self.as_of}'"
        return self.frame(
            f"""SELECT k.*, s.sex = 'male' AS male, s.ninth_grade_year, s.race_ethnicity,
                  p.economically_disadvantaged AS need, i.student_id IS NOT NULL AS known_support,
                  f.ever_flagged, f.first_year
                FROM {self.t("enrollments")} e JOIN {self.t("students")} s USING (student_id)
                JOIN {self.key("students")} k USING (student_id)
                JOIN {self.t("programs")} p USING (student_id, school_year)
                JOIN (SELECT student_id, bool_or(english_learner) AS ever_flagged, min(school_year) AS first_year
                      FROM {self.t("programs")} WHERE school_year <= {school_year(self.as_of)} GROUP BY ALL) f
                  USING (student_id)
                LEFT JOIN (SELECT student_id FROM {self.t("interventions")} WHERE assigned_date <= {day}) i
                  USING (student_id)
                WHERE e.entry_date <= {day} AND (e.exit_date IS NULL OR e.exit_date > {day})
                  AND s.ninth_grade_year <= e.school_year ORDER BY student_id"""
        ).set_index("student_id")

    def lived(self) -> pd.DataFrame:
        return self.frame(f"SELECT * FROM {self.key('terms')}")

    def counts(self, name: str, column: str, what: str) -> pd.DataFrame:
        return self.frame(
            f"SELECT student_id, school_year, term, {what} FROM {self.t(name)} "
            f"WHERE {column} <= DATE '{self.as_of}' GROUP BY ALL"
        )

    def dated(self, name: str, column: str, shape: Shape) -> pd.DataFrame:
        return self.frame(
            f"""SELECT student_id, school_year, count(*) AS n,
                  CASE WHEN month({column}) BETWEEN 2 AND 8 THEN 'spring' ELSE 'fall' END AS term
                FROM {self.t(name)} WHERE CAST({column} AS DATE) <= DATE '{self.as_of}' GROUP BY ALL"""
        )

    def courses(self, position: pd.Series, terms: list[calendar.Term]) -> pd.DataFrame:
        rows = self.frame(
            f"""SELECT student_id, school_year, term, letter, k.grading_leniency AS leniency, h.grade_noise_sd AS noise
                FROM {self.t("course_results")} c JOIN {self.t("sections")} s USING (section_id, school_year, term)
                JOIN {self.key("teachers")} k USING (teacher_id, school_year)
                JOIN {self.key("schools")} h USING (school_id)
                WHERE posted_date <= DATE '{self.as_of}' ORDER BY student_id, section_id"""
        )
        rows = rows[rows.student_id.isin(position.index)]
        columns = {(t.school_year, t.name): k for k, t in enumerate(terms)}
        return pd.DataFrame(
            {
                "row": position.loc[rows.student_id].to_numpy(),
                "column": [columns[key] for key in zip(rows.school_year, rows.term, strict=True)],
                "letter": rows.letter.map(LETTERS).to_numpy(),
                "leniency": rows.leniency.to_numpy(),
                "noise": rows.noise.to_numpy(),
            }
        )

    def tests(self) -> pd.DataFrame:
        return self.frame(
            f"""SELECT a.*, k.value_added FROM {self.t("assessments")} a
                JOIN {self.key("scores")} k USING (student_id, scale_id, test_date)
                WHERE test_date <= DATE '{self.as_of}' ORDER BY student_id, test_date, scale_id"""
        )

    def quizzes(self) -> pd.DataFrame:
        return self.frame(
            f"""SELECT student_id, count(*) AS n, sum(ln(score_scaled / (1 - score_scaled))) AS total
                FROM {self.t("events")} WHERE score_scaled > 0 AND score_scaled < 1
                AND CAST("timestamp" AS DATE) <= DATE '{self.as_of}' GROUP BY ALL ORDER BY student_id"""
        )


class _Wide:
    """Turns long rows (student, school_year, term) into students × terms."""

    def __init__(self, position: pd.Series, terms: list[calendar.Term]) -> None:
        self.position, self.terms = position, terms
        self.columns = {(t.school_year, t.name): k for k, t in enumerate(terms)}

    def __call__(self, rows: pd.DataFrame, value: str) -> Floats:
        wide = np.full((len(self.position), len(self.terms)), np.nan)
        rows = rows[rows.student_id.isin(self.position.index)]
        at = np.array([self.columns.get(key, -1) for key in zip(rows.school_year, rows.term, strict=True)], int)
        kept = at >= 0
        wide[self.position.loc[rows.student_id].to_numpy()[kept], at[kept]] = rows[value].to_numpy(float)[kept]
        return wide

    def from_grade(self, students: pd.DataFrame, grade: int) -> NDArray[np.bool_]:
        return self.grade(students) >= grade

    def grade(self, students: pd.DataFrame) -> NDArray[Any]:
        years = np.array([t.school_year for t in self.terms])
        return 9 + years[None, :] - students.ninth_grade_year.to_numpy()[:, None]


def _missed(
    sql: _Reader, wide: _Wide, students: pd.DataFrame, terms: list[calendar.Term], there: NDArray[np.bool_], as_of: date
) -> Floats:
    """1 where the spring tests were missed, 0 where taken, NaN where there were none (yet)."""
    taken = sql.frame(
        f"SELECT student_id, school_year, 'spring' AS term, 1 AS taken FROM {sql.t('assessments')} "
        f"WHERE scale_id <> 'placement_math' AND test_date <= DATE '{as_of}' GROUP BY ALL"
    )
    over = np.array([t.index == 1 and as_of >= date(t.school_year, 5, 15) for t in terms])
    due = there & over[None, :] & (wide.grade(students) <= 11)
    return np.where(due, 1.0 - np.nan_to_num(wide(taken, "taken")), np.nan)


def _scores(sql: _Reader, truth: Truth, students: pd.DataFrame, position: pd.Series) -> tuple[Floats, Floats]:
    """Precision and precision-weighted mean of the standing deviation given all tests and quizzes.

    Residual = a·deviation + b·(math, reading, slope) + error; the three nuisances are integrated out
    (Woodbury identity on 3 × 3 systems).
    """
    tests = sql.tests()
    tests = tests[tests.student_id.isin(position.index) & ~tests.scale_id.str.startswith("alternate")]
    growth, placement = tests.scale_id.str.startswith("growth"), tests.scale_id.eq("placement_math")
    row = position.loc[tests.student_id].to_numpy()
    mean = students.standing_known.to_numpy()[row]
    subject = tests.subject.eq("reading").to_numpy().astype(int)
    a = np.where(growth, truth.score_sd, EXIT_SD)
    grade = tests.grade_level.to_numpy(float)
    curve = np.where(subject == 0, equations.curve(truth, 0, grade), equations.curve(truth, 1, grade))
    expected = np.where(growth, curve, EXIT_MEAN) + a * mean + tests.value_added.to_numpy()
    residual = tests.scale_score.to_numpy() - expected
    loads = np.stack(
        [a * (subject == 0) * ~placement, a * (subject == 1) * ~placement, growth * (grade - CENTRE_GRADE)], axis=1
    ).astype(float)
    weight = 1.0 / tests.standard_error.to_numpy() ** 2
    n = len(position)

    def total(values: Floats) -> Floats:
        return np.bincount(row, weight * values, n)

    inner = np.diag(1.0 / np.array([truth.subject_sd**2, truth.subject_sd**2, truth.slope_sd**2]))[None].repeat(n, 0)
    inner += np.array([[total(loads[:, i] * loads[:, j]) for j in range(3)] for i in range(3)]).transpose(2, 0, 1)
    with_a = np.array([total(loads[:, i] * a) for i in range(3)]).T
    with_r = np.array([total(loads[:, i] * residual) for i in range(3)]).T
    solved = np.linalg.solve(inner, with_a[:, :, None])[:, :, 0]
    precision = total(a * a) - (with_a * solved).sum(axis=1)
    weighted = total(a * residual) - (with_r * solved).sum(axis=1)
    return _with_quizzes(sql, truth, students, position, precision, weighted)


def _with_quizzes(
    sql: _Reader, truth: Truth, students: pd.DataFrame, position: pd.Series, precision: Floats, weighted: Floats
) -> tuple[Floats, Floats]:
    quizzes = sql.quizzes().set_index("student_id").reindex(position.index).fillna(0.0)
    mean = students.standing_known.to_numpy()
    slope, variance = truth.quiz_standing, truth.quiz_noise_sd**2
    residual = quizzes.total.to_numpy() - quizzes.n.to_numpy() * equations.quiz_log_odds(truth, mean)
    return precision + quizzes.n.to_numpy() * slope**2 / variance, weighted + slope * residual / variance
