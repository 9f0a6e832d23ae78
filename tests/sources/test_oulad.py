"""The files of OULAD and their traps, in a folder of a few lines."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from workbench.errors import BadInput
from workbench.sources import oulad

FILES = {
    "courses.csv": '"code_module","code_presentation","module_presentation_length"\n"AAA","2013J","268"\n',
    "assessments.csv": (
        '"code_module","code_presentation","id_assessment","assessment_type","date","weight"\n'
        '"AAA","2013J","1","TMA","19","10"\n"AAA","2013J","2","Exam","?","100"\n'
    ),
    "studentInfo.csv": (
        "code_module,code_presentation,id_student,gender,region,highest_education,imd_band,age_band,"
        "num_of_prev_attempts,studied_credits,disability,final_result\n"
        "AAA,2013J,11,M,Wales,HE Qualification,10-20,55<=,0,240,N,Pass\n"
        "AAA,2013J,12,F,Wales,HE Qualification,?,0-35,1,60,Y,Withdrawn\n"
    ),
    "studentRegistration.csv": (
        "code_module,code_presentation,id_student,date_registration,date_unregistration\n"
        "AAA,2013J,11,-159,?\nAAA,2013J,12,-10,40\n"
    ),
    "studentAssessment.csv": "id_assessment,id_student,date_submitted,is_banked,score\n1,11,18,0,78\n1,12,18,0,\n",
}
CLICKS = (
    "code_module\tcode_presentation\tid_student\tid_site\tdate\tsum_click\r\n"
    "AAA\t2013J\t11\t5\t-10\t4\r\nAAA\t2013J\t11\t6\t-10\t3\r\nBBB\t2013B\t13\t5\t1\t2\r\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def test_missing_values_bands_and_days(folder: Path) -> None:
    found = oulad.read_oulad(folder)
    assert list(found.enrolments.imd_band.fillna("none")) == ["10-20%", "none"]
    assert found.enrolments.date_unregistration.isna().tolist() == [True, False]
    assert found.handed_in.score.isna().tolist() == [False, True]
    assert found.due.date.isna().tolist() == [False, True]
    assert (len(found.clicks), found.covered) == (0, frozenset())


def test_clicks_are_summed_by_day_and_a_cut_file_covers_its_last_course_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(folder / "studentVle.zip", "w") as archive:
        archive.writestr("studentVle.txt", CLICKS)
    found = oulad.read_oulad(folder)
    assert found.covered == {("AAA", "2013J"), ("BBB", "2013B")}
    assert found.clicks.sum_click.tolist() == [7, 2]
    monkeypatch.setattr(oulad, "EXCEL_ROWS", 3)
    cut = oulad.read_oulad(folder)
    assert (cut.covered, cut.clicks.sum_click.tolist()) == ({("AAA", "2013J")}, [7])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("courses.csv", None, "holds no courses.csv"),
        ("courses.csv", "code_module,code_presentation\nAAA,2013J\n", "no column module_presentation_length"),
        ("courses.csv", "", "cannot be read"),
        ("studentInfo.csv", FILES["studentInfo.csv"] + FILES["studentInfo.csv"].splitlines()[1], "more than once"),
        ("studentVle.zip", "no archive", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said(folder: Path, name: str, content: str | None, said: str) -> None:
    (folder / name).unlink(missing_ok=True)
    if content is not None:
        (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        oulad.read_oulad(folder)
