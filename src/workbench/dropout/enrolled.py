"""What was known about a learner of a distance course on one of its days: registration, work due, work handed in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.dropout.study import OUTCOME
from workbench.sources.oulad import COURSE, ENROLMENT, Oulad

if TYPE_CHECKING:
    import pandas as pd

LOST = ("Fail", "Withdrawn")
WORK = ["id_assessment", "id_student"]
MISSED, INACTIVE = "missed", "days_since_seen"

WORDS = {
    "code_module": "course",
    "start_month": "month in which the course starts",
    "module_presentation_length": "length of the course in days",
    "date_registration": "day of registration",
    "num_of_prev_attempts": "earlier attempts at this course",
    "studied_credits": "credits studied at the same time",
    "region": "region",
    "highest_education": "highest education",
    "imd_band": "deprivation of the neighbourhood",
    "age_band": "age",
    "due": "assessments due so far",
    "missed": "assessments missed so far",
    "missed_last": "missed the latest assessment",
    "handed_in": "assessments handed in so far",
    "handed_in_early": "assessments handed in before their time so far",
    "weight_handed_in": "share of the weight due that was handed in",
    "late": "assessments handed in late",
    "days_early": "how many days before the time work is handed in",
    "score": "mean score",
    "score_weighted": "points gained of those due so far",
    "score_last": "latest score",
    "score_lowest": "lowest score",
    "score_above": "scores compared with those of the same assessment",
    "days_since_seen": "days since anything was seen of the student",
    "clicks_28": "clicks in the last four weeks",
    "active_days_28": "days active in the last four weeks",
}
AUDITED = ("gender", "disability", "age_band")
# Where theory gives a direction: what is missed or late raises the risk, what is gained lowers it.
DIRECTIONS = {
    **dict.fromkeys(("missed", "missed_last", "late", "num_of_prev_attempts"), 1),
    **dict.fromkeys(("weight_handed_in", "score", "score_weighted", "score_last", "score_lowest", "score_above"), -1),
}


def known_on(data: Oulad, day: int) -> pd.DataFrame:
    """Return one row an enrolment registered by `day` and not given up by then, with what was known that day.

    Columns: the enrolment, those of `WORDS`, those to be audited, and the 0/1 `outcome`, fail or withdraw. A
    score counts from the day its work was handed in, because the files do not say when it was marked. Clicks are
    missing where the file does not cover the course.
    """
    here = data.enrolments
    open_ = here.date_unregistration.isna() | (here.date_unregistration > day)
    return _with_work(data, here[(here.date_registration <= day) & open_], day)


def until(data: Oulad, day: int) -> Oulad:
    """Return the data as they stood on `day`: nothing handed in, clicked or given up later; results stay."""
    here = data.enrolments
    given_up = here.date_unregistration.where(here.date_unregistration <= day)
    return replace(
        data,
        enrolments=here.assign(date_unregistration=given_up),
        handed_in=data.handed_in[data.handed_in.date_submitted <= day],
        clicks=data.clicks[data.clicks.date <= day],
    )


def course_totals(data: Oulad) -> pd.DataFrame:
    """Return one row an enrolment, however it went, with the totals of the whole course as its predictors.

    This is the mistake, made on purpose: the totals tell the outcome and predict nothing.
    """
    return _with_work(data, data.enrolments, int(data.enrolments.module_presentation_length.max()))


def _with_work(data: Oulad, rows: pd.DataFrame, day: int) -> pd.DataFrame:
    import pandas as pd

    rows = rows.reset_index(drop=True)
    table = rows.assign(
        start_month=rows.code_presentation.str[-1].map({"B": 2.0, "J": 10.0}),
        **{OUTCOME: rows.final_result.isin(LOST).astype("int64")},
    ).drop(columns=["final_result", "date_unregistration"])
    table = table.merge(_handed_in(data, rows, day), "left", on=ENROLMENT)
    table = table.merge(_clicks(data, day), "left", on=ENROLMENT)
    for name in ("due", "missed", "missed_last", "handed_in", "handed_in_early", "late"):
        table[name] = table[name].fillna(0)
    covered = pd.Series([pair in data.covered for pair in table[COURSE].itertuples(index=False, name=None)], dtype=bool)
    for name in ("clicks_28", "active_days_28"):
        table[name] = table[name].fillna(0).where(covered)
    begun = table.date_registration.clip(lower=0)
    seen = table[["last_handed_in", "last_click"]].max(axis=1)
    table[INACTIVE] = (day - seen.fillna(begun).clip(lower=begun)).clip(lower=0)
    return table.drop(columns=["last_handed_in", "last_click"])


def _handed_in(data: Oulad, rows: pd.DataFrame, day: int) -> pd.DataFrame:
    """What was due and what was handed in up to a day, one row an enrolment."""
    work = data.handed_in[data.handed_in.date_submitted <= day]
    work = work.assign(above=work.score - work.groupby("id_assessment").score.transform("mean"))
    due = data.due[data.due.date <= day]
    expected = rows[ENROLMENT].merge(due, on=COURSE).merge(
        work[[*WORK, "date_submitted", "score"]], "left", on=WORK
    )  # fmt: skip
    came = expected.date_submitted.notna()
    expected = expected.assign(
        missed=~came,
        missed_last=~came & (expected.date == expected.groupby(ENROLMENT).date.transform("max")),
        weight_in=expected.weight.where(came, 0.0),
        points=expected.weight * expected.score.where(came, 0.0),
    )
    of_due = expected.groupby(ENROLMENT).agg(
        due=("missed", "size"),
        missed=("missed", "sum"),
        missed_last=("missed_last", "max"),
        weight=("weight", "sum"),
        weight_in=("weight_in", "sum"),
        points=("points", "sum"),
    )
    weight = of_due.weight.where(of_due.weight > 0)
    of_due = of_due.assign(weight_handed_in=of_due.weight_in / weight, score_weighted=of_due.points / weight)
    work = work.sort_values("date_submitted").assign(
        late=work.date_submitted > work.date,
        handed_in_early=~(work.date <= day),
        days_early=work.date - work.date_submitted,
        last_handed_in=work.date_submitted.where(work.is_banked == 0),
    )
    of_work = work.groupby(ENROLMENT).agg(
        handed_in=("score", "size"),
        handed_in_early=("handed_in_early", "sum"),
        late=("late", "sum"),
        days_early=("days_early", "mean"),
        score=("score", "mean"),
        score_last=("score", "last"),
        score_lowest=("score", "min"),
        score_above=("above", "mean"),
        last_handed_in=("last_handed_in", "max"),
    )
    both = of_due.drop(columns=["weight", "weight_in", "points"]).join(of_work, how="outer")
    return both.astype(float).reset_index()


def _clicks(data: Oulad, day: int) -> pd.DataFrame:
    known = data.clicks[data.clicks.date <= day]
    recent = known.assign(recent=known.sum_click.where(known.date > day - 28), active=known.date > day - 28)
    sums = recent.groupby(ENROLMENT).agg(
        clicks_28=("recent", "sum"), active_days_28=("active", "sum"), last_click=("date", "max")
    )
    return sums.astype(float).reset_index()
