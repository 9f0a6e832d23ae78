"""The rows a gap is computed from: one score a student and school year, and which of two groups the student is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from workbench.errors import BadInput, BadParameter, did_you_mean
from workbench.features import in_groups
from workbench.paths import shown
from workbench.store import ANSWER_KEY, Data

if TYPE_CHECKING:
    import pandas as pd

GroupColumn = Literal["economically_disadvantaged", "english_learner", "disability", "sex", "race_ethnicity"]
_TEST = ["student_id", "scale_id", "test_date"]


def gap_rows(data: Data, subject: str, group: GroupColumn, group_a: str, group_b: str) -> pd.DataFrame:
    """Return the scores of two groups on the subject's main scale, one row a student and school year.

    Columns: student_id, school_id, school_year, grade_level, cohort (school year in which the student's class was in
    kindergarten, had it moved up a grade a year), scale_id, score, error (standard error of measurement), in_a, and
    true_score where the data have an answer key. The main scale is the one with most scores, alternate assessments left
    out; of several tests in a year the last counts. Groups are those of the same school year.
    Raises BadParameter for a group that nobody is in, BadInput where the subject was never tested.
    """
    who = _membership(data, group)
    rows = _last_scores(data, subject).merge(who, on=list(who.columns[:-1]), how="left")
    kinds = in_groups(rows, group)
    for name in (group_a, group_b):
        if name not in set(kinds):
            raise BadParameter(
                f"Nobody tested in {subject} has {group} {name!r}. {did_you_mean(name, kinds.unique())}"
                f"There are: {', '.join(sorted(kinds.unique()))}."
            )
    if group_a == group_b:
        raise BadParameter(f"group_a and group_b are both {group_a!r}; name two different groups.")
    rows = rows.assign(in_a=kinds == group_a, cohort=rows.school_year - rows.grade_level)
    return _with_true_scores(data, rows[kinds.isin([group_a, group_b])].drop(columns=group).reset_index(drop=True))


def proficiency_counts(scores: object, cuts: object) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Count scores below the first cut, from each cut up to the next, and from the last cut on: (len(cuts) + 1,)."""
    limits = np.asarray(cuts, dtype=float)
    return np.bincount(np.searchsorted(limits, np.asarray(scores, dtype=float), "right"), minlength=len(limits) + 1)


def _last_scores(data: Data, subject: str) -> pd.DataFrame:
    tests = data.assessments
    if "scales" in data.manifest["tables"]:
        scales = data.scales.filter(~data.scales.alternate)
        tests = tests.semi_join(scales, "scale_id")
    tests = tests.filter((tests.subject == subject) & tests.scale_score.notnull())
    sizes = tests.group_by("scale_id").aggregate(n=tests.count()).order_by("scale_id").to_pandas()
    if sizes.empty:
        raise BadInput(f"{shown(data.path)} has no scores in {subject!r} other than of alternate assessments.")
    scale = sizes.scale_id[sizes.n.idxmax()]
    rows = (
        tests.filter(tests.scale_id == scale)
        .select(*_TEST, "school_id", "school_year", "grade_level", score="scale_score", error="standard_error")
        .to_pandas()
    )
    rows = rows.sort_values(["student_id", "school_year", "test_date"])
    return rows.drop_duplicates(["student_id", "school_year"], keep="last").reset_index(drop=True)


def _membership(data: Data, group: GroupColumn) -> pd.DataFrame:
    if group in ("sex", "race_ethnicity"):
        return data.students.select("student_id", group).to_pandas()
    return data.programs.select("student_id", "school_year", group).to_pandas().astype({group: float})


def _with_true_scores(data: Data, rows: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    file = data.path / ANSWER_KEY / "scores.parquet"
    if not file.is_file():
        return rows
    key = pd.read_parquet(file, columns=[*_TEST, "true_score"])
    key["test_date"] = pd.to_datetime(key.test_date)
    return rows.assign(test_date=pd.to_datetime(rows.test_date)).merge(key, on=_TEST, how="left", validate="1:1")
