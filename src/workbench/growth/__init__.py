"""Growth of students and what schools add to it: percentiles, value added, gaps, trends."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Fetched when first asked for; each name with the module that holds it.
_NAMES: dict[str, str] = {
    "GrowthNorm": "workbench.growth.percentile_norms",
    "GrowthPercentiles": "workbench.growth.student_percentiles",
    "INDICATORS": "workbench.growth.indicators",
    "Layered": "workbench.growth.layered",
    "Rules": "workbench.growth.indicators",
    "ValueAdded": "workbench.growth.value_added",
    "back_test_membership": "workbench.growth.trend_enrolment",
    "back_test_series": "workbench.growth.trend_forecast",
    "cohens_d": "workbench.growth.gaps",
    "cohort_flow": "workbench.growth.trend_flow",
    "corrected_percentiles": "workbench.growth.percentile_errors",
    "equal_weight_gap": "workbench.growth.gaps",
    "forecast_membership": "workbench.growth.trend_enrolment",
    "forecast_series": "workbench.growth.trend_forecast",
    "gap_cells": "workbench.growth.gap_trends",
    "gap_rows": "workbench.growth.gap_data",
    "hedges_g": "workbench.growth.gaps",
    "hetop": "workbench.growth.ordered_probit",
    "indicator": "workbench.growth.indicators",
    "indicator_change": "workbench.growth.trend_change",
    "indicator_definitions": "workbench.growth.trends",
    "indicator_rows": "workbench.growth.indicators",
    "indicator_series": "workbench.growth.trends",
    "indicator_table": "workbench.growth.trends",
    "indicator_tables": "workbench.growth.trends",
    "layered": "workbench.growth.layered",
    "membership": "workbench.growth.trend_enrolment",
    "percentile_sampling_error": "workbench.growth.percentile_errors",
    "percentile_targets": "workbench.growth.percentile_targets",
    "percentiles": "workbench.growth.student_percentiles",
    "policy_effect": "workbench.growth.trend_policy",
    "q_values": "workbench.growth.rankings",
    "rank_intervals": "workbench.growth.rankings",
    "school_panel": "workbench.growth.trend_policy",
    "school_value_added": "workbench.growth.value_added",
    "survey_estimate": "workbench.growth.survey",
    "teacher_drift": "workbench.growth.teacher_drift",
    "teacher_value_added": "workbench.growth.value_added",
    "v_from_counts": "workbench.growth.ordered_probit",
    "v_statistic": "workbench.growth.gaps",
    "within_between": "workbench.growth.gap_parts",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'workbench.growth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
