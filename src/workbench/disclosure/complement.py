"""Complementary suppression: what else must be withheld so that nothing withheld can be worked out.

Each leak the attacker finds comes with the visible numbers that prove it; one of them, at least, must go. The exact way
withholds the least by solving that covering problem with HiGHS, attacking again, and so on until nothing leaks
(implicit hitting sets: Moreno-Centeno & Karp 2013; the attacker as the separation of Fischetti & Salazar-González
2001). The fast way takes the cheapest number of each proof, and gives back at the end what was not needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from workbench.disclosure.attack import Leak, leaks
from workbench.disclosure.system import Bools, System
from workbench.errors import DisclosureError

MOST_UNITS = 400
"""The exact way is taken for at most so many numbers that could be withheld; beyond it takes too long."""
MOST_PROOFS = 600
"""With more proofs than this the fast way goes on from where the exact one stands."""
MOST_GIVEN_BACK = 2000


@dataclass(frozen=True)
class Withheld:
    """Which units are withheld; `exact`: nothing less would do; `rounds` of attack it took."""

    units: Bools
    exact: bool
    rounds: int


def complement(system: System, exact: bool | None = None) -> Withheld:
    """Return the units to withhold. `exact`: None decides by size.

    Raises DisclosureError where what was released before gives a number away whatever is withheld now.
    """
    free = ~system.primary & ~system.frozen
    exactly = int(free.sum()) <= MOST_UNITS if exact is None else exact
    units, proofs, safe, rounds = system.primary.copy(), [], set[Any](), 0
    greedy = not exactly
    while found := leaks(system, units, safe):
        rounds += 1
        new = [_choices(leak, free & ~units) for leak in found]
        proofs += new
        greedy |= len(proofs) > MOST_PROOFS
        units = units | (_cheapest(system, new) if greedy else _cover(system, proofs))
        if not greedy:
            units = system.primary | _cover(system, proofs)
    if greedy:
        units = _give_back(system, units, safe)
    return Withheld(units, not greedy, rounds)


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


def _give_back(system: System, units: Bools, safe: set[Any]) -> Bools:
    """Show again, dearest first, what nothing needs withheld."""
    extra = np.flatnonzero(units & ~system.primary & ~system.frozen)
    for unit in sorted(extra, key=lambda unit: (-system.weight[unit], unit))[:MOST_GIVEN_BACK]:
        tried = units.copy()
        tried[unit] = False
        if not leaks(system, tried, safe):
            units = tried
    return units
