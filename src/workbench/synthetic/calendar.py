"""The synthetic school year: two terms, their days, and what share of a term has passed on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

TERM_DAYS = 90
TESTING_DAY = (5, 5)
PLACEMENT_DAY = (9, 15)
ASSIGNMENT_DAY = (10, 15)


@dataclass(frozen=True)
class Term:
    """One half of a school year; `start` and `end` are its first and last day."""

    school_year: int
    index: int
    name: str
    start: date
    end: date

    @property
    def length(self) -> int:
        """Days from the first to the last day."""
        return (self.end - self.start).days


def term(school_year: int, index: int) -> Term:
    """Return the fall (0) or the spring (1) term of a school year."""
    if index == 0:
        return Term(school_year, 0, "fall", date(school_year - 1, 9, 1), date(school_year, 1, 31))
    return Term(school_year, 1, "spring", date(school_year, 2, 1), date(school_year, 6, 15))


def terms(first_year: int, last_year: int) -> list[Term]:
    """Return all terms of a range of school years, in order."""
    return [term(year, index) for year in range(first_year, last_year + 1) for index in (0, 1)]


def passed(one: Term, day: date) -> float:
    """Return the share of a term that has passed at the end of a day, from 0 to 1."""
    return float(np.clip((day - one.start).days / one.length, 0.0, 1.0))


def days(start: date, offset: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Return `start` plus a number of days, as an array of dates."""
    return np.datetime64(start, "D") + offset
