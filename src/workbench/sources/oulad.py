"""The Open University Learning Analytics Dataset (Kuzilek, Hlosta & Zdrahal 2017), as its CSV files give it."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import BadInput
from workbench.paths import resolve, shown

if TYPE_CHECKING:
    import pandas as pd

COURSE = ["code_module", "code_presentation"]
ENROLMENT = [*COURSE, "id_student"]
EXCEL_ROWS = 1_048_575  # a sheet holds one row more, its header: a file that ends there was cut

_COLUMNS = {
    "courses": [*COURSE, "module_presentation_length"],
    "assessments": [*COURSE, "id_assessment", "assessment_type", "date", "weight"],
    "studentInfo": [
        *ENROLMENT, "gender", "region", "highest_education", "imd_band", "age_band", "num_of_prev_attempts",
        "studied_credits", "disability", "final_result",
    ],
    "studentRegistration": [*ENROLMENT, "date_registration", "date_unregistration"],
    "studentAssessment": ["id_assessment", "id_student", "date_submitted", "is_banked", "score"],
    "studentVle": [*ENROLMENT, "id_site", "date", "sum_click"],
}  # fmt: skip


@dataclass(frozen=True)
class Oulad:
    """Enrolments, what was due, what was handed in, and clicks by day; days count from the start of the course.

    `enrolments` has one row a student and course with registration and result; `due` one row an assessment;
    `handed_in` one row a student and assessment; `clicks` one row a student, course and day. `covered`
    names the courses whose clicks are whole: elsewhere, no clicks say nothing.
    """

    enrolments: pd.DataFrame
    due: pd.DataFrame
    handed_in: pd.DataFrame
    clicks: pd.DataFrame
    covered: frozenset[tuple[str, str]]


def read_oulad(folder: str | Path) -> Oulad:
    """Read the folder of the dataset; `?` is missing, and the band `10-20` gets its % back.

    Clicks are optional (studentVle.csv, or studentVle.zip with one table in it). Where that file was cut at the
    length of a spreadsheet, its last course counts as not covered.
    Raises BadInput where a file or one of its columns is not there, or an enrolment stands twice.
    """
    place = resolve(folder)
    info, registered, courses = (_read(place, name) for name in ("studentInfo", "studentRegistration", "courses"))
    for name, table in (("studentInfo", info), ("studentRegistration", registered)):
        if table.duplicated(ENROLMENT).any():
            raise BadInput(f"{name}.csv in {shown(place)} has an enrolment ({', '.join(ENROLMENT)}) more than once.")
    info["imd_band"] = info.imd_band.mask(info.imd_band == "10-20", "10-20%")
    enrolments = info.merge(registered, "left", on=ENROLMENT).merge(courses, "left", on=COURSE)
    due = _read(place, "assessments")
    handed_in = _read(place, "studentAssessment").merge(due, on="id_assessment")
    clicks, covered = _clicks(place)
    return Oulad(enrolments, due, handed_in, clicks, covered)


def _clicks(place: Path) -> tuple[pd.DataFrame, frozenset[tuple[str, str]]]:
    import pandas as pd

    files = [place / f"studentVle.{kind}" for kind in ("csv", "zip")]
    file = next((file for file in files if file.is_file()), None)
    rows = _table(file, "studentVle") if file else None
    if rows is None:
        return pd.DataFrame(columns=[*ENROLMENT, "date", "sum_click"]), frozenset()
    courses = list(dict.fromkeys(rows[COURSE].itertuples(index=False, name=None)))
    whole = courses[:-1] if len(rows) == EXCEL_ROWS else courses
    daily = rows.groupby([*ENROLMENT, "date"], as_index=False).sum_click.sum()
    return daily.merge(pd.DataFrame(whole, columns=COURSE), on=COURSE), frozenset(whole)


def _read(place: Path, name: str) -> pd.DataFrame:
    file = place / f"{name}.csv"
    if not file.is_file():
        raise BadInput(f"{shown(place)} holds no {name}.csv: give the folder of the OULAD files.")
    return _table(file, name)


def _table(file: Path, name: str) -> pd.DataFrame:
    import pandas as pd

    try:
        content = _only_member(file) if file.suffix == ".zip" else file.read_bytes()
        separator = "\t" if b"\t" in content.split(b"\n", 1)[0] else ","
        table = pd.read_csv(io.BytesIO(content), sep=separator, na_values=["?"], engine="pyarrow")
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise BadInput(f"{shown(file)} cannot be read as a table: {error}") from error
    if lacking := [column for column in _COLUMNS[name] if column not in table.columns]:
        raise BadInput(f"{shown(file)} has no column {', '.join(lacking)}; it has {', '.join(table.columns)}.")
    return table[_COLUMNS[name]]


def _only_member(file: Path) -> bytes:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        if len(names) != 1:
            raise BadInput(f"{shown(file)} holds {len(names)} files; it should hold one table.")
        return archive.read(names[0])
