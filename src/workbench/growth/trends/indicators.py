"""Indicators a district reports every year, each by its official definition: one row a student who counts.

The rows of every indicator have the columns `ROWS`: `value` is 1 or 0 for a share (credits for `credits_earned`),
`flags_from` the first school year whose programme flags tell a student's groups. They are Ibis expressions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import BadInput, BadParameter
from workbench.features.record import chronically_absent

if TYPE_CHECKING:
    import ibis

    from workbench.store import Data

ALL = "all"
STUDENT_YEAR = ("student_id", "school_id", "school_year")
ROWS = (*STUDENT_YEAR, "grade_level", "flags_from", "value")
CORE = ("math", "reading", "science", "social_studies")
FEWEST_DAYS = 10
MOST_CORE_FAILURES = 1


@dataclass(frozen=True)
class Rules:
    """What a definition leaves to the state or district.

    `promotion_credits`: credits to be promoted to grade 10 (Chicago: 5). `proficient_share`: a score counts as
    proficient from the cut that this share of the first year's students of the same grade reached; where the state
    has cuts of its own, `cuts` holds them as (scale_id, grade_level, cut); a subject that none is for keeps the share.
    """

    promotion_credits: float = 5.0
    proficient_share: float = 0.5
    cuts: tuple[tuple[str, int, float], ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.proficient_share < 1:
            raise BadParameter(f"proficient_share is {self.proficient_share}; it must lie between 0 and 1.")


@dataclass(frozen=True)
class Indicator:
    """One indicator: in words, its unit, what it reads, its definition and where that comes from."""

    name: str
    words: str
    unit: Literal["share", "credits"]
    tables: tuple[str, ...]
    definition: str
    source: str
    rows: Callable[[Data, bool, Rules], ibis.Table]


def indicator(name: str) -> Indicator:
    """Return one indicator by name; raises BadParameter for a name there is not."""
    if name not in INDICATORS:
        raise BadParameter(f"There is no indicator {name!r}. Choose one of: {', '.join(INDICATORS)}.")
    return INDICATORS[name]


def indicator_rows(data: Data, name: str, by_school: bool = False, rules: Rules | None = None) -> ibis.Table:
    """Return who counts in an indicator, and how: one row a student and year, columns `ROWS`.

    With `by_school` one row a student, school and year, each school by what happened there; otherwise `school_id` is
    "all". Years that these data do not cover to their end are left out. Raises BadParameter for an unknown name,
    BadInput where the data folder lacks a table that the definition needs.
    """
    one = indicator(name)
    if absent := [table for table in one.tables if table not in data.manifest["tables"]]:
        raise BadInput(f"{one.words} needs the table {absent[0]!r}, which these data do not hold.")
    rows = one.rows(data, by_school, rules or Rules())
    return rows.filter(rows.school_year <= last_full_year(data)).select(*ROWS)


def last_full_year(data: Data) -> int:
    """The last school year that these data cover to its end (1 June at the earliest)."""
    year, month = int(data.last_day[:4]), int(data.last_day[5:7])
    return year if month >= 6 else year - 1


def graduation(data: Data, by_school: bool, rules: Rules, years: int) -> ibis.Table:
    """Adjusted-cohort graduation: first-time ninth-graders, with those who joined them, without those who left for
    another school with written proof, by the end of their last year; 1 where a diploma was earned in `years` years.

    `school_year` is the year in which the cohort's four years end, the school the last one attended. Cohorts that
    began before the data are left out: who left them is not known. Emigration and death, which also remove a student,
    have no place in the data model; enter them as documented transfers.
    """
    spells, students = data.enrollments, data.students
    cohort = students.filter(students.ninth_grade_year >= spells.school_year.min().as_scalar())
    cohort = cohort.mutate(deadline=cohort.ninth_grade_year + years - 1)
    cohort = cohort.filter(cohort.deadline <= last_full_year(data)).select("student_id", "ninth_grade_year", "deadline")
    within = _at(spells, by_school).join(cohort, "student_id")
    last = _newest(within.filter(within.school_year <= within.deadline), ("student_id",))
    ends = data.outcomes.select("student_id", "status", ended=data.outcomes.school_year)
    rows = last.left_join(ends, "student_id")
    graduated = ((rows.status == "graduated") & (rows.ended <= rows.deadline)).fill_null(False)
    return rows.filter(graduated | ~_proven_transfer(rows)).select(
        "student_id",
        "school_id",
        school_year=(rows.ninth_grade_year + 3).cast("int64"),
        grade_level=12,
        flags_from=rows.ninth_grade_year.cast("int64"),
        value=graduated.cast("float64"),
    )


def chronic_absence(data: Data, by_school: bool, rules: Rules) -> ibis.Table:
    """Chronic absence in a year: 1 where 10 % or more of the days enrolled were missed; at least ten days enrolled."""
    days = data.attendance
    sums = _at(days, by_school).group_by(*STUDENT_YEAR).agg(on=days.days_enrolled.sum(), off=days.days_absent.sum())
    rows = roll(data, by_school).join(sums.filter(sums.on >= FEWEST_DAYS), STUDENT_YEAR)
    return _yearly(rows, chronically_absent(rows.off, rows.on))


def on_track(data: Data, by_school: bool, rules: Rules) -> ibis.Table:
    """On track after the first year of high school: 1 where the credits for promotion were earned and at most one
    semester of a core course (math, English, science, social studies) was failed.

    First-time ninth-graders on the roll by 1 October, without those who left with a documented transfer; who dropped
    out in the year is off track. The school is the last one of the year.
    """
    import ibis

    spells = data.enrollments
    window = ibis.window(group_by=("student_id", "school_year"))
    began = spells.mutate(since=spells.entry_date.min().over(window))
    last = _newest(_at(began, by_school), ("student_id", "school_year"))
    first_year = data.students.select("student_id", school_year=data.students.ninth_grade_year.cast("int64"))
    rows = last.join(first_year, ["student_id", "school_year"])
    rows = rows.filter(rows.since <= ibis.date(rows.school_year - 1, 10, 1), ~_proven_transfer(rows))
    subjects = data.sections.select("section_id", "subject")
    grades = data.course_results.join(subjects, "section_id")
    earned = grades.group_by("student_id", "school_year").agg(
        credits=grades.credits_earned.sum(),
        failed=((grades.letter == "F") & grades.subject.isin(CORE)).cast("int64").sum(),
    )
    rows = rows.left_join(earned, ["student_id", "school_year"])
    enough = rows.credits.coalesce(0.0) >= rules.promotion_credits
    return _yearly(rows, enough & (rows.failed.coalesce(0) <= MOST_CORE_FAILURES))


def credits_earned(data: Data, by_school: bool, rules: Rules) -> ibis.Table:
    """Credits earned in the year, by students in grades 9 to 12 who have a posted grade of that year."""
    results = data.course_results.join(data.sections.select("section_id", "school_id"), "section_id")
    earned = _at(results, by_school).group_by(*STUDENT_YEAR).agg(earned=results.credits_earned.sum())
    rows = roll(data, by_school).join(earned, STUDENT_YEAR)
    return _yearly(rows.filter(rows.grade_level >= 9), rows.earned)


def proficient(data: Data, by_school: bool, rules: Rules, subject: str) -> ibis.Table:
    """Attainment: 1 where the score of a spring test reached the cut of its scale and grade; regular tests only."""
    import ibis

    tests = _spring(data, subject)
    tests = tests.filter(~tests.alternate)
    given = _cuts_of(data, subject, rules)
    if given:
        schema = {"scale_id": "string", "grade_level": "int64", "cut": "float64"}
        cuts = ibis.memtable([dict(zip(schema, cut, strict=True)) for cut in given], schema=schema)
    else:
        base = tests.filter(tests.school_year == tests.school_year.min().as_scalar())
        cuts = base.group_by("scale_id", "grade_level").agg(cut=base.scale_score.quantile(1 - rules.proficient_share))
    scored = _newest(_at(tests.join(cuts, ["scale_id", "grade_level"]), by_school), STUDENT_YEAR, "test_date")
    return _yearly(scored, scored.scale_score >= scored.cut)


def _cuts_of(data: Data, subject: str, rules: Rules) -> list[tuple[str, int, float]]:
    """The rules' cuts on scales of the subject."""
    if not rules.cuts:
        return []
    scales = set(data.scales.filter(data.scales.subject == subject).scale_id.to_pandas())
    return [cut for cut in rules.cuts if cut[0] in scales]


def participation(data: Data, by_school: bool, rules: Rules, subject: str) -> ibis.Table:
    """Participation in a subject's spring test: who was on the roll of a tested grade on the first day of testing;
    1 where a test, regular or alternate, was taken that spring."""
    tests = _spring(data, subject)
    grades = tests.group_by("school_year", "grade_level").agg()
    opened = tests.group_by("school_year").agg(opened=tests.test_date.min())
    taken = tests.group_by("student_id", "school_year").agg(taken=tests.count())
    there = _at(data.enrollments, by_school).join(opened, "school_year").join(grades, ["school_year", "grade_level"])
    there = there.filter(there.entry_date <= there.opened, there.exit_date.isnull() | (there.exit_date > there.opened))
    rows = _newest(there, ("student_id", "school_year")).left_join(taken, ["student_id", "school_year"])
    return _yearly(rows, rows.taken.notnull())


def mobility(data: Data, by_school: bool, rules: Rules) -> ibis.Table:
    """Mobility: everybody on the roll at any time of the year; 1 where not in one school from 1 October to the end."""
    rows = roll(data, by_school)
    return _yearly(rows, ~rows.stayed)


def roll(data: Data, by_school: bool) -> ibis.Table:
    """Return everybody enrolled at any time of a year: the highest grade, and whether one spell lasted all year."""
    spells = data.enrollments
    return (
        _at(spells, by_school)
        .group_by(*STUDENT_YEAR)
        .agg(grade_level=spells.grade_level.max(), stayed=spells.full_year.any())
    )


def _at(table: ibis.Table, by_school: bool) -> ibis.Table:
    import ibis

    return table if by_school else table.mutate(school_id=ibis.literal(ALL))


def _newest(table: ibis.Table, by: tuple[str, ...], date: str = "entry_date") -> ibis.Table:
    import ibis

    window = ibis.window(group_by=by, order_by=[ibis.desc(date), ibis.asc("school_id")])
    return table.mutate(place=ibis.row_number().over(window)).filter(ibis._.place == 0).drop("place")


def _proven_transfer(rows: ibis.Table) -> Any:
    return ((rows.exit_reason == "transferred") & rows.transfer_documented).fill_null(False)


def _spring(data: Data, subject: str) -> ibis.Table:
    """Tests of a subject taken between 1 January and the end of the school year, with whether they are alternate."""
    tests = data.assessments.filter(data.assessments.subject == subject)
    spring = tests.filter(tests.test_date.year() == tests.school_year)
    return spring.join(data.scales.select("scale_id", "alternate"), "scale_id")


def _yearly(rows: ibis.Table, value: Any) -> ibis.Table:
    return rows.select(*STUDENT_YEAR, "grade_level", flags_from=rows.school_year, value=value.cast("float64"))


_ESEA = "Elementary and Secondary Education Act, section 8101(23) and (25) (20 U.S.C. 7801); 34 CFR 200.19(b), 200.34"
_TESTS = ("enrollments", "assessments", "scales")
_COURSES = ("enrollments", "course_results", "sections")

# fmt: off
INDICATORS: dict[str, Indicator] = {one.name: one for one in (
    Indicator("graduation_4yr", "graduated within four years", "share", ("enrollments", "students", "outcomes"),
              "first-time ninth-graders and those who joined them, less documented transfers out; regular diploma in "
              "four years; year: the cohort's fourth", _ESEA, partial(graduation, years=4)),
    Indicator("graduation_5yr", "graduated within five years", "share", ("enrollments", "students", "outcomes"),
              "as within four years, with one year more; year: the cohort's fourth", _ESEA,
              partial(graduation, years=5)),
    Indicator("chronic_absence", "chronically absent", "share", ("enrollments", "attendance"),
              "enrolled for ten days or more; absent, for any reason, on 10 % or more of the days enrolled",
              "EDFacts file specification 195 (data group 814)", chronic_absence),
    Indicator("on_track_9", "on track after grade 9", "share", ("students", *_COURSES),
              "first-time ninth-graders; credits for promotion earned, at most one semester F in a core course",
              "Allensworth & Easton 2005, 2007", on_track),
    Indicator("credits_earned", "credits earned in the year", "credits", _COURSES,
              "grades 9 to 12 with a posted grade; credits earned in the school year", "Carnegie units",
              credits_earned),
    Indicator("proficient_math", "proficient in math", "share", _TESTS,
              "tested in spring on the regular scale; score at or above the cut", "ESEA, section 1111(c)(4)(B)(i)",
              partial(proficient, subject="math")),
    Indicator("proficient_reading", "proficient in reading", "share", _TESTS,
              "tested in spring on the regular scale; score at or above the cut", "ESEA, section 1111(c)(4)(B)(i)",
              partial(proficient, subject="reading")),
    Indicator("tested_math", "took the spring test in math", "share", _TESTS,
              "on the roll of a tested grade on the first day of testing; tested, regular or alternate (95 % expected)",
              "ESEA, section 1111(c)(4)(E)", partial(participation, subject="math")),
    Indicator("tested_reading", "took the spring test in reading", "share", _TESTS,
              "on the roll of a tested grade on the first day of testing; tested, regular or alternate (95 % expected)",
              "ESEA, section 1111(c)(4)(E)", partial(participation, subject="reading")),
    Indicator("mobility", "changed or left school in the year", "share", ("enrollments",),
              "on the roll at any time of the year; not in one school from 1 October to the year's end",
              "U.S. GAO 2010 (GAO-11-40); definitions differ between states", mobility),
)}
# fmt: on
