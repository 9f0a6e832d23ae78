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

from workbench.disclosure.attack import Leak, leaks
from workbench.disclosure.system import NONE, Bools, Floats, System
from workbench.disclosure.witness import Pool, nearest
from workbench.errors import DisclosureError

MOST_UNITS = 400
"""The exact way is tried for at most so many numbers that could be withheld; beyond it takes too long."""
MOST_PROOFS = 400
"""With more proofs than this the exact way is given up, and the fast one's answer stands."""


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
    """Withhold, for each protected number, the cheapest cycle through it; whatever still leaks, the cheapest proof."""
    units = system.primary.copy()
    order = sorted(np.flatnonzero(system.rule != NONE), key=lambda v: (-system.value[v], v))
    for variable in order:
        hidden = system.hidden(units)
        if not hidden[variable] or pool.shields(int(variable), hidden):
            continue
        found = nearest(system, int(variable), _costs(system, units, hidden))
        if found is not None:
            pool.add(*found)
            for at in found[0][~hidden[found[0]]]:
                units[_cheaper_unit(system, at, units)] = True
    while found_leaks := leaks(system, units, safe, pool):
        free = ~system.primary & ~system.frozen & ~units
        units = units | _cheapest(system, [_choices(leak, free) for leak in found_leaks])
    return _give_back(system, units, pool)


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
    for unit in sorted(extra, key=lambda unit: (-system.weight[unit], unit)):
        tried = units.copy()
        tried[unit] = False
        hidden = system.hidden(tried)
        if all(hidden[v] and (pool.shields(int(v), hidden) or _shield(system, int(v), hidden, pool)) for v in protected):
            units = tried
    return units


def _shield(system: System, variable: int, hidden: Bools, pool: Pool) -> bool:
    found = nearest(system, variable, np.where(hidden, 0.0, np.inf))
    if found is not None:
        pool.add(*found)
    return found is not None
