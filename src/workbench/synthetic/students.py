"""Students: who they are, their latent standing and engagement, and when they come in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.synthetic.equations import logistic
from workbench.synthetic.places import Floats, Ints, Places
from workbench.synthetic.truth import Shape
from workbench.tables import RACES, SEXES

Bools = NDArray[np.bool_]

# Tilt of a zone's racial mix, and of poverty, with the zone's need (one unit = 1 SD of need).
_RACE_TILT = np.array([0.3, -0.1, 0.5, 0.5, 0.1, 0.2, -0.4])
_POVERTY = np.array([0.65, 0.36, 0.70, 0.68, 0.50, 0.60, 0.36])
LEARNER_SHARE = np.array([0.10, 0.30, 0.04, 0.36, 0.05, 0.15, 0.02])
RECLASSIFIED = (3, 14)
_NEED_SLOPE = 0.55
_LATE_ENTRY_SHARE = 0.06


@dataclass(frozen=True)
class Students:
    """One district's students, one element a student; see `workbench.synthetic` for the meaning."""

    number: Ints
    origin: Ints
    race: Ints
    male: Ints
    disadvantaged: Bools
    ever_learner: Bools
    reclassified_grade: Ints
    disability: Bools
    alternate: Bools
    over_age: Bools
    academy: Bools
    birth: NDArray[np.datetime64]
    entry_year: Ints
    entry_grade: Ints
    ninth_year: Ints
    standing: Floats
    standing_deviation: Floats
    engagement_mean: Floats
    subject_deviation: Floats
    slope: Floats

    @property
    def ids(self) -> pa.Array:
        return pa.array([f"S{number:08d}" for number in self.number])


def make_students(shape: Shape, places: Places, numbers: Ints, rng: np.random.Generator) -> Students:
    """Draw the students of one district, by their running numbers."""
    truth, n = shape.truth, len(numbers)
    entry_level = places.level.min()
    origin = rng.choice(np.flatnonzero(places.level == entry_level), n)
    need = places.disadvantage[origin]
    race = _race(truth.race_shares, need, rng)
    male = (rng.random(n) < truth.male_share).astype(np.int64)
    poverty = _POVERTY[race]
    disadvantaged = rng.random(n) < logistic(np.log(poverty / (1 - poverty)) + _NEED_SLOPE * need)
    ever_learner = rng.random(n) < LEARNER_SHARE[race]
    disability = rng.random(n) < truth.disability_share
    over_age = rng.random(n) < truth.over_age_share
    entry_year, entry_grade, start_year = _entries(shape, n, rng)
    deviation = rng.normal(0, truth.standing_deviation_sd, n)
    return Students(
        number=numbers,
        origin=origin,
        race=race,
        male=male,
        disadvantaged=disadvantaged,
        ever_learner=ever_learner,
        reclassified_grade=np.where(ever_learner, rng.integers(*RECLASSIFIED, n), 0),
        disability=disability,
        alternate=disability & (rng.random(n) < truth.alternate_share / truth.disability_share),
        over_age=over_age,
        academy=rng.random(n) < truth.academy_share,
        birth=_births(start_year - shape.low_grade - 1, over_age, rng),
        entry_year=entry_year,
        entry_grade=entry_grade,
        ninth_year=start_year + 9 - shape.low_grade,
        standing=standing_mean(shape, places.intake[origin], race, male, disadvantaged, ever_learner, disability)
        + deviation,
        standing_deviation=deviation,
        engagement_mean=engagement_mean(shape, race, male, disadvantaged, disability),
        subject_deviation=rng.normal(0, truth.subject_sd, (n, 2)),
        slope=rng.normal(0, truth.slope_sd, n),
    )


def standing_mean(
    shape: Shape, intake: Floats, race: Ints, male: Ints, disadvantaged: Bools, learner: Bools, disability: Bools
) -> Floats:
    """Mean standing given all that is known about a student, in SD of standing (centred near 0)."""
    truth = shape.truth
    gaps = np.array(truth.standing_race)
    centre = gaps @ truth.race_shares + truth.standing_disadvantaged / 2
    centre += truth.standing_learner * 0.14 + truth.standing_disability * truth.disability_share
    known = gaps[race] + truth.standing_male * male + truth.standing_disadvantaged * disadvantaged
    return intake + known + truth.standing_learner * learner + truth.standing_disability * disability - centre


def engagement_mean(shape: Shape, race: Ints, male: Ints, disadvantaged: Bools, disability: Bools) -> Floats:
    """Mean engagement given all that is known about a student (centred near 0)."""
    truth = shape.truth
    gaps = np.array(truth.engagement_race)
    centre = gaps @ truth.race_shares + truth.engagement_disadvantaged / 2 + truth.engagement_male * truth.male_share
    centre += truth.engagement_disability * truth.disability_share
    known = gaps[race] + truth.engagement_male * male + truth.engagement_disadvantaged * disadvantaged
    return known + truth.engagement_disability * disability - centre


def _race(shares: tuple[float, ...], need: Floats, rng: np.random.Generator) -> Ints:
    weight = np.array(shares) * np.exp(_RACE_TILT * need[:, None])
    edges = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    return np.minimum((rng.random(len(need))[:, None] > edges).sum(axis=1), len(shares) - 1)


def _entries(shape: Shape, n: int, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Spread students evenly over the grades of the first year and the new grade of each later one."""
    span = 12 - shape.low_grade
    cohort = (np.arange(n) * (span + shape.years)) // max(n, 1)
    start = shape.first_year - span + rng.permutation(cohort)
    late = np.where(rng.random(n) < _LATE_ENTRY_SHARE, rng.integers(1, 4, n), 0)
    entry = np.maximum(start, shape.first_year)
    possible = (entry + late <= shape.last_year) & (entry + late - start <= span - 1)
    entry = entry + np.where(possible, late, 0)
    return entry, shape.low_grade + entry - start, start


def _births(kindergarten_fall: Ints, over_age: Bools, rng: np.random.Generator) -> NDArray[np.datetime64]:
    year = kindergarten_fall - 5 - over_age
    new_year: NDArray[np.datetime64] = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    last_of_august = new_year + 242
    return last_of_august - rng.integers(0, 365, len(year))


def student_table(students: Students, reached_ninth: Bools) -> pa.Table:
    """Return the students table."""
    return pa.table(
        {
            "student_id": students.ids,
            "birth_date": students.birth,
            "sex": np.array(SEXES)[students.male],
            "race_ethnicity": np.array(RACES)[students.race],
            "ninth_grade_year": pa.array(students.ninth_year, mask=~reached_ninth),
        }
    )
