"""Growth curves: the shape of the mean, what students and schools differ by, groups, and where the variance lies."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from workbench.errors import BadParameter, ModelError
from workbench.growth.curves.rows import CurveData, unit_years

if TYPE_CHECKING:
    import pandas as pd

    from workbench.hlm.result import MixedModel

Engine = Literal["auto", "native", "lme4"]
Shape = Literal["unconditional", "linear", "quadratic", "piecewise"]
STUDENTS = "(time | student) + (1 | first_school)"
MOST_BY_YEAR, MOST_ONCE = 2_000, 8_000  # effects in single years, in each of many models and in a single one:
# they form one dense matrix, whose factors cost the third power of their number


@dataclass(frozen=True)
class Comparison:
    """Models of the same scores: `table` has a row each, `models` the fits, `best` the name with the lowest BIC.

    In `table`, `chi_square` and `p_value` test a model against the one in `tested_against` (see `hlm.compare`); they
    are empty where no earlier model gives a test whose distribution is known.
    """

    table: pd.DataFrame
    models: dict[str, MixedModel]
    best: str


def fixed_part(curve: CurveData, shape: Shape) -> str:
    """Return the fixed effects of a shape of the mean curve, in the columns of `curve.rows`."""
    knots = " + ".join(f"after_{knot}" for knot in curve.knots)
    parts = {"unconditional": "1", "linear": "time", "quadratic": "time + time2", "piecewise": f"time + {knots}"}
    if shape not in parts or (shape == "piecewise" and not knots):
        raise BadParameter(
            f"The shape of a growth curve is {', '.join(parts)}, not {shape!r}."
            if shape not in parts
            else "A piecewise curve needs a change of school level within the tested grades; there is none."
        )
    return parts[shape]


def compare_shapes(curve: CurveData, engine: Engine = "auto") -> Comparison:
    """Fit the mean as constant, line, parabola and bent line, by maximum likelihood, with the same students.

    The unconditional-means model has no growth at all, random or fixed: it splits the variance of scores as they
    stand. Singer & Willett (2003), chapters 4 and 6.
    """
    formulas = {"unconditional": "score ~ 1 + (1 | student) + (1 | first_school)"}
    shapes: list[Shape] = ["linear", "quadratic", *(["piecewise"] if curve.knots else [])]  # type: ignore[list-item]
    formulas |= {shape: f"score ~ {fixed_part(curve, shape)} + {STUDENTS}" for shape in shapes}
    return _compared({name: fit_curve(curve, formula, "ML", engine) for name, formula in formulas.items()})


def compare_memberships(curve: CurveData, shape: Shape, engine: Engine = "auto") -> Comparison:
    """Fit six answers to what a school does to its students' scores, on the same rows, by maximum likelihood.

    None: only the first school. While there: a level that is lost on leaving, of the school of the test or in shares
    of the year (Hill & Goldstein 1998); a level and a slope while there. To stay: what each year at a school added is
    kept (McCaffrey et al. 2004, with complete persistence), by the school alone or by its classes too.
    """
    start = f"score ~ {fixed_part(curve, shape)} + {STUDENTS}"
    models = {
        "none": fit_curve(curve, start, "ML", engine),
        "school of the test": fit_curve(curve, f"{start} + (1 | school)", "ML", engine),
        "shares of the year": fit_curve(curve, f"{start} + (1 | school_shares)", "ML"),
        "level and slope while there": fit_curve(curve, f"{start} + (tenure | school)", "ML", engine),
        "added each year, and kept": fit_curve(curve, f"{start} + (1 | school_growth)", "ML"),
        "added and kept, classes differ": fit_curve(curve, f"{start} + {growth_terms(curve)}", "ML"),
    }
    return _compared(models)


def growth_terms(curve: CurveData, most: int = MOST_BY_YEAR) -> str:
    """Return the random effects of what schools and their classes add and students keep.

    Classmates share what is added, so units of teaching are in the model beside schools: a lasting effect of each,
    and one of each school year where there are no more than `most` of these.
    """
    by_year = unit_years(curve.taught).nunique() <= most
    return "(1 | school_growth) + (1 | teaching)" + (" + (1 | teaching_by_year)" if by_year else "")


def school_model(curve: CurveData, shape: Shape, most: int = MOST_BY_YEAR) -> MixedModel:
    """Fit (REML) what schools and their classes add a year, beside students' levels and slopes.

    The native engine fits it: rows belong to all schools and classes so far, with the years spent there. Intervals
    need the single years of classes, which are in the model where there are no more than `most` of them.
    """
    return fit_curve(curve, f"score ~ {fixed_part(curve, shape)} + {STUDENTS} + {growth_terms(curve, most)}", "REML")


def group_model(
    curve: CurveData, shape: Shape, groups: list[str], schools: bool, engine: Engine = "auto"
) -> MixedModel:
    """Fit differences in level and in slope between groups; with `schools`, among students of the same schools.

    Without, the differences are those in the district as a whole. With, students' first school and what schools and
    classes add are in the model, which the native engine fits.
    """
    for group in groups:
        if group not in curve.groups:
            raise BadParameter(f"There is no group {group!r} in these data; there are {', '.join(curve.groups)}.")
    terms = " + ".join(f"{group} + time:{group}" for group in groups)
    start = f"score ~ {fixed_part(curve, shape)} + {terms}"
    if schools:
        return fit_curve(curve, f"{start} + {STUDENTS} + {growth_terms(curve)}", "REML")
    return fit_curve(curve, f"{start} + (time | student)", "REML", engine)


def group_differences(curve: CurveData, shape: Shape, group: str, engine: Engine = "auto") -> pd.DataFrame:
    """Return differences of each level of a group from its first one: at the centre grade, and in growth a year.

    Three comparisons: in the district as a whole; among students of the same schools; and besides with the same values
    of all other groups. Columns: comparison, group, what, estimate, std_error, conf_low, conf_high.
    """
    import pandas as pd

    fits = {
        "district as a whole": group_model(curve, shape, [group], False, engine),
        "same schools": group_model(curve, shape, [group], True),
        "same schools and other groups": group_model(curve, shape, curve.groups, True),
    }
    parts = []
    for comparison, model in fits.items():
        mine = model.fixed[model.fixed.term.str.contains(rf"^(?:time:)?{group}(?!:)", regex=True)]
        slope = mine.term.str.startswith("time:")
        what = np.where(slope, "growth a year", f"level in grade {curve.centre}")
        names = mine.term.str.replace("time:", "").str.removeprefix(group)
        part = mine[["estimate", "std_error", "conf_low", "conf_high"]].assign(group=names, what=what)
        parts.append(part.assign(comparison=comparison))
    table = pd.concat(parts, ignore_index=True)
    return table[["what", "group", "comparison", "estimate", "std_error", "conf_low", "conf_high"]].sort_values(
        ["what", "group"], ascending=[False, True], kind="stable", ignore_index=True
    )


def trajectories(curve: CurveData, model: MixedModel, group: str | None = None) -> pd.DataFrame:
    """Return the mean curve of each group at each grade with its 95 % interval, and how many students were tested.

    Columns: group, grade, n, predicted, conf_low, conf_high, observed (the plain mean). A model of differences between
    students of a district as a whole is asked for means, not for a typical school. Raises BadParameter where the model
    holds another group: its first level would stand for all.
    """
    import pandas as pd

    _check_groups(curve, model, group)
    seen = curve.rows.assign(group=curve.rows[group] if group else "all students")
    table = seen.groupby(["group", "grade"]).agg(n=("student", "nunique"), observed=("score", "mean")).reset_index()
    X = np.array(
        [
            values_at(curve, model.columns, g, {group: name} if group else {})
            for name, g in zip(table.group, table.grade, strict=True)
        ]
    )
    found = model.contrasts(X, list(map(str, table.index)))
    return pd.DataFrame(
        {
            "group": table.group, "grade": table.grade, "n": table.n, "predicted": found.estimate,
            "conf_low": found.conf_low, "conf_high": found.conf_high, "observed": table.observed,
        }
    )  # fmt: skip


def _check_groups(curve: CurveData, model: MixedModel, group: str | None) -> None:
    """Raise BadParameter where a model tells groups apart that its curves would not."""
    parts = {part for column in model.columns for part in column.split(":")}
    for other in set(curve.groups) - {group}:
        if held := sorted(part for part in parts if part.startswith(other)):
            raise BadParameter(
                f"The model tells groups of {other!r} apart ({', '.join(held)}); curves of "
                f"{'all students' if group is None else repr(group)} would be those of its first group alone. "
                f"Ask for {other!r}, or fit a model without it."
            )


def values_at(curve: CurveData, columns: tuple[str, ...], grade: float, groups: dict[str, str]) -> Any:
    """Return the values of the fixed effects' columns for a grade and a member of some groups (p)."""
    values = {"(Intercept)": 1.0, "time": grade - curve.centre, "time2": (grade - curve.centre) ** 2.0}
    values |= {f"after_{knot}": max(grade - knot, 0.0) for knot in curve.knots}
    values |= {f"{group}{name}": 1.0 for group, name in groups.items()}
    return np.array([prod(values.get(part, 0.0) for part in column.split(":")) for column in columns])


def component(model: MixedModel, group: str, term: str) -> float:
    """Return one variance of a fitted model."""
    table = model.variances
    return float(table[(table.group == group) & (table.term == term) & table.other_term.isna()].estimate.iloc[0])


def without_movers(curve: CurveData) -> CurveData:
    """Return the data without students who changed school within a year: does anything hang on how they are counted?"""
    from dataclasses import replace

    moved = curve.rows.groupby("student").moved.any()
    stayed = moved.index[~moved]
    rows = curve.rows[curve.rows.student.isin(stayed)].reset_index(drop=True)
    doses, taught = (spent[spent.student.isin(stayed)] for spent in (curve.doses, curve.taught))
    return replace(curve, rows=rows, doses=doses, taught=taught)


def fit_curve(curve: CurveData, formula: str, method: Literal["REML", "ML"], engine: Engine = "auto") -> MixedModel:
    """Fit a formula in the columns of `curve.rows`, weighted by the precision of each score.

    The groups school_shares, school_growth, teaching and teaching_by_year are known too: rows belong to several levels.
    """
    from workbench import hlm

    ways = {
        "school_shares": lambda: curve.this_year,
        "school_growth": lambda: curve.years_so_far,
        "teaching": lambda: curve.taught_so_far,
        "teaching_by_year": lambda: curve.taught_so_far_by_year,
    }
    members = {name: made() for name, made in ways.items() if f"| {name})" in formula}
    return hlm.fit(formula, curve.rows, method, engine, weights="precision", members=members or None)


def _compared(models: dict[str, MixedModel]) -> Comparison:
    import pandas as pd

    lowest = min(model.bic for model in models.values())
    tests = [_tested(dict(list(models.items())[:k]), model) for k, model in enumerate(models.values())]
    table = pd.DataFrame(
        {
            "model": list(models),
            "parameters": [model.n_parameters for model in models.values()],
            "deviance": [model.criterion for model in models.values()],
            "aic": [model.aic for model in models.values()],
            "bic_above_best": [model.bic - lowest for model in models.values()],
            "tested_against": [against for against, _, _ in tests],
            "chi_square": [statistic for _, statistic, _ in tests],
            "p_value": [p_value for _, _, p_value in tests],
            "residual_sd": [model.sigma2**0.5 for model in models.values()],
        }
    )
    return Comparison(table, models, str(table.model[int(table.bic_above_best.argmin())]))


def _tested(before: dict[str, MixedModel], model: MixedModel) -> tuple[str, float, float]:
    """The nearest model before that this one contains, if the distribution of their likelihood ratio is known.

    Its name, the statistic and p; a variance more lies on the edge of what is possible, which plain χ² does not know.
    """
    from workbench import hlm

    for name, smaller in reversed(before.items()):
        try:
            found = hlm.compare(smaller, model, refit=False)
        except (BadParameter, ModelError):  # not nested, or several changes at once
            continue
        return name, found.statistic, found.p_value
    return "", np.nan, np.nan
