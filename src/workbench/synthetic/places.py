"""Districts, schools and teachers, with their true effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import ndtri

from workbench.synthetic.truth import Shape
from workbench.tables import SUBJECTS

Floats = NDArray[Any]
Ints = NDArray[Any]

LEVEL_GRADES = {"elementary": (0, 5), "middle": (6, 8), "high": (9, 12)}
SCHOOL_SIZE = {"elementary": 450, "middle": 650, "high": 700}
SECTION_SIZE = 25
_NAMES = (
    "Cedar",
    "Lake",
    "Harbor",
    "Summit",
    "Prairie",
    "Maple",
    "River",
    "Canyon",
    "Meadow",
    "Granite",
    "Willow",
    "Bay",
)


@dataclass(frozen=True)
class Places:
    """One district's schools and teachers; index arrays point into the same object.

    Schools: `level` (0 elementary, 1 middle, 2 high), `zone` (a high school's catchment),
    `intake` (mean standing, SD), `value_added` (schools × 2: math, reading; points a year),
    `dropout_effect` (log odds), `grade_noise` (SD of course grades' latent noise). Teachers:
    `teacher_school`, `teacher_subject`, `leniency` (grading), `teacher_effect` (teachers × years, points).
    """

    district: int
    level: Ints
    zone: Ints
    intake: Floats
    disadvantage: Floats
    value_added: Floats
    dropout_effect: Floats
    grade_noise: Floats
    teacher_school: Ints
    teacher_subject: Ints
    leniency: Floats
    teacher_effect: Floats

    @property
    def school_ids(self) -> NDArray[np.str_]:
        return np.array([f"D{self.district:03d}-{k + 1:03d}" for k in range(len(self.level))])

    @property
    def teacher_ids(self) -> NDArray[np.str_]:
        return np.array([f"T{self.district:03d}-{j + 1:05d}" for j in range(len(self.teacher_school))])

    def pool(self, school: int, subject: int) -> Ints:
        """Return the teachers of one subject at one school."""
        return np.flatnonzero((self.teacher_school == school) & (self.teacher_subject == subject))


def make_places(shape: Shape, district: int, students: int, rng: np.random.Generator) -> Places:
    """Draw one district's schools and teachers for a number of students (distinct, over all years)."""
    truth, cohort = shape.truth, students / (12 - shape.low_grade + shape.years)
    zones = max(1, round(cohort * 4 / SCHOOL_SIZE["high"]))
    level, zone = _school_plan(shape.low_grade, cohort, zones)
    n = len(level)
    standing = _spread(rng, zones)
    apart = _apart_from(_spread(rng, zones), standing)
    zone_intake = truth.zone_intake_sd * standing
    zone_need = -truth.zone_need_link * standing + np.sqrt(1 - truth.zone_need_link**2) * apart
    elementary_share = np.where(level == 0, 1.0, 0.0) if shape.low_grade < 6 else np.ones(n)
    intake = zone_intake[zone] + elementary_share * rng.normal(0, truth.school_intake_sd, n)
    value_added = rng.normal(0, truth.school_value_added_sd, (n, 2))
    dropout_effect = np.where(level == 2, rng.normal(0, truth.hazard_school_sd, n), 0.0)
    teacher_school, teacher_subject = _teacher_plan(level, cohort, zones)
    teachers = len(teacher_school)
    return Places(
        district, level, zone, intake, zone_need[zone], value_added, dropout_effect,
        truth.grade_noise_sd * np.exp(truth.grade_noise_spread * np.where((np.arange(n) + district) % 2, 1.0, -1.0)),
        teacher_school, teacher_subject,
        rng.normal(0, truth.grade_leniency_sd, teachers),
        _drifting(rng, teachers, shape.years, truth.teacher_value_added_sd, truth.teacher_drift),
    )  # fmt: skip


def _spread(rng: np.random.Generator, n: int) -> Floats:
    """The quantiles of a standard normal, scaled to mean 0 and SD 1, in random order: no district is an outlier."""
    quantiles = ndtri((np.arange(n) + 0.5) / n)
    return rng.permutation(quantiles / max(quantiles.std(), 1e-9))


def _apart_from(drawn: Floats, other: Floats) -> Floats:
    """What of one draw does not go with the other, scaled to SD 1 (zero where there are too few)."""
    rest = drawn - other * (drawn @ other) / max(other @ other, 1e-9)
    return rest / rest.std() if rest.std() > 1e-6 else np.zeros(len(drawn))


def _school_plan(low_grade: int, cohort: float, zones: int) -> tuple[Ints, Ints]:
    levels, owners = [], []
    for index, (name, (low, high)) in enumerate(LEVEL_GRADES.items()):
        grades = high - max(low, low_grade) + 1
        if grades < 1:
            continue
        each = 1 if name == "high" else max(1, round(cohort * grades / SCHOOL_SIZE[name] / zones))
        levels += [index] * (zones * each)
        owners += list(np.repeat(np.arange(zones), each))
    return np.array(levels), np.array(owners)


def _teacher_plan(level: Ints, cohort: float, zones: int) -> tuple[Ints, Ints]:
    schools, subjects = [], []
    grades = np.array([6, 3, 4])
    schools_of_level = np.bincount(level, minlength=3)
    for school, kind in enumerate(level):
        sections = grades[kind] * max(1, -(-cohort // (SECTION_SIZE * schools_of_level[kind])))
        pools = {1: sections} if kind == 0 else dict.fromkeys(range(4), sections / 5) | {4: 2 * sections / 5}
        for subject, wanted in pools.items():
            count = max(2, round(wanted))
            schools += [school] * count
            subjects += [subject] * count
    return np.array(schools), np.array(subjects)


def _drifting(rng: np.random.Generator, rows: int, years: int, sd: float, persistence: float) -> Floats:
    effect = np.empty((rows, years))
    effect[:, 0] = rng.normal(0, sd, rows)
    for year in range(1, years):
        effect[:, year] = persistence * effect[:, year - 1] + rng.normal(0, sd * np.sqrt(1 - persistence**2), rows)
    return effect


def place_tables(places: Places) -> dict[str, pa.Table]:
    """Return the districts, schools and teachers tables of one district."""
    kinds = list(LEVEL_GRADES)
    suffix = {"elementary": "Elementary", "middle": "Middle", "high": "High"}
    names, seen = [], dict.fromkeys(kinds, 0)
    for kind in (kinds[k] for k in places.level):
        turn, word = divmod(seen[kind] + 3 * places.district, len(_NAMES))
        number = f" {turn + 1}" if turn > 0 and seen[kind] >= len(_NAMES) else ""
        names.append(f"{_NAMES[word]} {suffix[kind]}{number}")
        seen[kind] += 1
    district = f"D{places.district:03d}"
    return {
        "districts": pa.table({"district_id": [district], "name": [f"District {places.district}"], "state": ["ZZ"]}),
        "schools": pa.table(
            {
                "school_id": places.school_ids,
                "district_id": [district] * len(places.level),
                "name": names,
                "level": [kinds[k] for k in places.level],
                "low_grade": [LEVEL_GRADES[kinds[k]][0] for k in places.level],
                "high_grade": [LEVEL_GRADES[kinds[k]][1] for k in places.level],
            }
        ),
        "teachers": pa.table(
            {
                "teacher_id": places.teacher_ids,
                "school_id": places.school_ids[places.teacher_school],
                "subject": np.array(SUBJECTS)[places.teacher_subject],
            }
        ),
    }
