"""What changed after a date? Interrupted series, with a comparison where there is one, and placebo dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput, BadParameter
from workbench.growth.trends.chance import FEWEST_PLACES, by_placement, by_schools, by_years, permuted
from workbench.growth.trends.indicators import ALL
from workbench.shares import LEVEL

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Estimand = Literal["shift", "jump", "bend"]
WORDS = {
    "shift": "change of the mean",
    "jump": "jump beside a steady trend",
    "bend": "change of the yearly trend",
}
FEWEST_STUDENTS = 10


@dataclass(frozen=True)
class Panel:
    """An indicator in each school and year: `values` schools × years; schools with few students in a year left out."""

    schools: tuple[str, ...]
    years: NDArray[np.int64]
    values: Floats
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class PolicyEffect:
    """What changed after a date.

    `effects`: one row an estimand and source of chance (`estimate`, `low`, `high`, `df`, `p_value`); `series`: the mean
    of the schools concerned and of the comparison by year; `placebos`: the main estimand at every other possible year.
    """

    first_year: int
    compared: bool
    effects: pd.DataFrame
    series: pd.DataFrame
    placebos: pd.DataFrame

    @property
    def main(self) -> pd.DataFrame:
        """The rows of the main estimand: its error judged by years and, where possible, by schools."""
        return self.effects[self.effects.estimand == self.effects.estimand.iloc[0]]

    @property
    def clear(self) -> bool:
        """Whether every interval of the main estimand leaves out 0."""
        return bool(((self.main.low > 0) | (self.main.high < 0)).all())

    def said(self, unit: str) -> str:
        """Say what was found, in percentage points where `unit` is "share"."""
        factor, words = (100, "percentage points") if unit == "share" else (1, unit)
        bounded = self.main[np.isfinite(self.main.low)]
        intervals = " and ".join(
            f"{factor * low:+.2f} to {factor * high:+.2f} where {chance} are the source of chance"
            for chance, low, high in zip(bounded.chance, bounded.low, bounded.high, strict=True)
        )
        beside = " compared with the other schools" if self.compared else ""
        if self.clear:
            verdict = "Every interval leaves out 0: a change, as far as the assumptions below hold."
        elif len(bounded) < len(self.main):
            verdict = (
                "One school stands against too few others for schools to bound the change: even the largest of all "
                f"would stand out by chance with a probability above 5 % (p = {self.main.p_value.iloc[-1]:.2f}). One "
                f"against {FEWEST_PLACES - 1} is the least, so this change cannot be told from chance."
            )
        else:
            verdict = (
                "Only a change whose every interval leaves out 0 would be told apart from chance; this one is not."
            )
        return (
            f"From school year {self.first_year} on, the {self.main.estimand.iloc[0]}{beside} is "
            f"{factor * self.main.estimate.iloc[0]:+.2f} {words}, with 95 % intervals of {intervals}. {verdict}"
        )


def school_panel(table: pd.DataFrame, group_kind: str = ALL, group: str = ALL) -> Panel:
    """Return the panel of schools from an indicator table, for everybody or one group.

    Raises BadInput where fewer than two schools have ten students of it in every year.
    """
    rows = table[(table.school_id != ALL) & (table.grade == ALL)]
    rows = rows[(rows.group_kind == group_kind) & (rows.group == group)]
    wide = rows[rows.n >= FEWEST_STUDENTS].pivot(index="school_id", columns="school_year", values="value")
    whole = wide.dropna()
    if len(whole) < 2:
        raise BadInput(f"{len(whole)} school(s) have {FEWEST_STUDENTS} students in every year; two or more are needed.")
    left_out = sorted(set(rows.school_id) - set(whole.index))
    return Panel(tuple(whole.index), whole.columns.to_numpy(), whole.to_numpy(float), tuple(left_out))


def first_year_after(policy_date: date | str) -> int:
    """The first school year that lies under a policy from 1 October on, when schools count their students."""
    day = _day(policy_date)
    return day.year + (1 if (day.month, day.day) <= (10, 1) else 2)


def policy_effect(found: Panel, policy_date: date | str, schools: Sequence[str] = (), seed: int = 1) -> PolicyEffect:
    """Estimate what changed in the years after `policy_date`; with `schools`, beside the schools not named.

    With y the mean of the schools concerned, minus the mean of the others where `schools` names some: *shift* is the
    mean after minus before (with a comparison: difference in differences), *jump* the step in a straight line that goes
    on, *bend* the change of its slope when step and slope may both change. Each is a fixed contrast of the years, so
    its error can be judged in two ways. *Years*: residuals of the yearly series, Student's t with years minus
    coefficients degrees of freedom; holds when something may happen to all schools of one year. *Schools*: the contrast
    of each school, Student's t across schools, Welch's with a comparison (what CR2 with its degrees of freedom gives
    here; Bell & McCaffrey 2002); holds only where years share no shock, or hit both sides alike. With a comparison
    `p_value` of schools is the share of assignments of the policy to as many schools with an estimate as large
    (Fisher; all, or 5,000 at random). One school on a side has no spread of its own: its limits are the changes that
    this share would not reject at 5 %, infinite with fewer than 20 schools, where the least share is 1 in their number.
    A school year in which the policy began after 1 October is left out.
    Raises BadInput for schools not in the panel and where fewer than two years lie before or after, BadParameter where
    all schools are named.
    """
    import pandas as pd

    first = first_year_after(policy_date)
    # A school year during which the policy began belongs to neither side.
    whole = found.years != (first - 1 if _day(policy_date) <= date(first - 1, 6, 30) else None)
    values, years = found.values[:, whole], found.years[whole]
    treated = _treated(found.schools, schools)
    compared = not treated.all()
    kinds: tuple[Estimand, ...] = ("shift", "jump") if compared else ("jump", "bend")
    rows = [row for kind in kinds for row in _estimates(values, years, first, treated, kind, seed)]
    if not rows:
        raise BadInput(
            f"The years {', '.join(map(str, years))} do not tell what changed from {first} on: two years before and "
            "two after are needed. Choose another date."
        )
    means = {"schools concerned": values[treated].mean(axis=0)}
    if compared:
        means["other schools"] = values[~treated].mean(axis=0)
    series = pd.DataFrame({"school_year": years, **means})
    return PolicyEffect(first, compared, pd.DataFrame(rows), series, _placebos(values, years, first, treated, kinds[0]))


def design(years: NDArray[np.int64], first: int, kind: Estimand) -> Floats | None:
    """Return the least-squares design of an estimand, its own column last; None where the years cannot tell it.

    A constant, a line (but for *shift*), and a step or bend at `first`; two years on either side are needed, and one
    more year than columns.
    """
    after, line = (years >= first).astype(float), (years - years[0]).astype(float)
    columns = {
        "shift": [np.ones_like(line), after],
        "jump": [np.ones_like(line), line, after],
        "bend": [np.ones_like(line), line, after, after * (years - first)],
    }[kind]
    enough = min(after.sum(), (1 - after).sum()) >= 2 and len(years) > len(columns)
    return np.column_stack(columns) if enough else None


def _estimates(
    values: Floats, years: NDArray[np.int64], first: int, treated: NDArray[np.bool_], kind: Estimand, seed: int
) -> list[dict[str, object]]:
    """One estimand with its error judged by years and by schools."""
    x = design(years, first, kind)
    if x is None:
        return []
    rows = [_row(kind, "years", *by_years(_gap(values, treated), x))]
    each = values @ np.linalg.pinv(x)[-1]
    if treated.all():
        return [*rows, _row(kind, "schools", *by_schools(each, treated))]
    share = {"p_value": permuted(each, treated, seed)}
    if min(treated.sum(), (~treated).sum()) > 1:
        return [*rows, _row(kind, "schools", *by_schools(each, treated)) | share]
    estimate, low, high = by_placement(each, treated)
    alone = {"estimand": WORDS[kind], "chance": "schools", "estimate": estimate, "low": low, "high": high, "df": np.nan}
    return [*rows, alone | share]


def _gap(values: Floats, treated: NDArray[np.bool_]) -> Floats:
    """Mean of the schools concerned by year, minus that of the others where there are any."""
    mean = values[treated].mean(axis=0)
    return mean if treated.all() else mean - values[~treated].mean(axis=0)


def _row(kind: Estimand, chance: str, estimate: float, error: float, df: float) -> dict[str, object]:
    from scipy.stats import t

    half = t.ppf((1 + LEVEL) / 2, df) * error
    p = float(2 * t.sf(abs(estimate) / error, df)) if error > 0 else float("nan")
    return {
        "estimand": WORDS[kind], "chance": chance, "estimate": estimate, "low": estimate - half,
        "high": estimate + half, "df": df, "p_value": p,
    }  # fmt: skip


def _placebos(
    values: Floats, years: NDArray[np.int64], first: int, treated: NDArray[np.bool_], kind: Estimand
) -> pd.DataFrame:
    """The main estimand, with its error by years, as if the policy had begun in each year that allows it."""
    import pandas as pd

    rows = []
    for year in years:
        x = design(years, int(year), kind)
        if x is not None:
            row = _row(kind, "years", *by_years(_gap(values, treated), x))
            rows.append({"first_year": int(year), **row, "placebo": bool(year != first)})
    return pd.DataFrame(rows)


def _treated(schools: Sequence[str], named: Sequence[str]) -> NDArray[np.bool_]:
    if unknown := [school for school in named if school not in schools]:
        raise BadInput(
            f"School {unknown[0]!r} is not in this series, which has {', '.join(schools)}. "
            "Name schools that were under the policy, or none where all were."
        )
    if set(named) == set(schools):
        raise BadParameter("All schools were named, which leaves none to compare with. Where all had it, name none.")
    return np.isin(schools, named) if named else np.ones(len(schools), bool)


def _day(day: date | str) -> date:
    try:
        return day if isinstance(day, date) else date.fromisoformat(day)
    except ValueError as error:
        raise BadParameter(f"The day {day!r} is not a date; write year-month-day, such as 2022-09-01.") from error
