"""The same seed gives the same bytes; what comes out is a data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import synthetic
from workbench.checks import check
from workbench.errors import BadParameter
from workbench.files import sha256
from workbench.store import Data, open_data
from workbench.synthetic.generate import PRESETS, shape_of

SMALL = {"students": 900, "years": 3, "low_grade": 6, "districts": 3, "events_per_term": 1.0}


def checksums(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_processes(tmp_path: Path) -> None:
    one = checksums(synthetic.write(tmp_path / "one", seed=7, jobs=1, **SMALL))
    two = checksums(synthetic.write(tmp_path / "two", seed=7, jobs=2, **SMALL))
    kept = checksums(synthetic.generate(seed=7, **SMALL).write(tmp_path / "kept"))
    assert len(one) > 20
    assert one == two
    assert one.keys() == kept.keys()
    other = checksums(synthetic.write(tmp_path / "other", seed=8, **SMALL))
    assert one["students/part-0.parquet"] != other["students/part-0.parquet"]


def test_in_memory_and_on_disk_are_the_same_tables(tmp_path: Path) -> None:
    made = synthetic.generate(seed=7, **SMALL)
    data = open_data(synthetic.write(tmp_path / "data", seed=7, **SMALL))
    read = data.students.order_by("student_id").to_pyarrow().to_pylist()
    assert read == made.tables["students"].sort_by("student_id").to_pylist()


def test_the_data_keep_to_the_data_model(high: Data, k12: Data) -> None:
    check(high)
    check(k12)


def test_students_are_counted_once_and_end_somewhere(high: Data) -> None:
    assert high.students.count().execute() == 6_000
    assert high.outcomes.student_id.nunique().execute() == high.outcomes.count().execute()
    assert set(high.outcomes.status.to_pandas()) == {"graduated", "dropped_out", "transferred", "enrolled"}


def test_a_kindergarten_district_has_every_level_and_grade(k12: Data) -> None:
    assert set(k12.schools.level.to_pandas()) == {"elementary", "middle", "high"}
    assert sorted(k12.enrollments.grade_level.to_pandas().unique()) == list(range(13))


def test_the_grade_on_the_roll_does_not_know_the_year_to_come(high: Data) -> None:
    """A student's grade in a school year is that of its first day, whatever courses they fail later."""
    rows = high.enrollments.to_pandas()
    moved = rows.groupby(["student_id", "school_year"]).grade_level.nunique()
    assert moved.max() == 1
    second = rows.merge(high.students.to_pandas()[["student_id", "ninth_grade_year"]], on="student_id")
    second = second[second.school_year == second.ninth_grade_year + 1]
    behind = second.assign(behind=second.grade_level == 9, left=second.exit_reason == "dropped_out")
    assert 0 < behind.behind.mean() < 0.2


def test_presets_are_what_the_documentation_says() -> None:
    assert {name: shape.students for name, shape in PRESETS.items()} == {
        "sample": 1_000,
        "small_district": 8_000,
        "demo": 10_000,
        "district": 50_000,
        "state": 1_000_000,
    }
    assert PRESETS["district"].low_grade == 0
    assert PRESETS["state"].districts >= 200
    assert shape_of("demo", seed=3).seed == 3
    assert shape_of(students=120_000).districts == 2


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"students": 10}, "students is 10; it must be from 50 to 20,000,000"),
        ({"years": 1}, "years is 1; it must be from 2 to 30"),
        ({"sorting": 2}, "sorting is 2; it must be from 0 to 1"),
        ({"preset": "county"}, "There is no preset 'county'; there are sample, small_district, demo, district, state"),
    ],
)
def test_what_cannot_be_made_is_said(asked: dict[str, object], words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        shape_of(**asked)  # type: ignore[arg-type]
