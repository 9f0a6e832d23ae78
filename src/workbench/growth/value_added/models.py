"""What schools and teachers add to students' scores: shrunken effects of covariate-adjusted mixed models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from workbench import hlm
from workbench.errors import BadParameter, ModelError
from workbench.growth.rankings import LEVEL, q_values, rank_intervals
from workbench.growth.value_added.prior_scores import calibrate_priors
from workbench.growth.value_added.rows import (
    COVARIATES,
    FLAGS,
    Subject,
    school_doses,
    teacher_doses,
    value_added_rows,
    with_doses,
)
from workbench.hlm.combinations import rows_of

if TYPE_CHECKING:
    import pandas as pd

    from workbench.hlm.result import MixedModel
    from workbench.store import Data

Floats = NDArray[Any]
Adjustment = Literal["calibrated", "observed", "gain"]
AVERAGE, ABOVE, BELOW, ALONE = (
    "cannot be told apart from average",
    "above average",
    "below average",
    "nobody to compare with",
)
FALSE_SHARE = 0.05
UNIT = "unit_year"
RANKS = ("rank_best", "rank_worst")
HELP: dict[str, str] = {
    "subject": "subject of the test",
    "school_id": "the school",
    "school_year": "spring of the school year",
    "n": "students with scores in this spring and the one before",
    "estimate": "value added in points of the test's scale, against the mean of schools of the same level; shrunken",
    "conf_low": "lower end of the 95 % interval",
    "conf_high": "upper end of the 95 % interval",
    "reliability": "share of the variance of estimates that is not chance: 0 to 1",
    "category": "-1 below average, 0 cannot be told apart from average, 1 above (false-discovery rate 5 %)",
}
TEACHER_WARNING = (
    "These figures are for research. Do not base any decision about a person's employment on them. They do not show "
    "that a teacher caused what was measured. Most teachers cannot be told apart from the average."
)


@dataclass(frozen=True)
class ValueAdded:
    """Effects of units (schools or teachers) in school years, in points of the scale.

    `table`, a row a unit and year: school_id (teacher_id too, for teachers), school_year, peers, n (students),
    estimate (shrunken; against the mean of its peers), std_error, conf_low, conf_high (95 %), reliability, unshrunken,
    sampling_error (of what is unshrunken, before peers are subtracted), q_value (of "does not differ from the mean of
    its peers"), category, and for schools rank_best and rank_worst (all ranks among peers at once; teachers are not
    ranked). `told` says in words how it was made.
    """

    table: pd.DataFrame
    model: MixedModel = field(repr=False)
    subject: Subject
    adjustment: Adjustment
    told: str

    @property
    def mean_reliability(self) -> float:
        """Mean of the effects' reliability: the expected squared correlation with the true effects."""
        return float(self.table.reliability.mean())

    @property
    def undecided(self) -> float:
        """Share of units that cannot be told apart from average."""
        return float((self.table.category == AVERAGE).mean())


def school_value_added(
    data: Data, subject: Subject, adjustment: Adjustment = "calibrated", *, covariates: bool = True,
    composition: bool = False, seed: int = 1,
) -> ValueAdded:  # fmt: skip
    """Estimate what each school, with its teachers, added to its students' scores in each school year.

    score = grade and year + b'(prior scores of both subjects) + covariates + school-year + e; the school-year's effect
    is random, and its conditional mode is the estimate. It is everything about a school in that year that students' own
    past does not explain: its own contribution *and* the mean of its teachers'. It is told against the mean of the
    schools of the same level: schools that teach other grades are not compared. `adjustment`: "calibrated" takes
    measurement error out of the prior scores, "observed" leaves it in (which credits schools with a high intake),
    "gain" subtracts the prior score of the subject instead. `composition` adds the means of a school-year's prior
    scores and disadvantage: what goes with intake is then no longer the school's. Who changed school counts for each
    in proportion to his days. Raises BadParameter, BadInput or ModelError.
    """
    rows = with_doses(value_added_rows(data, subject), school_doses(data))
    schools = data.schools.select("school_id", peers="level").to_pandas()
    model = _fit(rows, subject, adjustment, "(1 | unit_year)", covariates, composition)
    effects = _modes(model, rows).merge(schools, left_on="unit", right_on="school_id").drop(columns="unit")
    return ValueAdded(
        with_ranks(against_peers(effects, model), seed),
        model, subject, adjustment, _told(rows, model, "school"),
    )  # fmt: skip


def teacher_value_added(
    data: Data, subject: Subject, adjustment: Adjustment = "calibrated", *, covariates: bool = True, seed: int = 1
) -> ValueAdded:
    """Estimate what each teacher of a subject added in each school year, beyond the school: for research only.

    As `school_value_added`, with random effects of school-year and of teacher-year, and prior scores calibrated by
    class. Told against the teachers of the same level of school in the same year. Several teachers who share a
    student count for their share of the year. See `TEACHER_WARNING`, which belongs beside every use.
    """
    doses = teacher_doses(data, subject)
    rows = with_doses(value_added_rows(data, subject), doses)
    schools = data.schools.select("school_id", peers="level").to_pandas()
    home = doses.groupby(["unit", "school_year"]).school_id.first().reset_index()
    rows = rows.drop(columns="school_id").merge(home, on=["unit", "school_year"])
    rows["school_taught"] = rows.school_id + " " + rows.school_year.astype(str)
    model = _fit(rows, subject, adjustment, "(1 | school_taught) + (1 | unit_year)", covariates, False)
    effects = _modes(model, rows).merge(home, on=["unit", "school_year"]).merge(schools, on="school_id")
    effects = effects.rename(columns={"unit": "teacher_id"})
    return ValueAdded(against_peers(effects, model), model, subject, adjustment, _told(rows, model, "teacher"))


def against_peers(effects: pd.DataFrame, model: MixedModel) -> pd.DataFrame:
    """Return modes (estimate, std_error) told against the mean of their peers of the same year, with what is sure.

    Given the fixed effects modes are independent, so the difference from the mean of k peers has the variance
    (1 − 2/k) s² + mean(s²)/k, to which comes what the fixed effects' own uncertainty does to it: a mode falls by
    reliability · x̄ for each unit of β, x̄ being the unit's mean of X. Unshrunken estimates divide a mode by its
    reliability 1 − s²/τ² (Raudenbush & Bryk 2002, equation 3.28). Tests use these, with the false-discovery rate held
    at 5 % over the whole table.
    """
    from scipy.stats import norm

    variance = float(model.variances.set_index("group").estimate[UNIT])
    if not variance > 1e-10:
        raise ModelError(
            "The units do not differ measurably: the variance of their effects is estimated as zero, so there is "
            "nothing to tell apart. Use more years or more students."
        )
    effects = effects.reset_index(drop=True)
    by = [effects.school_year, effects.peers]
    k = effects.groupby(by).estimate.transform("size")
    trust = 1 - effects.std_error**2 / variance
    raw, raw_square = effects.estimate / trust, effects.std_error**2 / trust
    pull = _mean_columns(model).loc[effects[UNIT]].reset_index(drop=True)

    def centred(values: Any) -> Any:
        return values - values.groupby(by).transform("mean")

    def spread(squares: pd.Series[float], pulled: pd.DataFrame) -> pd.Series[float]:
        own = (1 - 2 / k) * squares + squares.groupby(by).transform("mean") / k
        return (own + (centred(pulled) ** 2).sum(axis=1)).where(k > 1)

    error = np.sqrt(spread(effects.std_error**2, pull.mul(trust, axis=0)))
    table = effects.assign(estimate=centred(effects.estimate), std_error=error)
    half = norm.ppf((1 + LEVEL) / 2) * table.std_error
    table = table.assign(
        conf_low=table.estimate - half, conf_high=table.estimate + half,
        reliability=1 - table.std_error**2 / (variance * (1 - 1 / k)),
        unshrunken=centred(raw), sampling_error=np.sqrt(raw_square),
    )  # fmt: skip
    p = 2 * norm.sf(np.abs(table.unshrunken) / np.sqrt(spread(raw_square, pull)))
    table["q_value"] = np.nan
    table.loc[k > 1, "q_value"] = q_values(p[k > 1])
    table["category"] = categories(table.unshrunken, table.q_value)
    table = table.drop(columns=UNIT)
    return table.sort_values(["school_year", "peers", "school_id"], ignore_index=True)


def with_ranks(table: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Return effects with `rank_best` and `rank_worst` among peers of the same year, all ranks of them at once."""
    import pandas as pd

    parts = [
        pd.DataFrame(
            dict(zip(RANKS, rank_intervals(p.unshrunken, p.sampling_error, LEVEL, seed), strict=True)), p.index
        )
        for _, p in table.groupby(["school_year", "peers"])
    ]
    return table.join(pd.concat(parts))


def categories(estimates: Any, q: Any, false_share: float = FALSE_SHARE) -> Any:
    """Return for each estimate whether it differs from average, the false-discovery rate held at `false_share`."""
    sign, q = np.asarray(estimates) > 0, np.asarray(q, dtype=float)
    return np.select([np.isnan(q), q > false_share, sign], [ALONE, AVERAGE, ABOVE], BELOW)


def _fit(
    rows: pd.DataFrame, subject: Subject, adjustment: Adjustment, random: str, covariates: bool, composition: bool
) -> MixedModel:
    """The mixed model of one adjustment; every student counts once, shared by dose."""
    if adjustment not in get_args(Adjustment):
        raise BadParameter(f"adjustment is {adjustment!r}; it is one of {', '.join(get_args(Adjustment))}.")
    right = "cell" + (" + sex + C(race_ethnicity) + " + " + ".join(FLAGS) if covariates else "")
    if adjustment == "calibrated":
        grade = " " + rows.grade_level.astype(str)
        nests = rows.school_taught + grade if "school_taught" in rows else None
        rows = calibrate_priors(rows, rows.main + grade, _dummies(rows, covariates), nests)
    if composition:
        means = {
            f"mean_{n}": rows.groupby("main")[n].transform("mean") for n in ("prior_math", "prior_reading", FLAGS[0])
        }
        # Means of prior scores grow with the grade; what tells intakes apart is the distance from the cell.
        rows = rows.assign(**{n: means[n] - means[n].groupby(rows.cell).transform("mean") for n in means})
        right += " + " + " + ".join(means)
    if adjustment == "gain":
        rows = rows.assign(score=rows.score - rows[f"prior_{subject}"])
    else:
        right += " + prior_math + prior_reading"
    return hlm.fit(f"score ~ {right} + {random}", rows, engine="native", weights="dose")


def _dummies(rows: pd.DataFrame, covariates: bool) -> Floats:
    import pandas as pd

    if not covariates:
        return np.zeros((len(rows), 1))
    return pd.get_dummies(rows[list(COVARIATES)], drop_first=True).to_numpy(float)


def _modes(model: MixedModel, rows: pd.DataFrame) -> pd.DataFrame:
    """Modes of units with their years and numbers of students."""
    units = rows.groupby(UNIT).agg(
        unit=("unit", "first"), school_year=("school_year", "first"), n=("student_id", "nunique")
    )
    modes = model.modes[model.modes["group"] == UNIT].set_index("level")[["estimate", "std_error"]]
    return units.join(modes).reset_index()


def _mean_columns(model: MixedModel) -> pd.DataFrame:
    """Each unit's mean of X times the root of the covariance of the fixed effects: units × p."""
    import pandas as pd

    design = rows_of(model)
    assert design.weights is not None
    at = [factor.name for factor in design.factors].index(UNIT)
    codes, levels = design.codes[at], design.factors[at].levels
    total = np.bincount(codes, design.weights)
    X = design.X @ np.linalg.cholesky(model.covariance)
    means = np.column_stack([np.bincount(codes, column * design.weights) / total for column in X.T])
    return pd.DataFrame(means, index=levels)


def _told(rows: pd.DataFrame, model: MixedModel, unit: str) -> str:
    students, years = rows.student_id.nunique(), sorted(rows.school_year.unique())
    return (
        f"{students:,} students with scores in two springs running, school years {years[0]} to {years[-1]}; "
        f"{rows.unit_year.nunique():,} pairs of a {unit} and a year. " + " ".join(model.messages)
    ).strip()
