"""The data model: one declaration a table, read by checks, generators, importers and docs.

Names follow the Common Education Data Standards and Ed-Fi. `school_year` is always the calendar
year of the spring: 2025 is the year 2024-25. Every row that states a fact carries the date on
which the fact was known, so that features can be asked for as of any day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from workbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SCHEMA_VERSION = 1

Type = Literal["string", "int", "float", "bool", "date", "timestamp"]

SEXES = ("female", "male")
RACES = (
    "american_indian",
    "asian",
    "black",
    "hispanic",
    "multiracial",
    "pacific_islander",
    "white",
)
TERMS = ("fall", "spring")
LETTERS = ("A", "B", "C", "D", "F")
LEVELS = ("elementary", "middle", "high")
EXITS = ("moved_school", "transferred", "dropped_out", "graduated", "year_end")
STATUSES = ("graduated", "dropped_out", "transferred", "enrolled")
VERBS = ("viewed", "played", "completed", "submitted", "answered", "posted")
SUBJECTS = ("math", "reading", "science", "social_studies", "elective")
ACTIONS = ("none", "in_school_suspension", "out_of_school_suspension")


def school_year(day: date) -> int:
    """Return the school year of a day; it begins on the first of August."""
    return day.year + (day.month >= 8)


@dataclass(frozen=True)
class Column:
    """One column: its type, what it may hold, and one line of help.

    `nullable` allows a missing value, `personal` marks what describes or identifies one person.
    """

    name: str
    type: Type
    help: str
    unit: str = ""
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    nullable: bool = False
    personal: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its key, its columns in order, and whether its files are split by school year."""

    name: str
    help: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    by_year: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def arrow_schema(self) -> pa.Schema:
        """Return the Arrow schema that every Parquet file of this table has."""
        import pyarrow as pa

        types = {
            "string": pa.string(),
            "int": pa.int64(),
            "float": pa.float64(),
            "bool": pa.bool_(),
            "date": pa.date32(),
            "timestamp": pa.timestamp("us"),
        }
        return pa.schema([pa.field(c.name, types[c.type], c.nullable) for c in self.columns])


def _student() -> Column:
    return Column("student_id", "string", "the student, by pseudonym", personal=True)


def _year() -> Column:
    return Column("school_year", "int", "spring of the school year", "year", minimum=1980, maximum=2100)


def _grade() -> Column:
    return Column("grade_level", "int", "grade; 0 is kindergarten", "grade", minimum=0, maximum=12)


def _term() -> Column:
    return Column("term", "string", "half of the school year", allowed=TERMS)


_DECLARED = (
    Table(
        "districts",
        "School districts.",
        ("district_id",),
        (
            Column("district_id", "string", "the district"),
            Column("name", "string", "its name"),
            Column("state", "string", "two-letter state code"),
        ),
    ),
    Table(
        "schools",
        "Schools, each in one district.",
        ("school_id",),
        (
            Column("school_id", "string", "the school"),
            Column("district_id", "string", "its district"),
            Column("name", "string", "its name"),
            Column("level", "string", "elementary, middle or high", allowed=LEVELS),
            Column("low_grade", "int", "lowest grade taught", "grade", minimum=0, maximum=12),
            Column("high_grade", "int", "highest grade taught", "grade", minimum=0, maximum=12),
        ),
    ),
    Table(
        "teachers",
        "Teachers, each at one school.",
        ("teacher_id",),
        (
            Column("teacher_id", "string", "the teacher, by pseudonym", personal=True),
            Column("school_id", "string", "the school"),
            Column("subject", "string", "the subject taught most", allowed=SUBJECTS),
        ),
    ),
    Table(
        "students",
        "One row a student: what does not change with the year.",
        ("student_id",),
        (
            _student(),
            Column("birth_date", "date", "date of birth", personal=True),
            Column("sex", "string", "as reported to the agency", allowed=SEXES, personal=True),
            Column("race_ethnicity", "string", "federal seven categories", allowed=RACES, personal=True),
            Column(
                "ninth_grade_year",
                "int",
                "school year of first entry into grade 9: the graduation-rate cohort; empty before grade 9",
                "year",
                nullable=True,
                minimum=1980,
                maximum=2100,
            ),
        ),
    ),
    Table(
        "enrollments",
        "One row a student, school and spell within a school year (the school in attendance).",
        ("student_id", "school_id", "school_year", "entry_date"),
        (
            _student(),
            Column("school_id", "string", "the school in attendance"),
            _year(),
            _grade(),
            Column("entry_date", "date", "first day of the spell"),
            Column(
                "exit_date", "date", "first day on which the spell no longer holds; empty while it lasts", nullable=True
            ),
            Column("exit_reason", "string", "why the spell ended", allowed=EXITS, nullable=True),
            Column(
                "transfer_documented",
                "bool",
                "for a transfer: is there proof of enrolment elsewhere? Without it the student stays in the "
                "graduation-rate cohort",
                nullable=True,
            ),
            Column(
                "full_year",
                "bool",
                "enrolled in this school from 1 October to the end of the school year",
            ),
        ),
        by_year=True,
    ),
    Table(
        "programs",
        "One row a student and school year: programme flags.",
        ("student_id", "school_year"),
        (
            _student(),
            _year(),
            Column("economically_disadvantaged", "bool", "eligible for meal assistance", personal=True),
            Column("english_learner", "bool", "receives English-learner services", personal=True),
            Column("disability", "bool", "has an individualised education programme", personal=True),
            Column("alternate_assessment", "bool", "assessed on alternate standards", personal=True),
        ),
        by_year=True,
    ),
    Table(
        "attendance",
        "One row a student, school and term, known when the term (or the enrolment) has ended.",
        ("student_id", "school_id", "school_year", "term"),
        (
            _student(),
            Column("school_id", "string", "the school"),
            _year(),
            _term(),
            Column("end_date", "date", "last day counted: the day on which the row is known"),
            Column("days_enrolled", "int", "school days on the roll", "days", minimum=0, maximum=366),
            Column("days_absent", "int", "of these, days absent", "days", minimum=0, maximum=366),
        ),
        by_year=True,
    ),
    Table(
        "discipline",
        "One row a recorded incident.",
        ("incident_id",),
        (
            Column("incident_id", "string", "the incident"),
            _student(),
            Column("school_id", "string", "the school"),
            _year(),
            Column("incident_date", "date", "the day it happened"),
            Column("action", "string", "what followed", allowed=ACTIONS),
            Column("days_removed", "int", "days out of class", "days", minimum=0, maximum=180),
        ),
        by_year=True,
    ),
    Table(
        "sections",
        "One row a taught class: a course, a teacher, a term.",
        ("section_id",),
        (
            Column("section_id", "string", "the section"),
            Column("school_id", "string", "the school"),
            _year(),
            _term(),
            _grade(),
            Column("course_title", "string", "the course"),
            Column("subject", "string", "its subject", allowed=SUBJECTS),
            Column("teacher_id", "string", "who teaches it", personal=True),
        ),
        by_year=True,
    ),
    Table(
        "course_results",
        "One row a student and section, known on the day the grade is posted.",
        ("student_id", "section_id"),
        (
            _student(),
            Column("section_id", "string", "the section"),
            _year(),
            _term(),
            Column("posted_date", "date", "the day the grade was posted"),
            Column("letter", "string", "letter grade", allowed=LETTERS),
            Column("grade_points", "float", "A 4, B 3, C 2, D 1, F 0", "points", minimum=0, maximum=4),
            Column("credits_attempted", "float", "credits the course carries", "credits", minimum=0, maximum=10),
            Column("credits_earned", "float", "credits earned", "credits", minimum=0, maximum=10),
            Column("passed", "bool", "was the course passed?"),
        ),
        by_year=True,
    ),
    Table(
        "scales",
        "Score scales: which scores may be compared with which.",
        ("scale_id",),
        (
            Column("scale_id", "string", "the scale"),
            Column("name", "string", "the test it belongs to"),
            Column("subject", "string", "subject measured", allowed=SUBJECTS),
            Column(
                "vertical",
                "bool",
                "are scores linked across grades, so that a difference between grades is growth?",
            ),
            Column("alternate", "bool", "an alternate assessment?"),
            Column("low_grade", "int", "lowest grade tested", "grade", minimum=0, maximum=12),
            Column("high_grade", "int", "highest grade tested", "grade", minimum=0, maximum=12),
        ),
    ),
    Table(
        "assessments",
        "One row a student, subject and test, known on the day of the test.",
        ("student_id", "scale_id", "test_date"),
        (
            _student(),
            Column("school_id", "string", "the school where it was taken"),
            _year(),
            _grade(),
            Column("subject", "string", "subject measured", allowed=SUBJECTS),
            Column("test_date", "date", "the day of the test"),
            Column("scale_id", "string", "the scale; see `scales`"),
            Column("scale_score", "float", "scale score", "points"),
            Column("standard_error", "float", "standard error of measurement of this score", "points", minimum=0),
        ),
        by_year=True,
    ),
    Table(
        "events",
        "One row a learning event (the fields of an xAPI statement).",
        ("event_id",),
        (
            Column("event_id", "string", "the statement"),
            _student(),
            Column("section_id", "string", "the class it belongs to", nullable=True),
            _year(),
            Column("timestamp", "timestamp", "when, in local time"),
            Column("verb", "string", "what the student did", allowed=VERBS),
            Column("object_id", "string", "with what"),
            Column("score_scaled", "float", "result, as a share of the maximum", minimum=0, maximum=1, nullable=True),
            Column("duration_seconds", "float", "how long it took", "seconds", minimum=0, nullable=True),
        ),
        by_year=True,
    ),
    Table(
        "interventions",
        "One row a support given to a student.",
        ("intervention_id",),
        (
            Column("intervention_id", "string", "the record"),
            _student(),
            _year(),
            Column("kind", "string", "which support"),
            Column("assigned_date", "date", "the day it was assigned"),
            Column("started_date", "date", "the day it began", nullable=True),
            Column("ended_date", "date", "the day it ended", nullable=True),
            Column("assigned_by", "string", "who assigned it, by role", nullable=True),
            Column("reason", "string", "why", nullable=True),
        ),
    ),
    Table(
        "outcomes",
        "One row a student who reached grade 9: where they stand when the data end.",
        ("student_id",),
        (
            _student(),
            Column("status", "string", "how the enrolment ended, or that it lasts", allowed=STATUSES, personal=True),
            Column("outcome_date", "date", "the day it was settled; for `enrolled`, the day the data end"),
            _year(),
        ),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _DECLARED}


def table(name: str) -> Table:
    """Return the declaration of one table. Raises BadInput where there is none of that name."""
    if name not in TABLES:
        raise BadInput(f"There is no table {name!r} in the data model. Its tables are: {', '.join(TABLES)}.")
    return TABLES[name]


def describe_tables(name: str | None = None) -> pd.DataFrame:
    """Return the data model as a data frame: one row a table, or one row a column of table `name`."""
    import pandas as pd

    if name is None:
        return pd.DataFrame(
            [(t.name, t.help, ", ".join(t.key), len(t.columns)) for t in TABLES.values()],
            columns=["table", "what it holds", "key", "columns"],
        ).set_index("table")
    return pd.DataFrame(
        [(c.name, c.type, c.unit, _may_hold(c), "yes" if c.personal else "", c.help) for c in table(name).columns],
        columns=["column", "type", "unit", "allowed", "personal", "help"],
    ).set_index("column")


def _may_hold(column: Column) -> str:
    parts = [", ".join(column.allowed)] if column.allowed else []
    if column.minimum is not None or column.maximum is not None:
        low = "" if column.minimum is None else f"{column.minimum:g}"
        high = "" if column.maximum is None else f"{column.maximum:g}"
        parts.append(f"{low}…{high}")
    if column.nullable:
        parts.append("may be empty")
    return "; ".join(parts)


def data_model_page() -> str:
    """Return docs/data-model.md, made from the declarations."""
    lines = [
        "# Data model",
        "",
        "<!-- made by `workbench doctor --write-docs`; a test holds it to src/workbench/tables.py -->",
        "",
        (__doc__ or "").split("\n\n", 1)[1].strip(),
        "",
        "A data folder holds one Parquet dataset a table, split into files by school year where the table is large,",
        "and `dataset.json` with the schema's version, where the data come from, row counts and checksums.",
        "",
    ]
    for one in TABLES.values():
        lines += [f"## {one.name}", "", f"{one.help} Key: {', '.join(f'`{k}`' for k in one.key)}.", ""]
        lines += ["| column | type | unit | may hold | personal | help |", "|---|---|---|---|---|---|"]
        lines += [
            f"| `{c.name}` | {c.type} | {c.unit} | {_may_hold(c)} | {'yes' if c.personal else ''} | {c.help} |"
            for c in one.columns
        ]
        lines.append("")
    return "\n".join(lines)
