"""Rows about students, for those entitled: released lists cut to the viewer of this kernel, each look written down."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.access.pseudonyms import pseudonym, site_key
from workbench.access.roles import NAMED
from workbench.access.signed_in import present_viewer
from workbench.dashboards.seen import Seen
from workbench.disclosure import released
from workbench.disclosure.published import PublishedTable


def lists(run_name: str) -> dict[str, str]:
    """Return the title of each list that a run has released to the viewer of this kernel, by its name."""
    return {name: title for run, name, title in released.tables(present_viewer()) if run == run_name}


def rows_of_persons(
    run_name: str, name: str, *, at: str, filters: dict[str, str] | None = None, what: str = "saw"
) -> Seen:
    """Return a released list as a page shows it: the rows and columns of this viewer, after the look is written down.

    `at` is the time of the look, `what` "exported" for a download, `filters` choose rows and are written down too.
    Raises AccessDenied where the list is not for this viewer, AuditError where the look cannot be written down.
    """
    viewer = present_viewer()
    rows = released.read(run_name, name, viewer, at=at, filters=filters, what=what)
    about = released.described(run_name, name, viewer)
    table = PublishedTable(
        table=rows,
        title=about["title"],
        keys=(about["student"],),
        count="",
        values=(),
        help=about["help"],
        min_count=0,
        data_date=about["data_date"],
        source=about["source"],
        run_id=about["run_id"],
        made_at=about["made_at"],
    )
    return Seen(table, "")


def as_in_alerts(students: Sequence[str]) -> list[str]:
    """Return what alerts call these students, so that whoever got one finds them on the list.

    A researcher's rows hold these names already.
    """
    if present_viewer().role not in NAMED:
        return list(students)
    key = site_key()
    return [pseudonym(student, "student", key) for student in students]
