"""Who is enrolled on a given day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from workbench.errors import BadParameter
from workbench.features.declared import KEYS, ROSTER

if TYPE_CHECKING:
    import ibis

    from workbench.store import Data


def roster(data: Data, days: Sequence[date | str], grades: tuple[int, int] = (9, 12)) -> ibis.Table:
    """Return one row a student enrolled on each of `days`, in grades `grades[0]` to `grades[1]`.

    Columns: student_id, as_of (date), school_id, school_year, grade_level. A student is enrolled on a
    day if the spell began that day or before and has not ended by that day; of two such spells the one
    begun last counts. Raises BadParameter for a day that is no date, or grades the wrong way round.
    """
    import ibis

    if grades[0] > grades[1]:
        raise BadParameter(f"grades is {grades}; the lower grade comes first, for example (9, 12).")
    asked, spells = _days(days), data.enrollments.filter(data.enrollments.grade_level.between(*grades))
    begun = spells.join(asked, spells.entry_date <= asked.as_of)
    there = begun.filter(begun.exit_date.isnull() | (begun.exit_date > begun.as_of))
    newest = ibis.window(group_by=KEYS, order_by=[ibis.desc("entry_date"), ibis.asc("school_id")])
    return there.mutate(rank=ibis.row_number().over(newest)).filter(ibis._.rank == 0).select(*ROSTER)


def _days(days: Sequence[date | str]) -> ibis.Table:
    import ibis

    if isinstance(days, (str, date)) or not days:
        raise BadParameter(f"days is {days!r}; it must be a list of at least one day, for example ['2024-10-01'].")
    wanted = sorted({_day(day) for day in days})
    return ibis.memtable({"as_of": wanted}, schema={"as_of": "date"})


def _day(day: date | str) -> date:
    try:
        return date(day.year, day.month, day.day) if isinstance(day, date) else date.fromisoformat(day)
    except (TypeError, ValueError) as error:
        raise BadParameter(
            f"The day {day!r} is not a date; write it as year-month-day, for example 2024-10-01."
        ) from error
