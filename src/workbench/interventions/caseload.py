"""From risks and offers to what people read: a caseload's rows, what the list is worth, and counts by school."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.dropout import Assessment, Today, of_100
from workbench.dropout.aggregate import Told
from workbench.dropout.explain import USE
from workbench.features import FEATURES
from workbench.interventions.choosing import Assignment
from workbench.interventions.written import Action

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

CHOICE: Final = "These rules and hours"
HELP: Final = {
    "student_id": "the student",
    "school_id": "the student's school",
    "grade_level": "grade",
    "place": "offered now, or near: missed the last place by little, for your own judgement",
    "offer": "what the rules recommend first",
    "by": "who does it",
    "why": "what the rule saw",
    "also": "what raises this student's risk most in the records",
    "like_this": "what became of students with a risk like this one",
    "use": "a person decides",
    "expires": "after this day the row is out of date: ask for a new list",
}
OFFERS_HELP: Final = {
    "n": "students",
    "expected_leavers": "students expected to leave within the horizon: the sum of their risks",
    "share_offered": "share that is offered support now",
}
OFFERS_KINDS: Final = {"expected_leavers": "total", "share_offered": "share"}


def students(now: Told) -> pd.DataFrame:
    """Return what a choice is made from: student_id, school_id, counsellor_id, risk and the features.

    A school's staff share one caseload, so counsellor_id is the school; race, sex and disability are not there.
    """
    judged = now.study.judged
    names = [one.name for one in FEATURES if one.name in judged]
    found = judged[["student_id", "school_id", *names]].assign(risk=now.risk)
    return found.assign(counsellor_id=found.school_id)


def with_choice(judged: Assessment, then: Assignment) -> Assessment:
    """Return an assessment with one list more: the students whom the same rules and hours would have chosen then."""
    picked = np.asarray(judged.study.judged.student_id.isin(then.chosen.student_id), np.float64)
    return replace(judged, scores={CHOICE: picked} | judged.scores)


def rows(now: Today, chosen: Assignment, judged: Assessment, actions: tuple[Action, ...], days: int) -> pd.DataFrame:
    """Return one row a student who is offered something or missed the last place by little: columns as in `HELP`."""
    import pandas as pd

    near = chosen.near_misses.assign(place="near")
    found = pd.concat([chosen.chosen.assign(place="offered"), near], ignore_index=True)
    known = now.table.set_index("student_id")
    titles = {one.name: one.title for one in actions}
    return pd.DataFrame(
        {
            "student_id": found.student_id,
            "school_id": found.school_id,
            "grade_level": found.student_id.map(known.grade_level),
            "place": found.place,
            "offer": found.action.map(titles),
            "by": found.by,
            "why": found.reasons,
            "also": found.student_id.map(known.reasons),
            "like_this": [of_100(judged, risk) for risk in found.student_id.map(known.risk)],
            "use": f"A person decides. {USE}",
            "expires": str(valid(now, days)[1]),
        }
    )


def valid(now: Today, days: int) -> tuple[date, date]:
    """Return the day of a list and the last on which it may be used: `days` later, or when its horizon closes."""
    day = date.fromisoformat(now.as_of)
    return day, min(day + timedelta(days=days), now.until)


def by_action(chosen: Assignment, actions: tuple[Action, ...]) -> pd.DataFrame:
    """Return one row an action: how many students are offered it, the hours, and the expected benefit."""
    titles = {one.name: one.title for one in actions}
    found = chosen.chosen.groupby("action", as_index=False).agg(
        students=("student_id", "size"), hours=("hours", "sum"), avoided=("benefit", "sum")
    )
    found.insert(0, "offer", found.pop("action").map(titles))
    return found.rename(columns={"avoided": "dropouts avoided, expected"})


def thresholds(chosen: Assignment) -> pd.DataFrame:
    """Return one row a school: students, hours used of how many, and the benefit of the last place, per 100 offers."""
    found = chosen.thresholds.rename(columns={"counsellor_id": "school", "hours_used": "hours used"})
    last = (100 * found.pop("threshold")).rename("last place")
    return found.assign(**{"last place": last})


def left_out(chosen: Assignment) -> pd.DataFrame:
    """Return how many students are not on the list, by why, the commonest first."""
    whys = chosen.not_chosen.why.where(
        ~chosen.not_chosen.why.str.startswith("the counsellor has"), "the school's hours are used"
    )
    return whys.value_counts().rename_axis("why").reset_index(name="students")


def offers_by_school(now: Today, chosen: Assignment, data: Data) -> pd.DataFrame:
    """Return one row a school and one for all: n, expected leavers and the share that is offered support."""
    import pandas as pd

    names = data.schools.select("school_id", "name").to_pandas().set_index("school_id").name
    judged = now.study.judged[["student_id", "school_id"]].assign(risk=now.risk)
    judged["offered"] = judged.student_id.isin(chosen.chosen.student_id).astype(float)
    whole = judged.assign(school_id="all")
    found = pd.concat([whole, judged]).groupby("school_id", sort=False).agg(
        n=("student_id", "size"), expected_leavers=("risk", "sum"), share_offered=("offered", "mean")
    )  # fmt: skip
    found = found.reset_index()
    found.insert(1, "school_name", found.school_id.map(names).fillna("All schools"))
    return found
