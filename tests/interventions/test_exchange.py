"""The log as CSV and back."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.access.audit import Log
from workbench.errors import BadInput
from workbench.interventions import exchange
from workbench.interventions.log import assigned, entries, identifier

AT = "2025-03-01T08:00:00+00:00"
DAY = date(2025, 2, 3)
LIST = pd.DataFrame({"student_id": ["00042", "00043"], "action": "tutoring", "reasons": "=grades, and\u2014absent"})


def test_what_goes_out_comes_back_as_nothing_new(log: Log, tmp_path: Path) -> None:
    assigned(LIST, day=DAY, by="counsellor", who="rivera", at=AT, log=log)
    file = tmp_path / "cases.csv"
    assert exchange.write(file, ["00042", "00043"], log) == 2
    assert "'=grades" in file.read_text()
    assert oct(file.stat().st_mode)[-3:] == "600"
    assert exchange.read(file, who="rivera", at=AT, log=log) == 0


def test_the_steps_of_a_case_system_are_added(log: Log, tmp_path: Path) -> None:
    assigned(LIST, day=DAY, by="counsellor", who="rivera", at=AT, log=log)
    one = identifier("00042", "tutoring", DAY)
    file = tmp_path / "back.csv"
    file.write_text(
        "\ufeffday,step,student_id,intervention_id,by,note\r\n"
        f"2025-02-10,started,00042,{one},counsellor,\r\n\r\n"
        f'2025-02-20,outcome,00042,{one},teacher,"attends, again"\r\n'
    )
    assert exchange.read(file, who="import", at=AT, log=log) == 2
    assert [each.step.note for each in entries(log)][-1] == "attends, again"
    assert exchange.read(file, who="import", at=AT, log=log) == 0


def test_every_bad_row_is_named_by_its_line(log: Log, tmp_path: Path) -> None:
    assigned(LIST, day=DAY, by="counsellor", who="rivera", at=AT, log=log)
    one = identifier("00042", "tutoring", DAY)
    file = tmp_path / "back.csv"
    file.write_text(
        "intervention_id,student_id,step,day,by\n"
        f"{one},00042,started,02/10/2025,counsellor\n"
        f"{one},00042,started,2025-02-10,counsellor\n"
        f"{one},00042,ended,2025-02-09,counsellor\n"
        f"{one},00042,ended,2025-02-11\n"
        f"I-other,00042,ended,2025-02-11,counsellor\n"
    )
    with pytest.raises(BadInput) as told:
        exchange.read(file, who="import", at=AT, log=log)
    assert [said.split(":")[0] for said in str(told.value).splitlines()[1:-1]] == [
        "line 2",
        "line 5",
        "line 4",
        "line 6",
    ]
    assert len(entries(log)) == 2


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("intervention_id,student_id,step,day", "the column 'by' is missing"),
        ("intervention_id,student_id,step,day,by,nots", "Did you mean 'note'"),
        ("intervention_id,student_id,step,day,by,day", "stands there twice"),
        ("", "is missing"),
    ],
)
def test_a_head_that_is_not_ours_is_refused(log: Log, tmp_path: Path, head: str, why: str) -> None:
    file = tmp_path / "back.csv"
    file.write_text(head + "\n")
    with pytest.raises(BadInput, match=why):
        exchange.read(file, who="import", at=AT, log=log)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
def test_no_file_is_more_than_a_named_error(log: Log, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.csv"
    file.write_bytes(b"intervention_id,student_id,step,day,by\n" + content)
    with suppress(BadInput):
        exchange.read(file, who="import", at=AT, log=log)
    assert entries(log) == ()
