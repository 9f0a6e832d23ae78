"""Everything known about students on given days, as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import BadParameter
from workbench.features import background, learning, record
from workbench.features.declared import AUDIT, FEATURES, KEYS, ROSTER, Feature

if TYPE_CHECKING:
    import ibis

    from workbench.store import Data

# Each part of the table: the tables it reads, and the function that computes it.
_PARTS = (
    (("attendance",), record.attendance),
    (("attendance",), record.school_attendance),
    (("discipline",), record.discipline),
    (("course_results",), record.courses),
    (("scales", "assessments"), learning.scores),
    (("enrollments",), background.moves),
    (("students",), background.student),
    (("programs",), background.programs),
    (("events",), learning.events),
    (("interventions",), record.supports),
)
DECIMALS = 12


def student_features(data: Data, roster: ibis.Table) -> ibis.Table:
    """Return one row a row of `roster`: its five columns, every feature, and the audit columns.

    Each value is a function of what was known on `as_of`; see docs/features.md. Ordered by day and
    student. Features are float64; those that are no counts are rounded to twelve decimals, because the last
    digits of a sum depend on the order in which an engine adds, and the same data should give the same model.
    A feature whose table the data folder lacks is missing throughout.
    Raises BadParameter where `roster` lacks one of its columns.
    """
    if lacking := [name for name in ROSTER if name not in roster.columns]:
        raise BadParameter(f"The roster has no column {', '.join(lacking)}. Make it with features.roster(data, days).")
    table = roster = roster.select(*ROSTER)
    for sources, part in _PARTS:
        if all(source in data.manifest["tables"] for source in sources):
            table = _attach(table, part(data, roster))
    computed = {f.name: _finished(table, f, data) for f in (*FEATURES, *AUDIT) if f.name not in ROSTER}
    return table.select(*ROSTER, **computed).order_by("as_of", "student_id")


def _attach(table: ibis.Table, part: ibis.Table) -> ibis.Table:
    joined = table.left_join(part, list(KEYS), rname="{name}_of_part")
    return joined.drop(*(f"{key}_of_part" for key in KEYS))


def _finished(table: ibis.Table, feature: Feature, data: Data) -> ibis.Value:
    import ibis

    kind = "string" if feature.unit == "category" else "float64"
    if feature.name not in table.columns:
        return ibis.null(kind)
    value = table[feature.name]
    value = (value.round(DECIMALS) if value.type().is_floating() else value).cast(kind)
    return value if feature.nothing is None else value.fill_null(feature.nothing)
