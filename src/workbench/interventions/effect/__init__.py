"""Did it help? Effects of interventions, each with its estimand, its uncertainty, its checks and a plain verdict."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Fetched when first asked for; each name with the module that holds it.
_NAMES: dict[str, str] = {
    "Check": "workbench.interventions.effect.result",
    "CostPerAvoided": "workbench.interventions.effect.planning",
    "Effect": "workbench.interventions.effect.result",
    "by_group": "workbench.interventions.effect.groups",
    "cost_per_avoided": "workbench.interventions.effect.planning",
    "discontinuity": "workbench.interventions.effect.cut_off",
    "doubly_robust": "workbench.interventions.effect.adjusted",
    "encouragement": "workbench.interventions.effect.encouraged",
    "lotteries": "workbench.interventions.effect.planning",
    "minimum_detectable_effect": "workbench.interventions.effect.planning",
    "randomised": "workbench.interventions.effect.random_assignment",
    "event_study": "workbench.interventions.effect.starts",
    "staggered": "workbench.interventions.effect.starts",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'workbench.interventions.effect' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
