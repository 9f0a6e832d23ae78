"""Who has which role and scope, read from `access.yml`; a file that is not whole and sound grants nothing.

The text is read as a tree of words with their lines, never as Python values: `00123` stays `00123`, and `no` is
what a person wrote. The last line must be `...`, YAML's own end of a document, so that a file that was cut short
while it was written is told from a whole one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from workbench.access.policy import POLICY_FILE
from workbench.access.roles import ALL, NOTHING, ROLES, Role, Scope, Units, Viewer
from workbench.errors import BadInput, WorkbenchError
from workbench.paths import project_root

if TYPE_CHECKING:
    import yaml

END, LARGEST = "...", 1_000_000
_UNITS: Final = ("districts", "schools", "teachers", "tables", "columns")
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "public": ("tables",),
    "teacher": ("schools", "teachers", "tables"),
    "counsellor": ("schools", "tables"),
    "principal": ("schools", "tables"),
    "district": ("districts", "schools", "tables"),
    "state": ("districts", "schools", "tables"),
    "researcher": ("districts", "schools", "tables", "columns"),
}
_NAME = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,198}[^\s\x00-\x1f\x7f])?")


@dataclass(frozen=True)
class Grant:
    """One entry under `people`: a user or a group, their role and scope, and the line it stands on."""

    who: str
    is_group: bool
    role: Role
    scope: Scope
    line: int


@dataclass(frozen=True)
class Grants:
    """All that `access.yml` grants; `public` is what is shown without sign-in."""

    people: tuple[Grant, ...] = ()
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    public: Units = NOTHING

    def members(self, group: str) -> frozenset[str]:
        """Return the users that the file itself puts into a group."""
        return self.groups.get(group, frozenset())


def viewer(user: str | None, groups: Iterable[str] = ()) -> Viewer:
    """Return what a user may see; None is somebody who has not signed in.

    `groups` are those that the sign-in vouches for, beside the ones in the file. An entry for the user alone
    goes before those of groups. Nothing is shown to an unknown user, to one whom two groups give different
    grants, or to anybody while the file cannot be used; `why` says so.
    """
    try:
        granted = read()
    except WorkbenchError as error:
        return Viewer(user or "", why=str(error))
    if user is None:
        scope = Scope(tables=granted.public)
        return Viewer("", "public", scope) if granted.public else Viewer("", why="Nothing is shown without sign-in.")
    if not user.strip():
        return Viewer("", why="The sign-in gave no name.")
    own = [grant for grant in granted.people if not grant.is_group and grant.who == user]
    asked = {*groups, *(name for name, members in granted.groups.items() if user in members)}
    found = own or [grant for grant in granted.people if grant.is_group and grant.who in asked]
    if not found:
        return Viewer(user, why=f"{POLICY_FILE} grants nothing to this user.")
    if len({(grant.role, grant.scope) for grant in found}) > 1:
        return Viewer(user, why=f"{POLICY_FILE} gives this user different roles by several groups; name the user.")
    return Viewer(user, found[0].role, found[0].scope)


def read() -> Grants:
    """Return what `access.yml` grants. Raises BadInput, naming line and key, where the file cannot be used."""
    try:
        content = (project_root() / POLICY_FILE).read_bytes()
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{POLICY_FILE} cannot be read ({error}), so nothing is shown to anybody.") from error
    if len(content) > LARGEST:
        raise _wrong(1, f"it is larger than {LARGEST:,} bytes")
    if text.rstrip("\n").rpartition("\n")[2] != END or not text.endswith("\n"):
        raise _wrong(text.count("\n") + 1, f"the last line must be {END!r}; without it the file was only half written")
    return _read(text)


@lru_cache(maxsize=1)
def _read(text: str) -> Grants:
    import yaml

    # Nesting that no entry needs costs the reader of YAML minutes, or its life.
    if nested := re.search(r"(?:[\[{]\s*){3}", text):
        raise _wrong(text.count("\n", 0, nested.start()) + 1, "there are brackets within brackets")
    try:
        tree = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise _wrong(mark.line + 1 if mark else 1, error.problem or "it is no YAML") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _wrong(1, "it is no YAML that can be read") from error
    return _grants(tree)


def _wrong(line: int, why: str) -> BadInput:
    return BadInput(f"{POLICY_FILE}, line {line}: {why}. Until this is mended, nothing is shown to anybody.")


def _grants(tree: yaml.Node | None) -> Grants:
    import yaml

    if tree is None:
        raise _wrong(1, "it is empty")
    entries = _mapping(tree, "the file")
    for key, node in entries.items():
        if key not in ("people", "groups", "public") and not isinstance(node, yaml.ScalarNode):
            raise _wrong(_line(node), f"{key!r} is unknown; lists stand under people, groups or public")
    groups = {}
    if "groups" in entries:
        for name, node in _mapping(entries["groups"], "groups").items():
            groups[name] = frozenset(_words(node, name))
    public = _units(entries["public"], "public") if "public" in entries else NOTHING
    people = tuple(_grant(node) for node in _items(entries["people"], "people")) if "people" in entries else ()
    seen: dict[tuple[str, bool], int] = {}
    for grant in people:
        if (first := seen.setdefault((grant.who, grant.is_group), grant.line)) != grant.line:
            raise _wrong(grant.line, f"{grant.who!r} stands under people before, on line {first}")
    return Grants(people, groups, public)


def _grant(node: yaml.Node) -> Grant:
    entry = _mapping(node, "an entry of people")
    known = ("user", "group", "role", *_UNITS, "meal_programme")
    for key, value in entry.items():
        if key not in known:
            raise _wrong(_line(value), f"{key!r} is unknown; an entry has {', '.join(known)}")
    named = [key for key in ("user", "group") if key in entry]
    if len(named) != 1 or "role" not in entry:
        raise _wrong(_line(node), "an entry names one user or one group, and a role")
    who, role = _word(entry[named[0]], named[0]), _word(entry["role"], "role")
    if role not in ROLES:
        raise _wrong(_line(entry["role"]), f"role is {role!r}; it must be one of {', '.join(ROLES)}")
    if missing := [key for key in _NEEDS[role] if key not in entry]:
        raise _wrong(_line(node), f"{who!r} is a {role} without {missing[0]!r}; write all, or a list")
    districts, schools, teachers, tables, columns = (
        _units(entry[key], key) if key in entry else NOTHING for key in _UNITS
    )
    meals = "meal_programme" in entry and _yes_or_no(entry["meal_programme"], "meal_programme")
    scope = Scope(districts, schools, teachers, tables, columns, meals)
    return Grant(who, named[0] == "group", cast(Role, role), scope, _line(node))


def _units(node: yaml.Node, key: str) -> Units:
    import yaml

    if isinstance(node, yaml.ScalarNode):
        word = _word(node, key)
        if word not in ("all", "none"):
            raise _wrong(_line(node), f"{key} is {word!r}; write all, none, or a list such as [{word}]")
        return ALL if word == "all" else NOTHING
    return Units(frozenset(_words(node, key)))


def _words(node: yaml.Node, key: str) -> list[str]:
    words = [_word(item, key) for item in _items(node, key)]
    for number, word in enumerate(words):
        if word == "all":
            raise _wrong(_line(node), f"{key} has 'all' inside a list; write it without brackets")
        if word in words[:number]:
            raise _wrong(_line(node), f"{key} names {word!r} twice")
    return words


def _yes_or_no(node: yaml.Node, key: str) -> bool:
    word = _word(node, key)
    if word not in ("yes", "no"):
        raise _wrong(_line(node), f"{key} is {word!r}; write yes or no")
    return word == "yes"


def _word(node: yaml.Node, key: str) -> str:
    import yaml

    if not isinstance(node, yaml.ScalarNode) or not _NAME.fullmatch(str(node.value)):
        raise _wrong(_line(node), f"{key} must be one word or name")
    return str(node.value)


def _items(node: yaml.Node, key: str) -> list[Any]:
    import yaml

    if not isinstance(node, yaml.SequenceNode) or not node.value:
        raise _wrong(_line(node), f"{key} must be a list with something in it")
    return list(node.value)


def _mapping(node: yaml.Node, key: str) -> dict[str, Any]:
    import yaml

    if not isinstance(node, yaml.MappingNode):
        raise _wrong(_line(node), f"{key} must be made of 'key: value' lines")
    found: dict[str, Any] = {}
    for name, value in node.value:
        word = _word(name, "a key")
        if word in found:
            raise _wrong(_line(name), f"{word!r} stands there twice")
        found[word] = value
    return found


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
