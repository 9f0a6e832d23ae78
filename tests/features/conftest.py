"""Two made-up data folders: a tiny one to compute by hand, and a random one full of awkward cases."""

from __future__ import annotations

import copy
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from workbench import store
from workbench.tables import TABLES

Facts = dict[str, list[dict[str, Any]]]

_PLACEHOLDER = {"string": "x", "int": 0, "float": 0.0, "bool": False}


def write(folder: Any, facts: Facts) -> Any:
    """Write rows as a data folder; a column that a row leaves out is empty, or a placeholder."""
    with store.writing(folder, {"made": "by hand"}, "2025-06-15") as writer:
        for name, rows in facts.items():
            schema = TABLES[name].arrow_schema()
            blank = {c.name: None if c.nullable else _PLACEHOLDER.get(c.type) for c in TABLES[name].columns}
            writer.append(name, pa.Table.from_pylist([{**blank, **row} for row in rows], schema=schema))
    return folder


def day(text: str) -> date:
    return date.fromisoformat(text)


def rows(columns: str, *values: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Build rows from positional values; columns named `*_date` are written as text."""
    names = columns.split()
    return [{n: day(v) if n.endswith("_date") and v else v for n, v in zip(names, row, strict=True)} for row in values]


def _tiny() -> Facts:
    facts: Facts = {
        "students": rows(
            "student_id birth_date sex race_ethnicity ninth_grade_year",
            ("ana", "2009-03-01", "female", "asian", 2024),
            ("ben", "2007-09-01", "male", "white", 2023),
            ("cal", "2010-05-05", "male", "black", None),
            ("eve", "2009-01-01", "female", "hispanic", 2024),
        ),
        "enrollments": rows(
            "student_id school_id school_year grade_level entry_date exit_date",
            ("ana", "s_old", 2021, 6, "2020-08-20", "2021-06-15"),
            ("ana", "s0", 2023, 8, "2022-08-20", "2023-06-15"),
            ("ana", "s1", 2024, 9, "2023-08-21", "2024-03-01"),
            ("ana", "s2", 2024, 9, "2024-03-04", "2024-06-15"),
            ("ana", "s2", 2025, 10, "2024-08-20", None),
            ("ben", "s2", 2024, 9, "2023-08-21", "2024-06-15"),
            ("ben", "s2", 2025, 10, "2024-08-20", "2024-10-02"),
            ("cal", "s2", 2025, 9, "2024-09-20", None),
            ("eve", "s1", 2024, 9, "2023-08-21", "2024-06-15"),
            ("eve", "s1", 2025, 10, "2024-08-20", "2024-10-01"),
        ),
        "programs": rows(
            "student_id school_year economically_disadvantaged english_learner disability",
            ("ana", 2024, False, True, False),
            ("ana", 2025, True, False, True),
        ),
        "attendance": rows(
            "student_id school_id school_year term end_date days_enrolled days_absent",
            ("ana", "s0", 2023, "fall", "2023-01-20", 80, 8),
            ("ana", "s0", 2023, "spring", "2023-06-10", 90, 9),
            ("ana", "s1", 2024, "fall", "2024-01-20", 80, 4),
            ("ana", "s1", 2024, "spring", "2024-03-01", 40, 10),
            ("ana", "s2", 2024, "spring", "2024-06-10", 50, 8),
            ("ana", "s2", 2025, "fall", "2025-01-20", 80, 40),
            ("ben", "s2", 2024, "spring", "2024-06-10", 90, 0),
        ),
        "discipline": rows(
            "student_id incident_id school_year incident_date action days_removed",
            ("ana", "i1", 2024, "2023-10-02", "none", 1),
            ("ana", "i2", 2024, "2023-10-03", "none", 2),
            ("ana", "i3", 2025, "2024-10-01", "none", 3),
            ("ana", "i4", 2025, "2024-10-02", "none", 9),
        ),
        "course_results": rows(
            "student_id section_id school_year term posted_date grade_points credits_attempted credits_earned passed",
            ("ana", "c1", 2024, "fall", "2024-01-22", 4.0, 1.0, 1.0, True),
            ("ana", "c2", 2024, "fall", "2024-01-22", 0.0, 1.0, 0.0, False),
            ("ana", "c3", 2024, "spring", "2024-06-12", 3.0, 0.5, 0.5, True),
            ("ana", "c4", 2024, "spring", "2024-06-13", 2.0, 1.5, 1.5, True),
            ("ana", "c5", 2025, "fall", "2025-01-22", 0.0, 1.0, 0.0, False),
            ("ben", "c6", 2024, "spring", "2024-06-12", 1.0, 0.0, 0.0, True),
        ),
        "scales": rows(
            "scale_id subject vertical alternate",
            ("m", "math", True, False),
            ("r", "reading", True, False),
            ("alt", "math", False, True),
        ),
        "assessments": rows(
            "student_id school_year grade_level subject test_date scale_id scale_score",
            ("ana", 2023, 8, "math", "2023-04-10", "m", 400.0),
            ("eve", 2023, 8, "math", "2023-04-10", "m", 410.0),
            ("ana", 2024, 9, "math", "2024-04-10", "m", 500.0),
            ("ben", 2024, 9, "math", "2024-04-10", "m", 520.0),
            ("eve", 2024, 9, "math", "2024-04-11", "m", 540.0),
            ("ana", 2024, 9, "reading", "2024-04-12", "r", 600.0),
            ("ben", 2024, 9, "reading", "2024-04-12", "r", 610.0),
            ("ana", 2024, 9, "math", "2024-05-01", "alt", 1.0),
            ("ben", 2024, 9, "math", "2024-05-01", "alt", 2.0),
            ("ana", 2024, 9, "reading", "2024-10-02", "r", 900.0),
        ),
        "events": [
            {"student_id": student, "event_id": f"e{i}", "school_year": 2025, "timestamp": when, "score_scaled": score}
            for i, (student, when, score) in enumerate(
                (
                    ("ana", datetime(2024, 6, 3, 9), 0.6),
                    ("ana", datetime(2024, 6, 4, 9), None),
                    ("ana", datetime(2024, 8, 2, 9), None),
                    ("ana", datetime(2024, 8, 3, 9), 1.0),
                    ("ana", datetime(2024, 9, 1, 10), 0.5),
                    ("ana", datetime(2024, 10, 1, 8), None),
                    ("ana", datetime(2024, 10, 1, 23, 59), None),
                    ("ana", datetime(2024, 10, 2, 0, 30), 0.0),
                    ("ben", datetime(2022, 1, 1, 9), None),
                )
            )
        ],
        "interventions": rows(
            "student_id intervention_id school_year assigned_date",
            ("ana", "v1", 2025, "2024-09-30"),
            ("ana", "v2", 2025, "2024-10-02"),
        ),
    }
    return facts


def _awkward(seed: int = 7, students: int = 60) -> Facts:
    """Random facts: moves inside a term, empty terms, ties, zero credits, gaps, two spells at once."""
    rng = np.random.default_rng(seed)
    facts: Facts = {name: [] for name in _tiny()}
    facts["scales"] = _tiny()["scales"]
    for i in range(students):
        who = f"{i:05d}"
        ninth = None if rng.random() < 0.2 else int(rng.integers(2021, 2026))
        born = day("2006-01-01") + timedelta(int(rng.integers(0, 1500)))
        facts["students"].append(
            {
                "student_id": who,
                "birth_date": born,
                "sex": "female",
                "race_ethnicity": "white",
                "ninth_grade_year": ninth,
            }
        )
        for year in range(2022, 2026):
            _add_year(facts, rng, who, year, 9 + (year - (ninth or 2022)))
    return facts


def _add_year(facts: Facts, rng: np.random.Generator, who: str, year: int, grade: int) -> None:
    def between(first: str, days: int) -> date:
        return day(f"{year - 1}-{first}") + timedelta(int(rng.integers(0, days)))

    same = {"student_id": who, "school_year": year}
    schools = list(rng.choice(["s1", "s2", "s3"], size=rng.integers(1, 3), replace=False))
    for school in schools:
        spell = {**same, "school_id": school, "grade_level": int(np.clip(grade - (rng.random() < 0.2), 7, 12))}
        end = None if rng.random() < 0.2 else between("12-01", 200)
        facts["enrollments"].append({**spell, "entry_date": between("08-20", 60), "exit_date": end})
        for term, end_of_term in (("fall", "12-20"), ("spring", "12-30")):
            on_roll = int(rng.integers(0, 4)) * 20
            closed = between(end_of_term, 40) + timedelta(150 * (term == "spring"))
            absent = int(rng.integers(0, on_roll // 3 + 1))
            facts["attendance"].append(
                {
                    **same,
                    "school_id": school,
                    "term": term,
                    "end_date": closed,
                    "days_enrolled": on_roll,
                    "days_absent": absent,
                }
            )
    for k in range(int(rng.integers(0, 8))):
        number = f"{who}-{year}-{k}"
        points = int(rng.integers(0, 5))
        credits = float(rng.choice([0, 0.5, 1, 1 / 3]))
        facts["course_results"].append(
            {
                **same,
                "section_id": number,
                "term": str(rng.choice(["fall", "spring"])),
                "posted_date": between("12-10", 250),
                "grade_points": float(points),
                "credits_attempted": credits,
                "credits_earned": credits * (points > 0),
                "passed": points > 0,
            }
        )
        facts["assessments"].append(
            {
                **same,
                "grade_level": grade if 0 <= grade <= 12 else 9,
                "subject": str(rng.choice(["math", "reading"])),
                "test_date": between("09-10", 6),
                "scale_id": str(rng.choice(["m", "r", "alt"])),
                "scale_score": round(float(rng.normal(500, 50)), 1),
            }
        )
        happened = between("09-01", 280)
        facts["discipline"].append(
            {
                **same,
                "incident_id": number,
                "incident_date": happened,
                "action": "none",
                "days_removed": int(rng.integers(0, 4)),
            }
        )
        facts["interventions"].append({**same, "intervention_id": number, "assigned_date": happened})
    for k in range(int(rng.integers(0, 30))):
        moment = datetime.combine(between("08-20", 300), datetime.min.time()) + timedelta(
            seconds=int(rng.integers(86400))
        )
        score = float(rng.random()) if rng.random() < 0.3 else None
        facts["events"].append({**same, "event_id": f"{who}{year}{k}", "timestamp": moment, "score_scaled": score})
    if rng.random() < 0.9:
        flags = ("economically_disadvantaged", "english_learner", "disability")
        facts["programs"].append({**same, **{flag: bool(rng.random() < 0.4) for flag in flags}})


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> store.Data:
    return store.open_data(write(tmp_path_factory.mktemp("data") / "tiny", _tiny()))


@pytest.fixture
def tiny_facts() -> Facts:
    return _tiny()


@pytest.fixture(scope="session")
def _awkward_once() -> Facts:
    return _awkward()


@pytest.fixture
def awkward_facts(_awkward_once: Facts) -> Facts:
    return copy.deepcopy(_awkward_once)


@pytest.fixture(scope="session")
def awkward(tmp_path_factory: pytest.TempPathFactory, _awkward_once: Facts) -> Any:
    """Return the folder of the random data."""
    return write(tmp_path_factory.mktemp("data") / "awkward", _awkward_once)


@pytest.fixture(scope="session")
def sample() -> Path:
    """Return the folder of the small synthetic data set that comes with the project."""
    return Path(__file__).parents[2] / "data" / "synthetic" / "sample"


@pytest.fixture(name="write", scope="session")
def _write() -> Any:
    return write
