"""Who may see what, and who has seen a student: the two reports that an access review and FERPA § 99.32 ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.access import audit, grants
from workbench.access.roles import Scope
from workbench.access.verification import lines


@dataclass(frozen=True)
class Access:
    """A user of the access review: role and scope as granted now, and when the log last tells of them."""

    user: str
    role: str
    scope: str
    last_used: str


@dataclass(frozen=True)
class Disclosure:
    """One look at a student's rows: when, by whom in which role, what was done with which table, with which filters."""

    at: str
    who: str
    role: str
    what: str
    thing: str
    filters: str


def access_review() -> list[Access]:
    """Return everybody who has a role, and whoever the log knows but `access.yml` no longer does.

    Raises BadInput where `access.yml` cannot be used: then nobody sees anything.
    """
    granted = grants.read()
    last: dict[str, str] = {}
    for line in lines(audit.site_log()):
        last[str(line.told.get("who", ""))] = str(line.told.get("at", ""))
    named = {grant.who for grant in granted.people if not grant.is_group}
    groups = {grant.who for grant in granted.people if grant.is_group}
    members = {user for group in groups for user in granted.members(group)}
    found = [Access("(without sign-in)", "public", f"tables: {granted.public}", "anybody")] if granted.public else []
    for user in sorted(named | members):
        viewer = grants.viewer(user)
        scope = in_words(viewer.scope) if viewer.role else viewer.why
        found.append(Access(user, viewer.role or "none", scope, last.get(user, "never")))
    for grant in granted.people:
        if grant.is_group and not granted.members(grant.who):
            found.append(Access(f"group {grant.who}", grant.role, in_words(grant.scope), "members: see the sign-in"))
    gone = sorted(set(last) - named - members - {"workbench", ""})
    return found + [Access(user, "none", "no entry of their own in access.yml", last[user]) for user in gone]


def disclosures(identifier: str) -> list[Disclosure]:
    """Return every look at a student's rows that the log tells of, oldest first (34 CFR § 99.32)."""
    wanted = audit.student_hash(identifier)
    told = [line.told for line in lines(audit.site_log()) if wanted in line.told.get("students", ())]
    return [_disclosure(each) for each in told]


def _disclosure(told: Mapping[str, Any]) -> Disclosure:
    at, who, role, what, thing = (str(told.get(name, "")) for name in ("at", "who", "role", "what", "thing"))
    filters = "; ".join(f"{name} = {value}" for name, value in told.get("filters", {}).items())
    return Disclosure(at, who, role, what, thing, filters)


def in_words(scope: Scope) -> str:
    """Return a scope as a person reads it."""
    parts = {name: getattr(scope, name) for name in ("districts", "schools", "teachers", "tables", "columns")}
    words = [f"{name}: {units}" for name, units in parts.items() if units]
    return "; ".join([*words, *(["meal programme"] if scope.meal_programme else [])]) or "nothing"
