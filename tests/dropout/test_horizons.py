"""Days by hand: when a horizon closes, and which days it had closed for."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.dropout.horizons import Horizon, closes, days_closed, in_words, last_to_close

HORIZONS: tuple[Horizon, ...] = ("term", 1, 2)


@pytest.mark.parametrize(
    ("day", "horizon", "end"),
    [
        ("2024-11-30", "term", "2025-01-31"),
        ("2025-01-31", "term", "2025-06-30"),  # that term is over
        ("2025-02-01", "term", "2025-06-30"),
        ("2025-08-20", "term", "2026-01-31"),
        ("2024-02-29", 1, "2025-02-28"),
        ("2023-01-31", 2, "2025-01-31"),
    ],
)
def test_a_horizon_closes(day: str, horizon: Horizon, end: str) -> None:
    assert closes(date.fromisoformat(day), horizon) == date.fromisoformat(end)


def test_the_same_day_of_earlier_years_is_learned_from() -> None:
    """Of a term, last year's has closed; of two years, the year before last is the first to have."""
    day = date(2025, 3, 15)
    assert list(islice(days_closed(day, "term"), 2)) == [date(2024, 3, 15), date(2023, 3, 15)]
    assert next(days_closed(day, 2)) == date(2023, 3, 15)
    assert next(days_closed(date(2024, 2, 29), 2)) == date(2022, 2, 28)


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from(HORIZONS))
def test_nothing_that_closes_later_is_learned_from(day: date, horizon: Horizon) -> None:
    assert closes(day, horizon) > day
    assert all(closes(one, horizon) <= day for one in islice(days_closed(day, horizon), 3))
    last = last_to_close(day, horizon)
    assert closes(last, horizon) <= day < closes(last + timedelta(days=1), horizon)


def test_in_words() -> None:
    assert [in_words(one) for one in HORIZONS] == ["to the end of the term", "1 year", "2 years"]
