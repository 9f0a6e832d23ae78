"""Measures of a synthetic data folder that public statistics are published for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from workbench import machine
from workbench.store import connect


class Folder:
    """SQL over one data folder and its answer key."""

    def __init__(self, path: Path) -> None:
        self.path, self.duck = Path(path), connect("duckdb").con

    def frame(self, query: str) -> pd.DataFrame:
        """Run a query in which {name} stands for a table and {key.name} for a table of the answer key."""
        names = {p.name: f"read_parquet('{p}/*.parquet')" for p in self.path.iterdir() if p.is_dir()}
        key = {p.stem: f"read_parquet('{p}')" for p in (self.path / "answer_key").glob("*.parquet")}
        return self.duck.execute(query.format(**names, key=_Names(key))).df()

    def one(self, query: str) -> float:
        """Run a query that gives one number."""
        return float(self.frame(query).iloc[0, 0])


class _Names:
    def __init__(self, names: dict[str, str]) -> None:
        self.__dict__.update(names)


_COHORT = """
    cohort AS (
      SELECT s.*, p.economically_disadvantaged AS need, p.english_learner AS learner, p.disability,
        o.status = 'graduated' AND o.school_year <= s.ninth_grade_year + 3 AS on_time,
        o.status = 'dropped_out' AS dropped
      FROM {students} s JOIN {outcomes} o USING (student_id)
      JOIN (SELECT student_id, bool_or(economically_disadvantaged) AS economically_disadvantaged,
              bool_or(english_learner) AS english_learner, bool_or(disability) AS disability
            FROM {programs} GROUP BY ALL) p USING (student_id)
      WHERE s.ninth_grade_year BETWEEN (SELECT min(school_year) FROM {enrollments})
                                   AND (SELECT max(school_year) FROM {enrollments}) - 3
        AND student_id NOT IN (SELECT student_id FROM {enrollments} WHERE transfer_documented))"""


def graduation_rates(folder: Folder) -> dict[str, float]:
    """Adjusted-cohort graduation rate: first-time ninth-graders and those who joined them, without
    documented transfers out; graduated within four years. Overall and by race (34 CFR 200.34)."""
    by = folder.frame(
        f"WITH {_COHORT} SELECT race_ethnicity, count(*) AS n, sum(on_time::INT) AS y FROM cohort GROUP BY ALL"
    )
    rates = {"ACGR": by.y.sum() / by.n.sum()}
    return rates | {f"ACGR, {race}": y / n for race, n, y in by.itertuples(index=False) if n >= 100}


def yearly(folder: Folder) -> dict[str, float]:
    """Shares of students in a year: chronic absence (10 % or more of days enrolled), suspension, programmes."""
    absence = folder.frame(
        """SELECT avg((a >= 0.1 * e)::INT) AS every,
             avg((a >= 0.1 * e)::INT) FILTER (race_ethnicity = 'white') AS white,
             avg((a >= 0.1 * e)::INT) FILTER (race_ethnicity = 'black') AS black,
             avg((a >= 0.1 * e)::INT) FILTER (race_ethnicity = 'hispanic') AS hispanic
           FROM (SELECT student_id, school_year, sum(days_absent) AS a, sum(days_enrolled) AS e
                 FROM {attendance} GROUP BY ALL HAVING e >= 10) JOIN {students} USING (student_id)"""
    ).iloc[0]
    suspended = folder.one(
        """SELECT avg((k > 0)::INT) FROM (SELECT p.student_id, p.school_year, count(d.incident_id) AS k
             FROM {programs} p LEFT JOIN {discipline} d ON d.student_id = p.student_id
               AND d.school_year = p.school_year AND d.action = 'out_of_school_suspension' GROUP BY ALL)"""
    )
    flags = folder.frame(
        """SELECT avg(economically_disadvantaged::INT) AS need, avg(english_learner::INT) AS learner,
             avg(disability::INT) AS disability, avg(alternate_assessment::INT) AS alternate FROM {programs}"""
    ).iloc[0]
    return {
        "chronic absence": absence.every,
        **{f"chronic absence, {race}": absence[race] for race in ("white", "black", "hispanic")},
        "suspended out of school": suspended,
        "economically disadvantaged": flags.need,
        "English learner": flags.learner,
        "disability": flags.disability,
        "alternate assessment": flags.alternate,
    }


def race_shares(folder: Folder) -> dict[str, float]:
    """Share of students by race and ethnicity."""
    rows = folder.frame("SELECT race_ethnicity AS race, count(*) AS n FROM {students} GROUP BY ALL ORDER BY race")
    return {f"share, {race}": n / rows.n.sum() for race, n in rows.itertuples(index=False)}


def grade_average(folder: Folder) -> dict[str, float]:
    """Mean credit-weighted grade average of graduates, overall and by sex."""
    rows = folder.frame(
        """SELECT sex, avg(gpa) AS gpa, count(*) AS n FROM (
             SELECT student_id, sum(grade_points * credits_attempted) / sum(credits_attempted) AS gpa
             FROM {course_results} WHERE credits_attempted > 0 GROUP BY ALL)
           JOIN {outcomes} o USING (student_id) JOIN {students} USING (student_id)
           WHERE o.status = 'graduated' GROUP BY ALL ORDER BY sex"""
    )
    return {"mean GPA of graduates": (rows.gpa * rows.n).sum() / rows.n.sum()} | {
        f"mean GPA of graduates, {sex}": gpa for sex, gpa in zip(rows.sex, rows.gpa, strict=True)
    }


def gaps(folder: Folder, grade: int = 8) -> dict[str, float]:
    """Differences of mean true scores in math at one grade, in SD of true scores."""
    rows = folder.frame(
        f"""SELECT s.race_ethnicity AS race, p.economically_disadvantaged AS need, k.true_score AS y
            FROM {{assessments}} a JOIN {{key.scores}} k USING (student_id, scale_id, test_date)
            JOIN {{students}} s USING (student_id) JOIN {{programs}} p USING (student_id, school_year)
            WHERE a.scale_id = 'growth_math' AND a.grade_level = {grade}"""
    )
    if rows.empty:
        return {}
    mean = rows.groupby("race").y.mean()
    need = rows.groupby("need").y.mean()
    sd = rows.y.std()
    return {
        "gap, white − black": (mean["white"] - mean["black"]) / sd,
        "gap, white − hispanic": (mean["white"] - mean["hispanic"]) / sd,
        "gap, not disadvantaged − disadvantaged": (need[False] - need[True]) / sd,
    }


def scores(folder: Folder, scale: str, grade: int) -> pd.DataFrame:
    """Observed scores at one grade, one school year, with their schools."""
    return folder.frame(
        f"""SELECT school_id, scale_score AS score FROM {{assessments}}
            WHERE scale_id = '{scale}' AND grade_level = {grade}
              AND school_year = (SELECT max(school_year) FROM {{assessments}}) ORDER BY student_id"""
    )


def icc(rows: pd.DataFrame, engine: str = "lme4") -> float:
    """Share of the variance of scores that lies between schools.

    `lme4`: REML fit of score ~ 1 + (1 | school). `anova`: the moment estimator for unequal groups
    (Donner 1986), (MSB − MSW) / (MSB + (n0 − 1) MSW).
    """
    return _icc_lme4(rows) if engine == "lme4" else _icc_anova(rows)


def _icc_anova(rows: pd.DataFrame) -> float:
    groups = rows.groupby("school_id").score
    n, means = groups.size(), groups.mean()
    k, total = len(n), n.sum()
    between = (n * (means - rows.score.mean()) ** 2).sum() / (k - 1)
    within = (groups.var() * (n - 1)).sum() / (total - k)
    typical = (total - (n**2).sum() / total) / (k - 1)
    return float((between - within) / (between + (typical - 1) * within))


def _icc_lme4(rows: pd.DataFrame) -> float:
    machine.start_r()
    import polars
    from pymer4.models import lmer

    model = lmer("score ~ 1 + (1 | school_id)", data=polars.from_pandas(rows))
    model.fit(summary=False)
    variance = {row["group"]: row["estimate"] ** 2 for row in model.ranef_var.iter_rows(named=True)}
    return float(variance["school_id"] / sum(variance.values()))


def rule_at(folder: Folder, grade: int) -> dict[str, float]:
    """The attendance–behaviour–course flags of one grade against not graduating on time.

    Attendance of 80 % or less, any suspension, or failing math or English in that year (the sixth-grade
    flags of Balfanz, Herzog & Mac Iver 2007); sensitivity, share flagged, and share of the flagged who
    did not graduate on time. Cohorts as for the graduation rate.
    """
    rows = folder.frame(
        f"""WITH {_COHORT},
            year AS (SELECT student_id, ninth_grade_year - 9 + {grade} AS school_year, on_time FROM cohort),
            seen AS (SELECT student_id, school_year, on_time, sum(days_absent) AS a, sum(days_enrolled) AS e
                     FROM year JOIN {{attendance}} USING (student_id, school_year) GROUP BY ALL),
            behaviour AS (SELECT DISTINCT student_id, school_year FROM {{discipline}} WHERE action <> 'none'),
            failed AS (SELECT DISTINCT c.student_id, c.school_year FROM {{course_results}} c
                       JOIN {{sections}} s USING (section_id, school_year, term)
                       WHERE s.subject IN ('math', 'reading') AND NOT c.passed)
            SELECT NOT on_time AS y, a >= 0.2 * e OR b.student_id IS NOT NULL OR f.student_id IS NOT NULL AS flag
            FROM seen LEFT JOIN behaviour b USING (student_id, school_year)
              LEFT JOIN failed f USING (student_id, school_year)"""
    )
    return {
        "n": float(len(rows)),
        "not graduated on time": float(rows.y.mean()),
        "flagged": float(rows.flag.mean()),
        "sensitivity": float(rows.flag[rows.y].mean()),
        "precision": float(rows.y[rows.flag].mean()),
        "false alarms": float(rows.flag[~rows.y].mean()),
    }


def measure(folder: Folder) -> dict[str, float]:
    """All measures but the intraclass correlation and the rule."""
    found: dict[str, Any] = {}
    for part in (graduation_rates, yearly, race_shares, grade_average, gaps):
        found |= part(folder)
    return {name: float(value) for name, value in found.items()}
