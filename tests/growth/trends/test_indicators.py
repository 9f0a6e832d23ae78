"""Official indicators: a cohort followed by hand, each rule at its edge, and a district counted a second way."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from workbench import growth, store
from workbench.errors import BadInput, BadParameter
from workbench.growth.trends.flow import cohort_flow
from workbench.growth.trends.indicators import indicator_rows
from workbench.growth.trends.series import (
    indicator_definitions,
    indicator_series,
    indicator_table,
    indicator_tables,
    with_groups,
)
from workbench.tables import TABLES

SMALL = Path(__file__).parents[3] / "data" / "synthetic" / "small_district"
PLACEHOLDER = {"string": "x", "int": 0, "float": 0.0, "bool": False}
Facts = dict[str, list[tuple[Any, ...]]]
COLUMNS = {
    "students": "student_id sex race_ethnicity ninth_grade_year",
    "enrollments": "student_id school_id school_year grade_level entry_date exit_date exit_reason transfer_documented "
    "full_year",
    "programs": "student_id school_year economically_disadvantaged",
    "attendance": "student_id school_id school_year term days_enrolled days_absent",
    "outcomes": "student_id status school_year",
    "sections": "section_id subject",
    "course_results": "student_id section_id school_year letter credits_earned",
    "scales": "scale_id subject alternate",
    "assessments": "student_id school_id school_year grade_level subject test_date scale_id scale_score",
}


def write(folder: Path, facts: Facts, last_day: str = "2025-06-30") -> store.Data:
    """Write rows, given by the positions in COLUMNS, as a data folder and open it."""
    with store.writing(folder, {"made": "by hand"}, last_day) as writer:
        for name, given in facts.items():
            columns = TABLES[name].columns
            blank = {c.name: None if c.nullable else PLACEHOLDER.get(c.type, date(2000, 1, 1)) for c in columns}
            names = COLUMNS[name].split()
            rows = [{**blank, **dict(zip(names, row, strict=False))} for row in given]
            rows = [{k: _as_date(k, v) for k, v in row.items()} for row in rows]
            writer.append(name, pa.Table.from_pylist(rows, schema=TABLES[name].arrow_schema()))
    return store.open_data(folder)


def _as_date(name: str, value: Any) -> Any:
    return date.fromisoformat(value) if name.endswith("_date") and isinstance(value, str) else value


def spell(who: str, school: str, year: int, grade: int, why: str = "year_end", proof: bool | None = None) -> Any:
    """A whole year at one school."""
    return (who, school, year, grade, f"{year - 1}-09-01", f"{year}-06-16", why, proof)


def cohort() -> Facts:
    """Ten students of the cohort of 2021, one who joins it in its fifth year, one of the cohort before the data."""
    spells = [
        *[spell("01 graduates", "A", year, year - 2012) for year in (2021, 2022, 2023)],
        spell("01 graduates", "A", 2024, 12, "graduated"),
        spell("02 moves to B", "A", 2021, 9),
        *[spell("02 moves to B", "B", year, year - 2012) for year in (2022, 2023)],
        spell("02 moves to B", "B", 2024, 12, "graduated"),
        spell("03 leaves with proof", "A", 2021, 9),
        spell("03 leaves with proof", "A", 2022, 10, "transferred", True),
        spell("04 leaves without", "A", 2021, 9),
        spell("04 leaves without", "A", 2022, 10, "transferred", False),
        *[spell("05 drops out", "B", year, year - 2012) for year in (2021, 2022)],
        spell("05 drops out", "B", 2023, 11, "dropped_out"),
        spell("06 moves in", "A", 2023, 11),
        spell("06 moves in", "A", 2024, 12, "graduated"),
        *[spell("07 five years", "A", year, max(9, year - 2013)) for year in (2021, 2022, 2023, 2024)],
        spell("07 five years", "A", 2025, 12, "graduated"),
        spell("08 leaves and returns", "A", 2021, 9, "transferred", True),
        spell("08 leaves and returns", "A", 2023, 11),
        spell("08 leaves and returns", "A", 2024, 12, "graduated"),
        *[spell("09 still there", "A", year, min(12, year - 2012)) for year in range(2021, 2026)],
        *[spell("10 leaves in the fifth", "A", year, min(12, year - 2012)) for year in range(2021, 2025)],
        spell("10 leaves in the fifth", "A", 2025, 12, "transferred", True),
        spell("11 joins in the fifth", "A", 2025, 12, "graduated"),
        spell("12 the cohort before", "A", 2021, 10, "dropped_out"),
    ]
    ends = {
        "01": ("graduated", 2024), "02": ("graduated", 2024), "03": ("transferred", 2022), "04": ("transferred", 2022),
        "05": ("dropped_out", 2023), "06": ("graduated", 2024), "07": ("graduated", 2025), "08": ("graduated", 2024),
        "09": ("enrolled", 2025), "10": ("transferred", 2025), "11": ("graduated", 2025), "12": ("dropped_out", 2021),
    }  # fmt: skip
    names = sorted({row[0] for row in spells})
    return {
        "students": [(name, "female", "white", 2020 if name.startswith("12") else 2021) for name in names],
        "enrollments": spells,
        "outcomes": [(name, *ends[name[:2]]) for name in names],
        "programs": [("07 five years", 2022, True), *[(name, 2024, False) for name in names]],
    }


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> store.Data:
    return write(tmp_path_factory.mktemp("cohort") / "data", cohort())


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., store.Data]:
    return lambda facts, last_day="2025-06-30": write(tmp_path / "data", facts, last_day)


def counted(data: store.Data, name: str, by_school: bool = False, **rules: Any) -> dict[Any, float]:
    """Value of each student who counts (by school: of each student and school)."""
    rows = indicator_rows(data, name, by_school, growth.Rules(**rules)).to_pandas()
    keys = zip(rows.student_id, rows.school_id, strict=True) if by_school else rows.student_id
    found = dict(zip(keys, rows.value, strict=True))
    assert len(found) == len(rows)
    return found


def test_ten_students_followed_by_hand_to_the_four_year_rate(followed: store.Data) -> None:
    """4 of 9: the proven transfer is out, the unproven one, the dropout and those still in school stay in."""
    found = counted(followed, "graduation_4yr")
    assert {who[:2]: value for who, value in found.items()} == {
        "01": 1, "02": 1, "04": 0, "05": 0, "06": 1, "07": 0, "08": 1, "09": 0, "10": 0,
    }  # fmt: skip
    rows = indicator_rows(followed, "graduation_4yr").to_pandas()
    assert set(rows.school_year) == {2024}


def test_the_fifth_year_changes_who_counts_and_who_graduated(followed: store.Data) -> None:
    """6 of 9: one graduates in the fifth year, one joins for it and graduates, one leaves in it with proof."""
    found = counted(followed, "graduation_5yr")
    assert {who[:2]: value for who, value in found.items()} == {
        "01": 1, "02": 1, "04": 0, "05": 0, "06": 1, "07": 1, "08": 1, "09": 0, "11": 1,
    }  # fmt: skip


def test_a_graduate_counts_at_the_last_school(followed: store.Data) -> None:
    table = indicator_table(followed, "graduation_4yr", ())
    schools = table[table.grade == "all"].set_index("school_id")
    assert schools.loc["A", ["n", "value"]].tolist() == [7, pytest.approx(3 / 7)]
    assert schools.loc["B", ["n", "value"]].tolist() == [2, pytest.approx(1 / 2)]
    assert schools.loc["all", ["n", "value"]].tolist() == [9, pytest.approx(4 / 9)]


def test_a_flag_of_any_year_of_the_cohort_puts_a_student_in_the_group(followed: store.Data) -> None:
    """Student 07 was disadvantaged in the second year only; 04 has a record in one year, 2024."""
    table = indicator_table(followed, "graduation_4yr", ("economically_disadvantaged",))
    groups = table[(table.group_kind != "all") & (table.school_id == "all")].set_index("group")
    assert groups.n.to_dict() == {"no": 8, "yes": 1}
    assert groups.loc["yes", "value"] == 0


def test_a_cohort_whose_fourth_year_has_not_ended_has_no_rate(made: Callable[..., store.Data]) -> None:
    early = made(cohort(), "2024-05-31")
    assert counted(early, "graduation_4yr") == {}


def test_where_the_cohort_goes_year_by_year(followed: store.Data) -> None:
    table = cohort_flow(followed, 2021)
    wide = table.pivot(index="state", columns="year", values="n")
    none = dict.fromkeys(wide.index, 0)
    assert (wide.sum() == 11).all()
    assert wide[1].to_dict() == none | {"in school, on grade": 8, "transferred, with proof": 1, "not yet here": 2}
    assert wide[2].to_dict() == none | {
        "in school, on grade": 5, "in school, behind": 1, "transferred, with proof": 2,
        "left, no proof of a new school": 1, "not yet here": 2,
    }  # fmt: skip
    assert wide[4].to_dict() == none | {
        "graduated": 4, "in school, on grade": 2, "in school, behind": 1, "transferred, with proof": 1,
        "left, no proof of a new school": 1, "dropped out": 1, "not yet here": 1,
    }  # fmt: skip
    with pytest.raises(BadInput, match="2019"):
        cohort_flow(followed, 2019)


def test_chronic_absence_is_ten_percent_of_ten_days_or_more_in_all_schools_together(
    made: Callable[..., store.Data],
) -> None:
    facts: Facts = {
        "students": [(who, "male", "asian", None) for who in ("at", "below", "nine", "ten", "moved")],
        "enrollments": [spell(who, "A", 2025, 3) for who in ("at", "below", "nine", "ten")]
        + [("moved", "A", 2025, 3, "2024-09-01", "2025-02-01"), ("moved", "B", 2025, 3, "2025-02-01", None)],
        "attendance": [
            ("at", "A", 2025, "fall", 90, 9), ("at", "A", 2025, "spring", 90, 9),
            ("below", "A", 2025, "fall", 90, 17), ("below", "A", 2025, "spring", 90, 0),
            ("nine", "A", 2025, "fall", 9, 9), ("ten", "A", 2025, "fall", 10, 1),
            ("moved", "A", 2025, "fall", 90, 5), ("moved", "B", 2025, "spring", 90, 13),
        ],
    }  # fmt: skip
    data = made(facts)
    assert counted(data, "chronic_absence") == {"at": 1, "below": 0, "ten": 1, "moved": 1}
    by_school = counted(data, "chronic_absence", by_school=True)
    assert (by_school["moved", "A"], by_school["moved", "B"]) == (0, 1)


def test_on_track_asks_for_credits_and_few_core_failures(made: Callable[..., store.Data]) -> None:
    subjects = ["math", "reading", "science", "social_studies", "elective", "elective"]
    # Letters of twelve semester courses of half a credit, in the order of `subjects`, fall then spring.
    letters = {
        "one core F": "FCCCCCCCCCCC", "two core F": "FCCCCCFCCCCC", "two elective F": "CCCCFFCCCCCC",
        "three elective F": "CCCCFFCCCCFC", "repeats": "CCCCCCCCCCCC", "left with proof": "CCCCCC", "dropped": "CCCCCC",
        "came in spring": "CCCCCC",
    }  # fmt: skip
    why = {"left with proof": ("transferred", True), "dropped": ("dropped_out", None)}
    facts: Facts = {
        "students": [(who, "male", "asian", 2024 if who == "repeats" else 2025) for who in letters],
        "enrollments": [
            spell(who, "A", 2025, 9, *why.get(who, ())) for who in letters if who != "came in spring"
        ] + [("came in spring", "A", 2025, 9, "2025-02-01", None)],
        "sections": [(f"c{k}", subjects[k % 6]) for k in range(12)],
        "course_results": [
            (who, f"c{k}", 2025, letter, 0.5 * (letter != "F"))
            for who, all_ in letters.items() for k, letter in enumerate(all_)
        ],
    }  # fmt: skip
    data = made(facts)
    assert counted(data, "on_track_9") == {
        "one core F": 1, "two core F": 0, "two elective F": 1, "three elective F": 0, "dropped": 0,
    }  # fmt: skip
    assert counted(data, "on_track_9", promotion_credits=4.5)["three elective F"] == 1
    assert counted(data, "credits_earned")["three elective F"] == pytest.approx(4.5)


def two_springs() -> Facts:
    whole = [spell(who, "A", year, 4) for who in "pqrst" for year in (2024, 2025)]
    test = lambda who, year, score, scale="m", day="05-05": (  # noqa: E731
        who, "A", year, 4, "math", f"{year}-{day}", scale, score,
    )  # fmt: skip
    return {
        "students": [(who, "male", "asian", None) for who in "pqrstuvw"],
        "enrollments": [*whole, ("u", "A", 2025, 4, "2024-09-01", "2025-05-05"),
                        ("v", "A", 2025, 4, "2025-05-06", None), spell("w", "A", 2025, 12)],
        "scales": [("m", "math", False), ("alt", "math", True)],
        "assessments": [
            *[test(who, 2024, score) for who, score in zip("pqrs", (1.0, 2.0, 3.0, 4.0), strict=True)],
            test("t", 2024, 9.0, "alt"),
            *[test(who, 2025, score) for who, score in zip("pqr", (3.0, 3.0, 1.0), strict=True)],
            test("s", 2025, 9.0, "alt"),
            ("t", "A", 2025, 4, "math", "2024-09-15", "m", 4.0), test("v", 2025, 3.0, day="05-20"),
        ],
    }  # fmt: skip


def test_participation_counts_those_on_the_roll_when_testing_opens(made: Callable[..., store.Data]) -> None:
    """Alternate tests count, fall tests do not; who left that day, came later or is in no tested grade is not asked."""
    rows = indicator_rows(made(two_springs()), "tested_math").to_pandas()
    last = rows[rows.school_year == 2025].set_index("student_id").value
    assert last.to_dict() == {"p": 1, "q": 1, "r": 1, "s": 1, "t": 0}
    assert rows[rows.school_year == 2024].value.sum() == 5


def test_proficient_by_the_first_years_median_or_by_cuts_of_ones_own(made: Callable[..., store.Data]) -> None:
    data = made(two_springs())
    own = indicator_series(indicator_table(data, "proficient_math", ()), "proficient_math")
    assert own.value.tolist() == [0.5, 0.75]  # the median of 1, 2, 3, 4 is 2.5
    cuts = growth.Rules(cuts=(("m", 4, 3.5),))
    table = indicator_table(data, "proficient_math", (), cuts)
    assert indicator_series(table, "proficient_math").value.tolist() == [0.25, 0.0]
    other = indicator_table(data, "proficient_math", (), growth.Rules(cuts=(("r", 4, 3.5),)))
    assert indicator_series(other, "proficient_math").value.tolist() == [0.5, 0.75]  # cuts of reading alone


def test_mobility_is_not_being_in_one_school_all_year(made: Callable[..., store.Data]) -> None:
    halves = [("h", "A", 2025, 3, "2024-09-01", "2025-02-01"), ("h", "B", 2025, 3, "2025-02-01", "2025-06-16")]
    whole = (*spell("s", "A", 2025, 3), True)
    facts: Facts = {"students": [(w, "male", "asian", None) for w in "hs"], "enrollments": [*halves, whole]}
    data = made(facts)
    assert counted(data, "mobility") == {"h": 1, "s": 0}
    assert counted(data, "mobility", by_school=True) == {("h", "A"): 1, ("h", "B"): 1, ("s", "A"): 0}


@pytest.fixture(scope="module")
def small() -> store.Data:
    return store.open_data(SMALL)


def test_the_district_counted_a_second_way(small: store.Data) -> None:
    """Graduation and chronic absence of every year, by plain loops over pandas rows."""
    spells = small.enrollments.to_pandas().sort_values(["student_id", "entry_date"])
    students, ends = small.students.to_pandas(), small.outcomes.to_pandas().set_index("student_id")
    rates = indicator_series(indicator_table(small, "graduation_4yr", ()), "graduation_4yr").set_index("school_year")
    for year in (2023, 2024, 2025):
        members = students[students.ninth_grade_year == year - 3].student_id
        stays = graduates = 0
        for who, theirs in spells[spells.student_id.isin(members) & (spells.school_year <= year)].groupby("student_id"):
            last = theirs.iloc[-1]
            gone = last.exit_reason == "transferred" and bool(last.transfer_documented)
            stays += not gone
            graduates += ends.status[who] == "graduated" and ends.school_year[who] <= year
        assert rates.loc[year, ["n", "value"]].tolist() == [stays, pytest.approx(graduates / stays)]
    days = small.attendance.to_pandas().groupby(["school_year", "student_id"])[["days_enrolled", "days_absent"]].sum()
    days = days[days.days_enrolled >= 10]
    second = (days.days_absent / days.days_enrolled >= 0.1).groupby("school_year").mean()
    first = indicator_series(indicator_table(small, "chronic_absence", ()), "chronic_absence")
    assert first.value.to_numpy() == pytest.approx(second.to_numpy())


def test_groups_grades_and_schools_add_up(small: store.Data) -> None:
    table = indicator_table(small, "chronic_absence")
    everybody = indicator_series(table, "chronic_absence")
    for kind in ("sex", "race_ethnicity", "english_learner"):
        parts = table[(table.group_kind == kind) & (table.school_id == "all")].groupby("school_year").n.sum()
        assert parts.tolist() == everybody.n.tolist()
    grades = table[(table.grade != "all") & (table.school_id == "all")]
    assert grades.groupby("school_year").n.sum().tolist() == everybody.n.tolist()
    assert (table.low <= table.value + 1e-12).all()
    assert (table.value <= table.high + 1e-12).all()
    assert not table.duplicated(["school_year", "school_id", "grade", "group_kind", "group"]).any()


def test_every_indicator_has_a_definition_and_a_source(small: store.Data) -> None:
    said = indicator_definitions(indicator_tables(small, ()))
    assert set(said.indicator) == set(growth.INDICATORS)
    assert (said.source.str.len() > 5).all()


def test_what_cannot_be_told_is_named(small: store.Data, made: Callable[..., store.Data]) -> None:
    with pytest.raises(BadParameter, match="chronic_absence"):
        indicator_rows(small, "chronic")
    with pytest.raises(BadParameter, match="proficient_share"):
        growth.Rules(proficient_share=1.0)
    with pytest.raises(BadParameter, match="colour"):
        indicator_table(small, "chronic_absence", ("colour",))
    bare = made({name: rows for name, rows in cohort().items() if name in ("students", "enrollments")})
    with pytest.raises(BadInput, match="attendance"):
        indicator_rows(bare, "chronic_absence")


@pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or not shutil.which("java"), reason="there is no Spark on this machine"
)
def test_spark_counts_the_same(followed: store.Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_SPARK_PARTITIONS", "1")
    there = store.open_data(followed.path, "spark")
    rows = [with_groups(data, indicator_rows(data, "graduation_4yr")) for data in (there, followed)]
    spark, duck = (each.to_pandas().sort_values("student_id", ignore_index=True) for each in rows)
    pd.testing.assert_frame_equal(spark, duck, check_dtype=False)
