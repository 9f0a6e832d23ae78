"""A model beside the 110 published dropout flags that Bowers, Sprott & Taff (2013) put on one ROC plane."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from workbench.dropout.assess import ATTAINABLE, ORACLE, Assessment
from workbench.dropout.linear import Floats
from workbench.dropout.metrics import Ints, limits, resampled

if TYPE_CHECKING:
    import pandas as pd

AT_ONCE = 50


def published_flags() -> pd.DataFrame:
    """Return one row a flag: flag (its number there), study, grades, students, dropout_rate, precision, sensitivity,
    specificity, and false_alarms, 1 − specificity.

    Figures of Bowers, Sprott & Taff (2013), as they stand in the data set bowersEWS of the R package EWStools. Of flag
    103 the specificity there (0.587) contradicts the share of false alarms beside it (0.143) and the precision, which
    agree: 0.857 stands here.
    """
    import pandas as pd

    with resources.files("workbench.dropout").joinpath("published_flags.csv").open(encoding="utf-8") as file:
        flags = pd.read_csv(file, dtype={"from_grade": str, "to_grade": str})
    return flags.assign(false_alarms=(1 - flags.specificity).round(3))


def beside_flags(assessment: Assessment) -> pd.DataFrame:
    """Return one row a model: of the flags, how many find fewer of those who left than it does at as many false alarms.

    Columns: model, flags, below, below_low, below_high. A flag is below where the model's ROC curve runs above it;
    limits are percentiles of 500 bootstrap samples of whole students. The flags are of other students, other
    grades and other meanings of dropping out: this places a model among what has been published, it is no contest.
    """
    import pandas as pd

    flags = published_flags()
    alarms = flags.false_alarms.to_numpy()
    judged, key = assessment.study.judged, assessment.study.id_column
    students = judged[key].astype(str).to_numpy() if key else np.arange(len(judged)).astype(str)
    weights = resampled(students, assessment.seed)
    rows = []
    for name, score in assessment.scores.items():
        if name not in (ATTAINABLE, ORACLE):
            parts = np.array_split(weights, range(AT_ONCE, len(weights), AT_ONCE))
            found = [found_at(assessment.outcome, score, part.astype(float), alarms) for part in parts]
            below = (np.concatenate(found) > flags.sensitivity.to_numpy()).sum(axis=1).astype(float)
            rows.append((name, len(flags), int(below[0]), *limits(below[1:])))
    return pd.DataFrame(rows, columns=["model", "flags", "below", "below_low", "below_high"])


def found_at(outcome: Ints, score: Floats, weights: Floats, false_alarms: Floats) -> Floats:
    """Return the share of cases found at each share of false alarms, by each row of `weights`; k × false alarms.

    Between two scores the curve is a straight line: whoever has the same score is taken by lot.
    """
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    found = np.add.reduceat((weights * outcome)[:, order], starts, axis=1).cumsum(axis=1)
    alarms = np.add.reduceat((weights * (1 - outcome))[:, order], starts, axis=1).cumsum(axis=1)
    zero = np.zeros((1,))
    return np.array(
        [
            np.interp(false_alarms, np.r_[zero, a / a[-1]], np.r_[zero, f / f[-1]])
            for f, a in zip(found, alarms, strict=True)
        ]
    )


def beside_flags_in_words(placed: pd.DataFrame) -> list[str]:
    """One sentence a model of `beside_flags`."""
    return [
        f"{row.model}: its curve runs above {row.below} of {row.flags} published flags "
        f"(95 % interval {row.below_low:.0f} to {row.below_high:.0f})."
        for row in placed.itertuples()
    ]
