"""The answer key: true values beside the data, for methods to be held against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from workbench.errors import BadInput
from workbench.paths import resolve, shown
from workbench.synthetic.careers import State
from workbench.synthetic.places import Places
from workbench.synthetic.students import Students
from workbench.synthetic.truth import Shape, Truth
from workbench.tables import RACES

FOLDER = "answer_key"


def key_tables(
    shape: Shape, places: Places, students: Students, ids: pa.Array, state: State, scores: pa.Table
) -> dict[str, pa.Table]:
    """Return the true values of one district: students, terms, schools, teachers and scores."""
    who = np.concatenate([record.who for record in state.history])
    hazard = np.concatenate([record.hazard for record in state.history])
    counts = [len(record.who) for record in state.history]
    years = np.arange(shape.first_year, shape.last_year + 1)
    return {
        "students": pa.table(
            {
                "student_id": ids,
                "standing": students.standing,
                "standing_deviation": students.standing_deviation,
                "engagement_mean": students.engagement_mean,
                "growth_slope": students.slope,
                "math_deviation": students.subject_deviation[:, 0],
                "reading_deviation": students.subject_deviation[:, 1],
                "over_age": students.over_age,
                "ever_learner": students.ever_learner,
                "supported": state.supported & (state.first_high >= 0),
                "known_hazard": _known(shape, places, students, state),
            }
        ),
        "terms": pa.table(
            {
                "student_id": ids.take(pa.array(who)),
                "school_year": np.repeat([record.term.school_year for record in state.history], counts),
                "term": np.repeat([record.term.name for record in state.history], counts),
                "high_school_year": np.concatenate([record.high_year for record in state.history]),
                "engagement_deviation": np.concatenate([record.deviation for record in state.history]),
                "dropout_hazard": hazard,
            }
        ),
        "schools": pa.table(
            {
                "school_id": places.school_ids,
                "intake": places.intake,
                "value_added_math": places.value_added[:, 0],
                "value_added_reading": places.value_added[:, 1],
                "dropout_log_odds": places.dropout_effect,
                "grade_noise_sd": places.grade_noise,
            }
        ),
        "teachers": pa.table(
            {
                "teacher_id": np.repeat(places.teacher_ids, len(years)),
                "school_year": np.tile(years, len(places.teacher_school)),
                "value_added": places.teacher_effect.ravel(),
                "grading_leniency": np.repeat(places.leniency, len(years)),
            }
        ),
        "scores": scores,
    }


def _known(shape: Shape, places: Places, students: Students, state: State) -> Any:
    """The part of the hazard's log odds known to the school, but for support."""
    effect = np.where(state.first_high >= 0, places.dropout_effect[state.first_high], 0.0)
    return effect + shape.truth.hazard_over_age * students.over_age


def parameters(shape: Shape) -> dict[str, Any]:
    """Return what answer_key/parameters.json holds: the shape, the true values, the equations."""
    return {
        "shape": {name: value for name, value in vars(shape).items() if name != "truth"},
        "truth": shape.truth.as_dict(),
        "equations": EQUATIONS,
    }


def read_parameters(folder: str | Path) -> tuple[Shape, Truth]:
    """Read the shape and true values of a data folder. Raises BadInput where it has no answer key."""
    file = resolve(folder) / FOLDER / "parameters.json"
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        truth = {name: _plain(value) for name, value in kept["truth"].items()}
        made = Truth(**truth)
        return Shape(**kept["shape"], truth=made), made
    except FileNotFoundError as error:
        raise BadInput(f"{shown(resolve(folder))} has no answer key: only synthetic data have one.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{shown(file)} cannot be read ({error}). Make the synthetic data again.") from error


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(value[race] for race in RACES)
    return tuple(value) if isinstance(value, list) else value


EQUATIONS = (
    "standing  θ = intake[school] + gaps(race, sex, need, learner, disability) + N(0, standing_deviation_sd²)",
    "engagement  e(t) = mean(race, sex, need, disability) + d(t),  d(t) = ρ d(t−1) + N(0, 1−ρ²),  d(0) ~ N(0, 1)",
    "dropout in a term  logit h = a[year of high school] + bθ θ + be e(t) + school + over-age + support",
    "absences in a term ~ NegBin(mean = share · exp(a + a' [high school] + b e(t)), size), at most the days enrolled",
    "incidents in a term ~ Poisson(share · exp(a + b e(t) + c [male]))",
    "learning events in a term ~ NegBin(mean = share · events_per_term · exp(b e(t)), size)",
    "course grade: letter = cut(g1 θ + g2 e(t) + teacher's leniency + N(0, s[school]²))",
    "quiz score: logit q ~ N(a + b θ, s²)",
    "growth test: y = curve(grade) + score_sd (θ + subject) + slope (grade − 5) + added + N(0, SE²)",
    "added(t) = persistence · added(t−1) + mean over fall and spring of (school's value added + teacher's effect(t)), "
    "teachers' effects AR(1) over years; a term elsewhere adds 0",
    "exit test (grade 11): y = 500 + 100 (θ + subject + added / score_sd) + N(0, 25²)",
    "missing the spring tests  logit m = a + b e(t)",
    "placement (grade 9): p = θ + N(0, placement_error_sd²), reported as 500 + 100 p",
    "support (grade 9)  logit s = a + b p + c [disadvantaged]; counts from the spring of grade 9 on",
)
