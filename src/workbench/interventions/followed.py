"""Whom a support was given, who else was there that day, and what became of both: the rows an effect is found from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench import features
from workbench.errors import BadInput, BadParameter, did_you_mean
from workbench.interventions.effect.rows import coded, standardised_differences
from workbench.markup import in_words
from workbench.shares import share

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from workbench.store import Data

WINDOW_DAYS, A_YEAR = 30, 365
"""Who is assigned later than this after the first of a school year is no member of that year's comparison."""
MISSING = "_missing"
PLACEBO = "reading_score_z"
"""Settled before the support, and known: if it differs given the covariates, something else does too."""
FEW_MISSING = 0.05
TAKEN_OUT = (PLACEBO, "supports_assigned")
"""Features that are no covariates: the placebo, and the count of supports, which holds the one that is judged."""


@dataclass(frozen=True)
class Followed:
    """Students who were there when a support was assigned, one row each, and what became of them.

    `rows` holds student_id, school_id, school_year, as_of (the day of assignment), took_part (0/1), left (0/1: dropped
    out within `years`), the covariates known that day and the groups. `unknown` counts those who moved away within
    the years, so that nobody knows; `later` those assigned later in a year; both are not among the rows.
    """

    rows: pd.DataFrame
    kind: str
    years: int
    covariates: tuple[str, ...]
    placebo: str | None
    unknown: int
    later: int

    @property
    def told(self) -> str:
        """Who is compared, in a sentence or two."""
        had, n = int(self.rows.took_part.sum()), len(self.rows)
        said = (
            f"Compared: {had:,} students who were assigned “{in_words(self.kind)}” and {n - had:,} who were enrolled "
            f"in the same grades on the same day and were not, in the school years {self.rows.school_year.min()} to "
            f"{self.rows.school_year.max()}, each followed for {self.years} year(s)."
        )
        left_out = {"moved away within that time": self.unknown, "were assigned later in the year": self.later}
        return " ".join([said, *(f"Left out: {n:,} who {why}." for why, n in left_out.items() if n)])

    def benchmark(self, used: Sequence[str]) -> str | None:
        """The covariate that a hidden confounder is measured by: the one that the two sides differ most in."""
        x = coded(self.rows, [name for name in used if self.rows[name].dtype.kind in "bif"])
        if x.empty:
            return None
        return str(standardised_differences(self.rows.took_part.to_numpy(float), x).abs().idxmax())

    def words(self, column: str) -> str:
        """A covariate as a counsellor would say it."""
        known = {f.name: f.words for f in (*features.FEATURES, *features.AUDIT)}
        if column.endswith(MISSING):
            return f"not known: {self.words(column.removesuffix(MISSING))}"
        if column in known:
            return known[column]
        whole = next((name for name in known if column.startswith(f"{name}_")), None)
        return f"{known[whole]}: {in_words(column[len(whole) + 1 :])}" if whole else in_words(column)


def followed(data: Data, kind: str | None = None, years: int = 2) -> Followed:
    """Return who was assigned a support, who of the same grades was not, and who dropped out within `years`.

    One day a school year: the first on which `kind` was assigned; covariates are what was known that day, before
    anything began. Who was assigned in the 30 days from it took part; everybody else enrolled that day in the same
    grades did not. Years that are not over when the data end are left out. Missing covariates are set to the mean,
    with a column that says so. Raises BadParameter for an unknown kind, BadInput where nobody can be followed.
    """
    kind = _kind(data, kind)
    given = data.interventions.filter(data.interventions.kind == kind)
    first = given.group_by("student_id").agg(assigned=given.assigned_date.min()).to_pandas()
    days = _days(given, data.last_day, years)
    people = features.roster(data, days, grades=(0, 12))
    table = features.student_features(data, people)
    rows = table.join(data.outcomes.select("student_id", "status", "outcome_date"), "student_id", how="left")
    return _labelled(rows.to_pandas(), first, kind, years)


def rates(found: Followed) -> pd.DataFrame:
    """Who left, of those who had the support and of the others, with 95 % limits: columns in words."""
    import pandas as pd

    rows = []
    for name, took in (("had the support", 1), ("did not", 0)):
        left = found.rows.left[found.rows.took_part == took]
        rows.append((name, len(left), int(left.sum()), *share(int(left.sum()), len(left))))
    return pd.DataFrame(rows, columns=["students who", "n", "left", "share", "conf_low", "conf_high"])


def _kind(data: Data, kind: str | None) -> str:
    found = sorted(data.interventions.select("kind").distinct().to_pandas().kind)
    if not found:
        raise BadInput("The table interventions holds no rows: no support was recorded, so none can be judged.")
    if kind is None and len(found) > 1:
        raise BadParameter(f"These data hold several supports ({', '.join(found)}); say which is meant.")
    if kind is not None and kind not in found:
        raise BadParameter(f"No support is called {kind!r}. {did_you_mean(kind, found)}There are: {', '.join(found)}.")
    return kind or found[0]


def _days(given: ibis.Table, last_day: str, years: int) -> list[str]:
    """The first day of assignment of each school year whose follow-up is over."""
    import pandas as pd

    firsts = given.group_by("school_year").agg(day=given.assigned_date.min()).to_pandas()
    firsts = pd.to_datetime(firsts.day)
    over = firsts[firsts + pd.DateOffset(years=years) <= pd.Timestamp(last_day)]
    if over.empty:
        raise BadInput(
            f"The support was first assigned on {firsts.min():%d %B %Y} and these data end on {last_day}: nobody can "
            f"be followed for {years} year(s). Ask for fewer years, or wait."
        )
    return sorted(over.dt.strftime("%Y-%m-%d"))


def _labelled(table: pd.DataFrame, first: pd.DataFrame, kind: str, years: int) -> Followed:
    import pandas as pd

    rows = table.merge(first, on="student_id", how="left")
    start, assigned = pd.to_datetime(rows.as_of), pd.to_datetime(rows.assigned)
    since = (assigned - start).dt.days
    took, later = since.between(0, WINDOW_DAYS), since > WINDOW_DAYS
    same_year = later & (since < A_YEAR)
    eligible = rows.grade_level.isin(rows.grade_level[took].unique()) & ~(since < 0) & ~same_year
    settled = pd.to_datetime(rows.outcome_date)
    within = (settled > start) & (settled <= start + pd.DateOffset(years=years))
    away = within & rows.status.eq("transferred")
    rows = rows.assign(
        took_part=took.astype(int), left=(within & rows.status.eq("dropped_out")).astype(int),
        as_of=start.dt.strftime("%Y-%m-%d"),
    )  # fmt: skip
    kept = rows[eligible & ~away].sort_values(["as_of", "student_id"], ignore_index=True)
    kept = kept.drop(columns=["assigned", "status", "outcome_date"])
    names = [f.name for f in (*features.FEATURES, *features.AUDIT) if f.name not in TAKEN_OUT]
    filled, covariates = _filled(kept, [name for name in names if kept[name].nunique() > 1])
    known = kept[PLACEBO].notna().mean() > 1 - FEW_MISSING
    filled[PLACEBO] = kept[PLACEBO].fillna(kept[PLACEBO].mean())
    gone, after = int((eligible & away).sum()), int(same_year.sum())
    return Followed(filled, kind, years, covariates, PLACEBO if known else None, gone, after)


def _filled(rows: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows with missing numbers at their mean and missing words as their own value; one column more says which."""
    import pandas as pd

    rows, more = rows.copy(), []
    for name in names:
        absent = rows[name].isna()
        if not absent.any():
            continue
        if pd.api.types.is_numeric_dtype(rows[name]):
            rows[name] = rows[name].astype(float).fillna(rows[name].mean())
            rows[name + MISSING] = absent.astype(int)
            more.append(name + MISSING)
        else:
            rows[name] = rows[name].fillna("not known")
    alike = {tuple(rows[name]): name for name in reversed(more)}  # several tests missed together are one fact
    return rows, (*names, *sorted(alike.values()))
