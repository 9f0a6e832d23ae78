"""Test scores, one row a student and year, brought beside the scores that came before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import BadInput, BadParameter

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

KEYS = ("student", "year", "grade", "subject")


@dataclass(frozen=True)
class Panel:
    """Current and prior scores: `rows` names student, year, grade, subject and the number of unbroken priors.

    `current` has a score a row; `priors` is rows × years back, the most recent first, NaN where there is none: the
    score in the same subject, j grades below, j years before. `current_error` and `prior_errors` are their standard
    errors of measurement, or None. `left_out` counts scores by the reason for which they are not in `rows`.
    """

    rows: pd.DataFrame
    current: Floats
    priors: Floats
    current_error: Floats | None
    prior_errors: Floats | None
    left_out: dict[str, int]
    scores: pd.DataFrame = field(repr=False)

    def earlier(self, subject: str, grade: int, before: int | None) -> Floats:
        """All scores of a grade in the years before one (or in all years): what knots are taken from."""
        same = self.scores[(self.scores.subject == subject) & (self.scores.grade == grade)]
        return same.score.to_numpy() if before is None else same.score[same.year < before].to_numpy()


def panel(
    scores: Any, names: dict[str, str], standard_error: str | None, most_priors: int, years: Sequence[int] | None
) -> Panel:
    """Return a Panel; `names` says which columns hold student, year, grade, subject and score.

    `left_out` counts scores of `years` (of all where None).

    Raises BadInput for a column that is absent or of the wrong kind, infinite scores, negative standard errors, and two
    scores of a student in one subject and year.
    """
    frame = _columns(scores, {**names, **({"error": standard_error} if standard_error else {})})
    known = frame[frame.score.notna()].reset_index(drop=True)
    _check(known, names)
    wide = with_earlier(known, most_priors)
    priors = wide[[f"score_{back}" for back in range(1, most_priors + 1)]].to_numpy(float)
    unbroken = np.logical_and.accumulate(~np.isnan(priors), axis=1).sum(axis=1)
    kept = unbroken > 0
    asked = np.ones(len(frame), bool) if years is None else frame.year.isin(list(years)).to_numpy()
    alone = ~kept if years is None else ~kept & wide.year.isin(list(years)).to_numpy()
    errors = [f"error_{back}" for back in range(1, most_priors + 1)]
    return Panel(
        wide.loc[kept, list(KEYS)].assign(n_priors=unbroken[kept]).reset_index(drop=True),
        wide.score.to_numpy(float)[kept],
        priors[kept],
        wide.error.to_numpy(float)[kept] if standard_error else None,
        wide.loc[kept, errors].to_numpy(float) if standard_error else None,
        {
            "score missing": int((frame.score.isna() & asked).sum()),
            "no score a grade below, a year before": int(alone.sum()),
        },
        known,
    )


def with_earlier(scores: pd.DataFrame, years_back: int) -> pd.DataFrame:
    """Add to each score those of the same student and subject j grades below, j years before: `score_1`, `score_2` …"""
    wide = scores
    for back in range(1, years_back + 1):
        before = scores.assign(year=scores.year + back, grade=scores.grade + back)
        before = before.rename(columns={"score": f"score_{back}", "error": f"error_{back}"})
        wide = wide.merge(before, "left", on=list(KEYS), validate="one_to_one")
    return wide


def _columns(scores: Any, names: dict[str, str]) -> pd.DataFrame:
    import pandas as pd

    from workbench.outputs import as_frame

    table = as_frame(scores)
    if table is None:
        raise BadInput(f"Growth percentiles take a table with one row a student and test, not {type(scores).__name__}.")
    if absent := [name for name in names.values() if name not in table.columns]:
        raise BadInput(f"The table of scores has no column {absent[0]!r}; it has: {', '.join(table.columns)}.")
    frame = pd.DataFrame({role: table[name].to_numpy() for role, name in names.items()})
    for role in set(names) - {"student", "subject"}:
        numbers = pd.to_numeric(frame[role], errors="coerce")
        odd = numbers.isna() & frame[role].notna()
        if odd.any():
            raise BadInput(
                f"Column {names[role]!r} of the scores holds {frame[role][odd].iloc[0]!r}; the {role} must be a number"
                + (" (2025 for the school year 2024-25)." if role == "year" else ".")
            )
        frame[role] = numbers.astype(float)
    for role in KEYS:
        if frame[role].isna().any():
            raise BadInput(f"Column {names[role]!r} of the scores is empty in {frame[role].isna().sum():,} rows.")
    return frame.astype({"year": "int64", "grade": "int64"})


def _check(known: pd.DataFrame, names: dict[str, str]) -> None:
    if not len(known):
        raise BadInput("The table of scores holds no score.")
    if n := int(np.isinf(known.score).sum()):
        raise BadInput(f"Column {names['score']!r} holds {n:,} infinite scores. Leave them out or mend them.")
    if "error" in known and (n := int((~np.isfinite(known.error) | (known.error < 0)).sum())):
        raise BadInput(f"The standard error is missing, infinite or negative for {n:,} scores.")
    again = known.duplicated(["student", "subject", "year"])
    if again.any():
        first = known[again].iloc[0]
        raise BadInput(
            f"{int(again.sum()):,} scores are a second one of the same student, subject and year, first in "
            f"{first.subject}, {first.year}, grade {first.grade}. Keep one test a student, subject and year."
        )


def check_most_priors(most_priors: int) -> None:
    """Refuse a number of priors that is not at least one."""
    if isinstance(most_priors, bool) or not isinstance(most_priors, int) or most_priors < 1:
        raise BadParameter(f"most_priors is {most_priors!r}; it must be a whole number of at least 1.")
