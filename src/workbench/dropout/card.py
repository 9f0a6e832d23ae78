"""A model card: what a model is for, how good it is and for whom, and when it expires (Mitchell et al. 2019)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from workbench.dropout.study import OUTCOME

if TYPE_CHECKING:
    from workbench.dropout.assess import Assessment


def model_card(assessment: Assessment, made_on: date, expires: date) -> str:
    """Return the card in Markdown. It holds aggregates of the training and test rows, and no row of anybody."""
    study, quality = assessment.study, assessment.quality
    columns = ["model", "n", "auc", "auc_low", "auc_high", "brier"]
    measures = [
        f"| {model} | {n:,} | {auc:.3f} ({low:.3f}–{high:.3f}) | {'–' if brier != brier else f'{brier:.4f}'} |"
        for model, n, auc, low, high, brier in quality[columns].to_numpy().tolist()
    ]
    left_out = [study.name(group) for group in study.groups if group not in study.predictors]
    parts = [
        f"# {study.title}: model card",
        f"Made on {made_on}; **expires on {expires}**. After that day it is to be validated anew before it is used.",
        "**A person decides.** A risk is a reason to talk to a student, never to deny, place or discipline one.",
        "## What it predicts",
        f"Who {study.outcome_words}. {study.how}",
        f"Data: {study.source or 'not named'}. Learned from {len(study.train):,} rows, "
        f"{int(study.train[OUTCOME].sum()):,} with the outcome.",
        "## How good it is",
        "| model | judged | AUC (95 % interval) | Brier score |\n|---|---:|---|---:|\n" + "\n".join(measures),
        "## From what",
        "\n".join(f"- {study.name(name)} (`{name}`)" for name in study.predictors),
        f"Audited, and not predicting: {', '.join(left_out) or 'nothing'}.",
        *study.notes,
        "## What to look at before trusting it",
        "\n".join(f"- `{flag.column}`: {flag.why}" for flag in study.flags) or "No predictor looked too good.",
        "It says who is at risk, not what would help, and nothing about why. In another place, or after a change of "
        "policy, it is to be validated first; `drift` tells whether students still look like those it learned from.",
    ]
    return "\n\n".join(parts) + "\n"
