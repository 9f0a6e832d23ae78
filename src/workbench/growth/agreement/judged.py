"""How each method judges schools, with every student's influence on its estimates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError
from workbench.growth.curves.models import Shape, school_model
from workbench.growth.curves.rows import CurveData
from workbench.growth.curves.schools import school_growth, school_weights
from workbench.growth.gaps.measures import hedges_g
from workbench.growth.value_added.models import Adjustment, school_value_added
from workbench.growth.value_added.rows import Subject, school_doses, value_added_rows, with_doses
from workbench.hlm.combinations import outer_effects, rows_of

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
    design = rows_of(model)
    rows = rows.assign(residual=design.y - design.X @ model.beta, student=rows.student_id, school=rows.unit)
    return means(rows, "residual", "dose")


def curve_growth(curve: CurveData, shape: Shape) -> Judged:
    """Return what a school and its classes add to growth a year: the difference of `curves.school_growth`.

    It comes from the model with students' levels and slopes, first schools, schools and their classes.
    """
    return judged_by(curve, school_model(curve, shape))


def judged_by(curve: CurveData, model: MixedModel) -> Judged:
    """Return growth at each school by a growth curve with school_growth, with classes or without them.

    The combination w'û of effects is divided by its reliability. Given the variances, û solves C û = r, linear in
    students: the influence of student i is w'C⁻¹A'V⁻¹(y − Aû) summed over i's rows (infinitesimal jackknife; Efron
    1982), A being [X, effects] and V the covariance of a student's scores.
    """
    import pandas as pd

    found = school_growth(curve, model).sort_values("school", ignore_index=True)
    if not (found.reliability > 0).all():
        raise ModelError("Schools' growth does not differ measurably in these data: nothing is left to compare.")
    weights = school_weights(curve, outer_effects(model), list(found.school))
    added, influence = _solved(model, weights)
    trust = found.reliability.to_numpy(float)
    known = {factor.name: factor.levels for factor in rows_of(model).factors}
    table = pd.DataFrame({"school": found.school, "n": found.n, "estimate": added / trust})
    return Judged(table, pd.DataFrame(influence / trust, known["student"], list(found.school)))


def _solved(model: MixedModel, weights: Floats) -> tuple[Floats, Floats]:
    """Combinations (m × Q, as in `outer_effects`) of the effects, and students' influence on them (students × m)."""
    from scipy import sparse

    design = rows_of(model)
    at = {factor.name: k for k, factor in enumerate(design.factors)}
    W = sparse.diags_array((np.ones(design.n) if design.weights is None else design.weights) / model.sigma2)
    weighed = _weighing(model, W)
    parts, prior, kept = [sparse.csr_array(design.X)], [np.zeros(design.X.shape[1])], []
    for name, mine in outer_effects(model).reset_index().groupby("group", sort=False):
        variance = float(mine.variance.iloc[0])
        if variance > 1e-10:  # without variance an effect is nothing
            parts.append(design.random_columns(at[str(name)]))
            prior.append(np.full(len(mine), 1 / variance))
            kept.append(mine["index"].to_numpy())
    A = sparse.hstack(parts, format="csr")
    C = (A.T @ weighed(A)).toarray() + np.diag(np.concatenate(prior))
    placed = np.vstack([np.zeros((design.X.shape[1], len(weights))), *(weights[:, columns].T for columns in kept)])
    b_hat, combined = np.linalg.solve(C, A.T @ weighed(design.y)), np.linalg.solve(C, placed)
    rows = sparse.csr_array((weighed(design.y - A @ b_hat), (design.codes[at["student"]], np.arange(design.n))))
    return placed.T @ b_hat, np.asarray((rows @ A) @ combined)


def _weighing(model: MixedModel, W: Any) -> Callable[[Any], Any]:
    """A function that multiplies by V⁻¹, the inverse covariance of scores given schools and classes."""
    from scipy import sparse

    design = rows_of(model)
    place = [factor.name for factor in design.factors].index("student")
    table = model.variances[model.variances.group == "student"]
    (v0, v1), cov = table[table.other_term.isna()].estimate, table[table.other_term.notna()].estimate.iloc[0]
    values, vectors = np.linalg.eigh([[v0, cov], [cov, v1]])
    root = vectors * np.sqrt(np.maximum(values, 0))
    size = len(design.factors[place].levels)
    ZL = design.random_columns(place) @ sparse.kron(root, sparse.eye_array(size), format="csr")
    K = (ZL.T @ W @ ZL).tocsr()
    a, b, d = 1 + K.diagonal()[:size], K.diagonal(size), 1 + K.diagonal()[size:]
    det = a * d - b**2
    inverse = sparse.diags_array([np.r_[d, a] / np.r_[det, det], -b / det, -b / det], offsets=[0, size, -size])
    WZ = W @ ZL

    def weighed(y: Any) -> Any:
        return W @ y - WZ @ (inverse @ (WZ.T @ y))

    return weighed
