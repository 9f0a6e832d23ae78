"""What a table's page shows first, and by what a reader may choose: a few rows of many, never all at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

FEW: Final = 60
"""A page of more rows than this opens with a choice of them."""
ALL: Final = "all"
"""How a published table names the total over a key."""
EACH: Final = "≠all"
"""A choice of every value of a key but its total."""
_YEARS: Final = re.compile(r"(^|_)(year|cohort)$")
_UNITS: Final = re.compile(r"(^|_)(school|district|name)(_|$)")
IDENTIFIER: Final = re.compile(r"(^|_)id$|^(school|district)$")
_NAME: Final = re.compile(r"(^|_)name$")


@dataclass(frozen=True)
class Filter:
    """A key that a reader may choose by: its values as a page writes them, in order, and what they are called.

    `chosen`, with which the page opens, is a value, `EACH`, or nothing where every row is shown.
    """

    key: str
    values: tuple[str, ...]
    labels: tuple[str, ...] = ()
    chosen: str = ""

    @property
    def has_total(self) -> bool:
        """Whether one of the values is the total over the others."""
        return ALL in self.values

    def lets_through(self, value: str) -> bool:
        """Return whether a row with this value is shown."""
        return self.chosen in ("", value) or (self.chosen == EACH and value != ALL)


def filters(keys: Mapping[str, Sequence[str]]) -> tuple[Filter, ...]:
    """Return the filters of a table from the texts of its keys, each set to what the page opens with.

    A key of one value has none. Names of schools have none of their own, but label the filter by identifiers.
    Of a table with more than a few rows, the latest year is chosen and the totals of all keys but the first that has
    one, then first values, those of schools last, until few rows are left; a choice that would leave none is not made.
    """
    names = {key: _names(key, keys) for key in keys}
    labelling = {other for other, _ in names.values()}
    offered = {
        key: tuple(sorted(set(texts), key=partial(_in_order, called=names[key][1])))
        for key, texts in keys.items()
        if key not in labelling and len(set(texts)) > 1
    }
    chosen: dict[str, str] = {}
    for number, wishes in enumerate(_wishes(offered)):
        for key, wish in wishes.items():
            many = _rows(keys, chosen if number else {}) > FEW
            if many and _rows(keys, chosen | {key: wish}):
                chosen[key] = wish
    return tuple(
        Filter(key, values, tuple(names[key][1].get(value, value) for value in values), chosen.get(key, ""))
        for key, values in offered.items()
    )


def shown(keys: Mapping[str, Sequence[str]], choices: Sequence[Filter]) -> list[bool]:
    """Return for each row of a table whether the filters let it through."""
    through = [True] * len(next(iter(keys.values()), ()))
    for one in choices:
        through = [t and one.lets_through(value) for t, value in zip(through, keys[one.key], strict=True)]
    return through


def _wishes(offered: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, str], dict[str, str]]:
    """What is chosen of every large table, and what only while there are many rows, the dearest first."""
    years = {key: values[-1] for key, values in offered.items() if _YEARS.search(key)}
    totals = [key for key, values in offered.items() if ALL in values]
    first = years | {key: EACH if place == 0 else ALL for place, key in enumerate(totals)}
    others = sorted((key for key in offered if key not in first), key=lambda key: bool(_UNITS.search(key)))
    return first, {key: offered[key][0] for key in others}


def _rows(keys: Mapping[str, Sequence[str]], chosen: Mapping[str, str]) -> int:
    return sum(shown(keys, [Filter(key, (), chosen=value) for key, value in chosen.items()]))


def _names(key: str, keys: Mapping[str, Sequence[str]]) -> tuple[str, dict[str, str]]:
    """The key that names an identifier's values, and the name of each, told apart where two share one."""
    for other in keys:
        pairs = dict(zip(keys[key], keys[other], strict=True))
        alone = len(set(zip(keys[key], keys[other], strict=True))) == len(pairs)
        if IDENTIFIER.search(key) and _NAME.search(other) and alone:
            times = Counter(pairs.values())
            return other, {one: name if times[name] == 1 else f"{name} ({one})" for one, name in pairs.items()}
    return "", {}


def _in_order(text: str, called: Mapping[str, str]) -> tuple[bool, str]:
    """Totals first, then by the alphabet and the numbers in a name."""
    return text != ALL, re.sub(r"\d+", lambda found: found[0].zfill(9), called.get(text, text).casefold())
