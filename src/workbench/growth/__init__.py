"""Growth of students and what schools add to it: percentiles, value added, gaps, trends."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Fetched when first asked for; each name with the module that holds it.
_NAMES: dict[str, str] = {
    "GrowthNorm": "workbench.growth.sgp.norms",
    "GrowthPercentiles": "workbench.growth.sgp.percentiles",
    "INDICATORS": "workbench.growth.trends.indicators",
    "last_full_year": "workbench.growth.trends.indicators",
    "Layered": "workbench.growth.value_added.layered",
    "MOST_ONCE": "workbench.growth.curves.models",
    "Rules": "workbench.growth.trends.indicators",
    "ValueAdded": "workbench.growth.value_added.models",
    "attrition_table": "workbench.growth.curves.attrition",
    "back_test_membership": "workbench.growth.trends.enrolment",
    "back_test_series": "workbench.growth.trends.forecast",
    "cohens_d": "workbench.growth.gaps.measures",
    "cohort_flow": "workbench.growth.trends.flow",
    "compare_memberships": "workbench.growth.curves.models",
    "compare_shapes": "workbench.growth.curves.models",
    "corrected_percentiles": "workbench.growth.sgp.errors",
    "cuts_of_scales": "workbench.growth.standards",
    "curve_rows": "workbench.growth.curves.rows",
    "district_growth": "workbench.growth.curves.schools",
    "equal_weight_gap": "workbench.growth.gaps.measures",
    "forecast_membership": "workbench.growth.trends.enrolment",
    "forecast_series": "workbench.growth.trends.forecast",
    "gap_cells": "workbench.growth.gaps.cells",
    "gap_rows": "workbench.growth.gaps.rows",
    "group_differences": "workbench.growth.curves.models",
    "group_model": "workbench.growth.curves.models",
    "growth_with_missing": "workbench.growth.curves.attrition",
    "hedges_g": "workbench.growth.gaps.measures",
    "hetop": "workbench.growth.gaps.ordered_probit",
    "indicator": "workbench.growth.trends.indicators",
    "indicator_change": "workbench.growth.trends.change",
    "indicator_definitions": "workbench.growth.trends.series",
    "indicator_rows": "workbench.growth.trends.indicators",
    "indicator_series": "workbench.growth.trends.series",
    "indicator_table": "workbench.growth.trends.series",
    "indicator_tables": "workbench.growth.trends.series",
    "layered": "workbench.growth.value_added.layered",
    "membership": "workbench.growth.trends.enrolment",
    "next_spring": "workbench.growth.curves.attrition",
    "percentile_sampling_error": "workbench.growth.sgp.errors",
    "percentile_targets": "workbench.growth.sgp.targets",
    "percentiles": "workbench.growth.sgp.percentiles",
    "policy_effect": "workbench.growth.trends.policy",
    "q_values": "workbench.growth.rankings",
    "rank_intervals": "workbench.growth.rankings",
    "school_directory": "workbench.growth.trends.directory",
    "school_growth": "workbench.growth.curves.schools",
    "school_model": "workbench.growth.curves.models",
    "school_panel": "workbench.growth.trends.policy",
    "school_value_added": "workbench.growth.value_added.models",
    "survey_estimate": "workbench.growth.survey",
    "teacher_drift": "workbench.growth.value_added.drift",
    "teacher_value_added": "workbench.growth.value_added.models",
    "trajectories": "workbench.growth.curves.models",
    "v_from_counts": "workbench.growth.gaps.ordered_probit",
    "v_statistic": "workbench.growth.gaps.measures",
    "variance_intervals": "workbench.growth.curves.variance",
    "variance_parts": "workbench.growth.curves.variance",
    "vertical_scale": "workbench.growth.curves.rows",
    "within_between": "workbench.growth.gaps.parts",
    "with_districts": "workbench.growth.trends.directory",
    "without_movers": "workbench.growth.curves.models",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'workbench.growth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
