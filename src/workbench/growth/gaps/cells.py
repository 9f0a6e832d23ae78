"""Gaps in many cells (grade by year, say), and what follows from them: averages, slopes, with honest intervals.

The same student is tested year after year, so gaps of different years move together by chance. The covariance of all
cells comes from the students' influences, summed a student; averages and slopes are then linear combinations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError
from workbench.growth.gaps.measures import Gap, Z, v_statistic

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]
FEWEST = 10
"""A cell with fewer students than this in either group is left out: its gap would be noise."""


@dataclass(frozen=True)
class GapCells:
    """`table` has a row a cell: its names, n_a, n_b, gap, std_error, conf_low, conf_high, reliability.

    `left_out` counts cells with too few students, `rows` are the students of the others, `covariance` (cells, cells) is
    that of the gaps.
    """

    table: pd.DataFrame
    left_out: int
    rows: pd.DataFrame = field(repr=False)
    covariance: Floats = field(repr=False)

    def averages(self, by: str) -> pd.DataFrame:
        """The mean gap of the cells that share a value of `by`, cells counting alike; n counts people, once each."""
        import pandas as pd

        values, place = np.unique(self.table[by].to_numpy(), return_inverse=True)
        weights = (place == np.arange(len(values))[:, None]).astype(float)
        estimates = self._combined(weights / weights.sum(axis=1, keepdims=True))
        people = self.rows.groupby([by, "in_a"]).student_id.nunique().unstack("in_a").loc[values]
        counts = {"cells": weights.sum(axis=1).astype(int), "n_a": people[True].array, "n_b": people[False].array}
        return pd.concat([pd.DataFrame({by: values, **counts}), estimates], axis=1)

    def slope(self, along: str, holding: str) -> Gap:
        """Change of the gap for one step of `along` among cells with the same `holding` (least squares, cells alike).

        Raises ModelError where no two cells have the same `holding`.
        """
        steps = self.table[along].to_numpy(dtype=float)
        _, place = np.unique(self.table[holding].to_numpy(), return_inverse=True)
        steps = steps - (np.bincount(place, steps) / np.bincount(place))[place]
        if np.allclose(steps, 0):
            raise ModelError(f"No two cells have the same {holding} and another {along}: no change can be told.")
        row = self._combined((steps / (steps @ steps))[None]).iloc[0]
        people = self.rows.groupby("in_a").student_id.nunique()
        n_a, n_b = int(people[True]), int(people[False])
        return Gap(float(row.gap), float(row.std_error), float(row.conf_low), float(row.conf_high), n_a, n_b)

    def _combined(self, weights: Floats) -> pd.DataFrame:
        """Linear combinations (rows of weights) of the gaps, with standard errors and 95 % limits."""
        import pandas as pd

        gap = weights @ self.table["gap"].to_numpy()
        std_error = np.sqrt(np.einsum("ij,jk,ik->i", weights, self.covariance, weights))
        limits = {"conf_low": gap - Z * std_error, "conf_high": gap + Z * std_error}
        return pd.DataFrame({"gap": gap, "std_error": std_error, **limits})


def gap_cells(
    rows: pd.DataFrame,
    by: list[str],
    measure: Callable[..., Gap] = v_statistic,
    *,
    score: str = "score",
    true: bool = False,
) -> GapCells:
    """Compute one measure of the gap in every cell of `by`, and how the cells' gaps vary together.

    `rows` as from `gap_rows`; `true` asks for gaps of true scores, corrected by the column `error`. Raises ModelError
    where no cell has ten students of each group.
    """
    import pandas as pd

    kept = [(names, cell) for names, cell in rows.groupby(by) if min(cell.in_a.sum(), (~cell.in_a).sum()) >= FEWEST]
    if not kept:
        raise ModelError(f"No {' and '.join(by)} has {FEWEST} students of each group; there is no gap to tell.")
    gaps = [measure(cell[score], cell.in_a, errors=cell.error if true else None) for _, cell in kept]
    table = pd.DataFrame(
        [dict(zip(by, names, strict=True)) | as_row(gap) for (names, _), gap in zip(kept, gaps, strict=True)]
    )
    used = pd.concat([cell[["student_id", "in_a", *by]] for _, cell in kept])
    return GapCells(table, rows.groupby(by).ngroups - len(kept), used, _covariance(used, gaps))


def as_row(gap: Gap) -> dict[str, float]:
    """The numbers of a gap as a row of a table."""
    limits = {"std_error": gap.std_error, "conf_low": gap.conf_low, "conf_high": gap.conf_high}
    return {"n_a": gap.n_a, "n_b": gap.n_b, "gap": gap.estimate, **limits, "reliability": gap.reliability}


def _covariance(used: pd.DataFrame, gaps: list[Gap]) -> Floats:
    """Covariance of the gaps of all cells: products of the students' influences, summed over students."""
    from scipy.sparse import csr_array

    influences = [np.asarray(gap.influence) for gap in gaps]
    students, student = np.unique(used.student_id.to_numpy(), return_inverse=True)
    cell = np.repeat(np.arange(len(gaps)), [len(each) for each in influences])
    moves = csr_array((np.concatenate(influences), (student, cell)), shape=(len(students), len(gaps)))
    return np.asarray((moves.T @ moves).toarray())
