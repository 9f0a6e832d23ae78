"""Whether intervals of growth curves hold, and what of the answer key is found: 400 draws and 20 districts."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from _study import each, made, markdown, write

from workbench.growth.curves import attrition
from workbench.growth.curves import models as curves
from workbench.growth.curves import recovery as curve_recovery
from workbench.growth.curves import rows as curve_data
from workbench.growth.curves import variance as curve_variance
from workbench.store import open_data
from workbench.synthetic import Truth

DRAWS, DISTRICTS = range(2001, 2401), range(331, 371)
LOWEST, HIGHEST = 0.92, 0.98
# No teachers or schools that add, one zone: then the fitted model is the one the data are drawn from.
EXACT = Truth(teacher_value_added_sd=0.0, school_value_added_sd=0.0, standing_learner=0.0)
SCALE, YEARS = "growth_math", 3
GROUPS = ["economically_disadvantaged", "disability", "race_ethnicity", "sex"]


def one_draw(seed: int) -> dict[str, Any]:
    """Errors of estimates, and whether each 95 % interval held the truth, in one small district."""
    with made(seed=seed, students=1500, years=6, low_grade=0, districts=1, events_per_term=0.1, truth=EXACT) as path:
        rows = curve_data.curve_rows(open_data(path), SCALE)
    model = curves.group_model(rows, "quadratic", GROUPS, schools=False)
    score = EXACT.score_sd
    truths = {
        ("level, disadvantaged", "economically_disadvantagedyes"): score * EXACT.standing_disadvantaged,
        ("level, disability", "disabilityyes"): score * EXACT.standing_disability,
        ("growth, disadvantaged", "time:economically_disadvantagedyes"): 0.0,
        ("growth, disability", "time:disabilityyes"): 0.0,
        ("bend of the mean curve", "time2"): EXACT.curve_math[2],
    }
    fixed = model.fixed.set_index("term")
    found = {
        what: (truth, *fixed.loc[term, ["estimate", "conf_low", "conf_high"]]) for (what, term), truth in truths.items()
    }
    parts = curve_variance.variance_intervals(model).set_index(["group", "term"])
    variances = {
        ("variance of students' levels", "student", "(Intercept)"): score**2
        * (EXACT.standing_deviation_sd**2 + EXACT.subject_sd**2),
        ("variance of students' growth", "student", "time"): EXACT.slope_sd**2,
        ("residual variance (error of the test)", "Residual", ""): float((rows.rows.error**2).mean()),
    }
    found |= {what: (truth, *parts.loc[(group, term)]) for (what, group, term), truth in variances.items()}
    return {"seed": seed} | {
        f"{what}|{kind}": value
        for what, (truth, estimate, low, high) in found.items()
        for kind, value in (("truth", truth), ("estimate", estimate), ("held", float(low <= truth <= high)))
    }


def one_district(seed: int) -> dict[str, Any]:
    """What is recovered in a district of 8,000 whose teachers and schools add to scores."""
    with made(preset="small_district", seed=seed) as path:
        rows = curve_data.curve_rows(open_data(path), SCALE)
        schools = curves.school_model(rows, "quadratic")
        modes = curve_recovery.modes_recovered(rows, schools).set_index("of")
        groups = curves.group_model(rows, "quadratic", rows.groups, schools=True)
        parameters = curve_recovery.parameters_recovered(rows, schools, groups).set_index("what")
        growth = curve_recovery.true_growth(rows, YEARS).set_index("of").growth["all"]
        seen = attrition.growth_with_missing(rows, "quadratic", YEARS).iloc[0]
    row: dict[str, Any] = {"seed": seed}
    for of in modes.index:
        row |= {f"{of}|{name}": modes.loc[of, name] for name in ("correlation", "expected", "coverage")}
    row |= {f"{what}|inside": float(parameters.inside[what]) for what in parameters.index}
    row |= {f"{view}|error": seen[view] - growth for view in ("complete_cases", "at_random", "slower")}
    row["share missing"] = seen.share_missing
    row["at_random|held"] = float(seen.at_random_low <= growth <= seen.at_random_high)
    return row


def coverage(draws: pd.DataFrame) -> pd.DataFrame:
    """Truth, mean estimate, bias in standard deviations of the estimate, and coverage, a row an estimate."""
    rows = []
    for what in dict.fromkeys(name.split("|")[0] for name in draws if "|" in name):
        truth, estimate, held = (draws[f"{what}|{kind}"] for kind in ("truth", "estimate", "held"))
        error = estimate - truth
        rows.append((what, truth.mean(), estimate.mean(), error.mean() / error.std(), error.std(), held.mean()))
    return pd.DataFrame(rows, columns=["estimate of", "truth", "mean", "bias / SD", "SD of the error", "coverage"])


def recovery(rows: pd.DataFrame, kinds: Iterable[str]) -> pd.DataFrame:
    """Means over districts, a row a quantity."""
    names = list(dict.fromkeys(name.split("|")[0] for name in rows if name.split("|")[-1] in kinds))
    return pd.DataFrame({"of": names} | {kind: [rows[f"{name}|{kind}"].mean() for name in names] for kind in kinds})


def main(draws: Iterable[int] = DRAWS, districts: Iterable[int] = DISTRICTS) -> int:
    """Run the study and write its page."""
    small = coverage(each(one_draw, draws))
    rows = each(one_district, districts)
    modes = recovery(rows, ["correlation", "expected", "coverage"])
    inside = recovery(rows, ["inside"])
    views = ["complete_cases", "at_random", "slower"]
    missing = pd.DataFrame(
        {
            "view of the missing": [view.replace("_", " ") for view in views],
            "mean error": [rows[f"{view}|error"].mean() for view in views],
            "mean absolute error": [rows[f"{view}|error"].abs().mean() for view in views],
        }
    )
    apart = (modes.correlation - modes.expected).abs()
    verdicts = {
        f"coverage of the 95 % interval of the {what} is {held:.3f}, within {LOWEST} to {HIGHEST}": LOWEST
        <= held
        <= HIGHEST
        for what, held in zip(small["estimate of"], small.coverage, strict=True)
    }
    verdicts |= {
        f"correlation of {of} with the truth is within 0.02 of what reliability promises ({c:.3f}, {e:.3f})": bool(
            a < 0.02
        )
        for of, c, e, a in zip(modes.of[:2], modes.correlation, modes.expected, apart, strict=False)
    }
    verdicts |= {
        f"95 % intervals of {of} hold in {held:.3f} of the cases, within {LOWEST} to {HIGHEST}": LOWEST
        <= held
        <= HIGHEST
        for of, held in zip(modes.of, modes.coverage, strict=True)
    }
    closer = missing["mean absolute error"][1] < missing["mean absolute error"][0]
    verdicts["mean growth under missing at random is nearer the truth than that of complete cases"] = bool(closer)
    parts = [
        f"**{len(list(draws))} draws** of 1,500 students and six years (seeds {min(draws)} to {max(draws)}) from the "
        "generator with nothing added by schools and teachers, so that the fitted model (quadratic mean, level and "
        "growth of each student, groups) is the one the data come from. Groups net of each other; residual variance "
        "against the mean squared standard error of the drawn scores.",
        markdown(small),
        f"**{len(list(districts))} districts** of 8,000 students (seeds {min(districts)} to {max(districts)}) as the "
        "generator makes them, with teachers and schools that add, and the notebook's model: schools, teachers and "
        "teachers' single years beside students. Schools: growth a year against what a full year there really "
        "added, teachers included. `expected` is the square root of the reliability (for growth of students, times the "
        "truth's share of the estimated SD).",
        markdown(modes),
        "Share of districts in which the 95 % interval held the truth:",
        markdown(inside),
        f"Mean growth over {YEARS} years of all students of a spring, {100 * rows['share missing'].mean():.0f} % of "
        "whom have no score at its end, less the true one (points). The interval under missing at random held it in "
        f"{100 * rows['at_random|held'].mean():.0f} % of the districts.",
        markdown(missing),
    ]
    return write("growth_curves", "Growth curves: intervals, and what of the answer key is found", parts, verdicts)


if __name__ == "__main__":
    np.seterr(all="ignore")
    sys.exit(main())
