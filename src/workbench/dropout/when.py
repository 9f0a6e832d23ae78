"""When, not only whether: the risk of leaving in each of the coming periods (discrete-time survival)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from workbench.dropout.linear import Floats
from workbench.dropout.models import Risk, fit_trees
from workbench.dropout.study import OUTCOME, Study
from workbench.errors import BadInput
from workbench.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

PERIOD = "period"
DAYS_A_YEAR = 365.25
WHOLE = 0.01  # from a day to the same day of the next year are 365 days, too: that is a whole year


@dataclass(frozen=True)
class When:
    """A fitted hazard: the risk of leaving in a period, for those who are still there at its start."""

    hazard: Risk
    periods: int

    def left_by(self, frame: pd.DataFrame) -> Floats:
        """Return the risk of having left by the end of each period: rows × periods, never falling.

        F(t) = 1 − Π (1 − h(s)), s = 1 … t.
        """
        hazards = np.column_stack([self.hazard(frame.assign(**{PERIOD: float(t)})) for t in range(1, self.periods + 1)])
        return np.asarray(1 - np.cumprod(1 - hazards, axis=1), dtype=float)


def person_periods(frame: pd.DataFrame, last: str, left: str, periods: int) -> pd.DataFrame:
    """Return one row a student and period lived through, with `period` from 1 and the 0/1 `outcome`.

    `last` is the number of whole or begun periods in which the student was seen (1 or more), `left` whether the
    student left in the last of them; who did not is censored after it. Periods beyond `periods` are cut.
    Raises BadInput where a period is missing or below 1.
    """
    seen = frame[last]
    if seen.isna().any() or (seen < 1).any():
        raise BadInput(f"{last} must be 1 or more in every row: leave out students who were not there at the start.")
    lived = seen.clip(upper=periods).astype(int).to_numpy()
    rows = frame.loc[frame.index.repeat(lived)].reset_index(drop=True)
    period = np.concatenate([np.arange(1, n + 1) for n in lived]) if len(lived) else np.array([], dtype=int)
    ends = rows[left].astype(bool).to_numpy() & (period == rows[last].to_numpy())
    return rows.assign(**{PERIOD: period.astype(float), OUTCOME: ends.astype("int64")})


def fit_when(study: Study, frame: pd.DataFrame, last: str, left: str, periods: int, seed: int = 0) -> When:
    """Fit the hazard on person-periods with the model of `fit_trees`, the period being one more predictor.

    Discrete-time survival (Singer & Willett 1993): every student counts for as long as they were seen, so those
    who transferred or whose outcome is not known yet are neither left out nor taken for stayers. It assumes that
    who is censored would have fared like those alike who were not.
    Raises BadInput where nobody left, or everybody did in every period.
    """
    if not study.id_column:
        raise BadInput("A study of when needs a column that identifies students.")
    rows = person_periods(frame, last, left, periods)
    if rows[OUTCOME].nunique() < 2:
        raise BadInput(f"Of {len(rows):,} periods lived through, {int(rows[OUTCOME].sum()):,} ended in leaving.")
    timed = replace(study, predictors=(*study.predictors, PERIOD), train=rows)
    return When(fit_trees(timed, rows, seed), periods)


def years_seen(data: Data, study: Study, years: int) -> pd.DataFrame:
    """Return the training rows of a study from a data folder with `years_seen`, 1 to `years`, and `left`.

    Years count from the row's `as_of` to the day of leaving or the day on which the study stands, whichever
    comes first: nothing later is used. A leaver is seen in the year of leaving too; somebody censored (a transfer, or
    still there), in whole years alone, and not at all where that is none. Who has graduated cannot leave any more and
    counts as staying on, so that the hazards add up to the share that leaves at all (Fine & Gray 1999).
    """
    import pandas as pd

    rows = study.train
    ends = data.outcomes.select("student_id", "status", "outcome_date").to_pandas()
    ends = rows[["student_id"]].merge(ends, "left", on="student_id")
    begun, today = pd.to_datetime(rows.as_of), pd.Timestamp(study.judged.as_of.iloc[0])
    settled = pd.to_datetime(ends.outcome_date)
    left = (ends.status == "dropped_out") & (settled <= today)
    ended = (settled <= today) & (ends.status != "graduated")
    passed = (settled.where(ended, today) - begun).dt.days / DAYS_A_YEAR
    seen = np.where(left, np.ceil(passed), np.floor(passed + WHOLE)).clip(max=years)
    return rows.assign(years_seen=seen, left=left & (np.ceil(passed) <= years))[seen >= 1].reset_index(drop=True)


def when_by_grade(when: When, rows: pd.DataFrame, judged: pd.DataFrame, seen: str, left: str) -> pd.DataFrame:
    """Return one row a grade and year: the share of `judged` expected to have left by its end, beside the past.

    Columns: grade_level, year, n (students told of), expected, and observed with its 95 % limits observed_low and
    observed_high: the share of the rows learned from in that grade that had left by then (see `observed`).
    """
    import pandas as pd

    risks = when.left_by(judged)
    found = []
    for grade in sorted(judged.grade_level.unique()):
        here, then = (judged.grade_level == grade).to_numpy(), rows[rows.grade_level == grade]
        past = observed(then, seen, left, when.periods)
        expected = pd.Series(risks[here].mean(axis=0), past.index)
        found.append(past.assign(grade_level=grade, year=past.index, n=int(here.sum()), expected=expected))
    told = {"share": "observed", "low": "observed_low", "high": "observed_high"}
    order = ["grade_level", "year", "n", "expected", *told.values()]
    return pd.concat(found, ignore_index=True).rename(columns=told)[order]


def observed(frame: pd.DataFrame, last: str, left: str, periods: int) -> pd.DataFrame:
    """Return the share that had left by each period, censored students counting while seen (Kaplan & Meier 1958).

    One row a period, 1 to `periods`, with share, low and high: 95 % limits after Rothman (1978), Wilson's for as many
    students as would have given Greenwood's variance had nobody been censored. NaN after the last period lived through.
    """
    import pandas as pd

    rows = person_periods(frame, last, left, periods)
    lived = rows.groupby(PERIOD)[OUTCOME].agg(["sum", "size"]).reindex(range(1, periods + 1))
    leavers, at_risk = lived["sum"].to_numpy(float), lived["size"].to_numpy(float)
    share = 1 - np.cumprod(1 - leavers / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.cumsum(leavers / (at_risk * (at_risk - leavers)))
        n = np.where((share > 0) & (share < 1), share / ((1 - share) * spread), at_risk)
    low, high = wilson(share * n, n)
    return pd.DataFrame({"share": share, "low": low, "high": high}, index=lived.index.astype(int))
