"""Who is enrolled on a day."""

from __future__ import annotations

from datetime import date

import pytest

from workbench import features, store
from workbench.errors import BadParameter


def who(data: store.Data, day: object, grades: tuple[int, int] = (9, 12)) -> list[tuple]:
    table = features.roster(data, [day], grades).to_pandas()  # type: ignore[list-item]
    return sorted(table[["student_id", "school_id", "grade_level"]].itertuples(index=False, name=None))


def test_the_first_day_counts_and_the_last_does_not(tiny: store.Data) -> None:
    ben, ana, cal = ("ben", "s2", 10), ("ana", "s2", 10), ("cal", "s2", 9)
    assert who(tiny, "2024-09-19") == [ana, ben, ("eve", "s1", 10)]
    assert who(tiny, "2024-09-20") == [ana, ben, cal, ("eve", "s1", 10)]
    assert who(tiny, date(2024, 10, 1)) == [ana, ben, cal]  # eve's exit date is that day
    assert who(tiny, "2024-10-02") == [ana, cal]


def test_grades_choose(tiny: store.Data) -> None:
    assert who(tiny, "2022-10-01") == []
    assert who(tiny, "2022-10-01", (8, 8)) == [("ana", "s0", 8)]


def test_of_two_spells_the_one_begun_last_counts(tiny_facts: dict, write, tmp_path) -> None:
    second = {**tiny_facts["enrollments"][7], "school_id": "s9", "entry_date": date(2024, 9, 25)}
    tiny_facts["enrollments"].append(second)
    data = store.open_data(write(tmp_path / "twice", tiny_facts))
    assert ("cal", "s9", 9) in who(data, "2024-10-01")
    assert len(who(data, "2024-10-01")) == 3


def test_the_columns_and_one_row_a_student_and_day(tiny: store.Data) -> None:
    table = features.roster(tiny, ["2024-10-01", "2023-10-01", "2024-10-01"]).to_pandas()
    assert tuple(table.columns) == features.ROSTER
    assert len(table) == 6
    assert not table.duplicated(["student_id", "as_of"]).any()


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (["2024-13-01"], "'2024-13-01' is not a date; write it as year-month-day"),
        ([20241001], "not a date"),
        ([], "at least one day"),
        ("2024-10-01", "must be a list"),
    ],
)
def test_bad_days_are_refused(tiny: store.Data, days: list, message: str) -> None:
    with pytest.raises(BadParameter, match=message):
        features.roster(tiny, days)


def test_grades_the_wrong_way_round_are_refused(tiny: store.Data) -> None:
    with pytest.raises(BadParameter, match="lower grade comes first"):
        features.roster(tiny, ["2024-10-01"], (12, 9))
