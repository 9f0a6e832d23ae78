"""Disclosure control: the exits through which numbers leave the workbench."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.disclosure.aggregate import Aggregate
    from workbench.disclosure.protection import protect, protect_together

__all__ = ["Aggregate", "protect", "protect_together"]

# Fetched when first asked for: a dashboard reads published tables without the solver that protects them.
_NAMES = {
    "Aggregate": "workbench.disclosure.aggregate",
    "protect": "workbench.disclosure.protection",
    "protect_together": "workbench.disclosure.protection",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'workbench.disclosure' has no attribute {name!r}")
