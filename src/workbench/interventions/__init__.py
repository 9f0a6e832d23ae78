"""What is done for students, and whether it helped."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULES = ("effect",)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"workbench.interventions.{name}")
    raise AttributeError(f"module 'workbench.interventions' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
