"""Growth percentiles of a data folder, and what schools and groups make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import BadInput
from workbench.growth.standards import cuts_by_grade
from workbench.paths import shown

if TYPE_CHECKING:
    import pandas as pd

    from workbench.growth.sgp.percentiles import GrowthPercentiles
    from workbench.store import Data

FLAGS = ("economically_disadvantaged", "english_learner", "disability")
GROUPS = ("sex", "race_ethnicity", *FLAGS)
SUMMARY_HELP = {
    "n": "students with a growth percentile",
    "mean_percentile": "mean growth percentile; 50 is usual",
    "mean_low": "lower limit of its 95 % interval",
    "mean_high": "upper limit of its 95 % interval",
    "median_percentile": "median growth percentile",
    "median_low": "lower limit of its 95 % interval",
    "median_high": "upper limit of its 95 % interval",
}
SUMMARY_KINDS = {"mean_percentile": "mean", "median_percentile": "median"} | {
    f"{what}_{end}": f"with {what}_percentile" for what in ("mean", "median") for end in ("low", "high")
}


def growth_tests(data: Data) -> pd.DataFrame:
    """Return every score on the most used regular scale of each subject: one row a student, subject and year.

    Of several tests in a year the last counts. With an answer key, `true_score` and `value_added` (what schools and
    teachers added so far) stand beside. Raises BadInput where there are no scores.
    """
    import pandas as pd

    tests = data.assessments.semi_join(data.scales.filter(~data.scales.alternate), "scale_id")
    scored = tests.filter(tests.scale_score.notnull())
    rows = scored.order_by("test_date", "student_id", "subject", "scale_id").to_pandas()  # draws go by this order
    if rows.empty:
        raise BadInput(f"{shown(data.path)} has no scores on a regular scale, so growth cannot be told from it.")
    sizes = rows.groupby(["subject", "scale_id"]).size()
    rows = rows[rows.scale_id.isin(sizes.groupby("subject").idxmax().str[1])]
    rows = rows.drop_duplicates(["student_id", "subject", "school_year"], keep="last", ignore_index=True)
    key = data.path / "answer_key" / "scores.parquet"
    if key.is_file():
        rows["test_date"] = rows.test_date.astype(str).str[:10]
        true = pd.read_parquet(key).assign(test_date=lambda t: t.test_date.astype(str).str[:10])
        rows = rows.merge(true, "left", on=["student_id", "scale_id", "test_date"])
    return rows


def with_groups(table: pd.DataFrame, tests: pd.DataFrame, data: Data) -> pd.DataFrame:
    """Add the school of the test and the groups a student belonged to that year; one row a row of `table`."""
    keys = ["student_id", "school_year"]
    flags = data.programs.select(*keys, *FLAGS).to_pandas()
    rows = table.merge(tests[[*keys, "subject", "school_id"]], "left", on=[*keys, "subject"])
    rows = rows.merge(data.students.select("student_id", *GROUPS[:2]).to_pandas(), "left", on="student_id")
    rows = rows.merge(flags, "left", on=keys)
    for flag in FLAGS:
        rows[flag] = np.where(rows[flag].fillna(False).astype(bool), "yes", "no")
    return rows


def summary(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Mean and median growth percentile with 95 % intervals, one row a group; see `interval`."""
    import pandas as pd

    found = [(*(key if isinstance(key, tuple) else (key,)), *interval(part)) for key, part in _groups(rows, by)]
    return pd.DataFrame(found, columns=[*by, *SUMMARY_HELP])


def group_summary(rows: pd.DataFrame) -> pd.DataFrame:
    """`summary` by subject and each group of students: `group_kind`, `group`."""
    import pandas as pd

    parts = [summary(rows.assign(group_kind=kind, group=rows[kind]), ["subject", "group_kind", "group"])
             for kind in GROUPS]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def interval(rows: pd.DataFrame) -> tuple[float, ...]:
    """Return n, mean, its limits, median, its limits: as if the students were drawn at random from many alike.

    The mean's limits are Student's t; the median's are order statistics, by the binomial distribution, and suppose
    nothing about the shape (Conover 1999, section 3.2). Below two students there are none.
    """
    from scipy import stats

    values = np.sort(rows.percentile.to_numpy(float))
    n = len(values)
    if n < 2:
        return n, values.mean(), np.nan, np.nan, float(np.median(values)), np.nan, np.nan
    reach = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)
    lower = int(max(stats.binom.ppf(0.025, n, 0.5) - 1, 0))
    mean = values.mean()
    return n, mean, mean - reach, mean + reach, float(np.median(values)), values[lower], values[n - 1 - lower]


def cut_scores(
    tests: pd.DataFrame, given: Mapping[str, Sequence[float]], share_below: float
) -> dict[tuple[str, int], float]:
    """Cut scores by subject and grade: those `given` for the subject, or else a quantile of each grade's scores.

    Raises BadParameter where a subject's cuts are not one a tested grade.
    """
    found: dict[tuple[str, int], float] = {}
    for subject, rows in tests.groupby("subject"):
        scores = rows.groupby("grade_level").scale_score
        cuts = given.get(str(subject)) or scores.quantile(share_below).tolist()
        found |= {(str(subject), g): cut for g, cut in cuts_by_grade(str(subject), cuts, rows.grade_level).items()}
    return found


def lean(percentile: pd.Series, achievement: pd.Series, cell: pd.Series) -> float:
    """Points of percentile that go with a standard deviation of prior achievement within subject and grade."""
    by_cell = achievement.groupby(cell)
    z = ((achievement - by_cell.transform("mean")) / by_cell.transform("std")).fillna(0)
    return float(np.polyfit(z, percentile, 1)[0])


def recovery(found: GrowthPercentiles, corrected: pd.Series, tests: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Held against the answer key: two tables, uncorrected and corrected, by measure and by school.

    Measures: lean on true prior achievement (0 is right), error against the percentiles that true scores would give,
    correlation of schools' means with what they and their teachers truly added in the year.
    """
    import pandas as pd

    from workbench.growth.sgp.percentiles import percentiles

    years = sorted(found.table.school_year.unique())
    perfect = percentiles(tests.drop(columns="scale_score"), score="true_score", years=years, most_priors=1).table
    keys = ["student_id", "school_year", "subject"]
    true = tests[[*keys, "school_id", "true_score", "value_added"]]
    before = true.drop(columns="school_id").assign(school_year=true.school_year + 1)
    rows = found.table.assign(corrected=corrected).merge(true, on=keys)
    rows = rows.merge(before, on=keys, suffixes=("", "_before")).merge(
        perfect[[*keys, "percentile"]].rename(columns={"percentile": "perfect"}), on=keys
    )
    rows["added"] = rows.value_added - rows.value_added_before
    cell = rows.subject + rows.grade_level.astype(str) + rows.school_year.astype(str)
    schools = rows.groupby(["school_id", "school_year", "subject"]).agg(
        n=("percentile", "size"),
        percentile=("percentile", "mean"),
        percentile_se=("percentile", "sem"),
        corrected=("corrected", "mean"),
        corrected_se=("corrected", "sem"),
        added=("added", "mean"),
    )
    schools = schools[schools.n >= 10].reset_index()
    measures = [
        {
            "percentile": name,
            "lean on true prior achievement (points a SD)": lean(rows[column], rows.true_score_before, cell),
            "typical error of a student (points)": float(np.sqrt(((rows[column] - rows.perfect) ** 2).mean())),
            "schools: correlation with value truly added": _correlation(schools, column),
        }
        for name, column in (("uncorrected", "percentile"), ("corrected", "corrected"))
    ]
    return pd.DataFrame(measures), schools


def _correlation(schools: pd.DataFrame, column: str) -> float:
    """Mean over subjects, because scales and years differ."""
    parts = [part[column].corr(part.added) for _, part in schools.groupby("subject") if len(part) > 2]
    return float(np.mean(parts)) if parts else float("nan")


def _groups(rows: pd.DataFrame, by: list[str]) -> Any:
    return rows.groupby(by, sort=True, observed=True)
