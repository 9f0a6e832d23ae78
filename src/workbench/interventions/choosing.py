"""Which students get which support: the greatest expected benefit that the staff's hours and the quotas allow, exactly.

Maximise Σ benefit·x over students and recommended actions, x ∈ {0, 1}, with at most one action a student, hours within
each counsellor's caseload, students within each school's quota and within the whole capacity. HiGHS solves it by branch
and bound to a gap of zero, or says which gap is left when its time is up (Huangfu & Hall 2018, *Math. Prog. Comp.*
10:119–142). The threshold of a counsellor is what comes out: the least benefit that was chosen. Nobody is chosen by
risk alone, and no group has a threshold of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workbench.errors import BadInput, BadParameter, ModelError, did_you_mean
from workbench.interventions.written import FILE, Action, is_protected, read, recommended

if TYPE_CHECKING:
    import pandas as pd

    from workbench.interventions.encouragement import Encouragement

NEEDED: Final = ("student_id", "school_id", "counsellor_id", "risk")
SAME: Final = 1e-9
"""Benefits closer than this are a tie."""
NEAR_MISSES: Final = 10
LONGEST_SECONDS: Final = 60
"""After this the best choice found so far is taken, and how far it may be from the best there is, is told."""
UNIT: Final = ("school_id", "counsellor_id")


@dataclass(frozen=True)
class Assignment:
    """Who was chosen for what, who was not and why, and what decided; every table names students by identifier.

    `chosen`: student_id, school_id, counsellor_id, action, by, risk, hours, benefit, reasons, tied, encouraged, pair,
    probability. `not_chosen`: the best action of each other student, with `why`. `near_misses`: the first of these,
    with `short_by`, the benefit they lack to their counsellor's threshold. `thresholds`: one row a counsellor with
    students, hours used of how many, and the least benefit chosen. `benefit` is the expected number of
    dropouts avoided.
    """

    chosen: pd.DataFrame
    not_chosen: pd.DataFrame
    near_misses: pd.DataFrame
    thresholds: pd.DataFrame
    benefit: float
    told: tuple[str, ...]


def assign(
    students: pd.DataFrame,
    *,
    hours: float | Mapping[str, float],
    actions: tuple[Action, ...] | None = None,
    capacity: int | None = None,
    quotas: Mapping[str, tuple[int, int]] | None = None,
    excluded: Mapping[str, str] | None = None,
    encourage: Encouragement | None = None,
    seed: int = 0,
) -> Assignment:
    """Choose students and actions by expected benefit within capacity.

    `students` has student_id, school_id, counsellor_id, risk (0 to 1) and the features that the rules ask for. `hours`
    is what each counsellor has (or every one); `capacity` the most students in all; `quotas` the fewest and the most a
    school; `excluded` says why a student is left out; `seed` breaks ties between students alike in all that counts.
    `actions` are those of actions.yml without it. `encourage` lets chance decide at the margin, by a recorded approval.

    Raises BadInput for a table that cannot be used, BadParameter for a capacity that cannot be, ModelError where no
    choice fulfils the fewest of every school.
    """
    actions = read(FILE) if actions is None else actions
    quotas, excluded = dict(quotas or {}), dict(excluded or {})
    _check(students, hours, capacity, quotas, excluded)
    given = _hours(students, hours)
    offers = recommended(students[~students.student_id.isin(excluded)], actions)
    offers = offers.merge(students[[*NEEDED]], on="student_id")
    offers = offers.sort_values(["student_id", "action"], ignore_index=True)
    taken, gap = _solve(offers, given, capacity, quotas)
    offers, taken = _ties(offers, taken, seed)
    offers = offers.assign(encouraged=False, pair=0, probability=1.0)
    if encourage is not None:
        offers, taken = encourage.drawn(offers, taken)
    return _told(students, offers, taken, given, capacity, quotas, excluded, gap)


def _check(
    students: pd.DataFrame,
    hours: float | Mapping[str, float],
    capacity: int | None,
    quotas: Mapping[str, tuple[int, int]],
    excluded: Mapping[str, str],
) -> None:
    import pandas as pd

    if missing := [name for name in NEEDED if name not in students.columns]:
        raise BadInput(f"The table of students has no column {missing[0]!r}; it needs {', '.join(NEEDED)}.")
    if asked := [name for name in students.columns if is_protected(name)]:
        raise BadInput(f"The table of students has the column {asked[0]!r}, which audits and never chooses: drop it.")
    if students.student_id.duplicated().any():
        raise BadInput(f"{students.student_id[students.student_id.duplicated()].iloc[0]!r} stands there twice.")
    is_number = pd.api.types.is_numeric_dtype(students.risk)
    if not is_number or students[[*NEEDED]].isna().any().any() or not students.risk.between(0, 1).all():
        raise BadInput("Every student needs a school, a counsellor and a risk between 0 and 1; some have none.")
    if capacity is not None and not capacity >= 0:
        raise BadParameter(f"capacity is {capacity}; it cannot be below 0.")
    given = hours.values() if isinstance(hours, Mapping) else (hours,)
    if any(not each >= 0 for each in given):
        raise BadParameter("The hours of a counsellor cannot be below 0.")
    schools = set(students.school_id)
    for school, (least, most) in quotas.items():
        if school not in schools:
            raise BadParameter(
                f"The quota names the school {school!r}. {did_you_mean(school, schools)}No student is there."
            )
        if not 0 <= least <= most:
            raise BadParameter(f"The quota of {school!r} is {least} to {most}; write the fewest before the most.")
    if strangers := sorted(set(excluded) - set(students.student_id)):
        raise BadParameter(f"{len(strangers)} excluded students are not in the table of students; take them out.")


def _hours(students: pd.DataFrame, hours: float | Mapping[str, float]) -> dict[str, float]:
    names = sorted(set(students.counsellor_id))
    if not isinstance(hours, Mapping):
        return dict.fromkeys(names, float(hours))
    if missing := [name for name in names if name not in hours]:
        raise BadParameter(f"hours does not say how many the counsellor {missing[0]!r} has.")
    return {name: float(hours[name]) for name in names}


def _solve(
    offers: pd.DataFrame, given: Mapping[str, float], capacity: int | None, quotas: Mapping[str, tuple[int, int]]
) -> tuple[pd.Series, float]:
    """Return for each offer whether it is taken, and by how much more, as a share, another choice may help.

    Where neither a quota nor the capacity ties counsellors together, each is a problem of their own.
    """
    import pandas as pd

    reachable = offers.groupby("school_id").student_id.nunique()
    for school, (least, _) in quotas.items():
        if reachable.get(school, 0) < least:
            raise ModelError(
                f"The quota asks for at least {least} students of {school!r}, but a rule recommends something for "
                f"{reachable.get(school, 0)} only. Lower the quota, or widen a rule of {FILE}."
            )
    apart = capacity is None and not quotas
    parts = [part for _, part in offers.groupby("counsellor_id")] if apart else [offers][: len(offers)]
    solved = [_solve_part(part, given, capacity, quotas) for part in parts]
    taken = pd.concat([each for each, _ in solved]).reindex(offers.index) if solved else pd.Series(dtype=bool)
    return taken, max((gap for _, gap in solved), default=0.0)


def _solve_part(
    offers: pd.DataFrame, given: Mapping[str, float], capacity: int | None, quotas: Mapping[str, tuple[int, int]]
) -> tuple[pd.Series, float]:
    import numpy as np
    import pandas as pd
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, vstack

    n = len(offers)
    rows: list[csr_array] = []
    lows: list[float] = []
    highs: list[float] = []

    def limit(
        names: pd.Series, weights: pd.Series | float, low: Mapping[str, float], high: Mapping[str, float]
    ) -> None:
        codes, found = pd.factorize(names, sort=True)
        values = np.broadcast_to(np.asarray(weights, float), n)
        rows.append(csr_array((values, (codes, np.arange(n))), shape=(len(found), n)))
        lows.extend(low.get(name, 0.0) for name in found)
        highs.extend(high.get(name, np.inf) for name in found)

    limit(offers.student_id, 1.0, {}, dict.fromkeys(offers.student_id, 1.0))
    limit(offers.counsellor_id, offers.hours, {}, {name: hours + SAME for name, hours in given.items()})
    limit(offers.school_id, 1.0, {s: q[0] for s, q in quotas.items()}, {s: q[1] for s, q in quotas.items()})
    if capacity is not None:
        limit(pd.Series("all", index=offers.index), 1.0, {}, {"all": capacity})
    scale = 1 / max(offers.benefit.max(), SAME)  # the solver's tolerances are absolute
    found = milp(
        -offers.benefit.to_numpy() * scale, integrality=np.ones(n), bounds=Bounds(0, 1),
        constraints=LinearConstraint(vstack(rows), lows, highs),
        options={"mip_rel_gap": 0.0, "time_limit": LONGEST_SECONDS},
    )  # fmt: skip
    if found.status == 2:
        raise ModelError(
            "No choice gives every school its fewest students within the hours and the capacity there are. "
            "Lower a quota, or give more hours."
        )
    if found.x is None:
        raise ModelError(f"The choice was not finished ({found.message}); try again with fewer students at a time.")
    return pd.Series(found.x > 0.5, index=offers.index), 0.0 if found.status == 0 else float(found.mip_gap)


def _ties(offers: pd.DataFrame, taken: pd.Series, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    """Let chance choose among students who are alike in school, counsellor and every offer; mark them as tied."""
    import numpy as np

    offers, taken = offers.assign(tied=False), taken.copy()
    rng = np.random.default_rng(seed)
    rounded = offers.assign(benefit=(offers.benefit / SAME).round())
    alike: dict[tuple[object, ...], list[list[int]]] = {}
    for _, rows in rounded.groupby("student_id", sort=True):
        said = tuple(zip(rows.action, rows.benefit, rows.hours, strict=True))
        alike.setdefault((*rows[[*UNIT]].iloc[0], said), []).append(list(rows.index))
    for places in alike.values():
        if len({tuple(taken[each]) for each in places}) > 1:
            drawn = rng.permutation(len(places))
            before = [list(taken[each]) for each in places]
            for place, other in enumerate(drawn):
                taken[places[place]] = before[other]
                offers.loc[places[place], "tied"] = True
    return offers, taken


def _told(
    students: pd.DataFrame,
    offers: pd.DataFrame,
    taken: pd.Series,
    given: Mapping[str, float],
    capacity: int | None,
    quotas: Mapping[str, tuple[int, int]],
    excluded: Mapping[str, str],
    gap: float,
) -> Assignment:
    import pandas as pd

    order = ["counsellor_id", "benefit", "student_id"]
    chosen = offers[taken.to_numpy(bool)].sort_values(order, ascending=[True, False, True], ignore_index=True)
    per = chosen.groupby("counsellor_id").agg(
        students=("student_id", "size"), hours_used=("hours", "sum"), threshold=("benefit", "min")
    )
    thresholds = per.reindex(pd.Index(sorted(given), name="counsellor_id")).reset_index()
    thresholds = thresholds.fillna({"students": 0, "hours_used": 0.0}).astype({"students": int})
    thresholds.insert(2, "hours", thresholds.counsellor_id.map(given))
    others = offers[~offers.student_id.isin(chosen.student_id)].sort_values("benefit", ascending=False, kind="stable")
    others = others.drop_duplicates("student_id")
    left = dict(zip(thresholds.counsellor_id, thresholds.hours - thresholds.hours_used, strict=True))
    full = {s for s, n in chosen.groupby("school_id").size().items() if s in quotas and n >= quotas[str(s)][1]}
    whole = capacity is not None and len(chosen) >= capacity

    def why(row: pd.Series) -> str:
        if row.tied:
            return "tied with students who were chosen; chance decided"
        if row.pair:
            return "chance decided at the margin"
        if row.school_id in full:
            return "the school's quota is full"
        if row.hours > left[row.counsellor_id] + SAME:
            return f"the counsellor has {left[row.counsellor_id]:.3g} of the {row.hours:g} hours left"
        return "the whole capacity is used" if whole else "others' benefit an hour is greater"

    others = others.assign(why=[why(row) for _, row in others.iterrows()])
    out = students[students.student_id.isin(excluded)]
    gone = pd.DataFrame({"student_id": out.student_id, "why": [f"excluded: {excluded[s]}" for s in out.student_id]})
    none = students[~students.student_id.isin({*offers.student_id, *excluded})]
    none = pd.DataFrame({"student_id": none.student_id, "why": "no rule recommends anything"})
    details = students[[*NEEDED]]
    rest = pd.concat([gone, none]).merge(details, on="student_id")
    not_chosen = pd.concat([others, rest], ignore_index=True) if len(rest) else others.reset_index(drop=True)
    least = thresholds.set_index("counsellor_id").threshold
    near = others.assign(short_by=(others.counsellor_id.map(least).astype(float) - others.benefit).clip(lower=0))
    near = near.sort_values(["short_by", "student_id"], ignore_index=True).head(NEAR_MISSES)
    benefit = float(chosen.benefit.sum())
    said = [
        f"Chosen: {len(chosen):,} of {len(students):,} students, for {chosen.hours.sum():,.4g} of "
        f"{sum(given.values()):,.4g} hours; expected to avoid {benefit:.3g} dropouts if the rules' shares hold.",
        *([f"{int(chosen.tied.sum())} of them were tied with others; chance decided."] if chosen.tied.any() else []),
        *([f"Time was up: another choice may help by up to {gap:.2%} more."] if gap else []),
        "A person decides: this list recommends.",
    ]
    return Assignment(chosen, not_chosen, near, thresholds, benefit, tuple(said))
