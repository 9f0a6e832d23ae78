"""A fitted mixed model as a page of text, in the order of lme4's summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from workbench.hlm.result import MixedModel


def summary(model: MixedModel) -> str:
    """Return formula, size, fit, random and fixed effects, and what a reader must know."""
    kind = "Linear" if model.family == "gaussian" else f"Generalised linear ({model.family})"
    left_out = f", {model.n_dropped:,} left out with a missing value" if model.n_dropped else ""
    groups = "; ".join(f"{name}: {levels:,}" for name, levels in model.groups.items())
    what = "REML criterion" if model.method == "REML" else "deviance (-2 log likelihood)"
    return "\n".join(
        [
            f"{kind} mixed model, {model.method}, {model.engine} engine",
            model.formula,
            f"{model.n_obs:,} rows{left_out}; levels of {groups}",
            f"{what} {model.criterion:.3f}; AIC {model.aic:.1f}; BIC {model.bic:.1f}",
            "",
            "Random effects",
            _text(_random(model)),
            "",
            "Fixed effects (95 % intervals)",
            _text(model.fixed),
            *(f"\n{message}" for message in model.messages),
        ]
    )


def _random(model: MixedModel) -> pd.DataFrame:
    """Variances with standard deviations and the correlations of their block."""
    own = model.variances[model.variances["other_term"].isna()]
    table = own[["group", "term"]].assign(variance=own["estimate"], std_dev=np.sqrt(own["estimate"]))
    related = [
        " ".join(f"{other}: {value:.3f}" for other, value in _correlations(model, group, term))
        for group, term in zip(own["group"], own["term"], strict=True)
    ]
    return table.assign(correlation=related) if any(related) else table


def _correlations(model: MixedModel, group: str, term: str) -> list[tuple[str, float]]:
    rows = model.correlations
    mine = rows[(rows["group"] == group) & (rows["other_term"] == term)]
    return list(zip(mine["term"], mine["estimate"], strict=True))


def _text(table: pd.DataFrame) -> str:
    """A table with numbers to five significant digits."""
    return table.to_string(index=False, float_format=lambda value: f"{value:.5g}", na_rep="")
