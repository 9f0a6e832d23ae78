"""Layered value added: several years of scores at once, in which what schools and teachers once added stays.

For student i tested in year t, with measurement error e of known standard deviation,

    y_it = μ(grade, year) + intake(i) + u_0i + u_1i (grade − c) + Σ_{v ≤ t} α^(t−v) (schools + teachers of v) + e_it

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

from workbench import hlm
from workbench.errors import BadInput, ModelError
from workbench.growth.value_added.rows import Subject, joined, school_doses, subject_tests, teacher_doses
from workbench.hlm.combinations import outer_effects, posterior_variance

if TYPE_CHECKING:
    from workbench.hlm.result import MixedModel
    from workbench.store import Data

Floats = NDArray[Any]
CENTRE_GRADE = 5
FORMULA = "score ~ cell + (1 + growth | student_id) + (1 | intake) + (1 | school) + (1 | teacher) + (1 | teacher_year)"
Z95 = 1.959963984540054
NEGLIGIBLE = 1e-8  # points squared


@dataclass(frozen=True)
class Layered:
    """A fitted layered model.

    `effects`, a row an effect other than students': group (intake, school, teacher, teacher_year), level, estimate,
    variance (of its group). `links`: student_id, school_year, school_id, unit (the teacher), dose. `schools`:
    school_id, peers (schools of one level are compared).
    """

    model: MixedModel = field(repr=False)
    effects: pd.DataFrame
    links: pd.DataFrame = field(repr=False)
    schools: pd.DataFrame = field(repr=False)
    persistence: float

    def combined(self, weights: Floats) -> pd.DataFrame:
        """Return linear combinations of the effects (m × Q weights): estimate, std_error, conf_low, conf_high,
        reliability = 1 − posterior variance / variance of the same combination before the data.

        Where the latter is estimated as zero there is no interval, and the reliability is zero.
        """
        estimate = weights @ self.effects.estimate.to_numpy()
        square = posterior_variance(self.model, weights)
        error = np.sqrt(square)
        columns = {"estimate": estimate, "std_error": error, "conf_low": estimate - Z95 * error}
        before = weights**2 @ self.effects.variance.to_numpy()
        table = pd.DataFrame({**columns, "conf_high": estimate + Z95 * error, "reliability": 1 - square / before})
        if (nothing := before < NEGLIGIBLE).any():  # a variance of zero does not make an effect of zero certain
            table.loc[nothing, ["std_error", "conf_low", "conf_high"]] = np.nan
            table.loc[nothing, "reliability"] = 0.0
        return table

    def weights(self, groups: dict[str, pd.Series[str]], row: NDArray[Any], share: Any) -> Floats:
        """Return weights (rows × Q) that add `share` to the level named in each group, of each `row`."""
        index = pd.MultiIndex.from_frame(self.effects[["group", "level"]])
        made = np.zeros((int(row.max()) + 1, len(self.effects)))
        for group, levels in groups.items():
            at = index.get_indexer(pd.MultiIndex.from_arrays([[group] * len(levels), levels]))
            np.add.at(made, (row, at), share)
        return made


def layered(data: Data, subject: Subject, years: int | None = None, persistence: float = 1.0) -> Layered:
    """Fit the layered model to the last `years` springs (all, where None) of a subject, with schools and teachers.

    Schools have one effect a year, the same in every year; a teacher has a lasting one and one of each year. The means
    of students who began in the same school and grade are effects of their own, so that intake is not credited to
    schools. Students tested once are left out: they say nothing about growth.
    Raises BadInput, BadParameter or ModelError.
    """
    tests = subject_tests(data, subject)
    tests = tests[tests.school_year > tests.school_year.max() - (years or 10_000)]
    tests = tests[tests.groupby("student_id").score.transform("size") > 1].reset_index(drop=True)
    if tests.empty:
        raise BadInput("Nobody has two scores on the scale within these years: nothing is known about growth.")
    first = tests.loc[tests.groupby("student_id").school_year.idxmin()]
    start = first[["student_id", "school_year"]].rename(columns={"school_year": "first_year"})
    start["intake"] = joined(first.school_id, first.grade_level)
    tests = tests.merge(start, on="student_id").assign(
        growth=lambda t: t.grade_level - CENTRE_GRADE, precision=lambda t: 1 / t.error**2
    )
    links, schools = (_since(doses, start) for doses in (teacher_doses(data, subject), school_doses(data)))
    yearly = links.assign(unit=joined(links.unit, links.school_year))
    exposure = {"school": schools, "teacher": links, "teacher_year": yearly}
    members = {name: memberships(tests, doses, persistence) for name, doses in exposure.items()}
    model = hlm.fit(FORMULA, tests, engine="native", weights="precision", members=members)
    if not model.converged:
        raise ModelError("The layered model did not settle. Take more years, or students of more schools.")
    levels = data.schools.select("school_id", peers="level").to_pandas()
    return Layered(model, outer_effects(model), links, levels, persistence)


def memberships(tests: pd.DataFrame, doses: pd.DataFrame, persistence: float) -> pd.DataFrame:
    """Return how much of each unit is in each test: row, level, weight.

    The doses of all years up to the test's, each multiplied by persistence^(years since).
    """
    at = tests.reset_index(names="row")[["row", "student_id", "school_year"]]
    met = at.merge(doses[["student_id", "school_year", "unit", "dose"]], on="student_id", suffixes=("", "_then"))
    met = met[met.school_year_then <= met.school_year]
    met["weight"] = met.dose * float(persistence) ** (met.school_year - met.school_year_then)
    return met[["row", "unit", "weight"]].rename(columns={"unit": "level"})


def school_own(found: Layered) -> pd.DataFrame:
    """What each school adds in a year beyond its teachers, against the mean of its peers, in points.

    school_id, peers and the columns of `Layered.combined`. With few schools this share can hardly be told from the
    mean of their teachers; `school_total` can.
    """
    own = found.effects[found.effects.group == "school"].level
    return _against_peers(found, own, found.weights({"school": own}, np.arange(len(own)), 1.0))


def school_total(found: Layered) -> pd.DataFrame:
    """What each school with its teachers adds in a year, against the mean of its peers, in points.

    Its own effect and the mean of its teachers', weighted by the time students spent with them; as `school_own`.
    """
    doses = found.links.groupby(["school_id", "unit", "school_year"], as_index=False).dose.sum()
    share = doses.dose / doses.groupby("school_id").dose.transform("sum")
    groups = {"school": doses.school_id, "teacher": doses.unit, "teacher_year": joined(doses.unit, doses.school_year)}
    row, schools = pd.factorize(doses.school_id, sort=True)
    return _against_peers(found, pd.Series(schools), found.weights(groups, row, share))


def teacher_years(found: Layered) -> pd.DataFrame:
    """What each teacher added in each year, beyond the school: teacher_id, school_year, n and those of `combined`.

    For research only; `TEACHER_WARNING` belongs beside every use.
    """
    doses = found.links.groupby(["unit", "school_year"], as_index=False).agg(n=("student_id", "nunique"))
    groups = {"teacher": doses.unit, "teacher_year": joined(doses.unit, doses.school_year)}
    effects = found.combined(found.weights(groups, np.arange(len(doses)), 1.0))
    return pd.concat([doses.rename(columns={"unit": "teacher_id"}), effects], axis=1)


def _since(doses: pd.DataFrame, start: pd.DataFrame) -> pd.DataFrame:
    """Doses of the years after each student's first test."""
    rows = doses.merge(start[["student_id", "first_year"]], on="student_id")
    return rows[rows.school_year > rows.first_year].drop(columns="first_year").reset_index(drop=True)


def _against_peers(found: Layered, schools: pd.Series[str], weights: Floats) -> pd.DataFrame:
    """Each school's combination less the mean of its peers'."""
    names = pd.DataFrame({"school_id": schools.to_numpy()}).merge(found.schools, on="school_id", how="left")
    same = (names.peers.to_numpy()[:, None] == names.peers.to_numpy()[None, :]).astype(float)
    return pd.concat([names, found.combined(weights - same / same.sum(axis=1, keepdims=True) @ weights)], axis=1)
