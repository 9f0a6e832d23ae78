"""`workbench interventions …` and `workbench alerts …`: what is printed, and the exit codes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from workbench import store
from workbench.cli import main
from workbench.governance.review import disclosures
from workbench.interventions import log as kept
from workbench.interventions.log import assigned, identifier

DAY = date(2025, 2, 3)


@pytest.fixture
def logged(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site whose one student 00042 was assigned tutoring."""
    import pyarrow as pa

    from workbench.tables import TABLES

    monkeypatch.setenv(kept.ANCHOR_VARIABLE, str(tmp_path / "elsewhere" / "interventions.txt"))
    schema = TABLES["students"].arrow_schema()
    told = {
        "student_id": "00042", "birth_date": date(2008, 5, 1), "sex": "female", "race_ethnicity": "white",
        "cohort": 2022,
    }  # fmt: skip
    with store.writing(site / "data" / "own", {"made by": "a test"}, "2025-06-30") as writer:
        writer.append("students", pa.table({n: pa.array([told.get(n)], schema.field(n).type) for n in schema.names}))
    rows = pd.DataFrame({"student_id": ["00042"], "action": "tutoring", "reasons": "grades fell"})
    assigned(rows, day=DAY, by="counsellor", who="rivera", at="2025-02-03T08:00:00+00:00")
    return site


def test_out_and_back(logged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = logged / "cases.csv"
    assert main(["interventions", "export", "data/own", str(file)]) == 0
    assert [each.what for each in disclosures("00042")] == ["exported"]
    with open(file, "a") as more:
        more.write(f"{identifier('00042', 'tutoring', DAY)},00042,started,2025-02-10,teacher,,,\n")
    assert main(["interventions", "import", str(file)]) == 0
    assert "Logged 1 new steps." in capsys.readouterr().out
    with open(file, "a") as more:
        more.write("I-none,00042,ended,2025-02-11,teacher,,,\n")
    assert main(["interventions", "import", str(file)]) == 2
    assert "line 4: no intervention is called 'I-none'" in capsys.readouterr().err


def test_verify_says_sound_or_not(logged: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["interventions", "verify"]) == 0
    (file,) = kept.site_log().files()
    file.write_bytes(file.read_bytes().replace(b"tutoring", b"mentoring"))
    assert main(["interventions", "verify"]) == 1
    assert "NOT sound" in capsys.readouterr().out


def test_alerts_without_settings_are_a_named_error(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts"]) == 0
    assert "Nothing waits in the outbox." in capsys.readouterr().out
    assert main(["alerts", "send"]) == 2
    assert "alerts.yml cannot be read" in capsys.readouterr().err
    assert main(["alerts", "again", "none"]) == 2
    assert main(["alerts", "night", "params/demo.yml"]) == 0
    assert "Nobody was told that the run failed" in capsys.readouterr().err
