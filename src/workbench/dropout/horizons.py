"""How far ahead a risk looks: to the end of the term, or one or more whole years."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

Horizon = int | Literal["term"]
TERM_ENDS = ((1, 31), (6, 30))
"""Month and day on which the two halves of a school year end; who stays away over the summer has left in the fall."""

MOST_YEARS = 40


def closes(day: date, horizon: Horizon) -> date:
    """Return the last day of the horizon of a risk told on `day`."""
    if horizon == "term":
        ends = (date(year, *end) for year in (day.year, day.year + 1) for end in TERM_ENDS)
        return min(end for end in ends if end > day)
    return years_on(day, horizon)


def days_closed(day: date, horizon: Horizon) -> Iterator[date]:
    """Yield the same day of each earlier year whose horizon had closed by `day`, the latest first."""
    earlier = (years_on(day, -back) for back in range(1, MOST_YEARS))
    return (one for one in earlier if closes(one, horizon) <= day)


def last_to_close(day: date, horizon: Horizon) -> date:
    """Return the last day whose horizon had closed by `day`."""
    found = day
    while closes(found, horizon) > day:
        found -= timedelta(days=1)
    return found


def in_words(horizon: Horizon) -> str:
    """How a person would say it."""
    return "to the end of the term" if horizon == "term" else f"{horizon} year{'s' if horizon > 1 else ''}"


def years_on(day: date, years: int) -> date:
    """Return the same day so many years later, 28 February for a 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
