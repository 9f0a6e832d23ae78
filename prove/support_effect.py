"""Whether the effect of the support is hidden from a naive comparison and found by an honest one."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _marginals import Folder
from _study import each, made, markdown, write

from workbench.synthetic import Truth

SEEDS = range(1, 7)
STUDENTS = 60_000
TRUE = Truth().hazard_support


def terms(folder: Folder) -> pd.DataFrame:
    """Student-terms at risk, from the spring of grade 9: support, placement, need, year, and whether it was the last.

    Students with a placement score who were on the roll on the day of assignment.
    """
    return folder.frame(
        """SELECT t.student_id, t.high_school_year AS year, t.term = 'spring' AS spring,
             i.student_id IS NOT NULL AS supported, a.scale_score / 100 - 5 AS placement,
             p.economically_disadvantaged AS need, n.standing, n.engagement_mean + t.engagement_deviation AS engagement,
             n.known_hazard AS known,
             o.status = 'dropped_out' AND o.outcome_date BETWEEN
               make_date(t.school_year - (t.term = 'fall')::INT, CASE t.term WHEN 'fall' THEN 9 ELSE 2 END, 1)
               AND make_date(t.school_year, CASE t.term WHEN 'fall' THEN 1 ELSE 6 END,
                             CASE t.term WHEN 'fall' THEN 31 ELSE 15 END) AS dropped
           FROM {key.terms} t JOIN {outcomes} o USING (student_id) JOIN {key.students} n USING (student_id)
           JOIN {assessments} a ON a.student_id = t.student_id AND a.scale_id = 'placement_math'
           JOIN {programs} p ON p.student_id = t.student_id AND p.school_year = t.school_year
           LEFT JOIN {interventions} i ON i.student_id = t.student_id
           WHERE t.high_school_year BETWEEN 1 AND 4 AND NOT (t.high_school_year = 1 AND t.term = 'fall')
           ORDER BY t.student_id, t.school_year, t.term"""
    )


def logit(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Maximum-likelihood logistic regression by Newton's method: coefficients and standard errors."""
    x = np.column_stack([np.ones(len(x)), x])
    beta = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ beta))
        information = (x * (p * (1 - p))[:, None]).T @ x
        step = np.linalg.solve(information, x.T @ (y - p))
        beta += step
        if np.abs(step).max() < 1e-10:
            break
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))


def estimates(rows: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Log-odds difference with and without support, and its standard error: naive, adjusted, full."""
    years = pd.get_dummies(rows.year).to_numpy(float)[:, 1:]
    support, y = rows.supported.to_numpy(float), rows.dropped.to_numpy(float)
    placement, need = rows.placement.to_numpy(), rows.need.to_numpy(float)
    designs = {
        "naive": [support, years],
        "adjusted": [support, years, placement, placement**2, need],
        "full": [support, years, rows.standing, rows.engagement, rows.known],
    }
    found = {}
    for name, columns in designs.items():
        beta, error = logit(np.column_stack(columns), y)
        found[name] = (float(beta[1]), float(error[1]))
    return found


def compared(path: Path) -> dict[str, float]:
    """Estimates of one data folder, flat."""
    rows = terms(Folder(path))
    found = estimates(rows)
    crude = rows.groupby("supported").dropped.mean()
    flat = {
        "student-terms": len(rows),
        "dropouts": int(rows.dropped.sum()),
        "crude ratio": float(crude[True] / crude[False]),
    }
    for name, (value, error) in found.items():
        flat |= {name: value, f"{name} SE": error}
    return flat


def one(seed: int) -> dict[str, Any]:
    """Estimates of one seed."""
    with made(students=STUDENTS, years=8, seed=seed, low_grade=9, districts=2, events_per_term=0.0) as path:
        return {"seed": seed, **compared(path)}


def main(seeds: Iterable[int] = SEEDS) -> int:
    """Run the study and write its page."""
    rows = each(one, seeds)
    full, spread = rows.full.mean(), rows["full SE"].mean() / len(rows) ** 0.5
    inside = int((np.abs(rows.full - TRUE) <= 1.96 * rows["full SE"]).sum())
    return write(
        "support_effect",
        "The effect of the ninth-grade support",
        [
            f"{STUDENTS:,} high-school students, seeds {rows.seed.min()} to {rows.seed.max()}; discrete-time logistic "
            f"regression of dropping out in a term on support. The true effect on the log odds of a term is {TRUE}. "
            "`naive` compares within year of high school; `adjusted` adds what the assignment looked at (placement "
            "score, need); `full` conditions on the true standing, engagement and known hazard of the answer key, "
            "which the generating equation contains. `crude ratio` is the dropout rate of supported "
            "over other student-terms. "
            "`adjusted` estimates the effect averaged over what stays latent, which is nearer to zero than the effect "
            "on one student (odds ratios are not collapsible; Neuhaus & Jewell 1993) and shrinks as those at "
            "risk leave.",
            markdown(rows),
            f"Mean of `full`: {full:.3f} (standard error {spread:.3f}); {inside} of {len(rows)} intervals hold {TRUE}. "
            f"Mean of `adjusted`: {rows.adjusted.mean():.3f}; of `naive`: {rows.naive.mean():.3f}.",
        ],
        {
            "the naive comparison has the wrong sign in every seed": bool((rows.naive > 0).all()),
            "given placement and need, every estimate is negative": bool((rows.adjusted < 0).all()),
            f"given the true state, the mean estimate {full:.3f} is within 2 standard errors of {TRUE}": abs(
                full - TRUE
            )
            <= 2 * spread,
        },
    )


if __name__ == "__main__":
    sys.exit(main())
