"""Where numbers are from: the whole, its districts and schools, and which schools are alike in whom they teach."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import median, pstdev
from typing import Any, Final, Literal

from workbench.dashboards.blocks import told_apart
from workbench.dashboards.change import Estimate

ALL: Final = "all"
EVERYWHERE: Final = "All districts"
INTAKE: Final = {
    "share_economically_disadvantaged": "economically disadvantaged",
    "share_english_learner": "English learners",
    "share_disability": "students with a disability",
}
"""Columns of the published directory that say whom a school teaches."""


@dataclass(frozen=True)
class Place:
    """A district or a school, or everything (`all`): identifier, name, kind, and of what it is a part."""

    id: str
    name: str
    kind: Literal["all", "district", "school"]
    parent: str = ""
    about: Mapping[str, Any] | None = None


def places(directory: Iterable[Mapping[str, Any]]) -> dict[str, Place]:
    """Return the places of a published directory of schools by identifier, the whole first.

    With one district, the district is the whole. Names that two places share carry the identifier.
    """
    rows = list(directory)
    districts = dict(sorted({row["district_id"]: row["district_name"] for row in rows}.items(), key=lambda p: p[1]))
    names = told_apart({row["school_id"]: row["school_name"] for row in rows})
    found = {ALL: Place(ALL, EVERYWHERE, "all")} if len(districts) > 1 else {}
    top = ALL if len(districts) > 1 else ""
    found |= {one: Place(one, name, "district", top) for one, name in told_apart(districts).items()}
    schools = [Place(row["school_id"], names[row["school_id"]], "school", row["district_id"], row) for row in rows]
    return found | {one.id: one for one in sorted(schools, key=lambda one: one.name)}


def whole(known: Mapping[str, Place]) -> Place:
    """Return the place of which all others are parts."""
    return next(iter(known.values()))


def parts(known: Mapping[str, Place], place: str) -> list[Place]:
    """Return the districts of the whole, or the schools of a district; of a school, the schools beside it."""
    of = known[place].parent if known[place].kind == "school" else place
    return [one for one in known.values() if one.parent == of]


def way_to(known: Mapping[str, Place], place: str) -> list[Place]:
    """Return the places of which a place is a part, the largest first."""
    parent = known[place].parent
    return [*way_to(known, parent), known[parent]] if parent in known else []


def place_of(row: Mapping[str, Any]) -> str:
    """Return the identifier of the place that a published row tells of."""
    school = row["school_id"]
    return str(school if school != ALL else row.get("district_id", ALL))


def similar(known: Mapping[str, Place], school: str, most: int = 5) -> list[tuple[Place, float]]:
    """Return the schools of the same level nearest to a school in whom they teach, with their distances.

    The distance is the root mean square, over published intake shares and the logarithm of size, of differences in
    standard deviations of the schools of that level. A school with a withheld number is compared on the others; one
    with fewer than two numbers in common is left out.
    """
    level = (known[school].about or {}).get("level")
    peers = [one for one in known.values() if one.kind == "school" and (one.about or {}).get("level") == level]
    traits = {one.id: _traits(one) for one in peers}
    spreads = [_spread([values[place] for values in traits.values()]) for place in range(1 + len(INTAKE))]
    found = [
        (one, apart)
        for one in peers
        if one.id != school and (apart := _apart(traits[school], traits[one.id], spreads)) is not None
    ]
    return sorted(found, key=lambda pair: (pair[1], pair[0].name))[:most]


def span(values: Iterable[float | None]) -> Estimate:
    """Return the median of the numbers that are shown, with the least and the greatest for its limits."""
    known = [one for one in values if one is not None]
    return Estimate(median(known), min(known), max(known)) if known else Estimate(None)


def _traits(place: Place) -> list[float | None]:
    about = place.about or {}
    size = about.get("n")
    return [log(size) if size else None, *(about.get(name) for name in INTAKE)]


def _spread(values: Sequence[float | None]) -> float:
    known = [one for one in values if one is not None]
    return pstdev(known) if len(known) > 1 else 0.0


def _apart(a: Sequence[float | None], b: Sequence[float | None], spreads: Sequence[float]) -> float | None:
    steps = [
        (x - y) / spread
        for x, y, spread in zip(a, b, spreads, strict=True)
        if x is not None and y is not None and spread > 0
    ]
    return sqrt(sum(step**2 for step in steps) / len(steps)) if len(steps) > 1 else None
