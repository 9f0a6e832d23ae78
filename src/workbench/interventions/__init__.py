"""What is done for students, and whether it helped."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.interventions.choosing import Assignment, assign
    from workbench.interventions.encouragement import approve, approved

__all__ = ["Assignment", "approve", "approved", "assign"]
_NAMES = {"Assignment": "choosing", "approve": "encouragement", "approved": "encouragement", "assign": "choosing"}
_MODULES = ("caseload", "effect", "exchange", "log", "written")


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(f"workbench.interventions.{_NAMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"workbench.interventions.{name}")
    raise AttributeError(f"module 'workbench.interventions' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, *_MODULES})
