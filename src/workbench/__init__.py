"""Learning Analytics Workbench: the handful of names a researcher types."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.store import open_data
from workbench.tables import describe_tables

if TYPE_CHECKING:
    from workbench.disclosure.publish import publish
    from workbench.disclosure.release import release
    from workbench.outputs import keep, show
    from workbench.sources.own_data import write_data
    from workbench.style import figure

__all__ = ["describe_tables", "figure", "keep", "open_data", "publish", "release", "show", "write_data"]
__version__ = "0.1.0"

# Fetched when first asked for, so that `import workbench` and the command line start at once.
_NAMES = {
    "figure": "workbench.style",
    "keep": "workbench.outputs",
    "publish": "workbench.disclosure.publish",
    "release": "workbench.disclosure.release",
    "show": "workbench.outputs",
    "write_data": "workbench.sources.own_data",
}
_MODULES = ("disclosure", "dropout", "features", "forecast", "growth", "hlm", "interventions", "synthetic")


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    if name in _MODULES:
        return import_module(f"workbench.{name}")
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES, *_MODULES})
