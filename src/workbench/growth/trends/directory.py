"""Which schools there are, in which district, how large they are and whom they teach: what a reader drills down by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.growth.trends.enrolment import on_roll
from workbench.growth.trends.indicators import ALL, INDICATORS
from workbench.growth.trends.series import FEWEST_FOR_MEAN, FLAGS, limits
from workbench.shares import LEVEL

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

SHARES = {flag: f"share_{flag}" for flag in FLAGS}
DIRECTORY = ("district_id", "district_name", "school_id", "school_name", "level", "school_year")


def school_directory(data: Data) -> pd.DataFrame:
    """Return a row a school: `DIRECTORY`, `n` students on 1 October of the last school year, and `SHARES`, of
    them with each programme flag in that year. Schools without students then are left out.
    """
    there = on_roll(data)
    there = there.filter(there.school_year == there.school_year.max().as_scalar())
    flags = data.programs.select("student_id", "school_year", *FLAGS)
    rows = there.left_join(flags, ["student_id", "school_year"])
    shares = {name: rows[flag].fill_null(False).cast("float64").mean() for flag, name in SHARES.items()}
    counts = rows.group_by("school_id", "school_year").agg(n=rows.student_id.nunique(), **shares).to_pandas()
    schools = data.schools.select("school_id", "district_id", "level", school_name=data.schools["name"]).to_pandas()
    districts = data.districts.select("district_id", district_name=data.districts["name"]).to_pandas()
    table = schools.merge(districts, on="district_id").merge(counts, on="school_id")
    table["school_year"] = table.school_year.astype(int).astype(str)
    return table[[*DIRECTORY, "n", *SHARES.values()]].sort_values("school_id", ignore_index=True)


def with_districts(table: pd.DataFrame, schools: pd.DataFrame) -> pd.DataFrame:
    """Return a table of indicators with the column `district_id`, and with rows of districts where there are several.

    `schools` has the columns `school_id` and `district_id`. A district's students are those of its schools: somebody
    who was at two of them in a year counts twice. With one district, the rows of all schools are the district's.
    """
    import pandas as pd

    of = dict(zip(schools.school_id, schools.district_id, strict=True))
    if len(districts := sorted(set(of.values()))) == 1:
        return table.assign(district_id=districts[0])
    table = table.assign(district_id=table.school_id.map(of).fillna(ALL))
    parts = [_summed(rows, INDICATORS[str(name)].unit) for name, rows in _of_schools(table).groupby("indicator")]
    return pd.concat([table, *parts], ignore_index=True)


def _of_schools(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of schools with the sums that their means and limits are made of."""
    from scipy.stats import t

    rows = table[table.school_id != ALL]
    df = np.maximum(rows.n - 1, 1)
    half = (rows.high - rows.low) / 2 / t.ppf((1 + LEVEL) / 2, df)
    spread = (half**2 * rows.n * df).where(rows.n >= FEWEST_FOR_MEAN, 0.0)
    return rows.assign(total=rows.value * rows.n, squares=spread + rows.value**2 * rows.n)


def _summed(rows: pd.DataFrame, unit: str) -> Any:
    by = ["indicator", "school_year", "district_id", "grade", "group_kind", "group"]
    sums = rows.groupby(by, as_index=False)[["n", "total", "squares"]].sum()
    low, high = limits(sums, unit)
    sums = sums.assign(school_id=ALL, value=sums.total / sums.n, low=low, high=high)
    return sums.drop(columns=["total", "squares"])
