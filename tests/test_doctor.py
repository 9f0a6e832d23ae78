"""The doctor says what is missing, what that means, and what to type."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench import doctor
from workbench.access.audit import Event, record, site_log
from workbench.access.pseudonyms import key_file, site_key
from workbench.paths import project_root
from workbench.tables import SCHEMA_VERSION


@pytest.mark.parametrize("name", doctor.pages())
def test_a_page_made_from_the_code_is_the_one_that_is_there(name: str) -> None:
    assert (project_root() / name).read_text() == doctor.pages()[name], "type: make docs"


def test_pages_are_written_under_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    doctor.write_docs()
    assert {f"docs/{path.name}" for path in (tmp_path / "docs").iterdir()} == set(doctor.pages())


def test_this_machine_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main() == 0
    assert "Ready" in capsys.readouterr().out


def test_without_r_java_and_browser_the_workbench_still_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.main() == 0
    said = capsys.readouterr().out
    assert "R is not installed (mixed models are fitted by the native engine alone)" in said
    assert "Java is not installed (backend: duckdb works without)" in said
    assert "What needs one of these is left out: R with lme4, Spark, browser for tests" in said


def test_a_package_outside_its_range_is_named_and_stops_the_core(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: ["pandas>=99", "nowhere-to-be-found", "numpy>=1"])
    assert doctor.main() == 2
    said = capsys.readouterr().out
    assert "it must be >=99; nowhere-to-be-found is not installed\n" in said
    assert "type: make setup" in said


def test_an_extra_is_judged_by_its_own_packages_only(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["pandas>=99", "numpy>=99; extra == 'r'", "scipy>=99; extra == 'test'", "six>=99; python_version < '3'"]
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: lines)
    assert [wrong.split()[0] for wrong in doctor.packages("r")] == ["numpy"]
    assert [wrong.split()[0] for wrong in doctor.packages()] == ["pandas"]


def test_a_kernel_of_another_python_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = tmp_path / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["/elsewhere/python"], "display_name": "Other", "language": "python"}))
    assert doctor.kernel().ok
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    check = doctor.kernel()
    assert not check.ok
    assert "/elsewhere/python" in check.found


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    assert doctor.writable("runs").ok
    (tmp_path / "published").write_text("a file where a folder should be")
    check = doctor.writable("published")
    assert not check.ok
    assert check.core
    assert str(tmp_path / "published") in check.mend


def test_a_data_folder_cut_short_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    folder = tmp_path / "data" / "synthetic" / "small"
    (folder / "students").mkdir(parents=True)
    (folder / "students" / "part-0.parquet").write_bytes(b"PAR1")
    files = {"part-0.parquet": {"rows": 9, "bytes": 400, "sha256": ""}}
    about = {"schema_version": SCHEMA_VERSION, "provenance": {}, "last_day": "2025-06-30"}
    manifest = {**about, "tables": {"students": {"rows": 9, "files": files}}}
    (folder / "dataset.json").write_text(json.dumps(manifest))
    check = next(check for check in doctor.examine() if check.what == "data in data/synthetic/small")
    assert not check.ok
    assert "part-0.parquet has 4 bytes" in check.found


def test_roles_that_cannot_be_read_are_named_and_are_no_reason_to_stop(site: Path) -> None:
    assert doctor.roles() == doctor.Check("roles", True, "entries in access.yml: 0; tables without sign-in: all")
    (site / "access.yml").write_text("min_count: 10\npublic: all\n")
    found = doctor.roles()
    assert (found.ok, found.core, found.mend) == (False, False, "workbench audit review")
    assert "access.yml, line 3: the last line must be '...'" in found.found


def test_an_audit_log_that_others_can_read_or_that_was_changed_is_named(site: Path) -> None:
    log = site_log()
    assert doctor.audit_log().found == "no line yet: it begins with the first look"
    for user in ("a", "b"):
        record(Event(user, "saw", "demo/table"), "2025-01-31T08:00:00+00:00", log)
    assert doctor.audit_log() == doctor.Check("audit log", True, f"sound: 2 lines, anchored in {log.anchor}")
    log.anchor.chmod(0o644)
    assert (doctor.audit_log().ok, doctor.audit_log().mend) == (False, f"chmod go= '{log.anchor}'")
    log.anchor.chmod(0o600)
    (file,) = log.files()
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    assert doctor.audit_log().found == "Lines 2 to 2 were removed from the end: the anchor knows them."
    assert (doctor.audit_log().ok, doctor.audit_log().mend) == (False, "workbench audit verify")


def test_a_key_that_others_can_read_or_that_was_cut_is_named(site: Path) -> None:
    assert doctor.pseudonym_key() == doctor.Check("pseudonym key", True, "none yet: it is made on first use")
    assert not key_file().exists(), "the doctor makes no key"
    site_key()
    assert doctor.pseudonym_key().ok
    key_file().chmod(0o640)
    assert f"chmod 600 '{key_file()}'" in doctor.pseudonym_key().found
    key_file().chmod(0o600)
    key_file().write_text("00ff\n")
    assert "cut short" in doctor.pseudonym_key().found
    assert not doctor.pseudonym_key().ok


def test_a_look_that_breaks_is_a_finding_not_a_traceback() -> None:
    def look() -> doctor.Check:
        raise ValueError("no such thing")

    check = doctor._look("disk", look)
    assert not check.ok
    assert check.found == "could not be looked at: ValueError: no such thing"
