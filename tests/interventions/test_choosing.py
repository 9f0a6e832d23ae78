"""Choosing within capacity: against every possible choice, and each reason it can be refused."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from scipy.optimize import linprog

import workbench as wb
from workbench.access.audit import Log
from workbench.errors import BadInput, BadParameter, ModelError
from workbench.interventions.encouragement import Encouragement
from workbench.interventions.written import Action, Condition

TUTORING = Action("tutoring", "Tutoring", "…", "teacher", 8, 0.15, "assumed", (Condition("gpa", "below", 2.0),))
MEETING = Action("meeting", "Meeting", "…", "counsellor", 2, 0.06, "assumed", (Condition("risk", "above", 0.05),))
BOTH = (TUTORING, MEETING)
AT = "2025-02-03T08:00:00+00:00"


def students(n: int = 8, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "student_id": [f"{i:03d}" for i in range(n)],
            "school_id": ["A" if i < n // 2 else "B" for i in range(n)],
            "counsellor_id": [f"C{i % 2}" for i in range(n)],
            "risk": rng.uniform(0, 0.6, n),
            "gpa": rng.uniform(1, 3, n),
        }
    )


def alike(n: int) -> pd.DataFrame:
    return students(n).assign(risk=0.3, gpa=3.0, school_id="A", counsellor_id="C0")


@pytest.mark.parametrize("seed", range(6))
def test_no_other_choice_helps_more(seed: int) -> None:
    """Three options for each of eight students: all 6,561 choices are tried."""
    table, hours, quotas = students(8, seed), {"C0": 12.0, "C1": 10.0}, {"A": (0, 3), "B": (1, 4)}
    found = wb.interventions.assign(table, actions=BOTH, hours=hours, capacity=5, quotas=quotas)
    best = 0.0
    for picked in product((None, TUTORING, MEETING), repeat=8):
        used = {"C0": 0.0, "C1": 0.0}
        schools, benefit, fits = {"A": 0, "B": 0}, 0.0, True
        for row, action in zip(table.itertuples(), picked, strict=True):
            if action is None:
                continue
            fits &= (row.gpa < 2.0) if action is TUTORING else (row.risk > 0.05)
            used[row.counsellor_id] += action.hours
            schools[row.school_id] += 1
            benefit += row.risk * action.avoids
        fits &= all(used[c] <= hours[c] for c in used) and sum(schools.values()) <= 5
        fits &= all(low <= schools[s] <= high for s, (low, high) in quotas.items())
        best = max(best, benefit) if fits else best
    assert found.benefit == pytest.approx(best, abs=1e-9)


def test_of_many_students_the_choice_is_the_best_and_keeps_every_quota() -> None:
    """As good as that of the same problem written down a second time; taking students in parts bounds both."""
    table = students(400, 7)
    quotas = {"A": (20, 45), "B": (60, 80)}
    found = wb.interventions.assign(table, actions=BOTH, hours=150.0, capacity=110, quotas=quotas)
    taken = found.chosen.groupby("school_id").size()
    assert all(low <= taken[school] <= most for school, (low, most) in quotas.items())
    assert found.chosen.groupby("counsellor_id").hours.sum().max() <= 150
    assert len(found.chosen) <= 110
    offers = [(s, a, a.hours, s.risk * a.avoids) for s in table.itertuples() for a in BOTH if s.gpa < 2 or a is MEETING]
    limits, bounds = [], []

    def limit(weights: list[float], most: float) -> None:
        limits.append(weights)
        bounds.append(most)

    for counsellor in ("C0", "C1"):
        limit([o[2] * (o[0].counsellor_id == counsellor) for o in offers], 150)
    for school, (low, most) in quotas.items():
        limit([1.0 * (o[0].school_id == school) for o in offers], most)
        limit([-1.0 * (o[0].school_id == school) for o in offers], -low)
    limit([1.0] * len(offers), 110)
    for student in table.student_id:
        limit([1.0 * (o[0].student_id == student) for o in offers], 1)
    relaxed = linprog([-o[3] for o in offers], A_ub=np.array(limits), b_ub=bounds, bounds=(0, 1))
    whole = optimize.milp(
        [-o[3] for o in offers], integrality=np.ones(len(offers)), bounds=optimize.Bounds(0, 1),
        constraints=optimize.LinearConstraint(np.array(limits), -np.inf, bounds), options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    assert (relaxed.status, whole.status) == (0, 0)
    assert found.benefit == pytest.approx(-whole.fun, abs=1e-6)
    assert found.benefit <= -relaxed.fun + 1e-9


def test_when_the_time_is_up_the_gap_that_is_left_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = optimize.milp

    def cut(*args: Any, **options: Any) -> Any:
        found = real(*args, **options)
        found.status, found.mip_gap = 1, 0.0123
        return found

    monkeypatch.setattr(optimize, "milp", cut)
    found = wb.interventions.assign(students(), actions=BOTH, hours=10.0, capacity=3)
    assert "Time was up: another choice may help by up to 1.23% more." in found.told


def test_who_can_be_helped_goes_before_who_is_most_at_risk() -> None:
    table = students(2).assign(risk=[0.5, 0.3], gpa=[3.0, 1.5], counsellor_id="C0")
    found = wb.interventions.assign(table, actions=BOTH, hours=8, capacity=1)
    assert list(found.chosen.student_id) == ["001"]  # 0.3 × 0.15 is more than 0.5 × 0.06
    assert found.near_misses.why.iloc[0] == "the counsellor has 0 of the 2 hours left"


def test_thresholds_near_misses_and_reasons_are_shown() -> None:
    table = alike(6).assign(risk=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    found = wb.interventions.assign(table, actions=BOTH, hours=6)
    assert list(found.chosen.student_id) == ["005", "004", "003"]
    (row,) = found.thresholds.itertuples()
    assert (row.students, row.hours, row.hours_used, row.threshold) == (3, 6, 6, pytest.approx(0.4 * 0.06))
    assert found.near_misses.student_id.iloc[0] == "002"
    assert found.near_misses.short_by.iloc[0] == pytest.approx(0.1 * 0.06)
    assert found.chosen.reasons.iloc[0] == "the risk of dropping out is 60 % (above 5 %)"
    assert found.told[-1] == "A person decides: this list recommends."


def test_chance_decides_between_students_who_are_alike() -> None:
    draws = [wb.interventions.assign(alike(6), actions=BOTH, hours=4, seed=seed).chosen for seed in range(60)]
    assert all(len(chosen) == 2 and chosen.tied.all() for chosen in draws)
    times = pd.concat(draws).student_id.value_counts().reindex(alike(6).student_id, fill_value=0)
    assert times.between(8, 34).all()  # 60 draws of 2 from 6 expect 20 each; 4 standard deviations are 14.6
    again = wb.interventions.assign(alike(6), actions=BOTH, hours=4, seed=7)
    assert again.chosen.equals(draws[7])
    assert (again.not_chosen.why == "tied with students who were chosen; chance decided").all()


def test_every_student_who_is_not_chosen_has_a_reason() -> None:
    table = students(8).assign(risk=[0.01, *[0.5] * 7], gpa=3.0)
    found = wb.interventions.assign(
        table, actions=BOTH, hours=100, quotas={"B": (0, 1)}, excluded={"001": "moves away"}
    )
    why = found.not_chosen.set_index("student_id").why
    assert len(found.chosen) + len(why) == 8
    assert why["000"] == "no rule recommends anything"
    assert why["001"] == "excluded: moves away"
    assert sum(why.index.isin(["004", "005", "006", "007"])) == 3


def test_the_fewest_of_a_school_that_cannot_be_reached_are_named() -> None:
    with pytest.raises(ModelError, match="at least 5 students of 'A'"):
        wb.interventions.assign(students(8), actions=BOTH, hours=100, quotas={"A": (5, 9)})
    with pytest.raises(ModelError, match="No choice gives every school its fewest"):
        wb.interventions.assign(alike(8), actions=BOTH, hours=2, quotas={"A": (2, 9)})


def test_nobody_at_risk_is_an_empty_list() -> None:
    found = wb.interventions.assign(students(4).assign(risk=0.0, gpa=3.0), actions=BOTH, hours=10)
    assert (len(found.chosen), len(found.not_chosen), found.benefit) == (0, 4, 0)


@pytest.mark.parametrize(
    ("table", "more", "error", "why"),
    [
        (students().drop(columns="risk"), {}, BadInput, "no column 'risk'"),
        (students().assign(race_ethnicity="white"), {}, BadInput, "never chooses: drop it"),
        (students().assign(sex="male"), {}, BadInput, "never chooses: drop it"),
        (students().assign(risk=1.2), {}, BadInput, "risk between 0 and 1"),
        (students().assign(student_id="001"), {}, BadInput, "stands there twice"),
        (students(), {"hours": {"C0": 1}}, BadParameter, "counsellor 'C1'"),
        (students(), {"hours": -1}, BadParameter, "below 0"),
        (students(), {"capacity": -1}, BadParameter, "below 0"),
        (students(), {"quotas": {"C": (0, 1)}}, BadParameter, "names the school 'C'"),
        (students(), {"quotas": {"A": (2, 1)}}, BadParameter, "the fewest before the most"),
        (students(), {"excluded": {"999": "moved"}}, BadParameter, "not in the table"),
    ],
)
def test_what_cannot_be_used_is_named(
    table: pd.DataFrame, more: dict[str, object], error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why):
        wb.interventions.assign(table, **{"actions": BOTH, "hours": 10} | more)  # type: ignore[arg-type]


def test_chance_at_the_margin_needs_a_recorded_approval(log: Log) -> None:
    day = date(2025, 2, 3)
    with pytest.raises(BadParameter, match="Without one nobody's support is left to chance"):
        wb.interventions.approved("board-12", day=day, log=log)
    said = {"pairs": 2, "until": date(2025, 6, 30), "reference": "minutes of 20 January"}
    wb.interventions.approve("board-12", **said, who="lee", at=AT, log=log)  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match="ended on 2025-06-30"):
        wb.interventions.approved("board-12", day=date(2025, 7, 1), log=log)
    assert wb.interventions.approved("board-12", day=day, log=log).pairs == 2


def test_the_coin_is_fair_and_keeps_the_hours(log: Log) -> None:
    said = {"pairs": 2, "until": date(2025, 6, 30), "reference": "minutes of 20 January"}
    table = alike(8).assign(risk=np.arange(1, 9) / 10)
    inner = 0
    for number in range(100):
        wb.interventions.approve(f"board-{number}", **said, who="lee", at=AT, log=log)  # type: ignore[arg-type]
        coin = wb.interventions.approved(f"board-{number}", day=date(2025, 2, 3), log=log)
        chosen = wb.interventions.assign(table, actions=BOTH, hours=8, encourage=coin).chosen
        assert chosen.hours.sum() == 8
        assert {"006", "007"} <= set(chosen.student_id)  # above the margin nothing is left to chance
        assert list(chosen.sort_values("pair").probability) == [1, 1, 0.5, 0.5]
        inner += {"004", "005"} <= set(chosen.student_id)
    assert 10 <= inner <= 42  # both pairs fall as without a coin in a quarter of 100 draws; ± 4 standard deviations


def test_the_coin_of_an_approval_falls_the_same_however_often_it_is_thrown(log: Log) -> None:
    until = date(2025, 6, 30)
    wb.interventions.approve("board-12", pairs=2, until=until, reference="minutes, item 4", who="lee", at=AT, log=log)
    table = alike(8).assign(risk=np.arange(1, 9) / 10)
    found = set()
    for day in range(3, 23):
        coin = wb.interventions.approved("board-12", day=date(2025, 2, day), log=log)
        chosen = wb.interventions.assign(table, actions=BOTH, hours=8, encourage=coin, seed=day).chosen
        found.add(tuple(sorted(chosen.student_id)))
    assert len(found) == 1


@pytest.mark.parametrize("name", ["Sex", "RACE", " race ethnicity", "Disability"])
def test_what_audits_is_refused_however_it_is_written(name: str) -> None:
    with pytest.raises(BadInput, match="audits and never chooses: drop it"):
        wb.interventions.assign(students().assign(**{name: "x"}), actions=BOTH, hours=10)


@pytest.mark.parametrize(
    ("name", "pairs", "said"), [("board-13", 2, "No approval 'board-13'"), ("board-12", 3, "for 2")]
)
def test_an_encouragement_without_its_approval_draws_nothing(log: Log, name: str, pairs: int, said: str) -> None:
    until, day = date(2025, 6, 30), date(2025, 2, 3)
    wb.interventions.approve("board-12", pairs=2, until=until, reference="minutes, item 4", who="lee", at=AT, log=log)
    made_by_hand = Encouragement(name, pairs, day, log)
    with pytest.raises(BadParameter, match=said):
        wb.interventions.assign(alike(6), actions=BOTH, hours=6, encourage=made_by_hand)


def test_what_cannot_be_chosen_from_is_named() -> None:
    with pytest.raises(BadParameter, match="no action to choose from"):
        wb.interventions.assign(students(), actions=(), hours=10)
    with pytest.raises(BadInput, match="a risk between 0 and 1"):
        wb.interventions.assign(students().assign(risk="high"), actions=BOTH, hours=10)
    with pytest.raises(BadInput, match="'gpa' holds words"):
        wb.interventions.assign(students().assign(gpa="good"), actions=BOTH, hours=10)
    with pytest.raises(BadParameter, match="capacity is nan"):
        wb.interventions.assign(students(), actions=BOTH, hours=10, capacity=float("nan"))  # type: ignore[arg-type]
