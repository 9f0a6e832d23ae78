"""Rows of value added are read once, and nobody sees what another made of them."""

from workbench.growth.value_added.rows import school_doses, teacher_doses
from workbench.store import open_data


def test_what_one_caller_changes_no_other_sees() -> None:
    data = open_data("data/synthetic/small_district")
    first = school_doses(data)
    first["dose"] = 0.0
    first.drop(columns="unit", inplace=True)
    again = school_doses(data)
    assert again.dose.max() == 1.0
    assert "unit" in again


def test_two_subjects_are_two_tables() -> None:
    data = open_data("data/synthetic/small_district")
    assert not teacher_doses(data, "math").equals(teacher_doses(data, "reading"))
    assert teacher_doses(data, "math").equals(teacher_doses(open_data("data/synthetic/small_district"), "math"))
