"""What changed, and whether it can be told from chance: differences of two published numbers, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any, Literal

Unit = Literal["share", "number"]


@dataclass(frozen=True)
class Estimate:
    """A published number with its 95 % limits; all three are None where it is withheld or not there."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Difference:
    """A difference of two estimates with its 95 % limits."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0, so that chance alone is an unlikely reason."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Measured:
    """One measure at two times (or places): in words, in which unit, and what it was then and is now."""

    words: str
    unit: Unit
    then: Estimate
    now: Estimate


def difference(now: Estimate, then: Estimate) -> Difference | None:
    """Return `now` less `then` with 95 % limits made of theirs; None where one is not whole.

    For shares with Wilson's limits this is method 10 of Newcombe (1998, Statistics in Medicine 17:873); for other
    estimates that are independent of each other, Zou & Donner (2008, Statistics in Medicine 27:1693). Students who are
    in both numbers make it cautious.
    """
    if now.value is None or now.low is None or now.high is None:
        return None
    if then.value is None or then.low is None or then.high is None:
        return None
    step = now.value - then.value
    below = sqrt((now.value - now.low) ** 2 + (then.high - then.value) ** 2)
    above = sqrt((now.high - now.value) ** 2 + (then.value - then.low) ** 2)
    return Difference(step, step - below, step + above)


def number(value: float | None, unit: Unit = "share", places: int = 1) -> str:
    """Return a number as text, a share in per cent; a dash where there is none."""
    if value is None:
        return "–"
    return f"{100 * value:z.{places}f} %" if unit == "share" else f"{value:z,.{places}f}"


def interval(one: Estimate | Difference, unit: Unit = "share", places: int = 1) -> str:
    """Return the limits as text, `24.1 to 26.0`; nothing where there are none."""
    if one.low is None or one.high is None:
        return ""
    factor = 100 if unit == "share" else 1
    return f"{factor * one.low:z.{places}f} to {factor * one.high:z.{places}f}"


def with_limits(one: Estimate, unit: Unit = "share", places: int = 1) -> str:
    """Return a number with its limits in brackets, as text."""
    limits = interval(one, unit, places)
    return f"{number(one.value, unit, places)} ({limits})" if limits else number(one.value, unit, places)


def limits_words(one: Estimate, unit: Unit = "share") -> str:
    """Return what is said below a headline number: its interval."""
    limits = interval(one, unit)
    return f"95 % interval {limits}" if limits else "no interval is shown"


def step_card(step: Difference | None, unit: Unit = "share") -> tuple[str, str]:
    """Return a difference as a headline number and the line below it."""
    if step is None:
        return "–", "there is no number to compare with"
    sized = f"{100 * step.value:+.1f} points" if unit == "share" else f"{step.value:+.1f}"
    return sized.replace("-", "−"), f"{interval(step, unit)}: {'a clear change' if step.clear else 'may be chance'}"


def moved_words(one: Measured) -> str:
    """Return how far a number has moved, with limits and whether that is clear; a dash where it cannot be said."""
    step = difference(one.now, one.then)
    if step is None:
        return "–"
    size, told = step_card(step, one.unit)
    return f"{size} ({told})"


def beside_words(step: Difference | None, unit: Unit = "share") -> str:
    """Return in words whether a number is more or less than the one it is held beside."""
    if step is None:
        return "–"
    return step_words(step, unit) if step.clear else "cannot be told from chance"


def estimate(row: Mapping[str, Any], value: str, limits: str = "conf") -> Estimate:
    """Return a number of a published row with the limits that stand in its columns `…_low` and `…_high`."""
    return Estimate(row.get(value), row.get(f"{limits}_low"), row.get(f"{limits}_high"))


def or_withheld(row: Mapping[str, Any], value: str, limits: str, places: int = 1, unit: Unit = "number") -> str:
    """Return a number of a published row with its limits as text; where it is blank, that it is withheld."""
    return "withheld" if row[value] is None else with_limits(estimate(row, value, limits), unit, places)


def newest(rows: Iterable[Mapping[str, Any]], by: str) -> list[Mapping[str, Any]]:
    """Return of each value of `by` the row of the newest school year."""
    found: dict[Any, Mapping[str, Any]] = {}
    for row in rows:
        if row[by] not in found or row["school_year"] > found[row[by]]["school_year"]:
            found[row[by]] = row
    return list(found.values())


def as_estimate(step: Difference | None) -> Estimate:
    """Return a difference as a number that can itself be held beside another."""
    return Estimate(step.value, step.low, step.high) if step else Estimate(None)


def gap_words(gap: Estimate, unit: Unit = "share") -> str:
    """Return a difference between two groups in words; a dash where there is none."""
    if gap.value is None or gap.low is None or gap.high is None:
        return "–"
    return step_words(Difference(gap.value, gap.low, gap.high), unit)


def step_words(step: Difference, unit: Unit = "share") -> str:
    """Return a difference in words: `2.1 points more (1.0 to 3.2)`; a share's points are of 100."""
    factor, points = (100, " points") if unit == "share" else (1, "")
    size = [factor * one for one in (step.value, step.low, step.high)]
    if step.value < 0:
        size = [-size[0], -size[2], -size[1]]
    return f"{size[0]:.1f}{points} {'more' if step.value >= 0 else 'less'} ({size[1]:z.1f} to {size[2]:z.1f})"


def changes(measures: Iterable[Measured], since: str) -> list[str]:
    """Return sentences: what changed clearly, the largest first, then what did not, then what cannot be compared."""
    measures = list(measures)
    steps = [(one, difference(one.now, one.then)) for one in measures]
    clear = [(one, step) for one, step in steps if step and step.clear]
    clear.sort(key=lambda pair: -abs(pair[1].value) / (1 if pair[0].unit == "share" else 100))
    said = [
        f"{_first(one.words)}: {number(one.now.value, one.unit)}, {step_words(step, one.unit)} than {since}."
        for one, step in clear
    ]
    unclear = [one.words for one, step in steps if step and not step.clear]
    if unclear:
        said.append(f"No change that can be told from chance since {since}: {', '.join(unclear)}.")
    missing = [one.words for one, step in steps if step is None]
    if missing:
        said.append(f"Not to be compared, because a number is withheld or was not published: {', '.join(missing)}.")
    if len(steps) > 1:
        said.append(
            f"{len(measures)} numbers were compared; of 20 that did not change, one would seem to have by chance."
        )
    return said


def _first(words: str) -> str:
    return words[:1].upper() + words[1:]
