"""Did the students change or the rates? A difference between two years, split exactly into composition and rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadInput, BadParameter, did_you_mean
from workbench.growth.trends.indicators import ALL, Rules, indicator_rows
from workbench.growth.trends.series import GROUPS, with_groups
from workbench.shares import LEVEL

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

Floats = NDArray[np.float64]
RATES = "rates within groups"
DRAWS = 1000
BATCH = 50


@dataclass(frozen=True)
class Change:
    """A change of a mean between two years and its parts.

    `parts`: one row a composition factor, one for the rates, one for the total: `part`, `effect`, `low`, `high` in
    units of the indicator. `cells`: each combination of groups with students and rate in both years.
    """

    years: tuple[int, int]
    before: float
    after: float
    parts: pd.DataFrame
    cells: pd.DataFrame


def check_composition(by: Sequence[str]) -> tuple[str, ...]:
    """Return what "who the students are" may mean; raises BadParameter for no name, one twice or one there is not."""
    known = (*GROUPS, "grade_level", "school_id")
    for name in by:
        if name not in known:
            raise BadParameter(
                f"composition names {name!r}, which students are not told apart by. {did_you_mean(name, known)}"
                f"Choose from: {', '.join(known)}."
            )
    if not by or len(set(by)) < len(by):
        raise BadParameter(f"composition is {', '.join(by) or 'empty'}; name one or more of {', '.join(known)}, once.")
    return tuple(by)


def indicator_change(
    data: Data, name: str, first: int, last: int, by: tuple[str, ...], seed: int, rules: Rules | None = None
) -> Change:
    """Return the change of an indicator from year `first` to year `last`, split by the groups `by`.

    `by` names columns among the groups, `school_id` and `grade_level`. Raises BadInput where a year has no students,
    BadParameter for another name.
    """
    check_composition(by)
    by_school = "school_id" in by
    rows = with_groups(data, indicator_rows(data, name, by_school, rules), tuple(g for g in by if g in GROUPS))
    rows = rows.filter(rows.school_year.isin([first, last]))
    frame = rows.select("student_id", "school_year", *by, "value").to_pandas()
    return decompose(frame, by, (first, last), seed)


def decompose(frame: Any, by: tuple[str, ...], years: tuple[int, int], seed: int, draws: int = DRAWS) -> Change:
    """Split the change of mean `value` between two `years` into one part a composition factor in `by`, and rates.

    `frame` has one row a student and year: `student_id`, `school_year`, `value` and the columns `by`. With cells c,
    shares of students w and rates r, the mean is Σ w r. With one factor the parts are Σ r̄ Δw and Σ w̄ Δr (Kitagawa
    1955); with several, each share is a product of one term a factor and every part is averaged over all orders in
    which the terms could have changed (Das Gupta 1993). The parts add up to the change. A cell without students in one
    year is given the other year's rate, so that its appearing counts as composition. Intervals: 2.5 % and 97.5 % points
    of `draws` bootstrap samples of students, a student's rows in both years together. Raises BadInput where a year is
    empty.
    """
    import pandas as pd

    frame = frame[frame.school_year.isin(years)]
    for year in years:
        if not (frame.school_year == year).any():
            raise BadInput(f"No student counts in {year}: choose two years that the indicator has.")
    groups = frame.groupby(list(by), sort=True)
    cell, cells = groups.ngroup().to_numpy(), groups.size().reset_index()[list(by)]
    levels = np.column_stack([pd.factorize(cells[name])[0] for name in by])
    student = pd.factorize(frame.student_id)[0]
    place = (frame.school_year == years[1]).to_numpy() * len(cells) + cell
    sums = _resampled(student, place, frame.value.to_numpy(float), 2 * len(cells), draws, seed)
    n, total = (part.reshape(-1, 2, len(cells)) for part in sums)
    effects = _effects(n, total, levels)
    means = total.sum(axis=2) / n.sum(axis=2)
    effects = np.column_stack([effects, means[:, 1] - means[:, 0]])
    low, high = np.percentile(effects[1:], [50 * (1 - LEVEL), 50 * (1 + LEVEL)], axis=0)
    parts = pd.DataFrame({"part": [*by, RATES, ALL], "effect": effects[0], "low": low, "high": high})
    with np.errstate(invalid="ignore"):
        rate = total[0] / n[0]
    cells = cells.assign(n_before=n[0, 0], n_after=n[0, 1], rate_before=rate[0], rate_after=rate[1])
    return Change(years, float(means[0, 0]), float(means[0, 1]), parts, cells)


def _resampled(
    student: NDArray[np.int64], place: NDArray[np.int64], value: Floats, size: int, draws: int, seed: int
) -> tuple[Floats, Floats]:
    """Count and total of each of `size` places: first as observed, then in bootstrap samples of whole students."""
    rng, people = np.random.default_rng(seed), student.max() + 1
    weights = [np.ones((1, people))]
    parts = []
    for start in range(0, draws, BATCH):
        many = min(BATCH, draws - start)
        weights.append(rng.multinomial(people, np.full(people, 1 / people), size=many).astype(float))
    for block in weights:
        drawn = block[:, student]
        at = (np.arange(len(block))[:, None] * size + place).ravel()
        shape = (len(block), size)
        parts.append(
            (
                np.bincount(at, drawn.ravel(), len(block) * size).reshape(shape),
                np.bincount(at, (drawn * value).ravel(), len(block) * size).reshape(shape),
            )
        )
    return np.concatenate([n for n, _ in parts]), np.concatenate([total for _, total in parts])


def _effects(n: Floats, total: Floats, levels: NDArray[np.int64]) -> Floats:
    """Parts of each sample's change: samples × (factors + 1), the rates last. `n`, `total`: samples × 2 × cells."""
    return shapley(np.stack([*composition_terms(n, levels), _ratio(total, n)], axis=2))


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Part ÷ whole; where the whole is 0 the ratio of the other year stands in, and 0 where there is none either.

    A share of an empty margin is not known. The cell has no students then, and some other share of it is 0, so what
    stands in cannot make it appear.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = part / whole
    return np.nan_to_num(np.where(np.isnan(ratio), ratio[:, ::-1], ratio))


def composition_terms(n: Floats, levels: NDArray[np.int64]) -> list[Floats]:
    """Return the shares of cells as a product of one term a factor (Das Gupta 1993).

    `n`: samples × 2 years × cells, `levels`: cells × factors. A factor's term is the geometric mean, over the orders of
    the factors, of its share given the factors before it; with one factor it is its share.
    """
    factors = range(levels.shape[1])
    within = {given: _margin(n, levels, given) for k in range(len(factors) + 1) for given in combinations(factors, k)}
    terms = []
    for factor in factors:
        term = np.ones_like(n)
        for given, weight in _orders(factor, len(factors)):
            joint = tuple(sorted((*given, factor)))
            term = term * _ratio(within[joint], within[given]) ** weight
        terms.append(term)
    return terms


def shapley(terms: Floats) -> Floats:
    """Split Σ over cells of a product, after minus before, into one part a term, averaged over all orders.

    `terms`: samples × 2 × terms × cells; returns samples × terms, adding up to the change (Das Gupta 1993).
    """
    count = terms.shape[2]
    before, after = terms[:, 0], terms[:, 1]
    parts = []
    for one in range(count):
        part = np.zeros(len(terms))
        for changed, weight in _orders(one, count):
            rest = np.ones_like(before[:, 0])
            for other in range(count):
                if other != one:
                    rest = rest * (after if other in changed else before)[:, other]
            part += weight * ((after[:, one] - before[:, one]) * rest).sum(axis=1)
        parts.append(part)
    return np.column_stack(parts)


def _orders(one: int, count: int) -> list[tuple[tuple[int, ...], float]]:
    """Every set of others that may come before `one`, with the share of orders in which exactly it does."""
    others = [k for k in range(count) if k != one]
    return [
        (given, factorial(k) * factorial(count - k - 1) / factorial(count))
        for k in range(count)
        for given in combinations(others, k)
    ]


def _margin(n: Floats, levels: NDArray[np.int64], given: tuple[int, ...]) -> Floats:
    """Students who share the levels of the factors `given`, repeated for every cell."""
    _, at = np.unique(levels[:, list(given)], axis=0, return_inverse=True)
    at = at.ravel() if given else np.zeros(len(levels), np.int64)
    return np.stack([n[..., at == k].sum(axis=-1) for k in range(at.max() + 1)], axis=-1)[..., at]
