"""Growth to standard: which growth percentile, year after year, would bring a student to a cut score?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import BadInput, BadParameter, ModelError
from workbench.growth.sgp.norms import GrowthNorm
from workbench.growth.sgp.panel import with_earlier
from workbench.growth.sgp.percentiles import GrowthPercentiles

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]


def percentile_targets(
    found: GrowthPercentiles, cuts: Mapping[tuple[str, int], float], years_ahead: int = 3, year: int | None = None
) -> pd.DataFrame:
    """Return the growth percentile that students need in each of the coming years to reach a cut score.

    `cuts` holds a cut score for (subject, grade). Each student of `year` (the latest where None) is carried forward by
    the newest norms, grade after grade: at every percentile from 1 to 99 the score expected next year becomes a prior
    for the year after (Betebenner 2009: percentile growth trajectories). The target after k years is the lowest
    percentile whose path ends at or above the cut of that grade; 100 means that not even the 99th does. For a
    student who is above the cut already it is what keeps them there.

    Columns: the student, year, grade and subject, `years_ahead` (1 …), `target_grade`, `cut`, `target` (1 to 100) and
    `median_path`, the score at the 50th percentile throughout. Grades without norms or cuts have no rows.
    Raises BadInput for a cut that is not a number, ModelError where nobody can be carried forward.
    """
    import pandas as pd

    if years_ahead < 1:
        raise BadParameter(f"years_ahead is {years_ahead}; it must be at least 1.")
    if odd := [key for key, cut in cuts.items() if not np.isfinite(cut)]:
        raise BadInput(f"The cut score for {odd[0]} is not a number.")
    newest = {(n.subject, n.grade, n.n_priors): n for n in sorted(found.norms, key=lambda n: n.year or 0)}
    parts = [
        part
        for rows, histories in _histories(found, year)
        for part in _carried(rows, histories, newest, cuts, years_ahead)
    ]
    if not parts:
        raise ModelError(
            "Nobody can be carried forward: no grade has students, a norm for the grade above, and a cut score for it. "
            f"Norms are there for {sorted({(n.subject, n.grade) for n in found.norms})}."
        )
    return pd.concat(parts, ignore_index=True).rename(columns=found.names)


def _histories(found: GrowthPercentiles, year: int | None) -> Iterator[tuple[pd.DataFrame, Floats]]:
    """Students of one year by subject, grade and length of unbroken history, with their scores, the newest first."""
    scores = found.panel.scores
    back = found.panel.priors.shape[1] - 1
    wide = with_earlier(scores[["student", "year", "grade", "subject", "score"]], back)
    wide = wide[wide.year == (scores.year.max() if year is None else year)]
    history = wide[["score", *(f"score_{j}" for j in range(1, back + 1))]].to_numpy(float)
    unbroken = np.logical_and.accumulate(~np.isnan(history), axis=1).sum(axis=1)
    groups: Any = wide.assign(place=np.arange(len(wide))).groupby(["subject", "grade", unbroken])
    for (_, _, length), rows in groups:
        yield rows[["student", "year", "grade", "subject"]], history[rows.place, :length]


def _carried(
    rows: pd.DataFrame,
    history: Floats,
    norms: Mapping[tuple[str, int, int], GrowthNorm],
    cuts: Mapping[tuple[str, int], float],
    years_ahead: int,
) -> Iterator[pd.DataFrame]:
    """Carry students with equally long histories forward, a year at a time, along all 99 paths."""
    subject, grade = rows.subject.iloc[0], int(rows.grade.iloc[0])
    known = [score[:, None] for score in history.T]
    for ahead in range(1, years_ahead + 1):
        ready = [k for k in range(1, len(known) + 1) if (subject, grade + ahead, k) in norms]
        if not ready:
            return
        known.insert(0, _paths(norms[subject, grade + ahead, max(ready)], known))
        if (cut := cuts.get((subject, grade + ahead))) is not None:
            yield rows.assign(
                years_ahead=ahead,
                target_grade=grade + ahead,
                cut=cut,
                target=1 + (known[0] < cut).sum(axis=1),
                median_path=known[0][:, 49],
            )


def _paths(norm: GrowthNorm, known: list[Floats]) -> Floats:
    """Next year's score at each percentile, students × 99: midway between the quantiles that bound the percentile.

    `known` are the scores before, the newest first: students × 1 where observed, × 99 along the paths.
    """
    middle = (norm.coefficients[:, :-1] + norm.coefficients[:, 1:]) / 2
    expected, start = middle[0], 1
    for each, scores in zip(norm.splines, known[: norm.n_priors], strict=True):
        columns = each.basis(scores.ravel()).reshape(*scores.shape, -1)
        stop = start + columns.shape[2]
        expected = expected + np.einsum("spc,cp->sp", columns, middle[start:stop])
        start = stop
    return np.maximum.accumulate(expected, axis=1)
