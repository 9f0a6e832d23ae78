"""Indicators by year, school, grade and group, each with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import BadInput, BadParameter
from workbench.growth.trends.indicators import ALL, INDICATORS, STUDENT_YEAR, Rules, indicator, indicator_rows
from workbench.shares import LEVEL, wilson

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from workbench.store import Data

FIXED = ("sex", "race_ethnicity")
FLAGS = ("economically_disadvantaged", "english_learner", "disability")
GROUPS = (*FIXED, *FLAGS)
UNKNOWN = "not recorded"
FEWEST_FOR_MEAN = 5
KEYS = ("indicator", "school_year", "school_id", "grade", "group_kind", "group")


def indicator_table(
    data: Data, name: str, groups: tuple[str, ...] = GROUPS, rules: Rules | None = None
) -> pd.DataFrame:
    """Return an indicator for everybody, each school, grade and group, and each group within a school, by year.

    Columns `KEYS` ("all" where not split), `n` students, `value`, `low`, `high`: a share with its Wilson limits, or a
    mean with Student's t limits (missing below five students). A school's students are those it had; somebody who was
    at two schools in a year counts at each and once in "all". Raises as `indicator_rows` does.
    """
    import pandas as pd

    parts = []
    for by_school in (False, True):
        cells = _cells(data, name, by_school, groups, rules)
        for split in (None, "grade_level", *groups):
            parts.append(_summed(cells, split))
    table = pd.concat(parts, ignore_index=True)
    table["value"] = table.total / table.n
    table["low"], table["high"] = limits(table, indicator(name).unit)
    table["indicator"] = name
    return table[[*KEYS, "n", "value", "low", "high"]].sort_values(list(KEYS), ignore_index=True)


def indicator_tables(data: Data, groups: tuple[str, ...] = GROUPS, rules: Rules | None = None) -> pd.DataFrame:
    """Return the table of every indicator that these data can tell, one below the other."""
    import pandas as pd

    held = [one.name for one in INDICATORS.values() if set(one.tables) <= set(data.manifest["tables"])]
    tables = [indicator_table(data, name, groups, rules) for name in held]
    return pd.concat([table for table in tables if len(table)], ignore_index=True)


def indicator_definitions(table: pd.DataFrame) -> pd.DataFrame:
    """Return, for the indicators of a table, words, unit, definition and source."""
    import pandas as pd

    kept = [INDICATORS[name] for name in INDICATORS if name in set(table.indicator)]
    return pd.DataFrame([(i.name, i.words, i.definition, i.source) for i in kept],
                        columns=["indicator", "in words", "definition", "source"])  # fmt: skip


def indicator_series(
    table: pd.DataFrame, name: str, school_id: str = ALL, group_kind: str = ALL, group: str = ALL
) -> pd.DataFrame:
    """Return one series of a table of indicators, a row a year. Raises BadInput where there is none."""
    rows = table[(table.indicator == name) & (table.school_id == school_id) & (table.grade == ALL)]
    rows = rows[(rows.group_kind == group_kind) & (rows.group == group)]
    if rows.empty:
        raise BadInput(f"These data tell nothing about {indicator(name).words} for {school_id}, {group_kind} {group}.")
    return rows.sort_values("school_year", ignore_index=True)


def with_groups(data: Data, rows: ibis.Table, groups: tuple[str, ...] = GROUPS) -> ibis.Table:
    """Add to rows of an indicator the columns of `groups`, as text.

    A programme flag holds where it was set in any school year from `flags_from` to `school_year`; "not recorded" where
    there is no record. Raises BadParameter for a group there is not.
    """
    if unknown := [kind for kind in groups if kind not in GROUPS]:
        raise BadParameter(f"There is no group {unknown[0]!r}. Choose from: {', '.join(GROUPS)}.")
    words: dict[str, Any] = {}
    if fixed := [kind for kind in groups if kind in FIXED]:
        rows = rows.left_join(data.students.select("student_id", *fixed), "student_id").drop("student_id_right")
        words |= {kind: rows[kind].fill_null(UNKNOWN) for kind in fixed}
    if flags := [kind for kind in groups if kind in FLAGS]:
        rows = rows.left_join(_flagged(data, rows, flags), STUDENT_YEAR, rname="of_{name}")
        words |= {flag: rows[flag].ifelse("yes", "no") for flag in flags}
        words |= {flag: rows[flag].isnull().ifelse(UNKNOWN, words[flag]) for flag in flags}
    return rows.select(*STUDENT_YEAR, "grade_level", "value", **words)


def _flagged(data: Data, rows: ibis.Table, flags: list[str]) -> ibis.Table:
    """Whether each flag was set in any school year from `flags_from` to `school_year`."""
    programs = data.programs.select("student_id", "school_year", *flags)
    asked = rows.select(*STUDENT_YEAR, "flags_from").join(programs, "student_id", rname="of_{name}")
    asked = asked.filter(asked.of_school_year.between(asked.flags_from, asked.school_year))
    return asked.group_by(*STUDENT_YEAR).agg(**{flag: asked[flag].any() for flag in flags})


def limits(table: pd.DataFrame, unit: str) -> tuple[Any, Any]:
    """Return the 95 % limits of means, from the columns `n`, `total` and `squares`: Wilson's where `unit` is "share",
    otherwise Student's, missing below five students and where all have the same value: then nothing tells the spread.
    """
    if unit == "share":
        return wilson(table.total, table.n)
    from scipy.stats import t

    spread = table.squares - table.total**2 / table.n
    known = (table.n >= FEWEST_FOR_MEAN) & (spread > 1e-12 * table.squares)
    df = np.maximum(table.n - 1, 1)
    half = t.ppf((1 + LEVEL) / 2, df) * np.sqrt((spread / df / table.n).where(known))
    return table.total / table.n - half, table.total / table.n + half


def _cells(data: Data, name: str, by_school: bool, groups: tuple[str, ...], rules: Rules | None) -> pd.DataFrame:
    """Count and sums of the finest cells; the database sees the rows, Python the cells."""
    rows = with_groups(data, indicator_rows(data, name, by_school, rules), groups)
    cells = rows.group_by("school_year", "school_id", "grade_level", *groups).agg(
        n=rows.count(), total=rows.value.sum(), squares=(rows.value * rows.value).sum()
    )
    return cells.to_pandas()


def _summed(cells: pd.DataFrame, split: str | None) -> pd.DataFrame:
    by = ["school_year", "school_id", *([split] if split else [])]
    table = cells.groupby(by, as_index=False)[["n", "total", "squares"]].sum()
    grades = split == "grade_level"
    table["grade"] = table.pop("grade_level").astype(str) if grades else ALL
    table["group_kind"] = split if split and not grades else ALL
    table["group"] = table.pop(split) if split and not grades else ALL
    return table
