"""Tables of whole numbers that agree with everything visible: each shows what an attacker cannot rule out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from workbench.disclosure.attack import SPAN
from workbench.disclosure.system import NONE, PEOPLE, Bools, Floats, System

NEIGHBOURS = (100, 600)
"""The nearest table is sought among so many variables around the one to protect, then among more, then among all."""
ALL = 10**9
_ROUND = 1e-6
_FREE = 1e-3


@dataclass
class Pool:
    """Changes of the true table that keep every equation, one sparse row each."""

    system: System
    where: list[NDArray[np.int64]] = field(default_factory=list)
    change: list[Floats] = field(default_factory=list)
    by_variable: dict[int, list[int]] = field(default_factory=dict)

    def add(self, at: NDArray[np.int64], change: Floats) -> None:
        """Remember a change of the variables `at`."""
        protects = self.system.rule[at] != NONE
        for variable in at[protects]:
            self.by_variable.setdefault(int(variable), []).append(len(self.where))
        self.where.append(at)
        self.change.append(change)

    def shields(self, variable: int, hidden: Bools) -> bool:
        """Whether a change known here, of hidden variables only, takes this one as far as the rule asks."""
        need = enough(self.system, variable)
        for number in self.by_variable.get(variable, ()):
            at = self.where[number]
            if hidden[at].all() and self.change[number][np.flatnonzero(at == variable)[0]] >= need:
                return True
        return False

    def seek(self, variable: int, hidden: Bools) -> bool:
        """Look for such a change near the variable, and remember it."""
        found = nearest(self.system, variable, np.where(hidden, 0.0, np.inf), NEIGHBOURS[:1])
        if found is not None:
            self.add(*found)
        return found is not None


def enough(system: System, variable: int) -> float:
    """By how much a protected variable must be able to be greater, so that the rule holds whatever the lower bound."""
    value = system.value[variable]
    if system.rule[variable] == PEOPLE:
        return float(max(system.min_count - value, SPAN))
    return float(max(0.1 * abs(value), _ROUND))


def nearest(
    system: System, variable: int, cost: Floats, sizes: tuple[int, ...] = (*NEIGHBOURS, ALL)
) -> tuple[NDArray[np.int64], Floats] | None:
    """Return the cheapest change that shields a variable: which variables change, by how much; None: none is whole.

    `cost` is what changing each variable costs a person, infinite where it must not change. Minimising the sum of
    changes finds a short cycle (Kelly, Golden & Assad 1992; Castro 2002).
    """
    may = np.isfinite(cost)
    for size in sizes:
        around = _around(system, variable, may, cost, size)
        found = _solve(system, variable, around, cost)
        if found is not None or len(around) == may.sum():
            return found
    return None


def _around(system: System, variable: int, may: Bools, cost: Floats, most: int) -> NDArray[np.int64]:
    """The variables nearest in equations, cheap ones first."""
    if may.sum() <= most:
        return np.flatnonzero(may)
    inside, frontier = {variable}, np.array([variable])
    by_column = system.columns
    while len(inside) < most and len(frontier):
        rows = np.unique(by_column[:, frontier].indices)
        if not len(rows):
            break
        reached = np.unique(system.matrix[rows].indices)
        reached = np.array([v for v in reached[may[reached]] if v not in inside], np.int64)
        reached = reached[np.argsort(cost[reached], kind="stable")][: most - len(inside)]
        inside |= set(reached.tolist())
        frontier = reached
    return np.array(sorted(inside), np.int64)


def _solve(
    system: System, variable: int, around: NDArray[np.int64], cost: Floats
) -> tuple[NDArray[np.int64], Floats] | None:
    inner = system.columns[:, around]
    rows = np.unique(inner.indices)
    inner = inner.tocsr()[rows]
    value, need = system.value[around], enough(system, variable)
    room = np.where(around == variable, 0.0, value - system.lowest[around])
    lower = np.where(around == variable, need, 0.0)
    price = np.maximum(cost[around], _FREE)
    found = linprog(
        np.concatenate([price, price]),
        A_eq=sparse.hstack([inner, -inner], format="csr"),
        b_eq=np.zeros(len(rows)),
        bounds=np.column_stack(
            [np.concatenate([lower, 0 * lower]), np.concatenate([np.full(len(room), np.inf), room])]
        ),
        method="highs-ds",
    )
    if found.status != 0:
        return None
    change = found.x[: len(room)] - found.x[len(room) :]
    moved = np.abs(change) > _ROUND
    whole = np.where(system.whole[around], np.round(change), change)
    if np.abs(whole - change).max() > _ROUND:
        return None
    return around[moved], whole[moved]
