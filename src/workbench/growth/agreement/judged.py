"""How each method judges schools, with every student's influence on its estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError
from workbench.growth.curves.models import STUDENTS, Shape, component, fit_curve, fixed_part
from workbench.growth.curves.rows import CurveData
from workbench.growth.gaps.measures import hedges_g
from workbench.growth.value_added.models import Adjustment, school_value_added
from workbench.growth.value_added.rows import Subject, school_doses, value_added_rows, with_doses

if TYPE_CHECKING:
    import pandas as pd

    from workbench.hlm.result import MixedModel
    from workbench.store import Data

Floats = NDArray[Any]
FEWEST = 10  # students of a group, for a gap
SCORE, CURVE, ADDED, PERCENTILE, GAP = "mean score", "growth curve", "value added", "growth percentile", "small gap"


@dataclass(frozen=True)
class Judged:
    """One method: `table` with school, n (students), estimate; each student's `influence` (students × schools)."""

    table: pd.DataFrame
    influence: pd.DataFrame


def means(rows: pd.DataFrame, value: str, weight: str | None = None) -> Judged:
    """Return the mean of `value` at each school (columns student, school), and each student's influence on it.

    A student's influence is the sum of w(x − mean)/Σw over his rows; several rows of a student so count together.
    """
    rows = rows.assign(w=1.0 if weight is None else rows[weight], x=rows[value])
    rows = rows.assign(wx=rows.w * rows.x)
    sums = rows.groupby("school").agg(n=("student", "nunique"), w=("w", "sum"), wx=("wx", "sum"))
    sums["estimate"] = sums.wx / sums.w
    total, mean = rows.school.map(sums.w), rows.school.map(sums.estimate)
    influence = rows.assign(moves=rows.w * (rows.x - mean) / total).pivot_table(
        "moves", "student", "school", "sum", fill_value=0.0
    )
    return Judged(sums[["n", "estimate"]].reset_index(), influence)


def smaller_gaps(rows: pd.DataFrame, value: str, in_a: str) -> Judged:
    """Return each school's gap (Hedges' g of rows `in_a` over the others) with its sign turned: high is small.

    Schools with fewer than ten students in one of the groups are left out; n is the smaller group's number.
    """
    import pandas as pd

    found, moves = [], []
    for school, part in rows.groupby("school"):
        smaller = int(min(part[part[in_a]].student.nunique(), part[~part[in_a]].student.nunique()))
        if smaller < FEWEST:
            continue
        gap = hedges_g(part[value], part[in_a], clusters=part.student)
        found.append({"school": school, "n": smaller, "estimate": -gap.estimate})
        moves.append(pd.Series(-np.asarray(gap.influence), part.student).groupby(level=0).sum().rename(school))
    if not found:
        raise ModelError(f"No school has {FEWEST} tested students in both groups: gaps of schools cannot be told.")
    return Judged(pd.DataFrame(found), pd.concat(moves, axis=1).fillna(0.0))


def value_added(data: Data, subject: Subject, adjustment: Adjustment = "calibrated") -> Judged:
    """Return each school's value added over all years: the mean residual of its students, weighted by time there."""
    model = school_value_added(data, subject, adjustment).model
    rows = with_doses(value_added_rows(data, subject), school_doses(data))
    design = model.fitted.design  # type: ignore[attr-defined]
    rows = rows.assign(residual=design.y - design.X @ model.beta, student=rows.student_id, school=rows.unit)
    return means(rows, "residual", "dose")


def curve_growth(curve: CurveData, shape: Shape) -> Judged:
    """Return what a school adds to growth a year, from a curve with students' levels and slopes and first schools.

    The mode û of a school is divided by its reliability. Given the variances, û solves C û = r, linear in students:
    the influence of student i is C⁻¹ A'V⁻¹(y − Aû) summed over i's rows (infinitesimal jackknife; Efron 1982), A being
    [X, schools] and V the covariance of a student's scores.
    """
    import pandas as pd

    model = fit_curve(curve, f"score ~ {fixed_part(curve, shape)} + {STUDENTS} + (1 | school_growth)", "REML")
    effects, influence = _solved(model)
    errors = model.modes[model.modes.group == "school_growth"].std_error.to_numpy(float)
    trust = 1 - errors**2 / component(model, "school_growth", "(Intercept)")
    if not (trust > 0).all():
        raise ModelError("Schools' growth does not differ measurably in these data: nothing is left to compare.")
    known = {factor.name: factor.levels for factor in model.fitted.design.factors}  # type: ignore[attr-defined]
    names, students = known["school_growth"], known["student"]
    spent = curve.doses[curve.doses.student.isin(students)].groupby("school").student.nunique()
    table = pd.DataFrame({"school": names, "n": spent.reindex(names).to_numpy(), "estimate": effects / trust})
    return Judged(table, pd.DataFrame(influence / trust, students, names))


def _solved(model: MixedModel) -> tuple[Floats, Floats]:
    """Modes of school_growth and students' influence on them (students × schools), from the model's own equations."""
    from scipy import sparse

    design = model.fitted.design  # type: ignore[attr-defined]
    at = {factor.name: k for k, factor in enumerate(design.factors)}
    table = model.variances[model.variances.group == "student"]
    (v0, v1), cov = table[table.other_term.isna()].estimate, table[table.other_term.notna()].estimate.iloc[0]
    values, vectors = np.linalg.eigh([[v0, cov], [cov, v1]])
    root = vectors * np.sqrt(np.maximum(values, 0))
    size = len(design.factors[at["student"]].levels)
    W = sparse.diags_array((np.ones(design.n) if design.weights is None else design.weights) / model.sigma2)
    ZL = design.random_columns(at["student"]) @ sparse.kron(root, sparse.eye_array(size), format="csr")
    K = (ZL.T @ W @ ZL).tocsr()
    a, b, d = 1 + K.diagonal()[:size], K.diagonal(size), 1 + K.diagonal()[size:]
    det = a * d - b**2
    inverse = sparse.diags_array([np.r_[d, a] / np.r_[det, det], -b / det, -b / det], offsets=[0, size, -size])
    parts, prior = [sparse.csr_array(design.X)], [np.zeros(design.X.shape[1])]
    for name in ("first_school", "school_growth"):
        Z_school, variance = design.random_columns(at[name]), component(model, name, "(Intercept)")
        if variance > 1e-10:
            parts.append(Z_school)
            prior.append(np.full(Z_school.shape[1], 1 / variance))
    A = sparse.hstack(parts, format="csr")
    WA, WZ = W @ A, W @ ZL
    C = np.linalg.inv((A.T @ WA - (WZ.T @ A).T @ (inverse @ (WZ.T @ A))).toarray() + np.diag(np.concatenate(prior)))

    def weighed(y: Floats) -> Floats:
        return np.asarray(W @ y - WZ @ (inverse @ (WZ.T @ y)))

    b_hat = C @ (A.T @ weighed(design.y))
    kept = slice(A.shape[1] - len(prior[-1]), None)
    rows = sparse.csr_array((weighed(design.y - A @ b_hat), (design.codes[at["student"]], np.arange(design.n))))
    return b_hat[kept], np.asarray((rows @ A) @ C[:, kept])
