"""Whether one score separates better than another on the same students: a paired test of two AUCs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from workbench.errors import BadInput
from workbench.shares import LEVEL

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Paired:
    """Two AUCs, their difference (first minus second) with standard error, 95 % limits and two-sided p."""

    auc: float
    other: float
    difference: float
    standard_error: float
    low: float
    high: float
    p: float


def delong(
    outcome: NDArray[np.int64], score: Floats, other: Floats, students: NDArray[np.object_] | None = None
) -> Paired:
    """Compare the AUCs of two scores of the same rows (DeLong, DeLong & Clarke-Pearson 1988).

    Placements come from ranks, in O(n log n) (Sun & Xu 2014). Rows of one of the `students` are not
    independent: their contributions are added before they are squared (Obuchowski 1997); without
    `students`, or with one row each, this is DeLong's variance exactly. Where the scores order alike, p is 1.
    Raises BadInput where either outcome has fewer than two rows.
    """
    both = np.vstack([score, other]).astype(float)
    cases = np.asarray(outcome) == 1
    if min(cases.sum(), (~cases).sum()) < 2:
        raise BadInput("A paired test of two AUCs needs at least two rows with the outcome and two without.")
    areas, parts = zip(*(_influence(cases, one) for one in both), strict=True)
    difference, part = areas[0] - areas[1], parts[0] - parts[1]
    error = float(np.sqrt((_by_student(part, students) ** 2).sum()))
    reach = float(norm.ppf((1 + LEVEL) / 2)) * error
    p = float(2 * norm.sf(abs(difference) / error)) if error > 0 else float(difference == 0)
    return Paired(areas[0], areas[1], difference, error, difference - reach, difference + reach, p)


def auc_interval(
    outcome: NDArray[np.int64], score: Floats, students: NDArray[np.object_] | None = None
) -> tuple[float, float, float]:
    """Return the AUC of one score with 95 % limits, by the same variance on the logit scale, within 0 to 1."""
    cases = np.asarray(outcome) == 1
    area, part = _influence(cases, np.asarray(score, dtype=float))
    error = float(np.sqrt((_by_student(part, students) ** 2).sum()))
    if not 0 < area < 1:
        return area, area, area
    middle, reach = np.log(area / (1 - area)), norm.ppf((1 + LEVEL) / 2) * error / (area * (1 - area))
    low, high = 1 / (1 + np.exp(-(middle + np.array([-reach, reach]))))
    return area, float(low), float(high)


def _influence(cases: NDArray[np.bool_], score: Floats) -> tuple[float, Floats]:
    """The AUC, and what each row adds to its error."""
    m, n = int(cases.sum()), int((~cases).sum())
    whole = rankdata(score)
    placed = np.empty(len(score))
    placed[cases] = (whole[cases] - rankdata(score[cases])) / n
    placed[~cases] = 1 - (whole[~cases] - rankdata(score[~cases])) / m
    area = float(placed[cases].mean())
    scale = np.where(cases, m * (m - 1.0), n * (n - 1.0))
    return area, (placed - area) / np.sqrt(np.maximum(scale, 1.0))


def _by_student(part: Floats, students: NDArray[np.object_] | None) -> Floats:
    if students is None:
        return part
    _, which = np.unique(students, return_inverse=True)
    return np.bincount(which, weights=part).astype(float)
