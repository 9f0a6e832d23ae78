"""Who left or missed a test, and what that may do to a mean: complete cases, missing at random, bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import BadParameter
from workbench.growth.curves.models import STUDENTS, Engine, Shape, component, fit_curve, fixed_part
from workbench.growth.curves.rows import CurveData
from workbench.shares import LEVEL, wilson

if TYPE_CHECKING:
    import pandas as pd

QUARTERS = ("lowest quarter", "second quarter", "third quarter", "highest quarter")
STATUS = {"tested": "tested", "missed": "on the roll, not tested", "left": "no longer on the roll"}
EXTREME = (0.05, 0.95)


def next_spring(curve: CurveData) -> pd.DataFrame:
    """Return what became of each score a year later: tested, missed (on the roll on the test day) or left.

    One row a score that could have had a successor: not of the last school year, nor of the highest grade tested. Has
    the columns of `curve.rows`, `status`, and `prior_score`: its quarter among scores of that grade and year.
    """
    rows = curve.rows
    early = rows[(rows.school_year < rows.school_year.max()) & (rows.grade < rows.grade.max())]
    rank = early.groupby(["grade", "school_year"]).score.rank(pct=True)
    quarter = np.array(QUARTERS)[np.minimum(np.ceil(4 * rank).astype(int) - 1, 3)]
    after = early.assign(prior_score=quarter, school_year=early.school_year + 1)[["student", "school_year"]]
    tested = after.merge(rows[["student", "school_year"]].assign(tested=True), how="left").tested.notna()
    there = after.merge(_on_roll(curve).assign(there=True), how="left").there.notna()
    status = np.select([tested, there], ["tested", "missed"], "left")
    return early.assign(prior_score=quarter, status=status).reset_index(drop=True)


def attrition_table(follow: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Return the shares of `next_spring` rows tested, missing the test and leaving, with 95 % limits (Wilson).

    Columns: group_kind, group, n (students), scores, and for each status its share, `_low` and `_high`.
    """
    import pandas as pd

    parts = []
    for kind in ("all", "prior_score", *groups):
        groups_of = follow[kind].astype(str) if kind != "all" else pd.Series("all students", follow.index)
        counts = pd.crosstab(groups_of, follow.status).reindex(columns=list(STATUS), fill_value=0)
        scores = counts.sum(axis=1)
        part = pd.DataFrame(
            {"group_kind": kind, "group": counts.index, "n": follow.groupby(groups_of).student.nunique()}
        )
        part = part.assign(scores=scores)
        for status in STATUS:
            low, high = wilson(counts[status], scores)
            part = part.assign(**{status: counts[status] / scores, f"{status}_low": low, f"{status}_high": high})
        order = [q for q in QUARTERS if q in part.index] if kind == "prior_score" else list(part.index)
        parts.append(part.loc[order])
    return pd.concat(parts, ignore_index=True)


def growth_with_missing(
    curve: CurveData, shape: Shape, years: int, group: str | None = None, engine: Engine = "auto"
) -> pd.DataFrame:
    """Return mean growth over the last `years` of all students tested at their start, under four views of the missing.

    The mean is that of everyone tested in the first spring in a grade that leaves room for it, had all been tested in
    the last one: (1 − m) · growth of the tested + m · growth of the missing, of which the second is not seen. It is
    taken to be that of the tested (`complete_cases`); what a mixed model expects given a student's own scores and
    groups (`at_random`: missing at random, Rubin 1976); that less one SD of students' slopes a year (`slower`, pattern
    mixture: Little 1993); or the 5 % and 95 % points of growth seen (`worst`, `best`: bounds after Manski 1990, as the
    scale has no ends). Points of the scale over `years`; `_low` and `_high` are 95 % limits, those of `at_random` as of
    a regression estimate, the model taken as known. One row a level of `group`, and all. A group of whom fewer than two
    were tested at the end has bounds alone, of the growth seen in the whole cohort; its estimates are missing.
    """
    import pandas as pd

    last = curve.rows.school_year.max()
    top = curve.rows.grade.max()
    if not 1 <= years <= min(last - curve.rows.school_year.min(), top - curve.rows.grade.min()):
        raise BadParameter(
            f"{years} years do not fit between the first and the last school year and grade of the scores."
        )
    start = curve.rows[(curve.rows.school_year == last - years) & (curve.rows.grade <= top - years)]
    end = curve.rows.loc[curve.rows.school_year == last, ["student", "score"]].rename(columns={"score": "end"})
    cohort = start.merge(end, on="student", how="left")
    terms = "".join(f" + {name} + time:{name}" for name in curve.groups)
    model = fit_curve(curve, f"score ~ {fixed_part(curve, shape)}{terms} + {STUDENTS}", "REML", engine)
    later = cohort.assign(time=cohort.time + years, time2=(cohort.time + years) ** 2)
    later = later.assign(**{f"after_{k}": np.maximum(cohort.grade + years - k, 0.0) for k in curve.knots})
    cohort = cohort.assign(expected=model.predict(later) - cohort.score, change=cohort.end - cohort.score)
    slower = years * component(model, "student", "time") ** 0.5
    whole = [("all students", cohort)]
    by_group = cohort.groupby(_named(cohort[group], group)) if group else []
    return pd.DataFrame(
        [
            _views(name, part, slower) if part.end.notna().sum() > 1 else _unseen(name, part, cohort.change)
            for name, part in [*whole, *by_group]
        ]
    )


def _named(values: pd.Series[Any], group: str) -> pd.Series[str]:
    """Names that say what is meant: yes and no with the group they answer."""
    names = values.astype(str)
    return names.where(~names.isin(["yes", "no"]), f"{group.replace('_', ' ')}: " + names)


def _views(name: str, cohort: pd.DataFrame, slower: float) -> dict[str, object]:
    from scipy import stats

    seen = cohort.end.notna()
    m = float(1 - seen.mean())
    change, expected = cohort.change[seen], cohort.expected[~seen]
    z = stats.norm.ppf((1 + LEVEL) / 2)
    cases = float(change.mean())
    missing = float(expected.mean()) if m else 0.0
    error = float(change.std() / np.sqrt(len(change)))
    unexplained = min(float((change - cohort.expected[seen]).var() / change.var()), 1.0)
    whole = (1 - m) * cases + m * missing
    both = error * float(np.sqrt(unexplained + (1 - unexplained) * (1 - m)))  # Cochran (1977), section 12.6
    low, high = (float(change.quantile(q)) for q in EXTREME)
    return {
        "group": name, "n": len(cohort), "share_missing": m,
        "complete_cases": cases, "complete_cases_low": cases - z * error, "complete_cases_high": cases + z * error,
        "at_random": whole, "at_random_low": whole - z * both, "at_random_high": whole + z * both,
        "slower": whole - m * slower, "worst": (1 - m) * cases + m * low, "best": (1 - m) * cases + m * high,
    }  # fmt: skip


def _unseen(name: str, cohort: pd.DataFrame, growth: pd.Series[float]) -> dict[str, object]:
    """Bounds alone, where growth cannot be told from the group's own: from that of all students, `growth`."""
    m, seen = float(cohort.end.isna().mean()), float(cohort.change.sum()) / len(cohort)
    low, high = (float(growth.quantile(q)) for q in EXTREME)
    views = ("complete_cases", "at_random")
    missing = dict.fromkeys([*(f"{view}{end}" for view in views for end in ("", "_low", "_high")), "slower"], np.nan)
    bounds = {"worst": seen + m * low, "best": seen + m * high}
    return {"group": name, "n": len(cohort), "share_missing": m, **missing, **bounds}


def _on_roll(curve: CurveData) -> pd.DataFrame:
    """Students on the roll of any school on the middle test day of each school year."""
    data = curve.data
    tests = data.assessments.filter(data.assessments.scale_id == curve.scale)
    day = tests.group_by("school_year").aggregate(day=tests.test_date.cast("timestamp").epoch_seconds().median())
    spells = data.enrollments.join(day, "school_year")
    seconds = lambda column: column.cast("timestamp").epoch_seconds()  # noqa: E731
    there = (seconds(spells.entry_date) <= spells.day) & (seconds(spells.exit_date).fill_null(2**62) > spells.day)
    return spells.filter(there).select("school_year", student="student_id").distinct().to_pandas()
