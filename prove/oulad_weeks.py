"""How early it can be told who fails or withdraws: Open University learners, learned on 2013, judged on 2014."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from _study import markdown, picture, write
from sklearn.model_selection import StratifiedGroupKFold

from workbench import dropout
from workbench.dropout import enrolled
from workbench.dropout.models import fit_trees
from workbench.dropout.study import OUTCOME, Study
from workbench.sources.oulad import ENROLMENT, Oulad, read_oulad

PLACE = "WORKBENCH_REAL_DATA"
# An XGBoost of default settings on the same rows, from the same predictors, as it was measured beforehand.
WANTED = {0: 0.636, 30: 0.730, 60: 0.780, 90: 0.822, 120: 0.855, 150: 0.889, 180: 0.909}
BELOW = 0.005
TOO_GOOD = 0.95

ROWS = (
    "Open University Learning Analytics Dataset (Kuzilek, Hlosta & Zdrahal 2017): courses that began in 2013 to "
    "learn from, those of 2014 to be judged; learners of 2014 are left out of learning. On each day, enrolments "
    "registered by then and not given up by then; those without a day of registration are left out. Predictors: "
    "registration, region, education, deprivation, age, and assessments handed in or missed by that day; clicks "
    "where the file covers the course (3 courses of 22). Sex and disability do not predict. Limits are of 95 %, "
    "enrolments of a learner kept together."
)
BESIDE = (
    "Beside two rules on the same enrolments: the number of assessments missed, and the days since anything was "
    "seen of the learner (work handed in; a click, where there are any; the start of the course). Differences are "
    "paired (DeLong et al. 1988; Sun & Xu 2014)."
)
FORWARD = (
    "The courses that began in October 2014 alone, by when every result learned from was known (those of February "
    "2014 began before the courses of October 2013 had ended):"
)
MISTAKE = (
    "**The mistake, made on purpose.** With the totals of the whole course as predictors, for everybody who ever "
    "enrolled, the same model reaches:"
)


def totals(data: Oulad) -> pd.DataFrame:
    """AUC from the totals of the whole course: on the next year, and on learners set apart at random."""
    study = dropout.totals_study(data)
    rows = [("the next year", study.train, study.judged)]
    whole = pd.concat([study.train, study.judged], ignore_index=True)
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=0).split(whole, whole[OUTCOME], whole.id_student)
    learn, held = next(iter(folds))
    rows.append(("a third of all learners, at random", whole.iloc[learn], whole.iloc[held]))
    return pd.DataFrame(
        [(how, len(test), _auc(study, train, test)) for how, train, test in rows], columns=["judged on", "n", "auc"]
    )


def moved_by_later_data(data: Oulad, day: int) -> list[dropout.LeakageFlag]:
    """The predictors that are others when the data end on their day."""
    then, now = enrolled.known_on(enrolled.until(data, day), day), enrolled.known_on(data, day)
    return dropout.changed_afterwards(then, now, ENROLMENT, (now[OUTCOME] == 1).to_numpy())


def _auc(study: Study, train: pd.DataFrame, test: pd.DataFrame) -> float:
    return dropout.auc_interval(test[OUTCOME].to_numpy(), fit_trees(study, train, 0)(test))[0]


def main() -> int:
    """Run the study and write its page."""
    place = Path(os.environ.get(PLACE, "")) / "oulad"
    if not place.is_dir():
        print(f"There are no Open University files: set {PLACE} to the folder that holds oulad/.")
        return 0
    data = read_oulad(place)
    curve = dropout.by_week(data)
    too_good, suspects = totals(data), dropout.totals_study(data).suspects
    step = pd.concat([curve[["day", "auc"]], pd.DataFrame({"day": [240], "auc": [too_good.auc.iloc[0]]})])
    early, later = curve[curve.day == 0].iloc[0], curve[curve.day >= 30]
    beaten = all(
        (later[f"above_{rule}_low"] > 0).all() and (later[f"p_{rule}"] < 0.05).all() for rule in ("missed", "inactive")
    )
    short = ["day", "n", "learned_on", "share", "auc", "auc_low", "auc_high", "accuracy", "accuracy_all_alike"]
    rules = ["day", "n", "auc"]
    for rule in ("missed", "inactive"):
        rules += [f"auc_{rule}", f"above_{rule}", f"above_{rule}_low", f"above_{rule}_high"]
    forward = ["day", f"n_{dropout.weeks.AFTER_ALL}", f"auc_{dropout.weeks.AFTER_ALL}"]
    moved = [flag for day in curve.day for flag in moved_by_later_data(data, int(day))]
    first_day = dropout.week_study(data, 0).flags
    honest_flags = sum(len(dropout.week_study(data, int(day)).flags) for day in curve.day)
    largest = float(np.max([*later.p_missed, *later.p_inactive]))
    return write(
        "oulad_weeks",
        "How early can failing or withdrawing be told?",
        [
            ROWS,
            picture("oulad_weeks", dropout.figures.by_week(curve)),
            markdown(curve[short]),
            f"{BESIDE} The largest p from day 30 is {largest:.1g}.",
            markdown(curve[rules]),
            FORWARD,
            markdown(curve[forward]),
            MISTAKE,
            markdown(too_good),
            "What the detector says of these predictors:",
            markdown(suspects),
            f"Of the predictors known on their days, {honest_flags} are flagged on all later days together, mostly "
            "for being empty: who has handed in nothing by then is nearly always lost. That is a fact of its day, and "
            "the comparison with the data cut on that day says so. A flag asks a person to look; it is no verdict.",
            *dropout.jumps(step, "day"),
        ],
        {
            f"AUC on day 0 is {early.auc:.3f}, at most {BELOW} below {WANTED[0]}": early.auc >= WANTED[0] - BELOW,
            "from day 30 AUC is at least " + ", ".join(f"{v:.3f}" for d, v in WANTED.items() if d): bool(
                (later.auc >= later.day.map(WANTED)).all()
            ),
            "from day 30 the model is above both rules by the paired test": beaten,
            f"totals of the whole course look too good (AUC {too_good.auc.max():.3f}) and are flagged": bool(
                too_good.auc.min() > TOO_GOOD and (suspects.verdict == "gives it away").any()
            ),
            "no predictor changes after its day when later data are added, on any of these days": not moved,
            "no predictor known on day 0 is flagged": not first_day,
        },
    )


if __name__ == "__main__":
    sys.exit(main())
