"""Whether the native engine of mixed models and lme4 agree on 200 random designs."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import pandas as pd
from _designs import drawn, judged
from _study import markdown, write

SEEDS = range(200)
TEXT = """Designs are drawn from 22 formulas: random intercepts and slopes, correlated and not, nested and crossed,
slopes without intercepts, factors as slopes, collinear columns; 12 to 500 rows in groups of very different
sizes, down to one row, with empty cells, variances of zero, precision weights, missing values, predictors
near zero or around 2020. `excess` is the native criterion less the better of lme4's two optimisers (bobyqa,
Nelder–Mead). `at_native` is lme4's own deviance function at the native estimates less the native criterion.
Where it is not zero, `exact` is the native criterion less the same criterion in 50-digit arithmetic from
the dense covariance matrix: lme4 loses digits where a predictor's mean is many times its spread. Estimates
are compared in standard errors, the rest relative, where both fits are regular (not singular, lme4 without
a warning)."""


def main(seeds: Iterable[int] = SEEDS) -> int:
    """Run the study and write its page."""
    rows = judged([drawn(seed) for seed in seeds])
    fitted, regular = rows.dropna(subset=["excess"]), rows[rows["regular"].eq(True)]
    rounded = fitted[fitted["at_native"].abs() >= 1e-6]
    verdicts = {
        "what lme4 refuses is refused, and nothing else": bool((rows.native_refuses == rows.lme4_refuses).all()),
        "criterion ≤ the better of lme4's two optimisers + 1e-4, in every design": bool(fitted.excess.max() <= 1e-4),
        "lme4's deviance function gives the native criterion to 1e-6, or exact arithmetic does": bool(
            (rounded["exact"].abs() < 1e-6).all()
        ),
        "estimates of regular fits within 0.001 standard errors": bool(regular.estimates.max() < 1e-3),
        "standard errors of regular fits within 0.1 %": bool(regular.errors.max() < 1e-3),
        "degrees of freedom of regular fits within 1 %": bool(regular.df.max() < 0.01),
    }
    counts = pd.DataFrame(
        {
            "designs": [len(rows)],
            "refused by both": [int((rows.native_refuses & rows.lme4_refuses).sum())],
            "fitted": [len(fitted)],
            "singular": [int(fitted.singular.eq(True).sum())],
            "regular": [len(regular)],
            "native below lme4 by more than 1e-4": [int((fitted.excess < -1e-4).sum())],
            "native did not settle": [int(fitted.converged.eq(False).sum())],
        }
    )
    worst = (
        fitted[["excess", "at_native"]]
        .agg(["min", "max"])
        .T.join(fitted[["excess", "at_native"]].abs().median().rename("median size"))
    )
    far = pd.DataFrame({name: [regular[name].max()] for name in ("estimates", "errors", "variances", "df")})
    parts = [
        TEXT,
        markdown(counts),
        "Differences of criteria:\n\n" + markdown(_spelled(worst.rename_axis("difference").reset_index())),
        "Largest differences of regular fits:\n\n" + markdown(_spelled(far)),
        "Designs in which lme4 rounds by 1e-6 or more:\n\n"
        + markdown(_spelled(rounded[["seed", "formula", "n", "excess", "at_native", "exact"]])),
        "Designs in which lme4 stopped short:\n\n"
        + markdown(_spelled(fitted[fitted.excess < -1e-4][["seed", "formula", "method", "n", "excess"]])),
    ]
    return write("mixed_model_designs", "Mixed models on 200 random designs, beside lme4", parts, verdicts)


def _spelled(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as text with their magnitude; formulas' bars escaped, which Markdown would take for a new cell."""
    return table.map(lambda cell: f"{cell:.2g}" if isinstance(cell, float) else str(cell).replace("|", r"\|"))


if __name__ == "__main__":
    sys.exit(main())
