"""The exit for rows about students: who gets which rows and columns, and what is written down about it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.access import audit
from workbench.access.pseudonyms import pseudonym
from workbench.access.roles import ALL, Scope, Units, Viewer
from workbench.access.verification import lines, verify
from workbench.disclosure import released
from workbench.errors import AccessDenied, AuditError, BadInput, BadParameter, DisclosureError

AT = "2025-01-31T08:00:00+00:00"
DENIED = "There is no such table, or it is not for you"


def some(*names: str) -> Units:
    return Units(frozenset(names))


def rows(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "student_id": ["0001", "0002", "0003"],
            "first_name": ["Ada", "Ben", "Cleo"],
            "school_id": ["S1", "S1", "S2"],
            "teacher_id": ["T1", "T2", "T1"],
            "risk": [0.9, 0.8, 0.7],
            "economically_disadvantaged": [True, False, True],
        }
        | columns
    )


def commit(root: Path, run_id: str = "study-1") -> Path | None:
    return released.commit("study", {"caseload": root / "runs" / "study-1" / "caseload"}, run_id, AT)


def viewer(role: str = "counsellor", **scope: object) -> Viewer:
    return Viewer("khan", role, Scope(**({"schools": some("S1"), "tables": ALL, "columns": ALL} | scope)))  # type: ignore[arg-type]


@pytest.fixture
def caseload(site: Path) -> Path:
    """A project whose run `study` has released a caseload to counsellors."""
    wb.release("caseload", rows(), to="counsellor", scope="school_id", title="Caseload", help={"risk": "a share"})
    commit(site)
    return site


def test_what_is_staged_is_for_its_owner_alone_and_reaches_nobody(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wb.release("caseload", rows(), to="counsellor", scope="school_id", data_date="2025-01-31", source="a test")
    folder = site / "runs" / "study-1" / "caseload" / "released"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} == {"caseload.parquet", "caseload.json"}
    assert json.loads((folder / "caseload.json").read_text()) == {
        "title": "caseload",
        "to": "counsellor",
        "scope": ["school_id"],
        "student": "student_id",
        "names": ["first_name"],
        "meals": ["economically_disadvantaged"],
        "help": {},
        "data_date": "2025-01-31",
        "source": "a test",
        "made_from": "caseload",
    }
    said = capsys.readouterr().out
    assert "3 rows released to the role counsellor" in said
    assert "0001" not in said
    assert "Ada" not in said
    with pytest.raises(AccessDenied):
        released.read("study", "caseload", viewer(), at=AT)


def test_a_day_that_is_none_is_refused_before_alerts_ask_for_its_school_year(site: Path) -> None:
    rows = pd.DataFrame({"student_id": ["1"], "school_id": ["S01"]})
    with pytest.raises(BadParameter, match="'spring 2025', which is no date"):
        wb.release("caseload", rows, to="counsellor", scope="school_id", data_date="spring 2025")


def test_a_finished_run_releases_and_says_so_in_the_log(site: Path) -> None:
    wb.release("caseload", rows(), to="counsellor", scope="school_id")
    manifest = commit(site)
    assert manifest == site / "released" / "study" / "manifest.json"
    found = [*manifest.parent.iterdir()]
    assert {path.stat().st_mode & 0o777 for path in found} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (manifest.parent, manifest.parent.parent)} == {0o700}
    told = lines(audit.site_log())[0].told
    assert (told["what"], told["thing"], told["role"], told["rows"]) == ("released", "study/caseload", "counsellor", 3)
    assert commit(site / "nowhere") is None


def test_the_rows_of_the_run_before_go(caseload: Path) -> None:
    wb.release("caseload", rows(risk=[0.1, 0.2, 0.3]), to="counsellor", scope="school_id")
    commit(caseload, "study-2")
    assert len([*(caseload / "released" / "study").glob("*.parquet")]) == 1
    assert released.read("study", "caseload", viewer(), at=AT)["risk"].to_pylist() == [0.1, 0.2]


def test_a_viewer_sees_their_own_units_and_columns(caseload: Path) -> None:
    seen = released.read("study", "caseload", viewer(columns=some("student_id", "risk")), at=AT)
    assert seen.to_pydict() == {"student_id": ["0001", "0002"], "risk": [0.9, 0.8]}
    assert "first_name" in released.read("study", "caseload", viewer(), at=AT).column_names
    assert len(released.read("study", "caseload", viewer(schools=some("S9")), at=AT)) == 0


def test_a_look_is_written_down_with_its_filters_and_students(caseload: Path) -> None:
    seen = released.read("study", "caseload", viewer(), at=AT, filters={"student_id": "0002"}, what="exported")
    assert seen["risk"].to_pylist() == [0.8]
    hashed = audit.student_hash("0002")
    assert lines(audit.site_log())[-1].told == {
        "at": AT,
        "who": "khan",
        "what": "exported",
        "thing": "study/caseload",
        "role": "counsellor",
        "filters": {"student_id": hashed},
        "rows": 1,
        "students": [hashed],
    }
    released.read("study", "caseload", viewer(), at=AT, filters={"first_name": ["Ada", "Ben"]})
    assert lines(audit.site_log())[-1].told["filters"] == {"first_name": "(a name), (a name)"}
    text = "".join(path.read_text() for path in audit.site_log().files())
    assert not re.search(r"\b(0001|0002|Ada|Ben)\b", text), "a hash may hold the same digits by chance"
    assert verify(audit.site_log()).wrong == ()


@pytest.mark.parametrize("role", ["public", "teacher", "principal", "district", "state", "researcher", None])
def test_another_role_is_refused_and_that_is_written_down(caseload: Path, role: str | None) -> None:
    with pytest.raises(AccessDenied, match=DENIED):
        released.read("study", "caseload", viewer(role, schools=ALL, districts=ALL), at=AT)  # type: ignore[arg-type]
    assert lines(audit.site_log())[-1].told["what"] == "was refused"


def test_what_is_not_there_is_refused_in_the_same_words(caseload: Path) -> None:
    for run, name, looks in (
        ("study", "reasons", viewer()),
        ("nowhere", "caseload", viewer()),
        ("study", "caseload", viewer(tables=some("reasons"))),
    ):
        with pytest.raises(AccessDenied, match=DENIED):
            released.read(run, name, looks, at=AT)
    assert released.tables(viewer()) == [("study", "caseload", "Caseload")]
    assert released.tables(viewer("principal")) == []


def test_rows_cannot_be_chosen_by_a_column_that_is_not_seen(caseload: Path) -> None:
    looks = viewer(columns=some("student_id", "risk"))
    for column in ("first_name", "economically_disadvantaged", "nothing"):
        with pytest.raises(AccessDenied, match=f"by '{column}'"):
            released.read("study", "caseload", looks, at=AT, filters={column: "True"})


def test_without_a_log_nothing_is_shown(caseload: Path) -> None:
    released.read("study", "caseload", viewer(), at=AT)
    audit.site_log().anchor.unlink()
    with pytest.raises(AuditError, match="Nothing is shown"):
        released.read("study", "caseload", viewer(), at=AT)


def test_meal_eligibility_has_a_scope_of_its_own(site: Path) -> None:
    reasons = ["absences", "reduced-price lunch", "grades"]
    wb.release("caseload", rows(reason=reasons), to="counsellor", scope="school_id")
    commit(site)
    without = released.read("study", "caseload", viewer(schools=some("S2")), at=AT).column_names
    assert {"economically_disadvantaged", "reason"}.isdisjoint(without), "a gap in one column would tell as much"
    whole = released.read("study", "caseload", viewer(meal_programme=True), at=AT)
    assert whole["reason"].to_pylist() == reasons[:2]
    assert whole["economically_disadvantaged"].to_pylist() == [True, False]


def test_a_teacher_sees_their_own_students(site: Path) -> None:
    with pytest.raises(DisclosureError, match="add teacher_id to scope"):
        wb.release("caseload", rows(), to="teacher", scope="school_id")
    wb.release("caseload", rows(), to="teacher", scope=["school_id", "teacher_id"])
    commit(site)
    seen = released.read("study", "caseload", viewer("teacher", teachers=some("T1")), at=AT)
    assert seen["student_id"].to_pylist() == ["0001"]


def test_a_researcher_sees_pseudonyms_and_never_names(site: Path) -> None:
    with pytest.raises(DisclosureError, match="leave the column 'first_name' out"):
        wb.release("growth", rows(), to="researcher", scope="school_id")
    told = rows(note=["calm", "0002 moved", "as T1 says"]).drop(columns="first_name")
    wb.release("growth", told, to="researcher", scope="school_id")
    commit(site)
    looks = viewer("researcher", schools=ALL, districts=ALL)
    seen = released.read("study", "growth", looks, at=AT)
    expected = sorted(pseudonym(one, "student") for one in ("0001", "0002", "0003"))
    assert seen["student_id"].to_pylist() == expected, "ordered by pseudonym, which tells nothing of the identifier"
    assert set(seen["teacher_id"].to_pylist()) == {pseudonym("T1", "teacher"), pseudonym("T2", "teacher")}
    assert sorted(seen["note"].to_pylist(), key=str) == [None, None, "calm"]
    said = str(seen.select(["student_id", "teacher_id", "note"]).to_pydict())
    assert not re.search(r"\b(000\d|T\d)\b", said), "a pseudonym may hold the same digits by chance"
    one = released.read("study", "growth", looks, at=AT, filters={"student_id": pseudonym("0003", "student")})
    assert one["risk"].to_pylist() == [0.7]
    assert lines(audit.site_log())[-1].told["students"] == [audit.student_hash("0003")]
    assert len(released.read("study", "growth", looks, at=AT, filters={"student_id": "0003"})) == 0


def test_a_name_that_only_the_metadata_knows_is_kept_from_researchers(site: Path) -> None:
    wb.release("growth", rows().drop(columns="first_name"), to="researcher", scope="school_id")
    manifest = commit(site)
    assert manifest
    told = json.loads(manifest.read_text())
    told["tables"]["growth"]["names"] = ["risk"]
    manifest.write_text(json.dumps(told))
    seen = released.read("study", "growth", viewer("researcher", districts=ALL), at=AT)
    assert "risk" not in seen.column_names


@pytest.mark.parametrize(
    ("table", "changes", "told"),
    [
        (rows(), {"to": "public"}, "not released to 'public', only to one of teacher, counsellor"),
        (rows(), {"to": "state"}, "publish groups with wb.publish"),
        (rows(), {"to": "Counsellor"}, "not released to 'Counsellor'"),
        (rows(), {"scope": []}, "name one or more of district_id, school_id, teacher_id"),
        (rows(), {"scope": "risk"}, "name one or more of"),
        (rows(), {"scope": "district_id"}, "no column 'district_id'"),
        (rows(), {"student": "pupil"}, "no column 'pupil'"),
        (rows(), {"names": ["nickname"]}, "no column 'nickname'"),
        (rows(school_id=["S1", None, "S2"]), {}, "an empty 'school_id'"),
        (rows(student_id=["1", None, "2"]), {}, "an empty 'student_id'"),
        (rows(student_id=[1, 2, 3]), {}, "an identifier is text, not 1"),
        (rows(risk=[["0001"], [], []]), {}, "'risk' holds a list"),
        (rows(risk=[b"0001", b"", b""]), {}, "'risk' holds a bytes"),
        ([1, 2], {}, "takes a table of rows, not list"),
    ],
)
def test_what_may_not_be_released_is_refused(site: Path, table: object, changes: dict[str, object], told: str) -> None:
    asked: dict[str, object] = {"to": "counsellor", "scope": "school_id"} | changes
    with pytest.raises(DisclosureError, match=told):
        wb.release("caseload", table, **asked)  # type: ignore[arg-type]
    assert not (site / "runs" / "study-1" / "caseload" / "released").exists()


def test_staged_rows_are_held_to_the_rules_again(caseload: Path) -> None:
    folder = caseload / "runs" / "study-1" / "caseload"
    about = json.loads((folder / "released" / "caseload.json").read_text())
    for wrong in ({"to": "public"}, {"scope": []}, {"to": "researcher", "names": []}):
        (folder / "released" / "caseload.json").write_text(json.dumps(about | wrong))
        with pytest.raises(DisclosureError):
            released.check({"caseload": folder})
        with pytest.raises(DisclosureError):
            commit(caseload)
    (folder / "released" / "caseload.json").unlink()
    with pytest.raises(DisclosureError, match=r"were not made by wb\.release"):
        commit(caseload)
    assert len(released.read("study", "caseload", viewer(), at=AT)) == 2, "the former rows are still there"


def test_rows_that_cannot_be_audited_are_not_released(site: Path) -> None:
    wb.release("caseload", rows(), to="counsellor", scope="school_id")
    (site / "audit").write_text("a file where the folder should be")
    with pytest.raises(AuditError):
        commit(site)
    assert not (site / "released" / "study" / "manifest.json").exists()


def test_a_table_that_two_notebooks_release_is_named_after_each(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {name: site / "runs" / "study-1" / name for name in ("north", "south")}
    for name, folder in folders.items():
        monkeypatch.setenv("WORKBENCH_OUTPUT", str(folder))
        wb.release("caseload", rows(source=name), to="counsellor", scope="school_id")
    released.commit("study", folders, "study-1", AT)
    assert [name for _, name, _ in released.tables(viewer())] == ["north.caseload", "south.caseload"]
    assert released.read("study", "south.caseload", viewer(), at=AT)["source"].to_pylist() == ["south"] * 2


def test_a_damaged_file_is_told_in_a_sentence_without_a_path(caseload: Path) -> None:
    file = next((caseload / "released" / "study").glob("*.parquet"))
    file.write_bytes(b"broken")
    with pytest.raises(BadInput, match="cannot be read at the moment") as told:
        released.read("study", "caseload", viewer(), at=AT)
    assert "/" not in str(told.value)
