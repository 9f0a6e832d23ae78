"""Two public data sets, read as a newcomer would name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.dropout.leakage import leakage_flags
from workbench.sources.flat import outcome, read_table


@pytest.mark.parametrize(("name", "rows", "failed"), [("mat", 395, 130), ("por", 649, 100)])
def test_uci_student_the_second_period_grade_gives_the_final_one_away(
    real_data: Path, name: str, rows: int, failed: int
) -> None:
    table = read_table(real_data / "uci_student" / f"student-{name}.csv")
    assert (table.separator, len(table.frame)) == (";", rows)
    assert (table.frame[["G1", "G2", "G3"]].dtypes == "int64").all()  # quoted and unquoted numbers in one file
    left = outcome(table.frame, "G3", "<10")
    assert left.sum() == failed
    levels = {flag.column: flag.level for flag in leakage_flags(table.frame, left, outcome_column="G3")}
    assert levels == {"G2": "gives it away", "G1": "check"}


def test_oulad_nothing_in_student_info_gives_the_result_away(real_data: Path) -> None:
    table = read_table(real_data / "oulad" / "studentInfo.csv")
    assert len(table.frame) == 32593
    assert table.frame.imd_band.isna().sum() == 1111  # written as ?
    left = outcome(table.frame, "final_result", ["Withdrawn", "Fail"])
    assert left.sum() == 10156 + 7052
    assert leakage_flags(table.frame, left, "id_student", "final_result") == []


def test_oulad_the_day_of_unregistration_is_known_only_afterwards(real_data: Path) -> None:
    info = read_table(real_data / "oulad" / "studentInfo.csv").frame
    registration = read_table(real_data / "oulad" / "studentRegistration.csv").frame
    frame = info.merge(registration, on=["code_module", "code_presentation", "id_student"], validate="1:1")
    left = outcome(frame, "final_result", ["Withdrawn", "Fail"])
    (flag,) = leakage_flags(frame, left, "id_student", "final_result")
    assert (flag.column, flag.level) == ("date_unregistration", "gives it away")
    assert flag.why.startswith("filled in in 10,072 rows")
