"""alerts.yml: what is read, and what is refused before anything is sent."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from workbench.alerts import settings
from workbench.errors import WorkbenchError

GOOD = """mail: {host: mail.example.org, port: 465, security: tls, sender: workbench@example.org}
time_zone: America/Los_Angeles
quiet: "20:00 to 07:00"
nights_to: [operator@example.org]
people:
  - {user: rivera, by: mail, to: rivera@example.org, run: night, table: caseload}
  - {user: lee, by: webhook, to: 'https://cases.example.org/in', run: night, table: caseload}
"""


def test_the_hours_are_those_of_the_site(site: Path) -> None:
    (site / "alerts.yml").write_text(GOOD)
    found = settings.read()
    assert found.is_quiet("2025-02-03T12:00:00+00:00")  # four in the morning on the west coast
    assert not found.is_quiet("2025-02-03T20:00:00+00:00")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("quiet", "quite", "Did you mean 'quiet'"),
        ("security: tls", "security: none", "would send in the clear"),
        ("security: tls", "security: ssl", "write tls, starttls or none"),
        ("port: 465", "port: many", "it is a number"),
        ("https://cases", "http://cases", "a webhook is https"),
        ("https://cases", "https://me:secret@cases", "holds no password"),
        ("rivera@example.org", "rivera", "no e-mail address"),
        ("rivera@example.org", '"rivera@example.org\\nBcc: a@b.org"', "no e-mail address"),
        ("America/Los_Angeles", "Mars/Olympus", "write one such as"),
        ("20:00 to 07:00", "evenings", "write it as"),
        ("by: mail", "by: pigeon", "write mail, webhook or csv"),
        (", table: caseload}\n  -", "}\n  -", "no 'table'"),
        ("mail: {", "# {", "no mail server"),
    ],
)
def test_what_is_written_wrong_is_named(site: Path, old: str, new: str, why: str) -> None:
    (site / "alerts.yml").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(WorkbenchError, match=why):
        settings.read()


@trials(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(GOOD)), more=st.text(max_size=20))
def test_no_file_is_more_than_a_named_error(site: Path, cut: int, more: str) -> None:
    (site / "alerts.yml").write_text(GOOD[:cut] + more, encoding="utf-8", errors="replace")
    with suppress(WorkbenchError):
        settings.read()
