"""Complementary suppression: what else must be withheld so that nothing withheld can be worked out.

Each leak the attacker finds comes with the visible numbers that prove it; one of them, at least, must go. The exact way
withholds the least by solving that covering problem with HiGHS, attacking again, and so on until nothing leaks
(implicit hitting sets: Moreno-Centeno & Karp 2013; the attacker as the separation of Fischetti & Salazar-González
2001). The fast way withholds, for each number to be protected, the cheapest cycle of numbers that may change together
(Kelly, Golden & Assad 1992), and gives back at the end what was not needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from workbench.disclosure.attack import SPAN, Leak, leaks
from workbench.disclosure.system import NONE, PEOPLE, Bools, Floats, System
from workbench.disclosure.witness import Pool, nearest
from workbench.errors import DisclosureError

MOST_UNITS = 400
"""The exact way is tried for at most so many numbers that could be withheld; beyond it takes too long."""
MOST_PROOFS = 400
"""With more proofs than this the exact way is given up, and the fast one's answer stands."""

LARGE = 300
"""In a system of more variables than this, equations are first looked at one by one."""
MOST_GIVEN_BACK = 40
"""With more numbers than this withheld as complements, none is tried again."""


@dataclass(frozen=True)
class Withheld:
    """Which units are withheld; `exact`: nothing less would do."""

    units: Bools
    exact: bool


def complement(system: System, exact: bool | None = None) -> Withheld:
    """Return the units to withhold. `exact`: None decides by size.

    Raises DisclosureError where what was released before gives a number away whatever is withheld now.
    """
    safe: set[Any] = set()
    pool = Pool(system)
    fast = _fast(system, pool, safe)
    free = int((~system.primary & ~system.frozen).sum())
    if exact is False or (exact is None and free > MOST_UNITS):
        return Withheld(fast, False)
    least = _least(system, pool, safe, system.weight[fast & ~system.primary].sum())
    return Withheld(fast if least is None else least, least is not None or exact is True)


def _least(system: System, pool: Pool, safe: set[Any], known: float) -> Bools | None:
    """Return the cheapest units to withhold; None where that takes too many proofs."""
    free = ~system.primary & ~system.frozen
    units, proofs = system.primary.copy(), list[tuple[int, ...]]()
    while found := leaks(system, units, safe, pool):
        proofs += [_choices(leak, free & ~units) for leak in found]
        if len(proofs) > MOST_PROOFS:
            return None
        units = system.primary | _cover(system, proofs)
    return units


def _fast(system: System, pool: Pool, safe: set[Any]) -> Bools:
    """Withhold, for each number that leaks, the cheapest cycle through it; where there is none, its cheapest proof."""
    units = system.primary.copy()
    if len(system.value) > LARGE:
        units = _two_in_each(system, units)
    while found := leaks(system, units, safe, pool):
        for leak in sorted(found, key=lambda leak: (-system.value[leak.variable], leak.variable)):
            hidden = system.hidden(units)
            if pool.shields(leak.variable, hidden):
                continue
            cycle = nearest(system, leak.variable, _costs(system, units, hidden))
            if cycle is None:
                free = ~system.primary & ~system.frozen
                if not any(units[unit] for unit in leak.units if free[unit]):
                    units = units | _cheapest(system, [_choices(leak, free & ~units)])
                continue
            pool.add(*cycle)
            for at in cycle[0][~hidden[cycle[0]]]:
                units[_cheaper_unit(system, at, units)] = True
    return _give_back(system, units, pool)


def _two_in_each(system: System, units: Bools) -> Bools:
    """Withhold so much that every equation has none or two hidden, with room for what is protected in it.

    That is needed and often enough; the attack that follows tells where it was not. What mends several equations at
    once goes first.
    """
    equations, signs = abs(system.matrix), system.matrix
    protects = np.where(system.rule == PEOPLE, np.maximum(system.min_count - system.value, SPAN), 0.0)
    while True:
        hidden = system.hidden(units)
        inside = equations @ hidden.astype(float)
        parts_only = (signs @ (hidden * system.value)) == -(equations @ (hidden * system.value))
        room = equations @ (hidden * system.value)
        need = (equations.multiply((hidden * (system.value + protects))[None, :])).max(axis=1).toarray().ravel()
        asks = (equations @ (hidden & (system.rule != NONE)).astype(float)) > 0
        bad = (inside == 1) | (asks & parts_only & (room < need))
        price = np.where(hidden, np.inf, _costs(system, units, hidden))
        mended = equations.T @ bad.astype(float)
        score = price / np.maximum(mended, 1.0) ** 2
        chosen, met = units.copy(), np.zeros(len(bad), bool)
        for row in np.flatnonzero(bad):
            inner = equations.indices[equations.indptr[row] : equations.indptr[row + 1]]
            best = inner[np.argmin(score[inner])]
            if met[row] or not np.isfinite(score[best]):
                continue
            chosen[_cheaper_unit(system, best, units)] = True
            met[system.columns.indices[system.columns.indptr[best] : system.columns.indptr[best + 1]]] = True
        if (chosen == units).all():
            return units
        units = chosen


def _costs(system: System, units: Bools, hidden: Bools) -> Floats:
    """What changing each variable costs: nothing where it is hidden, its cheapest unit where that is free."""
    price = np.append(np.where(system.frozen | system.primary, np.inf, system.weight), np.inf)
    return np.where(hidden, 0.0, price[system.units].min(axis=1))


def _cheaper_unit(system: System, variable: int, units: Bools) -> int:
    mine = [int(u) for u in system.units[variable] if u >= 0 and not (system.frozen[u] or system.primary[u])]
    return min(mine, key=lambda unit: (system.weight[unit], unit))


def _choices(leak: Leak, free: Bools) -> tuple[int, ...]:
    found = tuple(sorted(unit for unit in leak.units if free[unit]))
    if not found:
        raise DisclosureError(
            "What was published before gives away a number that must be withheld now. Publish these tables together, "
            "the finest first, or under a period of their own."
        )
    return found


def _cover(system: System, proofs: list[tuple[int, ...]]) -> Bools:
    """Return the cheapest set of units that meets every proof."""
    wanted = sorted(set(proofs))
    used = sorted({unit for proof in wanted for unit in proof})
    at = {unit: place for place, unit in enumerate(used)}
    pairs = np.array([(row, at[unit]) for row, proof in enumerate(wanted) for unit in proof])
    matrix = sparse.csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(wanted), len(used)))
    found = milp(
        system.weight[used],
        integrality=np.ones(len(used)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, lb=1),
        options={"mip_rel_gap": 0.0},
    )
    chosen = np.zeros(len(system.weight), bool)
    chosen[np.array(used)[found.x > 0.5]] = True
    return chosen


def _cheapest(system: System, proofs: list[tuple[int, ...]]) -> Bools:
    """Return the cheapest unit of each proof that none chosen before meets already, short proofs first."""
    chosen = np.zeros(len(system.weight), bool)
    for proof in sorted(set(proofs), key=lambda proof: (len(proof), proof)):
        if not chosen[list(proof)].any():
            chosen[min(proof, key=lambda unit: (system.weight[unit], unit))] = True
    return chosen


def _give_back(system: System, units: Bools, pool: Pool) -> Bools:
    """Show again, dearest first, what nothing needs withheld."""
    protected = np.flatnonzero(system.rule != NONE)
    extra = np.flatnonzero(units & ~system.primary & ~system.frozen)
    if len(extra) > MOST_GIVEN_BACK:
        return units
    for unit in sorted(extra, key=lambda unit: (-system.weight[unit], unit)):
        tried = units.copy()
        tried[unit] = False
        hidden = system.hidden(tried)
        if all(hidden[v] and (pool.shields(int(v), hidden) or pool.seek(int(v), hidden)) for v in protected):
            units = tried
    return units
