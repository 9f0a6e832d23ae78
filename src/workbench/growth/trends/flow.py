"""What becomes of those who enter grade 9 together, year by year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import BadInput
from workbench.growth.trends.indicators import last_full_year

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

STATES = (
    "graduated",
    "in school, on grade",
    "in school, behind",
    "not yet here",
    "off the roll, no reason recorded",
    "transferred, with proof",
    "left, no proof of a new school",
    "dropped out",
)


def cohort_flow(data: Data, cohort: int) -> pd.DataFrame:
    """Return where the ninth-grade cohort of a school year stands at the end of each year after entry.

    One row a year and state: `cohort`, `year` (1 is the first year of high school), `school_year`, `state` (one of
    `STATES`), `n`, `share` of everybody who ever belonged to the cohort. On grade: the grade on the roll is 8 plus the
    year, or higher. *Not yet here* joined later; *off the roll*: no spell in that year and no exit on record. Raises
    BadInput for a cohort the data do not hold from its first year on.
    """
    import pandas as pd

    last = last_full_year(data)
    members = data.students.filter(data.students.ninth_grade_year == cohort).select("student_id")
    begins = int(data.enrollments.school_year.min().execute())
    spells = data.enrollments.semi_join(members, "student_id").to_pandas()
    spells = spells[spells.school_year >= cohort]
    if cohort < begins or cohort > last or spells.empty:
        raise BadInput(f"There is no cohort that began grade 9 in {cohort}; choose a year from {begins} to {last}.")
    ends = data.outcomes.semi_join(members, "student_id").select("student_id", "status", ended="school_year")
    ended = ends.to_pandas().set_index("student_id")
    parts = []
    for year in range(1, min(5, last - cohort + 1) + 1):
        state = _states(spells, ended, cohort, year)
        counts = state.value_counts().reindex(list(STATES), fill_value=0)
        parts.append(
            pd.DataFrame({"cohort": cohort, "year": year, "school_year": cohort + year - 1, "state": counts.index,
                          "n": counts.to_numpy(), "share": counts.to_numpy() / len(state)})
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _states(spells: pd.DataFrame, ended: pd.DataFrame, cohort: int, year: int) -> pd.Series[str]:
    """State of each student of a cohort at the end of one year."""
    import numpy as np
    import pandas as pd

    now = cohort + year - 1
    order = spells.sort_values(["student_id", "entry_date", "school_id"])
    so_far = order[order.school_year <= now].groupby("student_id").tail(1).set_index("student_id")
    everybody = pd.Index(order.student_id.unique())
    here, end = so_far.reindex(everybody), ended.reindex(everybody)
    over = end.ended <= now
    proof = here.transfer_documented.astype("boolean").fillna(False).astype(bool)
    rules = {
        "not yet here": here.school_year.isna(),
        "graduated": over & end.status.eq("graduated"),
        "dropped out": over & end.status.eq("dropped_out"),
        "transferred, with proof": here.exit_reason.eq("transferred") & proof,
        "left, no proof of a new school": here.exit_reason.eq("transferred") & ~proof,
        "off the roll, no reason recorded": here.school_year < now,
        "in school, on grade": here.grade_level >= 8 + year,
    }
    return pd.Series(np.select(list(rules.values()), list(rules), "in school, behind"), index=everybody)
