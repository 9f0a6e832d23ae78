"""One student goes, from everywhere, and everybody else stays."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import workbench as wb
from workbench import checks
from workbench.access import audit
from workbench.access.pseudonyms import pseudonym
from workbench.access.roles import ALL, Scope, Viewer
from workbench.access.verification import lines, verify
from workbench.alerts.outbox import Message, Outbox
from workbench.disclosure import released
from workbench.errors import AuditError, BadInput, RunLocked
from workbench.exports.deck import Deck, Grid, Section, html
from workbench.exports.paper import pdf_bytes
from workbench.exports.sheets import xlsx_bytes
from workbench.features.activity import read_daily, update_daily
from workbench.governance.backups import returned
from workbench.governance.erase import erase, traces, was_erased
from workbench.governance.traces import Student, mentions
from workbench.reports import ledger

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "synthetic" / "sample"
ID, OTHER = "S00000002", "S00000003"
AT = "2025-01-31T08:00:00+00:00"


@pytest.fixture
def full(site: Path) -> Path:
    """A project with the sample, a run that kept and released rows, a report, a figure, and a backup."""
    shutil.copytree(SAMPLE, site / "data" / "synthetic" / "sample")
    rows = pd.DataFrame(
        {"student_id": [ID, OTHER], "school_id": ["D001-001"] * 2, "note": ["", f"twin of {ID}"], "gpa": [1.5, 2.5]}
    )
    wb.keep("rows", rows)
    wb.keep("worst", [ID, OTHER])
    wb.keep("wide", pd.DataFrame({"measure": ["gpa"], ID: [1.5], OTHER: [2.5]}))
    wb.release("caseload", rows, to="counsellor", scope="school_id")
    run = site / "runs" / "study-1"
    released.commit("study", {"caseload": run / "caseload"}, "study-1", AT)
    (run / "caseload.html").write_text(f"<p>{ID} is at risk</p>")
    (run / "other.html").write_text(f"<p>{OTHER} is at risk</p>")
    (run / "caseload" / "figures").mkdir()
    for kind, text in (("json", f'{{"alt": "The path of {ID}"}}'), ("png", "picture"), ("csv", "n\n1\n")):
        (run / "caseload" / "figures" / f"path.{kind}").write_text(text)
    (run / "model.bin").write_bytes(b"\x00\x01" + ID.encode() + b"\x00")
    (site / "runs" / "dashboards.log").write_text(f"shown {ID}\nshown {OTHER}\n")
    (run / "scores.csv").write_text(f"student_id;pseudonym\n{OTHER};x\n{ID};y\n")
    (run / "growth.csv").write_text(f"student_id,gain\n{pseudonym(ID, 'student')},1\n{pseudonym(OTHER, 'student')},2\n")
    (site / "backups").mkdir()
    (site / "backups" / "index.json").write_text(json.dumps({"backups": [{"name": "monday"}, {"name": "tuesday"}]}))
    return site


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def count(path: Path, student: str) -> int:
    return sum(value == student for value in pq.ParquetFile(path).read(["student_id"]).column(0).to_pylist())


def test_the_student_is_gone_from_every_table_and_nobody_else_is(full: Path) -> None:
    folder = full / "data" / "synthetic" / "sample"
    before = {path.relative_to(folder): path for path in folder.rglob("*.parquet")}
    held = {name: pq.ParquetFile(path).metadata.num_rows for name, path in before.items()}
    mine = {name: count(path, ID) for name, path in before.items() if "student_id" in pq.read_schema(path).names}
    assert sum(mine.values()) > 50
    assert sum(mine[Path("answer_key") / f"{part}.parquet"] for part in ("students", "terms")) > 1
    done = erase(ID, "dpo", AT)
    assert (done.left, done.troubles, done.is_complete) == ((), (), True)
    for name, rows in held.items():
        found = pq.ParquetFile(folder / name)
        assert found.metadata.num_rows == rows - mine.get(name, 0)
        assert ID.encode() not in (folder / name).read_bytes()
        if "student_id" in found.schema_arrow.names:
            assert count(folder / name, ID) == 0
    data = wb.open_data("data/synthetic/sample")
    checks.check(data)
    assert data.manifest["tables"]["students"]["rows"] == 999
    assert [path.name for path in folder.parent.iterdir()] == ["sample"]


def test_what_runs_made_is_rewritten_or_goes(full: Path) -> None:
    erase(ID, "dpo", AT)
    run = full / "runs" / "study-1"
    kept = pq.ParquetFile(run / "caseload" / "tables" / "rows.parquet").read().to_pylist()
    assert kept == [{"student_id": OTHER, "school_id": "D001-001", "note": "twin of [erased]", "gpa": 2.5}]
    assert text_of(run / "caseload" / "tables" / "rows.csv").splitlines()[1:] == [
        f"{OTHER},D001-001,twin of [erased],2.5"
    ]
    assert json.loads(text_of(run / "caseload" / "results.json")) == {"worst": ["[erased]", OTHER]}
    assert pq.read_schema(run / "caseload" / "tables" / "wide.parquet").names == ["measure", OTHER]
    assert text_of(run / "caseload" / "tables" / "wide.csv") == f"measure,{OTHER}\ngpa,2.5\n"
    assert text_of(run / "scores.csv") == f"student_id;pseudonym\n{OTHER};x\n"
    assert text_of(run / "growth.csv") == f"student_id,gain\n{pseudonym(OTHER, 'student')},2\n"
    assert text_of(full / "runs" / "dashboards.log") == f"shown {OTHER}\n"
    assert not (run / "caseload.html").exists()
    assert not (run / "model.bin").exists()
    assert (run / "other.html").exists()
    assert [*(run / "caseload" / "figures").iterdir()] == []


def slides(*words: str) -> bytes:
    deck = Deck("A list", [], [Section("Who", [Grid(["student"], [[word] for word in words])])], "A foot")
    return pdf_bytes(html(deck))


def test_slides_and_workbooks_that_tell_of_the_student_go_and_others_stay(full: Path) -> None:
    run = full / "runs" / "study-1"
    (run / "list.pdf").write_bytes(slides(ID, OTHER))
    (run / "others.pdf").write_bytes(slides(OTHER))
    (run / "list.xlsx").write_bytes(xlsx_bytes({"student_id": [ID, OTHER]}, {}))
    (run / "others.xlsx").write_bytes(xlsx_bytes({"student_id": [OTHER]}, {}))
    assert ID.encode() not in (run / "list.pdf").read_bytes(), "the text of a PDF is packed"
    done = erase(ID, "dpo", AT)
    assert {trace.path.name for trace in done.found} > {"list.pdf", "list.xlsx"}
    assert not {trace.path.name for trace in done.found} & {"others.pdf", "others.xlsx"}
    assert done.is_complete
    assert sorted(path.name for path in run.glob("*.*") if path.suffix in (".pdf", ".xlsx")) == [
        "others.pdf",
        "others.xlsx",
    ]


def test_the_slides_of_a_report_go_with_it(full: Path) -> None:
    run = full / "runs" / "study-1"
    for name in ("caseload", "other"):
        (run / f"{name}.pdf").write_bytes(slides("a figure whose alt text names somebody"))
    (run / "list.html").write_text(ID)
    (run / "list.pdf").write_bytes(slides(ID))
    assert erase(ID, "dpo", AT).is_complete
    assert [path.name for path in run.glob("*.pdf")] == ["other.pdf"]


def test_a_pdf_that_cannot_be_opened_is_named(full: Path) -> None:
    (full / "runs" / "study-1" / "torn.pdf").write_bytes(b"%PDF-1.7 and no more")
    done = erase(ID, "dpo", AT)
    assert [(one.path.name, one.trouble[:27]) for one in done.left] == [("torn.pdf", "it cannot be looked into: F")]
    assert not done.is_complete


def test_released_rows_are_rewritten_with_their_manifest(full: Path) -> None:
    erase(ID, "dpo", AT)
    looks = Viewer("khan", "counsellor", Scope(schools=ALL, districts=ALL, tables=ALL, columns=ALL))
    seen = released.read("study", "caseload", looks, at=AT)
    assert seen["student_id"].to_pylist() == [OTHER]
    home = full / "released" / "study"
    assert released.load(home / "manifest.json")["tables"]["caseload"]["rows"] == 1  # type: ignore[index]
    assert {path.stat().st_mode & 0o777 for path in home.iterdir()} == {0o600}
    assert len([*home.iterdir()]) == 2


def test_the_log_tells_of_it_by_a_keyed_hash(full: Path) -> None:
    assert not was_erased(Student.of(ID))
    erase(ID, "dpo", AT)
    told = lines(audit.site_log())[-1].told
    assert (told["what"], told["who"], told["students"]) == ("erased", "dpo", [audit.student_hash(ID)])
    assert told["note"]["complete"] is True
    assert ID not in "".join(text_of(path) for path in audit.site_log().files())
    assert verify(audit.site_log()).wrong == ()
    assert was_erased(Student.of(ID))
    assert erase(ID, "dpo", AT).found == ()


def test_backups_are_marked_and_a_restored_student_is_found_again(full: Path) -> None:
    table = full / "data" / "synthetic" / "sample"
    shutil.copytree(table, full.parent / "backup")
    assert erase(ID, "dpo", AT).backups == ("monday", "tuesday")
    index = json.loads(text_of(full / "backups" / "index.json"))
    assert [one["erase_on_restore"] for one in index["backups"]] == [[audit.student_hash(ID)]] * 2
    assert returned() == []
    shutil.rmtree(table)
    shutil.copytree(full.parent / "backup", table)
    assert returned() == [ID]
    assert erase(ID, "dpo", AT).is_complete
    assert returned() == []


def test_what_cannot_be_rewritten_is_named(full: Path) -> None:
    (full / "notebooks").mkdir()
    (full / "notebooks" / "mine.ipynb").write_text(f"# look at {ID}")
    (full / "published" / "study").mkdir(parents=True)
    (full / "published" / "study" / "rates.json").write_text(ID)
    with zipfile.ZipFile(full / "data" / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("students.csv", f"id\n{ID}\n")
    (full / "data" / "export.csv.gz").write_bytes(gzip.compress(f"id\n{ID}\n".encode()))
    (full / "data" / "torn.parquet").write_bytes(b"PAR1 and no more")
    (full / "backups" / "index.json").write_text("no index")
    done = erase(ID, "dpo", AT)
    left = ["data/export.csv.gz", "data/export.zip", "data/torn.parquet", "notebooks/mine.ipynb"]
    assert [str(one.path.relative_to(full)) for one in done.left] == [*left[:3], "published/study/rates.json", left[3]]
    assert not done.is_complete
    assert any("backups/index.json could not be brought up to date" in one for one in done.troubles)
    assert lines(audit.site_log())[-1].told["note"]["complete"] is False


def test_a_folder_that_cannot_be_written_is_named_and_stays_whole(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("workbench.governance.erase.replace_folder", refused)
        done = erase(ID, "dpo", AT)
    assert "data/synthetic/sample could not be rewritten" in done.troubles[0]
    assert {one.path.parts[-3] for one in done.left} >= {"sample"}
    checks.check(wb.open_data("data/synthetic/sample"))
    assert erase(ID, "dpo", AT).is_complete, "the same command goes on where it stopped"


def test_outputs_named_after_the_student_go_with_their_folders(full: Path) -> None:
    run = full / "runs" / "study-1"
    (run / f"report-{ID}" / "tables").mkdir(parents=True)
    (run / f"report-{ID}" / "tables" / "gpa.csv").write_text("term,gpa\nfall,1.5\n")
    (run / f"report-{ID}.html").write_text("a report")
    (run / f"report-{OTHER}.html").write_text("a report")
    assert erase(ID, "dpo", AT).is_complete
    assert not any(ID in path.name for path in full.rglob("*"))
    assert (run / f"report-{OTHER}.html").exists()


def test_cut_off_after_the_last_file_the_next_call_ends_it(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(student: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("workbench.governance.backups.mark", cut_off)
        with pytest.raises(KeyboardInterrupt):
            erase(ID, "dpo", AT)
    assert erase(ID, "dpo", AT).is_complete


def test_killed_in_the_middle_every_file_is_whole_and_the_next_call_ends_it(full: Path) -> None:
    code = f"from workbench.governance.erase import erase; print('.', flush=True); erase({ID!r}, 'dpo', {AT!r})"
    for pause in (0.1, 0.3, 0.6):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout
        with process.stdout as told:
            told.readline()
        time.sleep(pause)
        process.kill()
        process.wait()
        checks.check(wb.open_data("data/synthetic/sample"))
        assert verify(audit.site_log()).wrong == ()
        assert set(released.load(full / "released" / "study" / "manifest.json") or ()) >= {"tables"}
    assert erase(ID, "dpo", AT).is_complete


def test_an_alert_that_waits_goes_and_the_others_on_it_are_told_anew(full: Path) -> None:
    outbox, key = Outbox(), {one: pseudonym(one, "student") for one in (ID, OTHER)}
    letters = {"waits": f"{key[ID]} and {key[OTHER]}", "went": key[ID], "other": key[OTHER]}
    for name, body in letters.items():
        assert outbox.put(Message(name, "csv", "cases", "Two new", body, AT), "lee", [f"{name} 1", f"{name} 2"])
    outbox.mark("went", "sent")
    student = Student.of(ID)
    assert mentions(outbox.path, student) == 1
    erase(ID, "admin", AT)
    assert mentions(outbox.path, student) == 0
    assert key[ID].encode() not in outbox.path.read_bytes()
    assert {each.id: each.body for each in outbox.messages()} == {"went": "", "other": key[OTHER]}
    reasons = [f"{name} {n}" for name in letters for n in (1, 2)]
    assert outbox.untold("lee", reasons) == {"waits 1", "waits 2"}


def test_an_outbox_that_is_being_sent_is_named_and_the_rest_is_erased(full: Path) -> None:
    outbox, mine = Outbox(), pseudonym(ID, "student")
    outbox.put(Message("waits", "csv", "cases", "One new", mine, AT), "lee", ["1"])
    with outbox.sending() as alone:
        assert alone
        done = erase(ID, "admin", AT)
    assert not done.is_complete
    assert [trace.path.name for trace in done.left] == ["outbox.sqlite"]
    assert "Alerts are being sent at this moment" in " ".join(done.troubles)
    assert erase(ID, "admin", AT).is_complete


def test_kept_daily_sums_are_erased(full: Path) -> None:
    data = wb.open_data(full / "data" / "synthetic" / "sample")
    day = data.events.filter(data.events.student_id == ID).timestamp.max().date().to_pyarrow().as_py()
    folder = full / "data" / "synthetic" / "daily"
    update_daily(folder, data.events, day)
    before = set(pq.read_table(folder / f"{day}.parquet")["student_id"].to_pylist())
    erase(ID, "admin", AT)
    assert ID in before
    assert set(read_daily(folder, data.connection).student_id.to_pyarrow().to_pylist()) == before - {ID}


def test_other_identifiers_that_begin_alike_are_others(full: Path) -> None:
    (full / "data" / "list.csv").write_text(f"student_id,x\n{ID}0,1\nX{ID},2\n{ID},3\n{ID}-b,4\n")
    erase(ID, "dpo", AT)
    assert text_of(full / "data" / "list.csv") == f"student_id,x\n{ID}0,1\nX{ID},2\n{ID}-b,4\n"


def test_units_that_look_like_a_student_stay(site: Path) -> None:
    table = pa.table({"student_id": ["01", "02"], "school_id": ["01", "01"], "n": [1, 1]})
    (site / "data").mkdir()
    pq.write_table(table, site / "data" / "rows.parquet")
    erase("01", "dpo", AT)
    assert pq.ParquetFile(site / "data" / "rows.parquet").read().to_pylist() == [
        {"student_id": "02", "school_id": "01", "n": 1}
    ]


def test_words_of_rows_that_went_do_not_stay_in_a_dictionary_or_in_notes(site: Path) -> None:
    (site / "data").mkdir()
    table = pa.table({"student_id": pa.array([ID, OTHER]).dictionary_encode(), "n": [1, 2]})
    pq.write_table(table.replace_schema_metadata({"made for": ID}), site / "data" / "rows.parquet")
    assert erase(ID, "dpo", AT).is_complete
    found = pq.ParquetFile(site / "data" / "rows.parquet").read()
    assert found["student_id"].chunk(0).dictionary.to_pylist() == [OTHER]
    assert found.schema.metadata is None
    assert found["n"].to_pylist() == [2]


def test_folders_outside_are_looked_into_on_request(full: Path) -> None:
    outside = full.parent / "outside"
    outside.mkdir()
    (outside / "list.csv").write_text(f"student_id\n{ID}\n{OTHER}\n")
    erase(ID, "dpo", AT, [outside])
    assert text_of(outside / "list.csv") == f"student_id\n{OTHER}\n"


def test_nothing_is_erased_while_a_run_is_under_way(full: Path) -> None:
    with ledger.lock("study"), pytest.raises(RunLocked):
        erase(ID, "dpo", AT)
    assert count(full / "data" / "synthetic" / "sample" / "students" / "part-0.parquet", ID) == 1


def test_nothing_is_erased_that_cannot_be_audited(full: Path) -> None:
    shutil.rmtree(full / "audit")
    audit.site_log().anchor.write_text("7 " + "0" * 64 + "\n")
    with pytest.raises(AuditError):
        erase(ID, "dpo", AT)
    assert count(full / "data" / "synthetic" / "sample" / "students" / "part-0.parquet", ID) == 1


def test_a_student_of_whom_nothing_tells_may_be_a_slip_of_the_pen(full: Path) -> None:
    with pytest.raises(BadInput, match="Check how the identifier is written"):
        erase("S99999999", "dpo", AT)
    assert traces(Student.of("S99999999"))[0] == []
