"""Published tables as the viewer of this kernel may see them: cut to their scope, and written into the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from workbench.access import Viewer
from workbench.access.audit import Event, record
from workbench.access.signed_in import present_viewer
from workbench.disclosure import published
from workbench.disclosure.published import PublishedTable
from workbench.errors import AccessDenied

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
    viewer: Viewer | None = None,
) -> Seen:
    """Return a published table for the viewer of this kernel, after the look is in the audit log.

    `at` is the time of the look (ISO 8601 with its zone), `filters` are as the person set them and are written
    down, `what` is "exported" for a download. Raises AccessDenied where the table is not for this viewer, BadInput
    where it cannot be read, AuditError where the look cannot be written, and then nothing is shown.
    """
    viewer = viewer or present_viewer()
    thing = f"{run_name}/{name}"
    # Before the file is opened: whether there is a table that is not theirs, viewers are not told.
    found = published.read(run_name, name) if viewer.role and name in viewer.scope.tables else None
    if found is None or not viewer.sees({"audience": found.audience, "unit": found.unit}, name):
        record(Event(viewer.user or "public", "was refused", thing, viewer.role or "", filters or {}), at)
        raise AccessDenied(NOT_SHOWN)
    rows = found.table if found.audience == "public" else viewer.rows(found.table, found.unit)
    record(Event(viewer.user or "public", what, thing, viewer.role or "", filters or {}, len(rows)), at)
    return Seen(replace(found, table=rows), _not_shown(found.audience, found.unit, viewer))


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
