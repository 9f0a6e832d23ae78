"""The published indicators, by measure, place, students and year: what a page about schools looks up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.dashboards.blocks import WITHHELD, listed, opens_at
from workbench.dashboards.change import Estimate, Measured, Unit, number, with_limits
from workbench.dashboards.places import ALL, place_of
from workbench.disclosure.suppression import SUPPRESSED
from workbench.growth.trends.indicators import INDICATORS
from workbench.markup import grade_name, in_words

ALL_STUDENTS = "all"
NOT_PUBLISHED = "not published"
Key = tuple[str, str, str, str]
"""Indicator, place, students, school year."""


@dataclass(frozen=True)
class Facts:
    """Rows of the published tables of indicators by key."""

    rows: Mapping[Key, Mapping[str, Any]]

    def at(self, indicator: str, place: str, students: str, year: str) -> Estimate:
        """Return a number with its limits; empty where it is withheld or not there."""
        row = self.rows.get((indicator, place, students, year), {})
        return Estimate(row.get("value"), row.get("low"), row.get("high"))

    def text(self, indicator: str, place: str, students: str, year: str) -> str:
        """Return a number with its limits as text, or why there is none."""
        row = self.rows.get((indicator, place, students, year))
        if row is None:
            return NOT_PUBLISHED
        one = self.at(indicator, place, students, year)
        if one.value is None:
            return WITHHELD if row.get(SUPPRESSED) else NOT_PUBLISHED
        return with_limits(one, unit_of(indicator))

    def short(self, indicator: str, place: str, students: str, year: str) -> str:
        """Return a number without its limits as text, or why there is none."""
        one = self.at(indicator, place, students, year)
        if one.value is None:
            return self.text(indicator, place, students, year)
        return number(one.value, unit_of(indicator))

    def count(self, indicator: str, place: str, students: str, year: str) -> float | None:
        """Return how many students a number is about."""
        n = self.rows.get((indicator, place, students, year), {}).get("n")
        return None if n is None else float(n)

    def series(self, indicator: str, place: str, students: str) -> dict[str, Estimate]:
        """Return a number in every published year of its indicator."""
        return {year: self.at(indicator, place, students, year) for year in self.years(indicator)}

    def years(self, indicator: str = "") -> list[str]:
        """Return the school years that are published, of one indicator or of any."""
        return sorted({key[3] for key in self.rows if indicator in ("", key[0])})

    def indicators(self) -> dict[str, str]:
        """Return the indicators that are published, title and name: first the one with the most numbers to show.

        Those of the newest year that shows any count, so that a page that opens there opens with a number.
        """
        whole = [key for key, row in self.rows.items() if key[2] == ALL_STUDENTS and row["value"] is not None]
        newest = max((key[3] for key in whole), default="")
        shown = Counter(key[0] for key in whole if key[3] == newest)
        there = {key[0] for key in self.rows}
        order = sorted((name for name in INDICATORS if name in there), key=lambda name: name != _most(shown))
        return {title(name): name for name in order}

    def to_open(self, places: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """Return places, name and identifier, and years, newest first: in front those with which a page opens.

        These are the first with a number to show, of the indicator that comes first and of all students, where there
        is any.
        """
        first = next(iter(self.indicators().values()), "")
        of_all = {
            (key[1], key[3])
            for key, row in self.rows.items()
            if (key[0], key[2]) == (first, ALL_STUDENTS) and row["value"] is not None
        }
        years = opens_at(self.years()[::-1], lambda year: any(one == year for _, one in of_all))
        names = opens_at(places, lambda name: (places[name], years[0]) in of_all) if years else list(places)
        return {name: places[name] for name in names}, years

    def students(self) -> dict[str, str]:
        """Return whose numbers are published: all students, grades, groups."""
        there = {key[2] for key in self.rows}
        names = {students_name(one): one for one in there}
        return {name: names[name] for name in listed(names, students_name(ALL_STUDENTS))}

    def split(self, place: str, year: str) -> dict[str, str]:
        """Return the indicators that are published for grades or groups of a place in a year, title and name."""
        there = {key[0] for key in self.rows if key[1] == place and key[3] == year and key[2] != ALL_STUDENTS}
        return {text: name for text, name in self.indicators().items() if name in there}

    def kinds(self) -> dict[str, str]:
        """Return the kinds of groups that are published, in words and as they are named."""
        there = {key[2].partition("=")[0] for key in self.rows} - {ALL_STUDENTS}
        return {words[:1].upper() + words[1:]: one for one in sorted(there) if (words := in_words(one))}

    def groups(self, indicator: str, place: str, kind: str, year: str) -> list[str]:
        """Return the groups of a kind that are published for a place, the one with the most students first."""
        there = [k[2] for k in self.rows if k[0] == indicator and k[1] == place and k[3] == year]
        groups = [one for one in there if one.startswith(f"{kind}=")]
        return sorted(groups, key=lambda one: -(self.count(indicator, place, one, year) or 0))

    def latest(self, indicator: str, year: str) -> str:
        """Return the newest published year of an indicator up to a year; empty where there is none."""
        return max((one for one in self.years(indicator) if one <= year), default="")

    def earlier(self, indicator: str, year: str) -> str:
        """Return the published year of an indicator before a year; empty where there is none."""
        return max((one for one in self.years(indicator) if one < year), default="")

    def measured(self, place: str, students: str, year: str, before: Facts | None = None) -> list[Measured]:
        """Return each indicator of a place, the newest up to a year, beside the year before.

        With `before`, the facts of an earlier publication, it is beside the newest of those.
        """
        found = []
        for name in self.indicators().values():
            newest = self.latest(name, year)
            if (name, place, students, newest) not in self.rows:
                continue
            then = (
                before.at(name, place, students, before.latest(name, year))
                if before
                else self.at(name, place, students, self.earlier(name, newest))
            )
            now = self.at(name, place, students, newest)
            found.append(Measured(INDICATORS[name].words, unit_of(name), then, now))
        return found


def facts(*tables: Iterable[Mapping[str, Any]]) -> Facts:
    """Return the rows of published tables of indicators, found by what they tell of; the first table goes before."""
    rows: dict[Key, Mapping[str, Any]] = {}
    for table in tables:
        for row in table:
            rows.setdefault(fact_key(row), row)
    return Facts(rows)


def group_name(students: str) -> str:
    """Return a group without its kind, for a list of groups of one kind."""
    name = students_name(students)
    return name.partition(": ")[2] or name


def fact_key(row: Mapping[str, Any]) -> Key:
    """Return what a published row of indicators tells of."""
    return (str(row["indicator"]), place_of(row), _students(row), str(row["school_year"]))


def unit_of(indicator: str) -> Unit:
    """Return whether an indicator is a share or a plain number."""
    return "share" if INDICATORS[indicator].unit == "share" else "number"


def title(indicator: str) -> str:
    """Return the name of an indicator as a title."""
    words = INDICATORS[indicator].words
    return words[:1].upper() + words[1:]


def students_name(students: str) -> str:
    """Return who a number is about, in words."""
    if students == ALL_STUDENTS:
        return "All students"
    kind, _, group = students.partition("=")
    if kind == "grade":
        return f"Grade {grade_name(int(group)) if group.isdigit() else group}"
    name = in_words(kind)
    return f"{name[:1].upper()}{name[1:]}: {in_words(group)}"


def _most(counted: Counter[str]) -> str:
    return max(counted, key=lambda name: counted[name], default="")


def _students(row: Mapping[str, Any]) -> str:
    if row["grade"] != ALL:
        return f"grade={row['grade']}"
    return ALL_STUDENTS if row["group_kind"] == ALL else f"{row['group_kind']}={row['group']}"
