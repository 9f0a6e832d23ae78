"""Districts one by one into tables: in memory, or straight into a data folder."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from workbench import store
from workbench.errors import BadParameter, WorkbenchError
from workbench.paths import resolve
from workbench.synthetic import answer_key, records
from workbench.synthetic.careers import simulate
from workbench.synthetic.places import make_places, place_tables
from workbench.synthetic.scores import SCALES, placement_scores, placements, spring_tests
from workbench.synthetic.students import make_students, student_table
from workbench.synthetic.truth import Shape, Truth
from workbench.tables import TABLES, table

PRESETS = {
    "sample": Shape(students=1_000, years=6, seed=12, low_grade=9, districts=1, events_per_term=5.0),
    "small_district": Shape(students=8_000, years=6, seed=12, low_grade=0, districts=1, events_per_term=0.2),
    "demo": Shape(students=10_000, years=8, seed=2025, low_grade=9, districts=2),
    "district": Shape(students=50_000, years=8, seed=2025, low_grade=0, districts=1, events_per_term=4.0),
    "state": Shape(students=1_000_000, years=4, seed=2025, low_grade=0, districts=250, events_per_term=1.0),
}

FEWEST = 50  # students of a district
Tables = dict[str, pa.Table]


@dataclass(frozen=True)
class Synthetic:
    """Synthetic data in memory: `tables` as in the data model, `answer_key` the truth behind them."""

    shape: Shape
    tables: Tables
    answer_key: Tables

    def write(self, path: str | Path) -> Path:
        """Write a data folder with its answer key and return its path."""
        return _write(path, self.shape, iter([(self.tables, self.answer_key)]))


def shape_of(
    preset: str | None = None,
    students: int | None = None,
    years: int | None = None,
    seed: int | None = None,
    **more: Any,
) -> Shape:
    """Return what to make: a preset, changed where a value is given. Raises BadParameter."""
    if preset is not None and preset not in PRESETS:
        raise BadParameter(f"There is no preset {preset!r}; there are {', '.join(PRESETS)}.")
    base = PRESETS[preset] if preset else Shape(students=10_000, years=8, seed=1)
    given = {"students": students, "years": years, "seed": seed, **more}
    shape = replace(base, **{name: value for name, value in given.items() if value is not None})
    if preset is None and "districts" not in more:
        shape = replace(shape, districts=max(1, round(shape.students / 50_000)))
    elif "districts" not in more:  # a preset made smaller may have too many
        shape = replace(shape, districts=max(1, min(shape.districts, shape.students // FEWEST)))
    _check(shape)
    return shape


def _check(shape: Shape) -> None:
    limits = {"students": (FEWEST, 20_000_000), "years": (2, 30), "low_grade": (0, 9), "seed": (0, 2**32 - 1)}
    limits |= {"districts": (1, max(1, shape.students // 50)), "sorting": (0, 1), "events_per_term": (0, 1000)}
    for name, (low, high) in limits.items():
        value = getattr(shape, name)
        if not low <= value <= high:
            raise BadParameter(f"{name} is {value:,}; it must be from {low:,} to {high:,}.")


def generate(
    students: int | None = None,
    years: int | None = None,
    seed: int | None = None,
    *,
    preset: str | None = None,
    **more: Any,
) -> Synthetic:
    """Make synthetic education data in memory, with its answer key.

    `students` is the number of different students over all years, `years` the number of school
    years (the last is 2025), `seed` an integer: the same seed gives the same bytes. `preset` is one
    of demo, district, state, sample. Further fields of `Shape` (low_grade, districts,
    events_per_term, sorting, truth) may be given by name. Raises BadParameter.
    """
    shape = shape_of(preset, students, years, seed, **more)
    parts = [_district(shape, number) for number in range(shape.districts)]
    return Synthetic(shape, _joined([p[0] for p in parts]), _joined([p[1] for p in parts]))


def write(
    path: str | Path,
    preset: str | None = None,
    students: int | None = None,
    years: int | None = None,
    seed: int | None = None,
    jobs: int = 1,
    **more: Any,
) -> Path:
    """Make synthetic data district by district, straight into a data folder; see `generate`.

    `jobs` processes work side by side; the bytes do not depend on their number.
    """
    shape = shape_of(preset, students, years, seed, **more)
    return _write(path, shape, _districts(shape, jobs))


def _districts(shape: Shape, jobs: int) -> Iterator[tuple[Tables, Tables]]:
    if jobs == 1 or shape.districts == 1:
        for number in range(shape.districts):
            yield _district(shape, number)
        return
    # fresh processes: a fork would copy the locks of threads that DuckDB and Arrow have started
    with ProcessPoolExecutor(jobs, get_context("spawn"), _live_with, (os.getpid(),)) as pool:
        try:
            for start in range(0, shape.districts, 2 * jobs):
                numbers = range(start, min(start + 2 * jobs, shape.districts))
                yield from pool.map(_district, [shape] * len(numbers), numbers)
        except BrokenProcessPool as error:
            raise WorkbenchError(
                "A process that was making a district was killed: most often the machine ran out of memory. "
                "Nothing was changed. Make fewer students, or close other programs, and start again."
            ) from error


def _live_with(parent: int) -> None:
    """Leave Ctrl-C to the parent process, and end when it is gone, however it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _write(path: str | Path, shape: Shape, parts: Iterator[tuple[Tables, Tables]]) -> Path:
    provenance = {"made_by": "workbench synthesize", **{k: v for k, v in vars(shape).items() if k != "truth"}}
    with store.writing(path, provenance, date(shape.last_year, 6, 30).isoformat()) as folder:
        for number, (tables, truth) in enumerate(parts):
            for name, rows in tables.items():
                if name != "scales" or number == 0:
                    folder.append(name, rows)
            for name, rows in truth.items():
                folder.append_beside(f"{answer_key.FOLDER}/{name}", rows)
        text = json.dumps(answer_key.parameters(shape), indent=1) + "\n"
        (folder.folder / answer_key.FOLDER / "parameters.json").write_text(text, encoding="utf-8")
    return resolve(path)


def _joined(parts: list[Tables]) -> Tables:
    return {
        name: parts[0][name] if name == "scales" else pa.concat_tables([part[name] for part in parts])
        for name in parts[0]
    }


def _share(shape: Shape, district: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The running numbers of one district's students: districts differ in size by a factor of three."""
    weight = 1.0 + (np.arange(shape.districts) * 0.618034) % 1.0 * 2.0
    edges = np.round(np.cumsum(np.r_[0.0, weight]) / weight.sum() * shape.students).astype(np.int64)
    return np.arange(edges[district], edges[district + 1]) + 1


def _district(shape: Shape, number: int) -> tuple[Tables, Tables]:
    """Make one district; its random numbers depend on the seed and the district alone."""
    rng = np.random.default_rng([shape.seed, number])
    numbers = _share(shape, number)
    places = make_places(shape, number + 1, len(numbers), rng)
    students = make_students(shape, places, numbers, rng)
    placement, support = placements(shape, students, rng)
    state = simulate(shape, places, students, support, rng)
    tests = [placement_scores(shape, students, state, placement), *spring_tests(shape, places, students, state, rng)]
    ids, reached = students.ids, state.first_high >= 0
    scored, truth_scores = records.assessments(places, ids, tests)
    made = {
        **place_tables(places),
        "students": student_table(students, reached),
        "enrollments": records.enrollments(shape, places, ids, state, rng),
        "programs": records.programs(students, ids, state),
        "scales": SCALES,
        "assessments": scored,
        "interventions": records.interventions(shape, students, ids, state),
        "outcomes": records.outcomes(shape, ids, state, reached),
    }
    terms: dict[str, list[pa.Table]] = {
        n: [] for n in ("attendance", "discipline", "sections", "course_results", "events")
    }
    for turn, record in enumerate(state.history):
        prefix = f"{number + 1:03d}-{turn:02d}"
        sections, results, first_section = records.classes(places, students, ids, record)
        terms["attendance"].append(records.attendance(shape, places, ids, record, rng))
        terms["discipline"].append(records.discipline(shape, places, students, ids, record, prefix, rng))
        terms["sections"].append(sections)
        terms["course_results"].append(results)
        terms["events"].append(records.events(shape, students, ids, record, first_section, prefix, rng))
    made |= {name: pa.concat_tables(parts) for name, parts in terms.items()}
    tables = {name: made[name].select(table(name).names).cast(table(name).arrow_schema()) for name in TABLES}
    return tables, answer_key.key_tables(shape, places, students, ids, state, truth_scores)


__all__ = ["PRESETS", "Shape", "Synthetic", "Truth", "generate", "shape_of", "write"]
