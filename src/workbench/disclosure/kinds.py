"""What each number of a published table is, because that decides what it gives away.

| kind | is | gives away |
|---|---|---|
| `share` | share of the n people with an event | share × n, a count of people with it and of people without |
| `share of X` | the same among the people counted in column X | share × X |
| `part` | n as a share of a whole that the rows make up | the whole, n ÷ share, though it has no row |
| `share if X` | in rows where the column X is true a share, else a mean | as these |
| `events` | how many of the n people have an event | the same two counts |
| `mean` | mean of a value over the n people | mean × n, a total that adds up |
| `total` | sum of what each contributes, none negative | itself; one contributor may dominate it |
| `median` | median or another quantile | the value of everybody, where it lies at the end of the scale |
| `sd of X` | standard deviation of the column X | that all are alike, where it is 0 |
| `with X` | an interval limit, a standard error or the like of X | X: hidden wherever X is |
| `estimate` | what a model says (value added, a forecast, a variance) | no total of people's values |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.errors import DisclosureError

if TYPE_CHECKING:
    import pandas as pd

ALONE = ("share", "part", "events", "mean", "total", "median", "estimate")
COUPLED = {"share of ": "share", "share if ": "share if", "sd of ": "sd", "with ": "with"}
COUNTED = ("share", "events")
_NEAR = 1e-6
_LIMITS = ("low", "high")


@dataclass(frozen=True)
class Kind:
    """The kind of a column, and the other column it is `of`, where it has one."""

    what: str
    of: str = ""


def kinds_of(frame: pd.DataFrame, count: str, values: Sequence[str], said: Mapping[str, str]) -> dict[str, Kind]:
    """Return the kind of each value column: as said, else as recognised.

    Not said, a column is a share where value × n is a whole number in every row and no value lies outside 0 to 1;
    `x_low` and `x_high` go with `x`, and `conf_low` and `conf_high`, `low` and `high` with the only share there is;
    all else is a mean, which is the careful guess: its totals are taken into account where they add up.
    """
    found = {column: _read(column, said[column], frame) for column in values if column in said}
    if unknown := sorted(set(said) - set(values)):
        raise DisclosureError(f"A kind is given for the column {unknown[0]!r}, which is not among the values.")
    for column in values:
        if column not in found:
            found[column] = Kind("share") if looks_like_share(frame, count, column) else Kind("mean")
    shares = [column for column in values if found[column].what in COUNTED]
    for column in values:
        if column not in said and (whose := _limit_of(column, values, shares)):
            found[column] = Kind("with", whose)
    return {column: found[column] for column in values}


def looks_like_share(frame: pd.DataFrame, count: str, column: str) -> bool:
    """Whether value × n is a whole number between 0 and n in every row that has a value, at least one of them."""
    told = frame[[count, column]].dropna().astype(float)
    events = told[count] * told[column]
    whole = (events - events.round()).abs() <= _NEAR * (1 + events.abs())
    return bool(len(told) and told[column].between(0, 1).all() and whole.all() and (events.round() > 0).any())


def _read(column: str, text: str, frame: pd.DataFrame) -> Kind:
    if text in ALONE:
        return Kind(text)
    for words, what in COUPLED.items():
        if text.startswith(words) and (of := text.removeprefix(words)) in frame.columns and of != column:
            return Kind(what, of)
    raise DisclosureError(
        f"Column {column!r} has the kind {text!r}. Use {', '.join(ALONE)}, 'share of X', 'share if X', 'sd of X' or "
        "'with X', where X is another column of the table."
    )


def _limit_of(column: str, values: Sequence[str], shares: Sequence[str]) -> str:
    stem, _, end = column.rpartition("_")
    if end in _LIMITS and stem in values:
        return stem
    return shares[0] if end in _LIMITS and stem in ("", "conf") and len(shares) == 1 else ""
