"""Risks summed up by school, grade and group: what may leave the room."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Protocol

from workbench.dropout.fairness import flagged
from workbench.dropout.linear import Floats
from workbench.dropout.study import Study
from workbench.features import in_groups

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

RISK_KEYS = ("school_id", "school_name", "grade_level", "group_kind", "group")
RISK_HELP = {
    "n": "students",
    "expected_leavers": "students expected to leave within the horizon: the sum of their risks",
    "mean_risk": "mean predicted risk",
    "share_high_risk": "share among the students with the highest risks everywhere",
    "attendance_rate": "mean share of days present over the last year",
    "mean_gpa": "mean grade average so far",
}
RISK_KINDS = {
    "expected_leavers": "total",
    "mean_risk": "mean",
    "share_high_risk": "share",
    "attendance_rate": "mean",
    "mean_gpa": "mean",
}


class Told(Protocol):
    """A study and a risk for each of its judged rows: an assessment, or today's list."""

    @property
    def study(self) -> Study: ...

    @property
    def risk(self) -> Floats: ...


def risk_by_school_group(told: Told, data: Data, capacity: float = 0.1) -> pd.DataFrame:
    """Return one row a school, grade and group, with 'all' for each margin; columns as in `RISK_HELP`."""
    import pandas as pd

    names = data.schools.select("school_id", "name").to_pandas().set_index("school_id").name
    rows = told.study.judged.assign(risk=told.risk, high=flagged(told.risk, capacity).astype(float), all="all")
    rows["grade"] = rows.grade_level.astype(int).astype(str)
    kinds = ("all", *told.study.groups)
    for kind in told.study.groups:
        rows[kind] = in_groups(rows, kind)
    parts = [
        _summed(rows, school, grade, kind)
        for school, grade, kind in product(("school_id", "all"), ("grade", "all"), kinds)
    ]
    table = pd.concat(parts, ignore_index=True)
    table.insert(1, "school_name", table.school_id.map(names).fillna("All schools"))
    return table[[*RISK_KEYS, *RISK_HELP]]


def _summed(rows: pd.DataFrame, school: str, grade: str, kind: str) -> pd.DataFrame:
    keyed = rows.assign(_school=rows[school], _grade=rows[grade], _group=rows[kind])
    part = keyed.groupby(["_school", "_grade", "_group"]).agg(
        n=("student_id", "nunique"),
        expected_leavers=("risk", "sum"),
        mean_risk=("risk", "mean"),
        share_high_risk=("high", "mean"),
        attendance_rate=("attendance_year", "mean"),
        mean_gpa=("gpa_all", "mean"),
    )
    part = part.rename_axis(["school_id", "grade_level", "group"]).reset_index()
    return part.assign(group_kind=kind)
