"""What schools and teachers truly add, where the data have an answer key: what estimates are held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.growth.value_added.rows import Subject, teacher_doses, value_added_rows
from workbench.store import ANSWER_KEY

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data


def has_key(data: Data) -> bool:
    """Whether a data folder tells the true effects."""
    return (data.path / ANSWER_KEY / "teachers.parquet").is_file()


def true_schools(data: Data, subject: Subject) -> pd.DataFrame:
    """True value added of each school and year: school_id, school_year, own, teachers, total, dose, intake.

    `own` is what the school adds beyond its teachers, `teachers` the mean of what they added, weighted by the time of
    the students whose growth is measured (`dose`: student-years), and `total` the sum of both. `intake` is the mean
    standing of its zone, in SD.
    """
    import pandas as pd

    schools = pd.read_parquet(data.path / ANSWER_KEY / "schools.parquet")
    schools = schools.rename(columns={f"value_added_{subject}": "own"})[["school_id", "own", "intake"]]
    measured = value_added_rows(data, subject)[["student_id", "school_year"]]
    taught = (
        teacher_doses(data, subject).merge(measured).rename(columns={"unit": "teacher_id"}).merge(true_teachers(data))
    )
    taught["teachers"] = taught.dose * taught.value_added
    found = taught.groupby(["school_id", "school_year"], as_index=False)[["dose", "teachers"]].sum()
    found["teachers"] /= found.dose
    found = found.merge(schools)
    return found.assign(total=found.own + found.teachers)


def true_teachers(data: Data) -> pd.DataFrame:
    """True value added of each teacher and year: teacher_id, school_year, value_added (points, beyond the school)."""
    import pandas as pd

    return pd.read_parquet(data.path / ANSWER_KEY / "teachers.parquet")[["teacher_id", "school_year", "value_added"]]


def beside_key(table: pd.DataFrame, truth: pd.DataFrame, keys: list[str], true: str) -> pd.DataFrame:
    """Return estimates with `true` ones of the key, each against the mean of peers of the same year.

    `true` names the column of `truth` that is held to be true; the result has it as `true`.
    """
    rows = table.merge(truth[[*keys, true]].rename(columns={true: "true"}), on=keys)
    return rows.assign(true=rows.true - rows.groupby(["school_year", "peers"]).true.transform("mean"))
