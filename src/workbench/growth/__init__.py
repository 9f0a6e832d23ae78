"""Growth of students and what schools add to it: percentiles, value added, gaps, trends."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Fetched when first asked for; each name with the module that holds it.
_NAMES: dict[str, str] = {
    "GrowthNorm": "workbench.growth.percentile_norms",
    "GrowthPercentiles": "workbench.growth.student_percentiles",
    "INDICATORS": "workbench.growth.indicators",
    "Layered": "workbench.growth.layered_model",
    "Rules": "workbench.growth.indicators",
    "ValueAdded": "workbench.growth.value_added",
    "attrition_table": "workbench.growth.attrition",
    "back_test_membership": "workbench.growth.trend_enrolment",
    "back_test_series": "workbench.growth.trend_forecast",
    "cohens_d": "workbench.growth.gaps",
    "cohort_flow": "workbench.growth.trend_flow",
    "compare_memberships": "workbench.growth.curves",
    "compare_shapes": "workbench.growth.curves",
    "corrected_percentiles": "workbench.growth.percentile_errors",
    "curve_rows": "workbench.growth.curve_data",
    "equal_weight_gap": "workbench.growth.gaps",
    "forecast_membership": "workbench.growth.trend_enrolment",
    "forecast_series": "workbench.growth.trend_forecast",
    "gap_cells": "workbench.growth.gap_trends",
    "gap_rows": "workbench.growth.gap_data",
    "group_differences": "workbench.growth.curves",
    "group_model": "workbench.growth.curves",
    "growth_with_missing": "workbench.growth.attrition",
    "hedges_g": "workbench.growth.gaps",
    "hetop": "workbench.growth.ordered_probit",
    "indicator": "workbench.growth.indicators",
    "indicator_change": "workbench.growth.trend_change",
    "indicator_definitions": "workbench.growth.trends",
    "indicator_rows": "workbench.growth.indicators",
    "indicator_series": "workbench.growth.trends",
    "indicator_table": "workbench.growth.trends",
    "indicator_tables": "workbench.growth.trends",
    "layered": "workbench.growth.layered_model",
    "membership": "workbench.growth.trend_enrolment",
    "next_spring": "workbench.growth.attrition",
    "percentile_sampling_error": "workbench.growth.percentile_errors",
    "percentile_targets": "workbench.growth.percentile_paths",
    "percentiles": "workbench.growth.student_percentiles",
    "policy_effect": "workbench.growth.trend_policy",
    "q_values": "workbench.growth.rankings",
    "rank_intervals": "workbench.growth.rankings",
    "school_growth": "workbench.growth.curves",
    "school_model": "workbench.growth.curves",
    "school_panel": "workbench.growth.trend_policy",
    "school_value_added": "workbench.growth.value_added",
    "survey_estimate": "workbench.growth.survey",
    "teacher_drift": "workbench.growth.drift",
    "teacher_value_added": "workbench.growth.value_added",
    "trajectories": "workbench.growth.curves",
    "v_from_counts": "workbench.growth.ordered_probit",
    "v_statistic": "workbench.growth.gaps",
    "variance_intervals": "workbench.growth.curve_variance",
    "variance_parts": "workbench.growth.curve_variance",
    "vertical_scale": "workbench.growth.curve_data",
    "within_between": "workbench.growth.gap_parts",
    "without_movers": "workbench.growth.curves",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'workbench.growth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
