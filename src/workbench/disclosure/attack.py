"""The attacker: what follows, in whole numbers, from everything that was released together.

The attacker knows every visible number, every range, the equations between all of them, that people are counted in
whole numbers, and nothing of how the hidden ones were chosen. Bounds are exact: each is reached by a table of whole
numbers that agrees with all that is visible (integer programming with HiGHS; Fischetti & Salazar-González 2001 attack
with linear programs, which understate what an attacker can say about small counts).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse.csgraph import connected_components

from workbench.disclosure.system import NONE, PEOPLE, Bools, Floats, System

Ints = NDArray[np.int64]
SPAN = 5
"""The bounds of a protected count lie at least this far apart."""
AMOUNT_SPAN = 0.1
"""The bounds of a protected amount lie at least this share of it above it, or of it apart."""
NODES, FEW_NODES = 2000, 50
"""How far the integer programs branch: a number, not a time, so that results are the same everywhere."""
_ROUND = 1e-6


@dataclass(frozen=True)
class Part:
    """Hidden variables that hang together, and what the visible ones say about them: `matrix @ x = known`."""

    variables: Ints
    equations: Ints
    matrix: Any
    known: Floats
    low: Floats
    high: Floats
    whole: Bools
    true: Floats


class Shields(Protocol):
    """Whatever knows tables that agree with all that is visible."""

    def shields(self, variable: int, hidden: Bools) -> bool: ...

    def seek(self, variable: int, hidden: Bools) -> bool: ...


@dataclass(frozen=True)
class Leak:
    """A protected variable the attacker narrows too far, and the units whose numbers prove it."""

    variable: int
    units: frozenset[int]


def bounds(system: System, units: Bools, variables: Iterable[int] | None = None) -> dict[int, tuple[float, float]]:
    """Return the attacker's exact bounds of the hidden variables (or of some), where `units` are withheld."""
    wanted = None if variables is None else set(variables)
    found: dict[int, tuple[float, float]] = {}
    for part in parts(system, units):
        chosen = [at for at, variable in enumerate(part.variables) if wanted is None or int(variable) in wanted]
        low, high = _by_one_equation(part) if len(part.known) <= 1 else (part.low.copy(), part.high.copy())
        if len(part.known) > 1:
            for at in chosen:
                low[at], high[at] = (_extreme(part, at, sign)[0][at] for sign in (-1, 1))
        found |= {int(part.variables[at]): (float(low[at]), float(high[at])) for at in chosen}
    return found


def leaks(system: System, units: Bools, safe_parts: set[Any] | None = None, pool: Shields | None = None) -> list[Leak]:
    """Return every protected variable whose bounds break the rule.

    `safe_parts` remembers parts found safe before, `pool` tables that show why a variable is safe; without both the
    attack begins from nothing.
    """
    hidden = system.hidden(units)
    found = [_plain(system, int(v)) for v in np.flatnonzero((system.rule != NONE) & ~hidden)]
    for part in parts(system, units):
        mark = (part.variables.tobytes(), part.known.tobytes(), part.low.tobytes(), part.high.tobytes())
        if (system.rule[part.variables] == NONE).all() or (safe_parts is not None and mark in safe_parts):
            continue
        new = list(_leaks_of(system, hidden, part, pool))
        found += new
        if safe_parts is not None and not new:
            safe_parts.add(mark)
    return found


def allowed(system: System, variable: int, low: float, high: float) -> bool:
    """Whether these bounds of a protected variable keep the rule.

    Of 1 to min − 1 people (with an event or without, also of 0): the bounds reach the minimum and span 5.
    An amount may not be known to within a tenth.
    """
    value = system.value[variable]
    if system.rule[variable] == PEOPLE:
        return low <= system.min_count <= high and high - low >= SPAN
    if system.lowest[variable] == 0:
        return high >= value * (1 + AMOUNT_SPAN)
    return high - low >= AMOUNT_SPAN * abs(value) and high > low


def parts(system: System, units: Bools) -> Iterator[Part]:
    """Yield the hidden variables in sets that no equation links."""
    hidden = system.hidden(units)
    if not hidden.any():
        return
    columns = np.flatnonzero(hidden)
    inner = system.matrix[:, columns]
    known = -(system.matrix @ np.where(hidden, 0.0, system.value))
    low, high = _ranges(system, hidden, columns)
    linked = abs(inner)
    _, label = connected_components(linked.T @ linked, directed=False)
    order = np.argsort(label, kind="stable")
    used = np.flatnonzero(np.diff(inner.indptr))
    row_label = label[inner.indices[inner.indptr[used]]]
    row_order = used[np.argsort(row_label, kind="stable")]
    sizes, row_sizes = np.bincount(label), np.bincount(row_label, minlength=label.max() + 1)
    ends, row_ends = np.cumsum(sizes), np.cumsum(row_sizes)
    for piece in range(len(sizes)):
        here = order[ends[piece] - sizes[piece] : ends[piece]]
        rows = row_order[row_ends[piece] - row_sizes[piece] : row_ends[piece]]
        yield Part(
            variables=columns[here],
            equations=rows,
            matrix=inner[rows][:, here],
            known=known[rows],
            low=low[here],
            high=high[here],
            whole=system.whole[columns[here]],
            true=system.value[columns[here]],
        )


def _ranges(system: System, hidden: Bools, columns: Ints) -> tuple[Floats, Floats]:
    """What is known of hidden variables before any equation: not negative, and the ranges that are told."""
    low, high = system.lowest[columns].copy(), np.full(len(columns), np.inf)
    for at in np.flatnonzero(system.ranges[columns]):
        variable, whom = columns[at], system.parent[columns[at]]
        if whom < 0:
            low[at], high[at] = block(system.value[variable], np.inf, system.min_count)
        elif not hidden[whom]:
            low[at], high[at] = block(system.value[variable], system.value[whom], system.min_count)
    return low, high


def block(count: float, of: float, min_count: int) -> tuple[float, float]:
    """Return the range told of a hidden count: 2 × `min_count` whole numbers, counted from the nearer end.

    `of` is how many there can be; near it the range ends there, which is top coding, as near 0 it is bottom coding.
    """
    wide = 2 * min_count
    if of < 2 * wide:
        return (0.0, wide - 1.0) if np.isinf(of) else (0.0, float(of))
    if of - count < wide:
        return float(of - wide + 1), float(of)
    low = wide * (count // wide)
    return float(low), float(min(low + wide - 1, of - wide)) if np.isfinite(of) and low >= wide else low + wide - 1.0


def _leaks_of(system: System, hidden: Bools, part: Part, pool: Shields | None) -> Iterator[Leak]:
    high = system.value[part.variables].copy()
    low = high.copy()
    rules = system.rule[part.variables]

    quick = pool is not None and not system.ranges.any()  # what the pool knows leaves ranges aside

    def met(at: int) -> bool:
        variable = int(part.variables[at])
        if quick and pool is not None and pool.shields(variable, hidden):
            return True
        return allowed(system, variable, low[at], high[at])

    def saw(x: Floats) -> None:
        np.maximum(high, x, out=high)
        np.minimum(low, x, out=low)

    protected: list[int] = np.flatnonzero(rules != NONE).tolist()
    if len(part.known) <= 1:
        for bound in _by_one_equation(part):
            saw(bound)
        yield from (
            Leak(int(part.variables[at]), _units(system, hidden, part, [np.ones(len(part.known))]))
            for at in protected
            if not met(at)
        )
        return
    open_still = [at for at in protected if not met(at)]
    while len(open_still) > 1:  # one table often serves many
        before = len(open_still)
        for sign in (1.0, -1.0):
            saw(_optimum(part, sign * np.isin(np.arange(len(rules)), open_still).astype(float), rough=True)[0])
        open_still = [at for at in open_still if not met(at)]
        if len(open_still) > 0.8 * before:
            break
    for at in open_still:
        if met(at) or (quick and pool is not None and pool.seek(int(part.variables[at]), hidden)):
            continue
        proofs: list[Floats | None] = []
        for sign in (1, -1):
            x, proof = _extreme(part, at, sign)
            proofs.append(proof)
            saw(x)
            if met(at):
                break
            if sign == 1 and rules[at] == PEOPLE and high[at] < system.min_count:
                break
        if not met(at):
            yield Leak(int(part.variables[at]), _units(system, hidden, part, proofs))


def _by_one_equation(part: Part) -> tuple[Floats, Floats]:
    """Return all bounds at once where at most one equation holds, with coefficients 1 and −1 (interval arithmetic)."""
    if not len(part.known):
        return part.low, part.high
    sign = part.matrix.toarray()[0]
    least, most = np.where(sign > 0, part.low, -part.high), np.where(sign > 0, part.high, -part.low)
    upper = np.minimum(most, part.known[0] - _sum_of_others(least))
    lower = np.maximum(least, part.known[0] - _sum_of_others(most))
    return np.where(sign > 0, lower, -upper), np.where(sign > 0, upper, -lower)


def _sum_of_others(x: Floats) -> Floats:
    open_ends = np.isinf(x)
    sums = x[~open_ends].sum() - np.where(open_ends, 0.0, x)
    return np.where(open_ends.sum() - open_ends > 0, x[open_ends][0] if open_ends.any() else 0.0, sums)


def _extreme(part: Part, at: int, sign: int) -> tuple[Floats, Floats | None]:
    goal = np.zeros(len(part.variables))
    goal[at] = sign
    return _optimum(part, goal)


def _optimum(part: Part, goal: Floats, rough: bool = False) -> tuple[Floats, Floats | None]:
    """Return a table of whole numbers in which goal @ x is greatest, and the multipliers that prove it.

    The linear program answers first: where its answer is whole, it is the integer program's; where only whole numbers
    prove it, there are no multipliers (None). `rough`: any good table
    will do. Where the integer program finds no better table within its limit of nodes, the true one stands, which is
    the careful side for whoever protects.
    """
    top = _finite(part)
    low, high = np.maximum(part.low, -top), np.minimum(part.high, top)
    relaxed = linprog(-goal, A_eq=part.matrix, b_eq=part.known, bounds=np.column_stack([low, high]), method="highs-ds")
    if relaxed.status == 0:
        x = np.where(part.whole, np.round(relaxed.x), relaxed.x)
        if np.abs(x - relaxed.x).max() < _ROUND and np.abs(part.matrix @ x - part.known).max(initial=0) < _ROUND * top:
            return _open(part, x, top), relaxed.eqlin.marginals
    exact = milp(
        -goal,
        integrality=part.whole.astype(int),
        bounds=Bounds(low, high),
        constraints=LinearConstraint(part.matrix, part.known, part.known),
        options={"mip_rel_gap": 0.5, "node_limit": FEW_NODES} if rough else {"mip_rel_gap": 0.0, "node_limit": NODES},
    )
    if exact.x is None:
        return part.true, None
    x = np.where(part.whole, np.round(exact.x), exact.x)
    lp_says = relaxed.status == 0 and np.floor(-relaxed.fun + _ROUND) <= goal @ x + _ROUND
    return _open(part, x, top), relaxed.eqlin.marginals if lp_says else None


def _finite(part: Part) -> float:
    """A number greater than any that the equations can force, in place of infinity."""
    return float(10 * (np.abs(part.known).sum() + part.low[np.isfinite(part.low)].sum() + 1000))


def _open(part: Part, x: Floats, top: float) -> Floats:
    return np.where(x >= top / 2, np.minimum(part.high, np.inf), np.where(x <= -top / 2, part.low, x))


def _units(system: System, hidden: Bools, part: Part, proofs: list[Floats | None]) -> frozenset[int]:
    """Return the units of which at least one must be withheld as well: those whose numbers the proof uses."""
    equations = system.matrix[part.equations]
    used: set[int] = set()
    for proof in proofs:
        if proof is None:
            variables = np.unique(equations.indices)
        else:
            variables = np.flatnonzero(np.abs(equations.T @ proof) > _ROUND)
        used |= {int(unit) for unit in system.units[variables[~hidden[variables]]].ravel() if unit >= 0}
    return frozenset(used)


def _plain(system: System, variable: int) -> Leak:
    """A protected variable that is simply visible."""
    return Leak(variable, frozenset(int(unit) for unit in system.units[variable] if unit >= 0))
