"""access.yml: what it grants, and that nothing but a whole and sound file grants anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench import access
from workbench.access import grants
from workbench.access.policy import policy
from workbench.access.roles import ALL, Scope, Units
from workbench.errors import BadInput
from workbench.paths import project_root

DOCS = Path(__file__).resolve().parents[2] / "docs" / "access.md"
FILE = """\
min_count: 12
public: [rates]
groups:
  north: [a.khan, b.ng]
  south: [b.ng]
people:
  - user: lee
    role: principal
    schools: [00123]
    tables: all
  - group: north
    role: counsellor
    schools: [S1, S2]
    tables: [caseload]
    columns: all
    meal_programme: yes
  - group: south
    role: district
    districts: [D1]
    schools: all
    tables: all
  - user: ortiz
    role: researcher
    districts: all
    schools: all
    tables: all
    columns: [student_id, gpa]
...
"""
USERS = (None, "", "lee", "a.khan", "b.ng", "ortiz", "nobody", "le", "all", "public")


def write(root: Path, text: str | bytes) -> None:
    (root / "access.yml").write_bytes(text if isinstance(text, bytes) else text.encode())


def some(*names: str) -> Units:
    return Units(frozenset(names))


def test_users_and_groups_have_their_role_and_scope(site: Path) -> None:
    write(site, FILE)
    assert access.viewer("lee").role == "principal"
    assert access.viewer("lee").scope == Scope(schools=some("00123"), tables=ALL)
    counsellor = Scope(schools=some("S1", "S2"), tables=some("caseload"), columns=ALL, meal_programme=True)
    assert (access.viewer("a.khan").role, access.viewer("a.khan").scope) == ("counsellor", counsellor)
    assert access.viewer("ortiz").scope.columns == some("student_id", "gpa")
    assert policy().min_count == 12


def test_without_sign_in_the_public_role_sees_its_tables(site: Path) -> None:
    write(site, FILE)
    anybody = access.viewer(None)
    assert (anybody.role, anybody.scope) == ("public", Scope(tables=some("rates")))
    write(site, FILE.replace("public: [rates]\n", ""))
    assert access.viewer(None).role is None


@pytest.mark.parametrize("user", ["", " "])
def test_a_sign_in_without_a_name_sees_nothing(site: Path, user: str) -> None:
    write(site, FILE)
    assert access.viewer(user, ["north"]).role is None


@pytest.mark.parametrize("user", ["nobody", "le", "LEE", "lee ", "all", "north", "public"])
def test_an_unknown_user_sees_nothing(site: Path, user: str) -> None:
    write(site, FILE)
    assert access.viewer(user).role is None
    assert access.viewer(user).scope == Scope()
    assert "grants nothing" in access.viewer(user).why


def test_two_groups_that_disagree_give_nothing(site: Path) -> None:
    write(site, FILE)
    assert access.viewer("b.ng").role is None
    assert "different roles" in access.viewer("b.ng").why


def test_groups_that_the_sign_in_vouches_for(site: Path) -> None:
    write(site, FILE)
    assert access.viewer("new", ["north"]).role == "counsellor"
    assert access.viewer("new", ["north", "south"]).role is None
    assert access.viewer("new", ["lee"]).role is None, "a group cannot pass for a user"
    assert access.viewer("lee", ["south"]).role == "principal", "the user's own entry goes first"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("role: principal", "role: headmaster", "line 8: role is 'headmaster'; it must be one of public, teacher"),
        ("    schools: [00123]\n", "", "line 7: 'lee' is a principal without 'schools'"),
        ("schools: [00123]", "schools: 00123", "line 9: schools is '00123'; write all, none, or a list such as"),
        ("schools: [00123]", "schools: []", "line 9: schools must be a list with something in it"),
        ("schools: [00123]", "schools: [all, S1]", "line 9: schools has 'all' inside a list"),
        ("schools: [00123]", "schools: [S1, S1]", "line 9: schools names 'S1' twice"),
        ("schools: [00123]", "schools: [[S1]]", "line 9: schools must be one word or name"),
        ("schools: [00123]", "schools: {S1: S2}", "line 9: schools must be a list"),
        ("schools: [00123]", "shools: [00123]", "line 9: 'shools' is unknown; an entry has user, group, role"),
        ("    role: principal\n", "    role: principal\n    role: state\n", "line 9: 'role' stands there twice"),
        ("user: ortiz", "user: lee", "'lee' stands under people before, on line 7"),
        ("user: lee", "user: lee\n    group: north", "line 7: an entry names one user or one group, and a role"),
        ("meal_programme: yes", "meal_programme: true", "line 16: meal_programme is 'true'; write yes or no"),
        ("people:", "poeple:", "'poeple' is unknown; lists stand under people, groups or public"),
        ("public: [rates]", "public: everything", "line 2: public is 'everything'"),
        ("  north: [a.khan, b.ng]", "  north:", "line 4: north must be a list with something in it"),
        ("...\n", "", "the last line must be '...'; without it the file was only half written"),
        ("...\n", "...", "half written"),
        ("  - user: lee", "  - user: &a lee\n    <<: *a", "is unknown"),
        ("min_count", "\tmin_count", "line 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_nobody_sees_anything(
    site: Path, before: str, after: str, told: str
) -> None:
    assert before in FILE
    write(site, FILE.replace(before, after, 1))
    with pytest.raises(BadInput, match=re.escape(told)):
        grants.read()
    for user in USERS:
        assert access.viewer(user).role is None


@pytest.mark.parametrize(
    "content", [None, b"", b"...\n", b"\xff\xfe\n...\n", b"[" * 50_000 + b"\n...\n", b"#" * 1_000_001 + b"\n...\n"]
)
def test_a_file_that_cannot_be_read_grants_nothing(site: Path, content: bytes | None) -> None:
    if content is None:
        (site / "access.yml").unlink()
    else:
        write(site, content)
    assert {access.viewer(user).role for user in USERS} == {None}


@given(st.integers(0, len(FILE) - 1))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_half_written_file_grants_nothing(site: Path, length: int) -> None:
    write(site, FILE[:length])
    assert {access.viewer(user, ["north"]).role for user in USERS} == {None}


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1"))))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_never_grants_anything(site: Path, text: str) -> None:
    write(site, text + "\n...\n")
    assert {access.viewer(user, ["north"]).role for user in USERS} == {None}


@given(st.integers(0, len(FILE) - 1), st.characters(codec="ascii"))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_wrong_character_grants_no_role_that_was_not_there(site: Path, place: int, other: str) -> None:
    write(site, FILE[:place] + other + FILE[place + 1 :])
    for user in ("lee", "a.khan", "ortiz"):
        write_role = access.viewer(user).role
        assert write_role in (None, {"lee": "principal", "a.khan": "counsellor", "ortiz": "researcher"}[user])
    assert access.viewer("nobody").role is None


def test_the_projects_own_file_shows_published_tables_and_gives_nobody_a_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_ROOT", str(project_root(Path(__file__))))
    assert grants.read() == grants.Grants(public=ALL)
    assert access.viewer(None).sees({"audience": "public", "unit": None}, "rates")
    assert not access.viewer(None).sees({"audience": "school", "unit": "school_id"}, "rates")


def test_the_example_in_the_docs_is_read_as_the_docs_say(site: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert example
    write(site, example[1])
    found = grants.read()
    assert [grant.role for grant in found.people] == [
        "principal",
        "counsellor",
        "teacher",
        "district",
        "state",
        "researcher",
    ]
    assert access.viewer("a.khan").scope.meal_programme
    assert not access.viewer("m.lee").scope.meal_programme
    assert access.viewer("r.ortiz").scope.columns == some("student_id", "teacher_id", "gpa", "attendance_rate")
