"""Roles, how far each reaches, and what a viewer may see of a table.

Every scope is a list of what is allowed. Nothing is granted by leaving something out, and there is no list of
exceptions, so that a scope that was cut short shows less and never more.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

if TYPE_CHECKING:
    import pyarrow as pa

Role = Literal["public", "teacher", "counsellor", "principal", "district", "state", "researcher"]
Audience = Literal["public", "school", "district", "state"]
ROLES: Final = get_args(Role)
AUDIENCES: Final = get_args(Audience)

AUDIENCES_OF: Final[dict[str, tuple[str, ...]]] = {
    "public": ("public",),
    "teacher": ("public", "school"),
    "counsellor": ("public", "school"),
    "principal": ("public", "school"),
    "district": ("public", "school", "district"),
    "state": AUDIENCES,
    "researcher": AUDIENCES,
}
"""Which published tables a role may see, as far as its scope goes."""

OF_PERSONS: Final = {"caseload": ("counsellor", "principal")}
"""Dashboards of rows about students, and the roles that find them among the others."""
NAMED: Final = ("teacher", "counsellor", "principal", "district")
"""Roles that may be given rows about students by name."""
RELEASED_TO: Final = (*NAMED, "researcher")
"""Roles that may be given rows about students at all; a researcher sees pseudonyms."""

_CUT_BY: Final = ("school_id", "district_id")
_PERSON = {
    *("name", "names", "surname", "forename", "nickname", "firstname", "lastname", "middlename", "fullname"),
    *("initials", "email", "mail", "phone", "mobile", "telephone", "address", "street", "ssn", "photo"),
    *("guardian", "parent", "contact", "username", "login"),
}
_NO_PERSON = {
    *("school", "district", "state", "course", "test", "section", "subject", "scale", "table", "group", "unit"),
    *("program", "programme"),
}
_MEALS = re.compile(
    r"economic\w*[\W_]*disadvantag|(?<![a-z])meals?(?![a-z])|lunch|(?<![a-z])frp?l(?![a-z])", re.IGNORECASE
)


@dataclass(frozen=True)
class Units:
    """A list of what is allowed, or (`everything`) all of it; empty, it allows nothing."""

    listed: frozenset[str] = frozenset()
    everything: bool = False

    def __contains__(self, name: object) -> bool:
        return self.everything or name in self.listed

    def __bool__(self) -> bool:
        return self.everything or bool(self.listed)

    def __str__(self) -> str:
        return "all" if self.everything else ", ".join(sorted(self.listed)) or "none"


NOTHING, ALL = Units(), Units(everything=True)


@dataclass(frozen=True)
class Scope:
    """How far a role reaches: units, tables by name, columns of rows about students, and meal eligibility."""

    districts: Units = NOTHING
    schools: Units = NOTHING
    teachers: Units = NOTHING
    tables: Units = NOTHING
    columns: Units = NOTHING
    meal_programme: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether no unit lies outside."""
        return self.districts.everything and self.schools.everything


@dataclass(frozen=True)
class Viewer:
    """Somebody who looks: who they are, their role (None sees nothing) and scope; `why` they see nothing."""

    user: str
    role: Role | None = None
    scope: Scope = field(default_factory=Scope)
    why: str = ""

    def sees(self, about: Mapping[str, Any], name: str = "") -> bool:
        """Return whether a published table may be shown at all, from its metadata and its name.

        A table without a known `audience` is shown to nobody. One that is not for the public is shown by its
        `unit`, "school_id" or "district_id"; by any other, or without one, only to a viewer whose scope is everybody.
        """
        audience, unit = about.get("audience"), about.get("unit")
        if self.role is None or audience not in AUDIENCES_OF[self.role]:
            return False
        if str(name or about.get("name", "")) not in self.scope.tables:
            return False
        return audience == "public" or self.scope.is_whole or unit in _CUT_BY

    def rows(self, table: pa.Table, unit: str | None) -> pa.Table:
        """Return the rows of a published table whose `unit` lies in scope; all of them where there is no unit.

        A school is in scope by its own name, or as one of all schools of a district that the table names too.
        """
        if self.role is None:
            return table.slice(0, 0)
        uncut = not unit or (self.scope.is_whole and unit not in _CUT_BY)
        return table if uncut else self.rows_in(table, (str(unit),))

    def rows_in(self, table: pa.Table, units: Iterable[str]) -> pa.Table:
        """Return the rows for which every one of `units` (at least one) lies in scope."""
        units = tuple(units)
        if self.role is None or not units or any(unit not in table.column_names for unit in units):
            return table.slice(0, 0)
        districts = _texts(table, "district_id") if "district_id" in table.column_names else [None] * len(table)
        keep = [True] * len(table)
        for unit in units:
            values = _texts(table, unit)
            keep = [k and self._reaches(unit, v, d) for k, v, d in zip(keep, values, districts, strict=True)]
        return picked(table, [place for place, kept in enumerate(keep) if kept])

    def _reaches(self, unit: str, value: str | None, district: str | None) -> bool:
        scope = self.scope
        if value is None:
            return False
        if unit == "teacher_id":
            return value in scope.teachers
        if unit == "district_id":
            return value in scope.districts
        if unit != "school_id" or value not in scope.schools:
            return False
        by_name = not scope.schools.everything and (not scope.districts or district is None)
        return by_name or scope.districts.everything or (district is not None and district in scope.districts)

    def columns(self, available: Iterable[str]) -> tuple[str, ...]:
        """Return which columns of rows about students may be shown, in their order.

        Those of the column scope; never a name for a role that is not entitled to names, and eligibility for
        the meal programme only where the scope grants it by itself.
        """
        if self.role is None:
            return ()
        seen = [column for column in available if column in self.scope.columns]
        if self.role not in NAMED:
            seen = [column for column in seen if not names_a_person(column)]
        return tuple(column for column in seen if self.scope.meal_programme or not tells_of_meals(column))


def names_a_person(column: str) -> bool:
    """Return whether a column, by its name, holds the name or the address of a person."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", column)
    parts = [word.lower() for word in words]
    return bool(parts) and parts[0] not in _NO_PERSON and not _PERSON.isdisjoint({*parts, "".join(parts)})


def tells_of_meals(text: str) -> bool:
    """Return whether a column's name or a text speaks of eligibility for the meal programme."""
    return bool(_MEALS.search(text))


def picked(table: pa.Table, places: Sequence[int]) -> pa.Table:
    """Return some rows of a table, and nothing of the others: a dictionary of words would still hold theirs.

    It stays clear of all that makes Arrow load pandas, which costs every viewer's kernel some 60 MB.
    """
    import pyarrow as pa

    rows = table.take(pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(array("q", places))]))
    for place, one in enumerate(rows.schema):
        if pa.types.is_dictionary(one.type):
            chunks = [chunk.dictionary_decode() for chunk in rows.column(place).chunks]
            rows = rows.set_column(place, one.name, pa.chunked_array(chunks, one.type.value_type))
    return rows


def _texts(table: pa.Table, column: str) -> list[str | None]:
    return [None if value is None else str(value) for value in table.column(column).to_pylist()]
