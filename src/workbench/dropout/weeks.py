"""How early: the risk of failing or withdrawing week by week, learned on one year's courses, judged on the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.dropout import enrolled
from workbench.dropout.leakage import leakage_flags
from workbench.dropout.models import fit_trees
from workbench.dropout.paired import auc_interval, delong
from workbench.dropout.study import OUTCOME, Study
from workbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from workbench.sources.oulad import Oulad

DAYS = (0, 30, 60, 90, 120, 150, 180)
TRAINED_ON, JUDGED_ON = "2013", "2014"
AFTER_ALL = "2014J"  # begins when the results of every course trained on are known
RULES = {"missed": enrolled.MISSED, "inactive": enrolled.INACTIVE}
_HOW = (
    "Learned on the courses that began in 2013, judged on those of 2014; whoever studies in 2014 is left out of "
    "learning. Sex and disability are audited and do not predict."
)

CURVE_HELP = {
    "day": "days since the start of the course",
    "n": "enrolments judged, still open on that day",
    "learned_on": "enrolments learned from",
    "share": "share of those judged who fail or withdraw",
    "auc": "AUC of the model, with 95 % limits",
    "accuracy": "share told rightly when a risk of 0.5 or more counts as a warning",
    "accuracy_all_alike": "share told rightly by saying the commoner result of everybody",
    "auc_missed": "AUC of the number of assessments missed",
    "auc_inactive": "AUC of the days since anything was seen of the learner",
    "above_missed": "AUC of the model minus that of the rule, with 95 % limits and p of the paired test",
    "auc_2014J": "AUC of the model where all results learned from were known before the course began",
}


def week_study(data: Oulad, day: int) -> Study:
    """Return the study of one day: who is enrolled then, what is known then, no learner in both parts."""
    return _study(data, enrolled.known_on(data, day), f"day {day}")


def totals_study(data: Oulad) -> Study:
    """Return the study of everybody from the totals of the whole course: too good, and flagged as such."""
    return _study(data, enrolled.course_totals(data), "totals of the whole course")


def by_week(data: Oulad, days: Sequence[int] = DAYS, seed: int = 0) -> pd.DataFrame:
    """Return one row a day: how well risk separates, beside two rules on the same enrolments; see `CURVE_HELP`.

    Limits and the paired tests keep the enrolments of a learner together; see `paired.delong`.
    """
    import pandas as pd

    return pd.DataFrame([_judged(week_study(data, day), day, seed) for day in days])


def _study(data: Oulad, rows: pd.DataFrame, when: str) -> Study:
    judged = data.enrolments.id_student[data.enrolments.code_presentation.str[:4] == JUDGED_ON]
    year = rows.code_presentation.str[:4]
    test = rows[year == JUDGED_ON].reset_index(drop=True)
    train = rows[(year == TRAINED_ON) & ~rows.id_student.isin(judged)].reset_index(drop=True)
    if not len(train) or not len(test):
        raise BadInput(f"There are no enrolments of {TRAINED_ON} to learn from, or none of {JUDGED_ON} to be judged.")
    predictors = tuple(name for name in enrolled.WORDS if train[name].notna().any())
    flags = leakage_flags(train[list(predictors)], train[OUTCOME].to_numpy() == 1)
    return Study(
        title=f"Open University, {when}",
        outcome_words="failed or withdrew",
        how=_HOW,
        train=train,
        test=test,
        id_column="id_student",
        predictors=predictors,
        groups=enrolled.AUDITED,
        directions=enrolled.DIRECTIONS,
        words=enrolled.WORDS,
        flags=tuple(flags),
        source="OULAD, Kuzilek et al. 2017",
    )


def _judged(study: Study, day: int, seed: int) -> dict[str, float]:
    test = study.judged
    outcome, learners = test[OUTCOME].to_numpy(), test.id_student.to_numpy()
    risk = fit_trees(study, study.train, seed)(test)
    area, low, high = auc_interval(outcome, risk, learners)
    row: dict[str, float] = {"day": day, "n": len(test), "learned_on": len(study.train), "share": outcome.mean()}
    row |= {"auc": area, "auc_low": low, "auc_high": high}
    row |= {"accuracy": float(((risk >= 0.5) == outcome).mean())}
    row |= {"accuracy_all_alike": float(max(outcome.mean(), 1 - outcome.mean()))}
    for rule, column in RULES.items():
        beside = delong(outcome, risk, test[column].to_numpy(dtype=float), learners)
        row[f"auc_{rule}"] = beside.other
        row |= {f"above_{rule}": beside.difference, f"above_{rule}_low": beside.low, f"above_{rule}_high": beside.high}
        row[f"p_{rule}"] = beside.p
    later = (test.code_presentation == AFTER_ALL).to_numpy()
    return row | {f"n_{AFTER_ALL}": int(later.sum()), f"auc_{AFTER_ALL}": auc_interval(outcome[later], risk[later])[0]}
