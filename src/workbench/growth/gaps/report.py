"""Tables of the gap report: every measure beside the true gap, parts by level, school means from counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import BadInput, BadParameter, ModelError
from workbench.growth.gaps.cells import FEWEST, GapCells, as_row
from workbench.growth.gaps.measures import Z, cohens_d, equal_weight_gap, v_statistic
from workbench.growth.gaps.ordered_probit import FEWEST_CATEGORIES, FEWEST_FOR_SD, hetop, v_from_counts
from workbench.growth.gaps.parts import FEWEST as FEWEST_MIXED
from workbench.growth.gaps.parts import within_between
from workbench.growth.gaps.rows import proficiency_counts
from workbench.markup import in_words

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

FEWEST_IN_SCHOOL = 20
"""Schools with fewer tested students in a grade than this are left out of means from counts, as in Reardon et al."""
D, EQUAL = "d: mean difference, SD pooled by size", "mean difference, both SDs alike"
V_SCORES, V_COUNTS, V_TRUE = "V from scores", "V from counts", "V from scores, corrected for measurement error"


def headings(group: str, group_a: str, group_b: str) -> dict[str, str]:
    """Return the headings of the columns that count both groups, by the groups' names."""
    kind = f"{in_words(group)}: " if {group_a, group_b} & {"yes", "no"} else ""
    sizes = {"n_a": f"students, {kind}{in_words(group_a)}", "n_b": f"students, {kind}{in_words(group_b)}"}
    return sizes | {"n": "students of the smaller group"}


def of_year(rows: pd.DataFrame, school_year: int | None) -> pd.DataFrame:
    """Return the rows of one school year, the last where none is named; raises BadParameter where it has no scores."""
    chosen = rows.school_year.max() if school_year is None else school_year
    if chosen not in set(rows.school_year):
        years = ", ".join(str(year) for year in sorted(rows.school_year.unique()))
        raise BadParameter(f"school_year is {chosen}, but there are scores of {years} only.")
    return rows[rows.school_year == chosen]


def described(rows: pd.DataFrame, group_a: str, group_b: str) -> pd.DataFrame:
    """Students, schools, mean and SD of scores in each grade of one school year, for both groups."""
    names = rows.in_a.map({True: group_a, False: group_b}).rename("group")
    grouped = rows.groupby(["grade_level", names])
    return grouped.agg(
        students=("score", "size"), schools=("school_id", "nunique"), mean=("score", "mean"), sd=("score", "std")
    ).reset_index()


def cut_scores(rows: pd.DataFrame, shares: list[float], cuts: list[float]) -> pd.DataFrame:
    """Return cut scores, a row a grade: `cuts` for every grade, or those with `shares` of the first year's below them.

    Raises BadParameter for fewer than two cuts, or cuts out of order.
    """
    import pandas as pd

    chosen = cuts or shares
    if len(chosen) < 2 or (np.diff(chosen) <= 0).any() or (not cuts and not 0 < min(shares) <= max(shares) < 1):
        raise BadParameter(
            f"Cuts {chosen} make no proficiency categories. Give at least two, rising; shares lie between 0 and 1."
        )
    if cuts:
        grades = np.sort(rows.grade_level.unique())
        return pd.DataFrame(np.tile(cuts, (len(grades), 1)), index=pd.Index(grades, name="grade_level"))
    first = rows.sort_values("school_year").drop_duplicates("grade_level").set_index("grade_level").school_year
    return (
        rows[rows.school_year == rows.grade_level.map(first)]
        .groupby("grade_level")
        .score.quantile(np.array(shares))
        .unstack()
    )


def gap_measures(rows: pd.DataFrame, cuts: pd.DataFrame) -> pd.DataFrame:
    """Every measure of the gap in each grade of one school year, beside that of the true scores where they are known.

    Columns: grade_level, measure, n_a, n_b, gap, std_error, conf_low, conf_high, reliability, true_gap (the same
    measure of the same students' true scores). Grades with fewer than ten students of either group are left out, and V
    from counts where it is refused.
    """
    import pandas as pd

    found = []
    for grade, cell in rows.groupby("grade_level"):
        if min(cell.in_a.sum(), (~cell.in_a).sum()) < FEWEST:
            continue
        a, scores = cell.in_a.to_numpy(), cell.score.to_numpy()
        counts = _categories([scores[a], scores[~a]], cuts.loc[grade])
        gaps = {
            D: (cohens_d, cohens_d(scores, a)),
            EQUAL: (equal_weight_gap, equal_weight_gap(scores, a)),
            V_SCORES: (v_statistic, v_statistic(scores, a)),
            V_TRUE: (v_statistic, v_statistic(scores, a, errors=cell.error)),
        }
        if min((count > 0).sum() for count in counts) >= FEWEST_CATEGORIES:
            gaps[V_COUNTS] = (v_statistic, v_from_counts(*counts))
        for name, (measure, gap) in gaps.items():
            true = measure(cell.true_score, a).estimate if "true_score" in cell else np.nan
            found.append({"grade_level": grade, "measure": name, **as_row(gap), "true_gap": true})
    if not found:
        raise ModelError(f"No grade has {FEWEST} tested students of each group; there is no gap to tell.")
    return pd.DataFrame(found)


def _categories(scores: list[Any], cuts: Any) -> Any:
    """Counts of several groups by category, without categories that nobody is in: these are their neighbours'."""
    counts = np.array([proficiency_counts(each, cuts) for each in scores])
    return counts[:, counts.any(axis=0)]


def average_of_grades(measures: pd.DataFrame) -> pd.DataFrame:
    """Each measure averaged over the grades of one year, which are different students; a row a measure."""
    grouped = measures.groupby("measure", sort=False)
    table = grouped[["n_a", "n_b"]].sum().join(grouped[["gap", "true_gap"]].mean())
    table["std_error"] = grouped.std_error.apply(lambda errors: float(np.sqrt((errors**2).sum()) / len(errors)))
    table["conf_low"], table["conf_high"] = table.gap - Z * table.std_error, table.gap + Z * table.std_error
    table["grades"] = grouped.size()
    columns = ["gap", "std_error", "conf_low", "conf_high", "true_gap", "grades", "n_a", "n_b"]
    return table[columns].dropna(axis=1, how="all").reset_index()


def trend_table(cells: GapCells) -> pd.DataFrame:
    """The gap by year (mean of grades), by grade (mean of years), and of each cohort in each grade.

    `cells` by school_year, grade_level and cohort. Columns: by (year, grade or cohort), cohort (text; "all" for the
    first two), at (the year or grade), n_a, n_b, gap, std_error, conf_low, conf_high.
    """
    import pandas as pd

    years = cells.averages("school_year").rename(columns={"school_year": "at"})
    grades = cells.averages("grade_level").rename(columns={"grade_level": "at"})
    cohorts = cells.table.rename(columns={"grade_level": "at"}).astype({"cohort": str})
    parts = [
        years.assign(by="year", cohort="all"),
        grades.assign(by="grade", cohort="all"),
        cohorts.assign(by="cohort"),
    ]
    columns = ["by", "cohort", "at", "n_a", "n_b", "gap", "std_error", "conf_low", "conf_high"]
    return pd.concat([part[columns] for part in parts], ignore_index=True)


CHANGES = {
    "a school year later, in the same grade": ("school_year", "grade_level"),
    "a grade and year later, the same cohort": ("grade_level", "cohort"),
}


def changes(cells: GapCells, true: GapCells | None = None) -> pd.DataFrame:
    """How much the gap changes in a year, held to the same grades and followed along cohorts; empty for one year.

    With the cells of true scores, where they are known, true_change stands beside it.
    """
    import pandas as pd

    if cells.table.school_year.nunique() < 2:
        return pd.DataFrame()
    rows = []
    for name, along in CHANGES.items():
        slope = cells.slope(*along)
        row = {"from one test to": name, "change": slope.estimate, "std_error": slope.std_error}
        row |= {"conf_low": slope.conf_low, "conf_high": slope.conf_high}
        rows.append(row | ({} if true is None else {"true_change": true.slope(*along).estimate}))
    return pd.DataFrame(rows)


def parts_by_level(rows: pd.DataFrame, data: Data, seed: int) -> pd.DataFrame:
    """How much of the gap of one school year lies within and between schools, for each level of school.

    Columns: part, estimate, std_error, conf_low, conf_high, level, n_a, n_b, schools. Left out are grades with fewer
    than ten students of either group, with one school, or with fewer than three of a group in schools that have both.
    """
    import pandas as pd

    levels = data.schools.select("school_id", "level", "low_grade").order_by("low_grade").to_pandas()
    levels["level"] = pd.Categorical(levels.level, levels.level.unique())  # in the order of their grades
    tables = []
    for level, part in rows.merge(levels, on="school_id").groupby("level", observed=True):
        part = part[part.grade_level.isin(_splittable(part))]
        if len(part):
            split = within_between(part.score, part.in_a, part.school_id, strata=part.grade_level, seed=seed)
            told = {"level": level, "n_a": split.n_a, "n_b": split.n_b, "schools": split.n_schools}
            tables.append(split.table.assign(**told))
    if not tables:
        raise BadInput(
            "No level of school has two schools with ten students of each group in a grade, three of them in schools "
            "that have both groups."
        )
    return pd.concat(tables, ignore_index=True)


def _splittable(part: pd.DataFrame) -> list[int]:
    """The grades in which a gap can be split between schools."""
    mixed = part[part.groupby(["grade_level", "school_id"]).in_a.transform("nunique") > 1]
    fewest, fewest_mixed = (
        rows.groupby(["grade_level", "in_a"]).size().unstack(fill_value=0).reindex(columns=[False, True], fill_value=0)
        .min(axis=1) for rows in (part, mixed)
    )  # fmt: skip
    schools = part.groupby("grade_level").school_id.nunique()
    kept = (fewest >= FEWEST) & (schools > 1) & (fewest_mixed.reindex(fewest.index, fill_value=0) >= FEWEST_MIXED)
    return list(kept.index[kept])


def school_means(rows: pd.DataFrame, cuts: pd.DataFrame) -> pd.DataFrame:
    """School means from counts, for each grade of one school year, beside the means of scores.

    In SDs of the grade, whose mean is 0; an SD of its own for each school of 50 students, or one for all where there is
    none. Left out are schools with fewer than 20 students in the grade or with all of them in one category, and grades
    with fewer than two schools or no school in three categories. Columns: grade_level, school_id, n, mean, mean_se,
    conf_low, conf_high, sd, sd_se, own_sd, score_mean, and true_mean where it is known (both also in SDs of the grade).
    """
    import pandas as pd

    tables = []
    for grade, cell in rows.groupby("grade_level"):
        category = np.searchsorted(cuts.loc[grade], cell.score, "right")
        sizes = cell.assign(category=category).groupby("school_id").category.agg(["size", "nunique"])
        usable = sizes.index[(sizes["size"] >= FEWEST_IN_SCHOOL) & (sizes["nunique"] > 1)]
        cell = cell[cell.school_id.isin(usable)]
        by_school = cell.groupby("school_id").score
        counts = _categories([scores for _, scores in by_school], cuts.loc[grade])
        spread = (counts > 0).sum(axis=1) >= FEWEST_CATEGORIES
        if len(counts) < 2 or not spread.any():
            continue
        own_sd_from = FEWEST_FOR_SD if (counts[spread].sum(axis=1) >= FEWEST_FOR_SD).any() else None
        fit = hetop(counts, list(by_school.groups), own_sd_from).groups.rename(columns={"group": "school_id"})
        for column, name in (("score", "score_mean"), ("true_score", "true_mean")):
            if column in cell:
                means = (cell[column] - cell[column].mean()) / cell[column].std(ddof=0)
                fit[name] = fit.school_id.map(means.groupby(cell.school_id).mean())
        tables.append(fit.assign(grade_level=grade))
    if not tables:
        raise BadInput(f"No grade has two schools with {FEWEST_IN_SCHOOL} tested students each.")
    return pd.concat(tables, ignore_index=True)


GAP_HELP = {
    "subject": "subject tested",
    "school_year": "spring of the school year",
    "grade_level": "grade; 0 is kindergarten",
    "group_kind": "what the two groups differ in",
    "group_a": "the gap is this group's lead",
    "group_b": "over this one",
    "n": "students of the smaller group; only those with a score count",
    "measure": "how the gap is measured",
    "level": "level of school",
    "by": "what the gap is shown by",
    "cohort": "school year in which the cohort was, or would have been, in kindergarten",
    "at": "the school year or the grade",
    "part": "part of the gap, or all of it; segregation: how unevenly the groups are spread over schools, 0 to 1",
    "gap": "standard deviations by which group a leads",
    "school_id": "the school",
    "mean": "mean of the school in the grade, from counts; the grade's mean is 0",
    "sd": "standard deviation of the school; the grade's is 1",
    "estimate": "standard deviations by which group a leads; of segregation, a share",
    "std_error": "standard error",
    "conf_low": "lower 95 % limit",
    "conf_high": "upper 95 % limit",
}
_KEYS = ("subject", "group_kind", "group_a", "group_b", "school_year", "grade_level", "measure", "level", "part", "by",
         "cohort", "at")  # fmt: skip
_VALUES = ("gap", "estimate", "std_error", "conf_low", "conf_high")


def model_outputs(table: pd.DataFrame) -> dict[str, str]:
    """Return the kind of each value column of a table of gaps: an estimate, which is no mean of people's values."""
    return {column: "estimate" for column in _VALUES if column in table}


def for_publishing(table: pd.DataFrame, **pair: str | int) -> pd.DataFrame:
    """Return a table of gaps with the names of what was compared and, as n, the size of the smaller group.

    A gap tells about both groups, so the smaller one decides whether it may be seen.
    """
    named = table.assign(**pair, n=table[["n_a", "n_b"]].min(axis=1))
    keys, values = ([column for column in some if column in named] for some in (_KEYS, _VALUES))
    return named[[*keys, "n", *values]]
