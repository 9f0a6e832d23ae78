"""Published tables as the viewer of this kernel may see them: cut to their scope, and written into the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.access import Viewer
from workbench.access.audit import Event, record
from workbench.access.roles import picked, tells_of_meals
from workbench.access.signed_in import made_ahead, present_viewer
from workbench.dashboards.widgets import from_address
from workbench.disclosure import published
from workbench.disclosure.published import PublishedTable
from workbench.disclosure.suppression import SUPPRESSED
from workbench.errors import AccessDenied, BadInput, NotShown, WorkbenchError

if TYPE_CHECKING:
    import pyarrow as pa

MEALS = "What tells of eligibility for school meals is not shown; your role does not reach it."
COLUMNS = "Some columns of this table are not shown; your role does not reach them."
NONE_BEFORE = "No earlier publication of these numbers is kept, so there is nothing to compare them with."
NOT_SHOWN = "This is not there, or it is not for you. If you need it, ask the people who run this dashboard."


@dataclass(frozen=True)
class Seen:
    """A published table cut to its viewer, and one sentence that says what is not shown."""

    published: PublishedTable
    not_shown: str


def read(
    run_name: str,
    name: str,
    *,
    at: str,
    filters: Mapping[str, str] | None = None,
    what: str = "saw",
    before: bool = False,
    viewer: Viewer | None = None,
) -> Seen:
    """Return a published table for the viewer of this kernel, after the look is in the audit log.

    `at` is the time of the look (ISO 8601 with its zone), `filters` are as the person set them and are written down,
    `what` is "exported" for a download, `before` asks for the table as it was published before the current one. In a
    kernel that makes a page ahead, "prepared" or "was refused" is written, of the dashboards and of no person. Raises
    AccessDenied where the table is not for this viewer, BadInput where it cannot be read, AuditError where the look
    cannot be written, and then nothing is shown.
    """
    viewer = viewer or present_viewer()
    thing, who = f"{run_name}/{name}", viewer.user or "public"
    if made_ahead():
        who, what = "dashboards", "prepared"
    # Before the file is opened: whether there is a table that is not theirs, viewers are not told.
    theirs = bool(viewer.role) and name in viewer.scope.tables
    found = _found(run_name, name, before) if theirs else None
    if found is None or not viewer.sees({"audience": found.audience, "unit": found.unit}, name):
        record(Event(who, "was refused", thing, viewer.role or "", filters or {}), at)
        raise AccessDenied(NOT_SHOWN)
    mine, left_out = _cut(found, viewer)
    record(Event(who, what, thing, viewer.role or "", filters or {}, len(mine.table)), at)
    return Seen(mine, " ".join([_not_shown(found.audience, found.unit, viewer), *left_out]))


def run_to_open(usual: str, *needed: str) -> str:
    """Return the run a page is about: the one its address names, else its usual one, else the first that it can show.

    That is one which has published all tables `needed`, where this viewer's scope lists them.
    """
    asked = from_address("run_name", "")
    there = [run for run in published.runs() if not asked and _has(run, needed)]
    return asked or (usual if usual in there or not there else there[0])


def those_there(
    run_name: str, needed: Iterable[str], wanted: Iterable[str] = (), *, at: str
) -> dict[str, PublishedTable]:
    """Return published tables by name: all that are `needed`, and of those `wanted` the ones there are for this viewer.

    Raises as `read` does for a table that is needed.
    """
    tables = {name: read(run_name, name, at=at).published for name in needed}
    for name in wanted:
        with suppress(BadInput, AccessDenied):
            tables[name] = read(run_name, name, at=at).published
    return tables


def names(run_name: str, viewer: Viewer | None = None) -> list[str]:
    """Return the names of a run's published tables that a viewer's scope lists; what each shows, `read` decides."""
    viewer = viewer or present_viewer()
    return [name for name in published.tables(run_name) if viewer.role and name in viewer.scope.tables]


def as_before(run_name: str, name: str, *, at: str) -> PublishedTable | None:
    """Return a table as it was published before the current one; None where no such table is kept for this viewer."""
    try:
        return read(run_name, name, at=at, before=True).published
    except (BadInput, AccessDenied):
        return None


def _has(run_name: str, needed: Sequence[str]) -> bool:
    """Whether a run's manifest can be read and lists, for this viewer, what is needed, and anything at all."""
    try:
        there = set(names(run_name))
    except WorkbenchError:
        return False
    return bool(there) and there.issuperset(needed)


def _found(run_name: str, name: str, before: bool) -> PublishedTable:
    if not before:
        return published.read(run_name, name)
    if (earlier := published.read_before(run_name, name)) is None:
        raise NotShown(NONE_BEFORE)
    return earlier


def _cut(found: PublishedTable, viewer: Viewer) -> tuple[PublishedTable, list[str]]:
    """Return a table cut to a viewer's units, to what they may know of meals and, for a researcher, to their columns.

    A table for the public is whole for everybody. Also returns what to say of what was left out: what
    the whole table has of it counts, so that the sentence tells nothing of the viewer's own rows.
    """
    if found.audience == "public":
        return found, []
    table, said = viewer.rows(found.table, found.unit), []
    if not viewer.scope.meal_programme:
        table = _without_meals(table, found)
        said = [MEALS] if _without_meals(found.table, found).shape != found.table.shape else []
    if viewer.role == "researcher" and not viewer.scope.columns.everything:
        allowed = {*found.keys, found.count, SUPPRESSED, *viewer.scope.columns.listed}
        table, said = table.select([name for name in table.column_names if name in allowed]), [*said, COLUMNS]
    left = tuple(name for name in found.values if name in table.column_names)
    told = {name: text for name, text in found.help.items() if name in table.column_names}
    return replace(found, table=table, values=left, help=told), said


def _without_meals(table: pa.Table, found: PublishedTable) -> pa.Table:
    """Return a table without values, and without groups, that tell of eligibility for the meal programme.

    The groups go by the text of any of their keys; where a key itself, by its name, is eligibility, all but its
    totals ("all") go.
    """
    table = table.select([name for name in table.column_names if name in found.keys or not tells_of_meals(name)])
    keys = {name: table.column(name).to_pylist() for name in found.keys if name in table.column_names}

    def tells(place: int) -> bool:
        cells = [(name, str(values[place])) for name, values in keys.items()]
        return any(tells_of_meals(text) or (tells_of_meals(name) and text != "all") for name, text in cells)

    return picked(table, [place for place in range(len(table)) if not tells(place)])


def _not_shown(audience: str, unit: str, viewer: Viewer) -> str:
    """Say what is left out, and not how much: the number of rows of others is theirs."""
    if audience == "public":
        return "Everything in this table is shown to everybody."
    if not unit:
        return "This table speaks of everybody and is shown as a whole."
    reach = viewer.scope.districts if unit == "district_id" else viewer.scope.schools
    units = "districts" if unit == "district_id" else "schools"
    return (
        f"Every row of this table is shown; your role reaches all {units}."
        if reach.everything
        else f"Rows of other {units} than those of your role ({reach}) are not shown."
    )
