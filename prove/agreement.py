"""Whether methods are said to disagree where they do and not where they do not, in districts with teachers."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from _study import each, made, markdown, write

from workbench import growth
from workbench.growth import agreement as methods
from workbench.growth.agreement.judged import judged_by
from workbench.growth.curves.models import STUDENTS, fit_curve, fixed_part
from workbench.growth.curves.recovery import true_school_growth
from workbench.growth.curves.rows import CurveData
from workbench.growth.value_added.recovery import true_schools
from workbench.store import Data, open_data
from workbench.synthetic import Truth

SEEDS = range(7001, 7021)
SHAPE: dict[str, Any] = {"students": 6_000, "years": 5, "low_grade": 0, "events_per_term": 0.01, "districts": 10}
TRUTH = Truth(school_value_added_sd=1.5)  # so that schools truly differ, beside teachers (1.6 a year)
LIFT = 15.0  # points, one standard deviation of students
NO_CLASSES = "growth curve without classes"
LOWEST, HIGHEST, MOST_FALSE, FOUND = 0.90, 0.97, 0.15, 0.9


def one(seed: int) -> dict[str, Any]:
    """One data set: growth curve against value added, which judge the same thing, and a school that is lifted."""
    with made(seed=seed, truth=TRUTH, **SHAPE) as path:
        data = open_data(path)
        curve = growth.curve_rows(data, "growth_math")
        peers = data.schools.select("school_id", "level").to_pandas().set_index("school_id").level
        knows, added = methods.curve_growth(curve, "quadratic"), methods.value_added(data, "math")
        formula = f"score ~ {fixed_part(curve, 'quadratic')} + {STUDENTS} + (1 | school_growth)"
        blind = judged_by(curve, fit_curve(curve, formula, "REML"))
        same = methods.agreement({methods.CURVE: knows, methods.ADDED: added}, peers)
        apart = methods.agreement({methods.CURVE: blind, methods.ADDED: added}, peers)
        truths = {methods.CURVE: growth_truth(curve), methods.ADDED: value_added_truth(data)}
        row: dict[str, Any] = {"seed": seed, "schools": same.table.school_id.nunique()}
        row |= {
            "false": float(same.differences.large.sum()),
            "false without classes": float(apart.differences.large.sum()),
        }
        row["corrected correlation"] = float(same.correlations.corrected.iloc[0])
        row |= {f"{name} held": covered(same, name, truths[name], peers) for name in truths}
        row[f"{NO_CLASSES} held"] = covered(apart, methods.CURVE, truths[methods.CURVE], peers)
        return row | planted(curve, knows, peers, seed)


def planted(curve: CurveData, knows: methods.Judged, peers: pd.Series[str], seed: int) -> dict[str, float]:
    """All who began at one school get one SD more in every year: its mean score rises, its growth does not."""
    tested = sorted(set(curve.rows.first_school) & set(knows.table.school) & set(peers[peers == "elementary"].index))
    school = str(np.random.default_rng(seed).choice(tested))
    lifted = curve.rows.assign(score=curve.rows.score + LIFT * (curve.rows.first_school == school))
    cells = lifted.groupby(["school_year", "grade"]).score
    lifted["standing"] = (lifted.score - cells.transform("mean")) / cells.transform("std")
    grown = methods.curve_growth(replace(curve, rows=lifted), "quadratic")
    found = methods.agreement({methods.SCORE: methods.means(lifted, "standing"), methods.CURVE: grown}, peers)
    mine = found.differences[found.differences.school_id == school].iloc[0]
    before, after = (one.table.set_index("school").estimate[school] for one in (knows, grown))
    return {"found": float(mine.large and mine.higher == methods.SCORE), "growth moved": float(after - before)}


def growth_truth(curve: CurveData) -> pd.Series[float]:
    """What a full year at each school really added."""
    return true_school_growth(curve).added


def value_added_truth(data: Data) -> pd.Series[float]:
    """What each school and its teachers really added in the years measured, weighted by students' time."""
    rows = true_schools(data, "math")
    sums = rows.assign(total=rows.total * rows.dose).groupby("school_id")[["total", "dose"]].sum()
    return sums.total / sums.dose


def covered(found: methods.Agreement, method: str, truth: pd.Series[float], peers: pd.Series[str]) -> float:
    """Share of schools whose interval, against peers, holds the truth."""
    rows = found.table[found.table.method == method].set_index("school_id")
    true = truth.reindex(rows.index)
    true = true - true.groupby(peers.reindex(rows.index)).transform("mean")
    return float(((rows.conf_low <= true) & (true <= rows.conf_high)).mean())


def main(seeds: Iterable[int] = SEEDS) -> int:
    """Run the study and write its page."""
    rows = each(one, seeds)
    return write("agreement", "Where methods disagree about a school", pages(rows), verdicts(rows))


def verdicts(rows: pd.DataFrame) -> dict[str, bool]:
    """The criteria."""
    false = float((rows["false"] > 0).mean())
    what = f"growth curve and value added judge the same thing: a large difference is told in {100 * false:.0f} % of"
    found = {f"{what} {len(rows)} data sets; {100 * MOST_FALSE:.0f} or less": false <= MOST_FALSE}
    for name in (methods.CURVE, methods.ADDED):
        share = float(rows[f"{name} held"].mean())
        n = int(rows.schools.sum())
        found[f"{name}: 95 % intervals hold {100 * share:.1f} % of {n:,} true values; 90 to 97"] = (
            LOWEST <= share <= HIGHEST
        )
    share = float(rows.found.mean())
    found[f"a school lifted by one SD without growth is found in {100 * share:.0f} % of data sets; 90 or more"] = (
        share >= FOUND
    )
    return found


def pages(rows: pd.DataFrame) -> list[str]:
    """The parts of the page."""
    measures = rows.drop(columns="seed")
    summary = pd.DataFrame({"measure": measures.columns, "mean": measures.mean(), "SD over seeds": measures.std()})
    return [
        f"{SHAPE['districts']} districts of {SHAPE['students'] // SHAPE['districts']} students, {SHAPE['years']} "
        f"springs, seeds {rows.seed.min()} to {rows.seed.max()}; math; schools add {TRUTH.school_value_added_sd} "
        f"points a year (SD) beside their teachers' {TRUTH.teacher_value_added_sd}. *False*: large differences between "
        "growth curve and value added in a data set; both judge what a year at a school adds, teachers included. "
        "*Held*: share of schools whose 95 % interval against peers holds the truth. *Without classes*: the same "
        "growth curve without effects of those who teach. *Found*: all who began at one elementary school get "
        f"{LIFT:.0f} points more in every year, and mean score and growth curve are said to differ there; "
        "*growth moved*: what that does to its growth (points a year).",
        markdown(summary),
    ]


if __name__ == "__main__":
    np.seterr(all="ignore")
    sys.exit(main())
