"""Rows for growth curves: one a student and school year, on one vertical scale, with where the year was spent."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import BadInput, BadParameter, did_you_mean
from workbench.features import in_groups
from workbench.growth.curves.teaching import TaughtBy, members, taught
from workbench.growth.value_added.rows import joined
from workbench.paths import shown
from workbench.store import ANSWER_KEY, Data

if TYPE_CHECKING:
    import ibis
    import pandas as pd

PROGRAMMES = ("economically_disadvantaged", "english_learner", "disability")
GROUPS = (*PROGRAMMES, "race_ethnicity", "sex")


@dataclass(frozen=True)
class CurveData:
    """Scores on one vertical scale, ready for a growth model.

    `rows`, one a student and school year: student, school (where the test was taken), first_school, school_year, grade
    (of the test), time (grade − `centre`), time2 (its square), after_k (grades past each of the `knots`), tenure (grade
    less the middle of the school's tested grades), score, error (its standard error of measurement), precision (mean of
    the squared errors over this one's; 1 throughout where one is not known), moved (more than one school in the year
    before the test), a column of categories each group (its value when first tested), and true_score and value_added
    where there is an answer key. `doses`: student, school_year, school and `share` of the school year up to the tests
    spent there, for every year on the roll. `taught`: student, school_year, school, unit and `share` of the school year
    with each unit; units are what `taught_by` says, teachers or, where these are not known, grades of a school.
    `schools`: school, name, level, first and last grade tested. `counts` says in words what is in the rows, and what
    was left out.
    """

    rows: pd.DataFrame
    doses: pd.DataFrame
    schools: pd.DataFrame
    scale: str
    scale_name: str
    subject: str
    centre: int
    knots: tuple[int, ...]
    counts: pd.DataFrame
    taught: pd.DataFrame = field(repr=False)
    taught_by: TaughtBy
    data: Data = field(repr=False)

    @property
    def groups(self) -> list[str]:
        return [name for name in GROUPS if name in self.rows]

    @property
    def source(self) -> str:
        return f"{self.rows.student.nunique():,} students, {self.scale_name}"

    @cached_property
    def this_year(self) -> pd.DataFrame:
        """Shares of the row's school year at each school, adding up to 1: members of a group for `hlm.fit`."""
        spent = self._keys.assign(row=np.arange(len(self.rows))).merge(self.doses, on=["student", "school_year"])
        spent = spent.assign(weight=spent.share / spent.groupby("row").share.transform("sum"))
        return spent.rename(columns={"school": "level"})[["row", "level", "weight"]]

    @cached_property
    def years_so_far(self) -> pd.DataFrame:
        """Years spent at each school by the day of the row's test: members of a group for `hlm.fit`."""
        return members(self._keys, self.doses, self.doses.school)

    @cached_property
    def taught_so_far(self) -> pd.DataFrame:
        """Years spent with each unit of `taught` by the day of the row's test."""
        return members(self._keys, self.taught, self.taught.unit)

    @cached_property
    def taught_so_far_by_year(self) -> pd.DataFrame:
        """As `taught_so_far`, each unit in each school year a level of its own."""
        return members(self._keys, self.taught, unit_years(self.taught))

    @property
    def _keys(self) -> pd.DataFrame:
        return self.rows[["student", "school_year"]]


def unit_years(taught: pd.DataFrame) -> pd.Series[str]:
    """The unit and school year of each row of `CurveData.taught`, as one name."""
    return joined(taught.unit, taught.school_year)


def curve_rows(data: Data, scale: str) -> CurveData:
    """Return the scores of one vertically linked scale with what a growth model needs; see CurveData.

    Of several tests in a school year the last counts. The centre is the middle of the tested grades, the knots are the
    last grades of the school levels below the highest grade tested. Raises BadParameter for a scale whose scores are
    not linked across grades, BadInput where it holds fewer than two grades or nobody was tested twice.
    """
    about = vertical_scale(data, scale)
    tests = data.assessments.filter((data.assessments.scale_id == scale) & data.assessments.scale_score.notnull())
    rows = _last_of_year(tests)
    found = len(rows)
    doubled = int(tests.count().execute()) - found
    grades = np.unique(rows.grade)
    if len(grades) < 2 or rows.student.is_unique:
        raise BadInput(
            f"{shown(data.path)} has scores on {scale!r} in {len(grades)} grade(s) and of nobody twice: "
            "growth needs the same students in two or more grades."
        )
    centre = round(float(grades.min() + grades.max()) / 2)
    schools, knots = _schools(data, rows, int(grades.max()))
    doses = _doses(data, tests)
    split = doses.groupby(["student", "school_year"]).size().rename("places").reset_index()
    rows = rows.merge(split, on=["student", "school_year"], how="left")
    middle = schools.set_index("school")[["first_grade", "last_grade"]].mean(axis=1)
    rows = rows.assign(
        time=(rows.grade - centre).astype(float),
        tenure=rows.grade - rows.school.map(middle),
        moved=rows.places.fillna(1) > 1,
        first_school=rows.groupby("student").school.transform("first"),
        precision=_precision(rows.error.to_numpy(float)),
        time2=(rows.grade - centre) ** 2.0,
        **{f"after_{knot}": np.maximum(rows.grade - knot, 0.0) for knot in knots},
    ).drop(columns="places")
    rows = _with_true_scores(data, _with_groups(data, rows))
    counts = _counts(rows, doubled)
    teaching, by = taught(data, about["subject"], rows, doses)
    return CurveData(
        rows, doses, schools, scale, about["name"], about["subject"], centre, knots, counts, teaching, by, data
    )


def vertical_scale(data: Data, scale: str) -> dict[str, Any]:
    """Return what is declared of a scale; raises BadParameter where differences between its grades are not growth."""
    if "scales" not in data.manifest["tables"]:
        raise BadInput(
            f"{shown(data.path)} has no table 'scales', which tells the scales that are linked across grades; "
            "without it no difference between grades can be called growth. Add it to the data folder."
        )
    scales = data.scales.order_by("scale_id").to_pandas().set_index("scale_id", drop=False)
    linked = scales.index[scales.vertical & ~scales.alternate]
    if scale in linked:
        return {str(name): value for name, value in scales.loc[scale].items()}
    hint = ""
    if scale in scales.index:
        named = f"{scales.name[scale]!r} ({scale})"
        why = f"scores of {named} are not linked across grades: a difference between two of them is not growth"
    else:
        why, hint = f"there is no scale {scale!r}", did_you_mean(scale, scales.index)
    raise BadParameter(
        f"No growth curve can be drawn: {why}. {hint}Scales linked across grades here: "
        f"{', '.join(linked) or 'none'}. For other tests use growth percentiles, which need no common scale."
    )


def _last_of_year(tests: ibis.Table) -> pd.DataFrame:
    rows = tests.select(
        "scale_id", "test_date", "school_year", student="student_id", school="school_id", grade="grade_level",
        score="scale_score", error="standard_error",
    ).to_pandas()  # fmt: skip
    rows = rows.sort_values(["student", "school_year", "test_date"], kind="stable")
    return rows.drop_duplicates(["student", "school_year"], keep="last").reset_index(drop=True)


def _doses(data: Data, tests: ibis.Table) -> pd.DataFrame:
    """Days at each school over days of the school year, both up to the year's middle test day."""
    spells = data.enrollments
    year = spells.group_by("school_year").aggregate(first=spells.entry_date.min())
    day = tests.group_by("school_year").aggregate(until=tests.test_date.cast("timestamp").epoch_seconds().median())
    spells = spells.join(year, "school_year").join(day, "school_year")
    until = spells.until / 86400
    as_day = lambda column: column.cast("timestamp").epoch_seconds() / 86400  # noqa: E731
    stop = as_day(spells.exit_date).fill_null(until).clip(upper=until)
    spells = spells.mutate(days=(stop - as_day(spells.entry_date)).clip(lower=0), whole=until - as_day(spells.first))
    spells = spells.filter(spells.days > 0)
    doses = spells.group_by(["student_id", "school_year", "school_id"]).aggregate(
        share=(spells.days / spells.whole).sum()
    )
    doses = doses.semi_join(tests.select("student_id").distinct(), "student_id")
    frame = doses.to_pandas().rename(columns={"student_id": "student", "school_id": "school"})
    return frame.sort_values(["student", "school_year", "school"]).reset_index(drop=True)


def _schools(data: Data, rows: pd.DataFrame, top: int) -> tuple[pd.DataFrame, tuple[int, ...]]:
    known = data.schools.select("school_id", "name", "level", "low_grade", "high_grade").to_pandas()
    known = known.rename(columns={"school_id": "school"})
    tested = rows.groupby("school").agg(first_grade=("grade", "min"), last_grade=("grade", "max")).reset_index()
    last = known[known.high_grade < top].groupby("level").high_grade.agg(lambda grades: grades.mode().iloc[0])
    schools = tested.merge(known[["school", "name", "level"]], on="school", how="left")
    return schools, tuple(sorted({int(grade) for grade in last if grade > rows.grade.min()}))


def _precision(error: Any) -> Any:
    known = bool((np.isfinite(error) & (error > 0)).all())
    return np.mean(error**2) / error**2 if known else np.ones(len(error))


def _with_groups(data: Data, rows: pd.DataFrame) -> pd.DataFrame:
    people = data.students.select("student_id", "race_ethnicity", "sex").to_pandas()
    rows = rows.merge(people.rename(columns={"student_id": "student"}), on="student", how="left")
    if "programs" in data.manifest["tables"]:
        flags = data.programs.select("school_year", *PROGRAMMES, student="student_id").to_pandas()
        first = rows.drop_duplicates("student")[["student", "school_year"]].merge(flags, how="left")
        rows = rows.merge(first.drop(columns="school_year").astype(dict.fromkeys(PROGRAMMES, float)), on="student")
    return rows.assign(**{name: _largest_first(in_groups(rows, name)) for name in GROUPS if name in rows})


def _largest_first(names: pd.Series[str]) -> pd.Series[Any]:
    """A group as categories of which the largest comes first: that one others are compared with."""
    import pandas as pd

    order = names.value_counts().index if set(names) - {"no", "yes"} else ["no", "yes"]
    return names.astype(pd.CategoricalDtype([name for name in order if name in set(names)]))


def _with_true_scores(data: Data, rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    file = data.path / ANSWER_KEY / "scores.parquet"
    if not file.is_file():
        return rows.drop(columns=["test_date", "scale_id"])
    test = ["student_id", "scale_id", "test_date"]
    key = pd.read_parquet(file, columns=[*test, "true_score", "value_added"]).rename(columns={"student_id": "student"})
    key["test_date"] = pd.to_datetime(key.test_date)
    rows = rows.assign(test_date=pd.to_datetime(rows.test_date))
    merged = rows.merge(key, on=["student", "scale_id", "test_date"], how="left", validate="1:1")
    return merged.drop(columns=["test_date", "scale_id"])


def _counts(rows: pd.DataFrame, doubled: int) -> pd.DataFrame:
    import pandas as pd

    times = rows.groupby("student").size()
    told = {
        "scores used (one a student and school year)": len(rows),
        "earlier tests of the same year, left out": doubled,
        "students": len(times),
        "students with one score (they tell of level, not of growth)": int((times == 1).sum()),
        "students in more than one school over the years": int((rows.groupby("student").school.nunique() > 1).sum()),
        "scores after a change of school within the year": int(rows.moved.sum()),
        "schools": rows.school.nunique(),
        "school years": rows.school_year.nunique(),
        "grades": rows.grade.nunique(),
    }
    return pd.DataFrame({"what": list(told), "number": list(told.values())})
