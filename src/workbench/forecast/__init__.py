"""Next-term grade averages, with prediction intervals that keep their promise.

both = wb.forecast.next_term(wb.open_data("data/synthetic/sample"), as_of="2024-01-31")
both.at_random.summary
"""

from workbench.forecast.gpa import COVERAGE, TARGET, GpaForecast, forecast_gpa, gpa_rows
from workbench.forecast.intervals import ShortestInterval
from workbench.forecast.next_term import NextTerm, coverage_figure, next_term

__all__ = [
    "COVERAGE",
    "TARGET",
    "GpaForecast",
    "NextTerm",
    "ShortestInterval",
    "coverage_figure",
    "forecast_gpa",
    "gpa_rows",
    "next_term",
]
