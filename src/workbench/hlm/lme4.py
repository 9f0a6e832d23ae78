"""The reference engine: lme4 itself, through pymer4."""

from __future__ import annotations

from typing import Any

from workbench.errors import ModelError
from workbench.hlm.result import Method, MixedModel


def fit(formula: str, data: Any, method: Method, weights: str | None, family: str) -> MixedModel:
    """Fit a mixed model with lme4."""
    raise ModelError("The lme4 engine is not there yet.")
