"""Layered value added: several years of scores at once, in which what schools and teachers once added stays.

For student i tested in year t, with measurement error of known standard deviation s,

    y_it = μ(grade, year) + intake(i) + u_0i + u_1i (grade − c) + Σ_{v ≤ t} α^(t−v) (schools + teachers of year v) + e_it

The sum runs over the years after the student's first test; what came before is in the student's own level. Every
student is his own control, and measurement error is part of the model instead of a nuisance in a predictor (Sanders,
Saxton & Horn 1997; McCaffrey, Lockwood, Koretz, Louis & Hamilton 2004; α is the persistence of Lockwood et al. 2007,
1 in the layered model). A row belongs to several schools and teachers at once, each with its dose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from workbench.errors import BadInput
from workbench.growth.value_added_rows import Subject, school_doses, subject_tests, teacher_doses
from workbench.hlm.design import Factor
from workbench.hlm.moments import Moments, level_sums
from workbench.hlm.native import Centre, Native, fit_moments

if TYPE_CHECKING:
    from workbench.hlm.result import MixedModel
    from workbench.store import Data

Floats = NDArray[Any]
CENTRE_GRADE = 5
INTAKE, SCHOOL, TEACHER, TEACHER_YEAR = "intake", "school", "teacher", "teacher_year"


@dataclass(frozen=True)
class Layered:
    """A fitted layered model with the joint posterior of its effects.

    `effects` names them, in the order of `mean` (Q) and `covariance` (Q × Q, uncertainty of the fixed effects
    included): factor, level. `prior` (Q) holds their variances, `links` the doses: student_id, school_year,
    school_id, unit (the teacher), dose.
    """

    model: MixedModel = field(repr=False)
    effects: pd.DataFrame
    mean: Floats = field(repr=False)
    covariance: Floats = field(repr=False)
    prior: Floats = field(repr=False)
    links: pd.DataFrame = field(repr=False)
    persistence: float

    def combined(self, weights: Floats) -> pd.DataFrame:
        """Return linear combinations of the effects (m × Q weights): estimate, std_error, conf_low, conf_high,
        reliability = 1 − posterior variance / prior variance of the same combination."""
        estimate = weights @ self.mean
        square = np.einsum("mq,mq->m", weights @ self.covariance, weights)
        error = np.sqrt(np.maximum(square, 0))
        prior = weights**2 @ self.prior
        return pd.DataFrame(
            {
                "estimate": estimate, "std_error": error, "conf_low": estimate - 1.96 * error,
                "conf_high": estimate + 1.96 * error, "reliability": 1 - square / prior,
            }
        )  # fmt: skip

    def places(self, factor: str) -> NDArray[np.intp]:
        """Where the effects of a factor stand."""
        return np.flatnonzero((self.effects.factor == factor).to_numpy())


def layered(data: Data, subject: Subject, years: int | None = None, persistence: float = 1.0) -> Layered:
    """Fit the layered model to the last `years` springs (all, where None) of a subject, with schools and teachers.

    Schools have one effect a year, the same in every year; a teacher has a lasting one and one of each year. The means
    of students who began in the same school and grade are effects of their own, so that intake is not credited to
    schools. Students tested once are left out: they say nothing about growth. Raises BadInput, BadParameter, ModelError.
    """
    tests = subject_tests(data, subject)
    tests = tests[tests.school_year > tests.school_year.max() - (years or 10_000)]
    tests = tests[tests.groupby("student_id").score.transform("size") > 1].reset_index(drop=True)
    if tests.empty:
        raise BadInput("Nobody has two scores on the scale within these years: nothing is known about growth.")
    first = tests.loc[tests.groupby("student_id").school_year.idxmin()]
    start = first.assign(intake=first.school_id + " " + first.grade_level.astype(str)).rename(
        columns={"school_year": "first_year"}
    )
    tests = tests.merge(start[["student_id", "first_year", "intake"]], on="student_id")
    teachers = teacher_doses(data, subject).merge(start[["student_id", "first_year"]], on="student_id")
    links = teachers[teachers.school_year > teachers.first_year].reset_index(drop=True)
    schools = school_doses(data).merge(start[["student_id", "first_year"]], on="student_id")
    schools = schools[schools.school_year > schools.first_year]
    yearly = links.assign(unit=links.unit + " " + links.school_year.astype(str))
    built = [_intake(tests)]
    for name, exposure in ((SCHOOL, schools), (TEACHER, links), (TEACHER_YEAR, yearly)):
        built.append((name, *memberships(tests, exposure, persistence)))
    return _posterior(_fitted(tests, built), links, persistence)


def memberships(
    tests: pd.DataFrame, exposure: pd.DataFrame, persistence: float
) -> tuple[NDArray[Any], sparse.csr_array]:
    """Return the units and, tests × units, how much of each is in a test: the doses of all years up to it, each
    multiplied by persistence^(years since)."""
    at = tests.reset_index(names="row")[["row", "student_id", "school_year"]]
    met = at.merge(exposure[["student_id", "school_year", "unit", "dose"]], on="student_id", suffixes=("", "_then"))
    met = met[met.school_year_then <= met.school_year]
    code, units = pd.factorize(met.unit, sort=True)
    amount = met.dose * persistence ** (met.school_year - met.school_year_then)
    Z = sparse.coo_array((amount.to_numpy(float), (met.row.to_numpy(), code)), shape=(len(tests), len(units)))
    return np.asarray(units, dtype=object), Z.tocsr()


def school_own(found: Layered) -> pd.DataFrame:
    """What each school adds in a year beyond its teachers, in points: school_id and the columns of `combined`."""
    at = found.places(SCHOOL)
    weights = np.zeros((len(at), len(found.mean)))
    weights[np.arange(len(at)), at] = 1
    return pd.concat(
        [found.effects.loc[at, "level"].rename("school_id").reset_index(drop=True), found.combined(weights)], axis=1
    )


def school_total(found: Layered) -> pd.DataFrame:
    """What each school adds in a year with its teachers: its own effect and the mean of its teachers' over the years.

    Teachers are weighted by students' years with them.
    """
    doses = found.links.groupby(["school_id", "unit", "school_year"], as_index=False).dose.sum()
    share = (doses.dose / doses.groupby("school_id").dose.transform("sum")).to_numpy()
    at = {(f, level): k for k, (f, level) in enumerate(found.effects.itertuples(index=False))}
    code, schools = pd.factorize(doses.school_id, sort=True)
    weights = np.zeros((len(schools), len(found.mean)))
    weights[np.arange(len(schools)), [at[SCHOOL, school] for school in schools]] = 1
    np.add.at(weights, (code, [at[TEACHER, unit] for unit in doses.unit]), share)
    yearly = doses.unit + " " + doses.school_year.astype(str)
    np.add.at(weights, (code, [at[TEACHER_YEAR, unit] for unit in yearly]), share)
    return pd.concat([pd.Series(schools, name="school_id"), found.combined(weights)], axis=1)


def teacher_years(found: Layered) -> pd.DataFrame:
    """What each teacher added in each year, beyond the school; for research only, see `TEACHER_WARNING`."""
    doses = found.links.groupby(["unit", "school_year"], as_index=False).agg(n=("student_id", "nunique"))
    at = {(f, level): k for k, (f, level) in enumerate(found.effects.itertuples(index=False))}
    weights = np.zeros((len(doses), len(found.mean)))
    row, yearly = np.arange(len(doses)), doses.unit + " " + doses.school_year.astype(str)
    weights[row, [at[TEACHER, unit] for unit in doses.unit]] = 1
    weights[row, [at[TEACHER_YEAR, unit] for unit in yearly]] = 1
    return pd.concat([doses.rename(columns={"unit": "teacher_id"}), found.combined(weights)], axis=1)


def _intake(tests: pd.DataFrame) -> tuple[str, NDArray[Any], sparse.csr_array]:
    code, levels = pd.factorize(tests.intake, sort=True)
    Z = sparse.csr_array((np.ones(len(code)), (np.arange(len(code)), code)), shape=(len(code), len(levels)))
    return INTAKE, np.asarray(levels, dtype=object), Z


def _fitted(tests: pd.DataFrame, built: list[tuple[str, NDArray[Any], sparse.csr_array]]) -> MixedModel:
    """The model from its moments, students eliminated; the rest as the engine does it for factors of its own."""
    cells, names = pd.factorize(tests.cell, sort=True)
    X = np.zeros((len(tests), len(names)))
    X[np.arange(len(tests)), cells] = 1
    y, w = tests.score.to_numpy(float), 1 / tests.error.to_numpy(float) ** 2
    F = np.column_stack([X, y - y.mean()])
    student, ids = pd.factorize(tests.student_id, sort=True)
    inner = Factor("student", np.asarray(ids, dtype=object), ("(Intercept)", "growth"), (slice(0, 2),))
    grade = tests.grade_level.to_numpy(float) - CENTRE_GRADE
    raw = summed(inner, student, np.column_stack([np.ones(len(y)), grade]), built, F, w)
    centre = Centre(np.eye(len(names)), np.full(len(names), y.mean()))
    columns = tuple(map(str, names))
    spread = lambda beta: float(np.var(X @ beta))  # noqa: E731
    return fit_moments(
        raw, "score ~ layered schools and teachers", "REML", columns, (inner, *raw.outers), centre, spread, None
    )


def summed(
    inner: Factor, codes: NDArray[Any], Z: Floats, outers: list[tuple[str, NDArray[Any], sparse.csr_array]], F: Floats,
    w: Floats,
) -> Moments:  # fmt: skip
    """Moments of a model in which a row may belong to several levels of an outer factor, each with a weight."""
    factors = tuple(Factor(name, levels, ("(Intercept)",), (slice(0, 1),)) for name, levels, _ in outers)
    outer = sparse.hstack([part for _, _, part in outers], format="csr")
    weighted = sparse.csr_array(outer.multiply(w[:, None])).T.tocsr()
    levels = len(inner.levels)
    own = [sparse.csr_array((column * w, (codes, np.arange(len(w)))), shape=(levels, len(w))) for column in Z.T]
    return Moments(
        len(w), inner, factors, level_sums(codes, Z, Z, levels, w), level_sums(codes, Z, F, levels, w),
        sparse.csr_array(sparse.vstack(own) @ outer), sparse.csr_array(weighted @ outer), weighted @ F,
        F.T @ (F * w[:, None]), float(np.log(w).sum()),
    )  # fmt: skip


def _posterior(model: MixedModel, links: pd.DataFrame, persistence: float) -> Layered:
    """Mean and covariance of the outer effects given the variances: b̂ = Λû, σ²Λ(S⁻¹ + ÛH⁻¹Û')Λ' (Henderson 1975)."""
    native = model.fitted
    assert isinstance(native, Native)
    at, outers = native.optimum.at, native.likelihood.m.outers
    scale = np.concatenate(
        [np.full(f.size, (T @ L)[0, 0]) for f, L, T in zip(outers, at.factors[1:], native.units.Z[1:], strict=True)]
    )
    lower, _ = lapack.dpotri(at.S.copy(order="F"), lower=1, overwrite_c=1)
    inverse = np.tril(lower) + np.tril(lower, -1).T
    through = np.linalg.solve(at.root, at.u[:, :-1].T)
    covariance = native.sigma2 * scale[:, None] * (inverse + through.T @ through) * scale
    effects = pd.DataFrame([(f.name, level) for f in outers for level in f.levels], columns=["factor", "level"])
    mean = scale * (at.u @ np.append(-at.beta, 1.0))
    return Layered(model, effects, mean, covariance, native.sigma2 * scale**2, links, persistence)
