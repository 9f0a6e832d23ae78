"""The first few results of a notebook in words, for the card of its report on the overview."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HEADLINES = 6
# What a reader who has not met them makes of the commonest results.
_SAID = {
    "auc": "AUC (0.5 chance, 1 perfect)",
    "brier": "Brier score (0 is perfect)",
    "change": "Change from the first to the last year",
    "corrected_gap": "Gap, corrected for measurement error (SD)",
    "large_disagreements": "Large disagreements between two methods",
    "largest_duality_gap": "Largest duality gap of the quantile regressions (0 is exact)",
    "leakage_flags": "Columns too good to be true",
    "mean_percentile": "Mean growth percentile (50 is usual)",
    "mean_reliability": "Mean reliability of value added (0 all chance, 1 none)",
    "movers_change_most": "Most that a school's growth changes without movers (points a year)",
    "n": "Students judged",
    "n_positive": "Of them with the outcome",
    "nearest_method": "Method nearest to the truth",
    "percentiles_of_students": "Students' growth percentiles, all subjects",
    "schools_whose_interval_leaves_out_zero": "Schools whose growth interval leaves out the mean curve",
    "schools_with_large_disagreement": "Schools that methods disagree about",
    "scores": "Test scores",
    "shape": "Shape of the mean growth curve",
    "share_not_told_apart_from_average": "Schools and years that cannot be told apart from average",
    "share_on_track": "Students who grew enough to reach or keep the standard",
    "share_out_of_reach": "Students for whom the standard is out of reach",
    "students": "Students with scores",
    "typical_error_of_one_student": "Typical error of one student's percentile",
}


def headlines(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the first few kept results as a reader sees them; `x`, `x_low`, `x_high` become one line."""
    lines = []
    for name, value in results.items():
        if re.sub(r"_(low|high)$", "", name) in results.keys() - {name}:
            continue
        low, high = (results.get(f"{name}_{end}") for end in ("low", "high"))
        interval = f" ({_readable(name, low)}–{_readable(name, high)})" if low is not None and high is not None else ""
        lines.append((_label(name), _readable(name, value) + interval))
    return lines[:HEADLINES]


def plain(value: Any) -> str:
    """Return a parameter's value as a person would write it."""
    if value is None or value == "" or value == []:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _label(name: str) -> str:
    if name in _SAID:
        return _SAID[name]
    return name.upper() if len(name) <= 3 else name.replace("_", " ").capitalize()


def _readable(name: str, value: Any) -> str:
    """Return a number with as many digits as a reader needs, a share in percent; years keep their digits together."""
    if isinstance(value, float) and name.startswith("share_"):
        return f"{100 * value:.1f} %"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}" if 0.01 <= abs(value) < 10 else f"{value:.3g}"
    whole = isinstance(value, int) and not isinstance(value, bool) and not re.search(r"(^|_)(year|cohort)$", name)
    return f"{value:,}" if whole else plain(value)
