"""The log of interventions: what may follow what, that nothing is rewritten, and that it becomes table rows."""

from __future__ import annotations

import multiprocessing
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from workbench import store
from workbench.access.audit import Log
from workbench.errors import AuditError, BadInput
from workbench.interventions import log as kept
from workbench.interventions.log import Step, add, assigned, entries, identifier, rows, sound

AT = "2025-03-01T08:00:00+00:00"
DAY = date(2025, 2, 3)
LIST = pd.DataFrame({"student_id": ["00042", "00043"], "action": "tutoring", "reasons": "grades fell; 12 % absent"})


def step(name: str, day: date, student: str = "00042", **more: str) -> Step:
    return Step(identifier(student, "tutoring", DAY), student, name, day, "counsellor", **more)


def log_list(log: Log) -> int:
    return assigned(LIST, day=DAY, by="counsellor", who="rivera", at=AT, log=log)


def test_a_support_from_its_assignment_to_its_outcome(log: Log) -> None:
    assert log_list(log) == 2
    course = [
        step("accepted", date(2025, 2, 5)),
        step("started", date(2025, 2, 10)),
        step("ended", date(2025, 2, 28)),
        step("outcome", date(2025, 2, 28), note="attends again"),
    ]
    assert add(course, who="rivera", at=AT, log=log) == 4
    assert [each.step.step for each in entries(log)] == ["assigned"] * 2 + ["accepted", "started", "ended", "outcome"]
    assert {each.who for each in entries(log)} == {"rivera"}
    assert sound(log).wrong == ()


def test_it_becomes_rows_of_the_table(log: Log) -> None:
    log_list(log)
    add([step("started", date(2025, 2, 10)), step("ended", date(2025, 2, 28))], who="rivera", at=AT, log=log)
    add([step("withdrawn", date(2025, 2, 4), "00043")], who="rivera", at=AT, log=log)
    table = rows(["00042", "00043", "00044"], log)
    assert list(table.columns) == [column.name for column in kept_table().columns]
    (row,) = table.itertuples()
    assert (row.student_id, row.school_year, row.kind, row.assigned_by) == ("00042", 2025, "tutoring", "counsellor")
    assert (row.assigned_date, row.started_date, row.ended_date) == (DAY, date(2025, 2, 10), date(2025, 2, 28))


def kept_table() -> object:
    from workbench.tables import TABLES

    return TABLES["interventions"]


def test_the_rows_pass_the_checks_of_a_data_folder(log: Log, site: Path) -> None:
    import pyarrow as pa

    log_list(log)
    with store.writing(site / "data" / "own", {"made by": "a test"}, "2025-06-30") as writer:
        arrow = pa.Table.from_pandas(rows(["00042", "00043"], log), preserve_index=False)
        writer.append("interventions", arrow.cast(kept_table().arrow_schema()))  # type: ignore[attr-defined]
    assert store.open_data(site / "data" / "own").interventions.count().execute() == 2


def test_no_identifier_stands_in_the_log(log: Log) -> None:
    log_list(log)
    assert all("00042" not in file.read_text() for file in log.files())
    with pytest.raises(BadInput, match="holds the student's identifier"):
        add([step("outcome", DAY, note="00042 attends")], who="rivera", at=AT, log=log)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([("ended", 3)], "cannot be ended before it was started"),
        ([("started", 1)], "cannot be started on 2025-02-01, before it was assigned on 2025-02-03"),
        ([("declined", 3), ("started", 3)], "cannot be started after it was declined"),
        ([("started", 3), ("started", 4)], "already started, on 2025-02-03"),
        ([("strated", 3)], "Did you mean 'started'"),
        ([("started", 3), ("outcome", 3)], "says in its note what came of it"),
    ],
)
def test_a_step_that_cannot_be_is_refused_and_nothing_is_logged(
    log: Log, steps: list[tuple[str, int]], why: str
) -> None:
    log_list(log)
    with pytest.raises(BadInput, match=why):
        add([step(name, date(2025, 2, day)) for name, day in steps], who="rivera", at=AT, log=log)
    assert len(entries(log)) == 2


def test_nothing_is_told_of_other_students_other_days_or_other_people(log: Log) -> None:
    log_list(log)
    own = identifier("00042", "tutoring", DAY)
    for one, why in (
        (Step("I-none", "00042", "started", DAY, "counsellor"), "no intervention is called 'I-none'"),
        (Step(own, "00043", "started", DAY, "counsellor"), "belongs to another"),
        (Step(own, "00042", "started", DAY, "nurse"), "Name a role"),
        (Step(own, "00042", "started", date(2025, 3, 2), "counsellor"), "2025-03-02 has not come yet"),
    ):
        with pytest.raises(BadInput, match=why):
            add([one], who="rivera", at=AT, log=log)


def test_a_list_may_be_logged_again(log: Log) -> None:
    assert (log_list(log), log_list(log)) == (2, 0)


def test_several_processes_log_the_same_list_once(log: Log) -> None:
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=log_list, args=(log,)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(entries(log)) == 2
    assert sound(log).wrong == ()


def test_what_was_changed_or_removed_is_found(log: Log) -> None:
    log_list(log)
    (file,) = log.files()
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"tutoring", b"mentoring", 1))
    assert sound(log).wrong
    file.write_bytes(whole[: whole.index(b"\n") + 1])
    assert "removed from the end" in sound(log).wrong[0]
    with pytest.raises(AuditError, match="log of interventions ends at line 1"):
        add([step("started", DAY)], who="rivera", at=AT, log=log)


def test_a_writer_killed_in_a_line_leaves_a_log_that_goes_on(log: Log) -> None:
    log_list(log)
    (file,) = log.files()
    with open(file, "ab") as torn:
        torn.write(b'{"n":3,"prev":')
    assert add([step("started", DAY)], who="rivera", at=AT, log=log) == 1
    assert sound(log).wrong == ()


def test_the_anchor_of_a_site_lies_outside_the_log(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kept.site_log().folder == (site / "data" / "interventions").resolve()
    monkeypatch.setenv(kept.ANCHOR_VARIABLE, str(site / "data" / "interventions" / "anchor"))
    with pytest.raises(BadInput, match="must lie outside"):
        kept.site_log()


def test_an_erased_student_leaves_a_sound_log(log: Log, site: Path) -> None:
    from workbench.alerts.outbox import Outbox
    from workbench.governance.erase import erase

    log_list(log)
    Outbox()
    (site / "data" / "cases.csv").write_text("student_id\n00042\n")
    done = erase("00042", "lee", AT, [])
    assert done.is_complete
    assert [each.path.name for each in done.found] == ["cases.csv"]
    assert sound(log).wrong == ()
    assert list(rows(["00043"], log).student_id) == ["00043"]
