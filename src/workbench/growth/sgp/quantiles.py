"""Linear quantile regression at many probabilities: every solution a vertex of the linear programme, and certified.

The programme of Koenker & Bassett (1978) is solved by moving along edges from vertex to vertex, as far along each as
the loss falls (Barrodale & Roberts 1973; Koenker & d'Orey 1987). Two things make it fast: the optimum at one
probability is where the next begins, and observations far from the current quantile enter only through their sum
(Portnoy & Koenker 1997, section 5; Chernozhukov, Fernández-Val & Melly 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import BadInput, ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Places = NDArray[np.int64]

_NUDGE = 1e-9
"""While a vertex is looked for, outcomes are moved by up to this share of their standard deviation: no ties, no cycles.
The optimal vertex is optimal for the outcomes as they are, because signs of zero residuals are free."""
_MOST_PIVOTS = 100_000
_NEAR_PER_PREDICTOR, _NEAR_SHARE = 20, 1 / 16


@dataclass(frozen=True)
class QuantileFits:
    """Quantile regressions of one outcome: `coefficients` is predictors × probabilities.

    `loss` is the smallest weighted loss at each probability; `gap` the relative duality gap, by how much the loss could
    at most be too large, as a share of it; `pivots` the number of vertices visited.
    """

    probabilities: Floats
    coefficients: Floats
    loss: Floats
    gap: Floats
    pivots: int


def fit_quantiles(
    design: Floats, outcome: Floats, probabilities: Floats, weights: Floats | None = None
) -> QuantileFits:
    """Minimise Σ wᵢ ρ_τ(yᵢ − xᵢ'β), where ρ_τ(r) = r(τ − [r < 0]), at every probability τ.

    `design` is observations × predictors, of full column rank; `probabilities` lie strictly between 0 and 1 (ascending
    is fastest); `weights` are positive, for instance counts of equal observations.
    Raises BadInput for values that cannot be used, ModelError where predictors are collinear.
    """
    weights = np.ones(len(outcome)) if weights is None else weights
    if not all(np.isfinite(part).all() for part in (design, outcome, weights)) or (weights <= 0).any():
        raise BadInput(
            "Quantile regression got a value that is missing or infinite, or a weight that is not positive. "
            "Leave out or mend these rows first."
        )
    search = _Search(*_distinct(design, outcome, weights))
    fits = [search.to(float(tau)) for tau in probabilities]
    coefficients, loss, gap = (np.array(part) for part in zip(*fits, strict=True))
    return QuantileFits(np.asarray(probabilities, float), coefficients.T, loss, gap, search.pivots)


def _distinct(x: Floats, y: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Equal observations become one that weighs as much as they do together: fewer rows, and no ties between them."""
    order = np.lexsort((*x.T, y))
    x, y, weight = x[order], y[order], weight[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(y) != 0) | (np.diff(x, axis=0) != 0).any(axis=1)])
    return np.ascontiguousarray(x[starts]), y[starts], np.add.reduceat(weight, starts)


class _Search:
    """Moves a basis, as many observations as predictors and fitted exactly, from one optimum to the next."""

    def __init__(self, x: Floats, y: Floats, weight: Floats) -> None:
        self.x, self.y, self.weight = x, y, weight
        self.nudged = y + _NUDGE * (y.std() or 1.0) * np.random.default_rng(0).uniform(-1, 1, len(y))
        self.basis = _independent_rows(x)
        self.residual = self._residual()
        self.near = min(len(y), max(_NEAR_PER_PREDICTOR * x.shape[1], round(_NEAR_SHARE * len(y))))
        self.pivots = 0

    def to(self, tau: float) -> tuple[Floats, float, float]:
        """Move to the optimum at `tau`; return its coefficients, loss and relative duality gap."""
        count = self.near
        while not self._settle(tau, np.argpartition(np.abs(self.residual), count - 1)[:count]):
            count = min(len(self.y), 2 * count)  # the optimum lies beyond those who are near
        return self._certified(tau)

    def _settle(self, tau: float, near: Places) -> bool:
        """Descend with far observations held on their side; let in those that changed sides, until none does."""
        above = self.residual > 0
        while True:
            near = np.union1d(near, self.basis)
            pull = self.weight * (tau - ~above)
            pull[near] = 0
            vertex = _Vertex(self, near, tau, pull @ self.x)
            inside = vertex.descend()
            self.basis = near[vertex.basis]
            self.residual = self._residual()
            self.pivots += vertex.pivots
            if not inside:
                return False
            moved = (self.residual > 0) != above
            moved[near] = False
            if not moved.any():
                return True
            near = np.r_[near, np.flatnonzero(moved)]

    def _residual(self) -> Floats:
        residual = self.nudged - self.x @ np.linalg.solve(self.x[self.basis], self.nudged[self.basis])
        residual[self.basis] = 0
        return residual

    def _certified(self, tau: float) -> tuple[Floats, float, float]:
        """Coefficients from the outcomes as they are, and a dual solution that bounds the loss from below."""
        dual = self.weight * (tau - (self.residual < 0))
        dual[self.basis] = 0
        dual[self.basis] = -np.linalg.solve(self.x[self.basis].T, dual @ self.x)
        coefficients = np.linalg.solve(self.x[self.basis], self.y[self.basis])
        left = self.y - self.x @ coefficients
        loss = float(self.weight @ (left * (tau - (left < 0))))
        return coefficients, loss, abs(loss - float(dual @ self.y)) / (loss or 1.0)


class _Vertex:
    """The programme of the near observations, at one vertex; `gradient` is Σ wᵢ ψ_τ(rᵢ) xᵢ over all but the basis."""

    def __init__(self, search: _Search, near: Places, tau: float, far_gradient: Floats) -> None:
        self.tau, self.pivots = tau, 0
        self.x, self.weight = search.x[near], search.weight[near]
        y = search.nudged[near]
        self.basis = np.searchsorted(near, search.basis)
        self.inverse = np.linalg.inv(self.x[self.basis])
        self.residual = y - self.x @ (self.inverse @ y[self.basis])
        self.residual[self.basis] = 0
        self.force = self.weight * (tau - (self.residual < 0))
        self.force[self.basis] = 0
        self.gradient = far_gradient + self.force @ self.x

    def descend(self) -> bool:
        """Pivot until no edge leads down; False where an edge leads down beyond all near observations."""
        for _ in range(_MOST_PIVOTS):
            price, held = self.gradient @ self.inverse, self.weight[self.basis]
            slope = np.maximum(price - held * (1 - self.tau), -price - held * self.tau)
            edge = int(np.argmax(slope / np.sqrt((self.inverse * self.inverse).sum(axis=0))))
            if slope[edge] <= 1e-9 * held[edge]:
                return True
            if not self._follow(edge, 1.0 if price[edge] > 0 else -1.0, slope[edge]):
                return False
        raise ModelError(
            f"Quantile regression did not settle in {_MOST_PIVOTS:,} steps. Are predictors almost collinear?"
        )

    def _follow(self, edge: int, side: float, slope: float) -> bool:
        """Go along an edge to where the loss stops falling: each residual that changes sign makes it less steep."""
        change = self.x @ (side * self.inverse[:, edge])
        change[self.basis] = 0
        ahead = (self.residual * change > 0).nonzero()[0]
        rates = change[ahead]
        steps = self.residual[ahead] / rates
        order = steps.argsort()
        stop = int((self.weight[ahead] * np.abs(rates))[order].cumsum().searchsorted(slope))
        if stop == len(order):
            return False
        self._pivot(edge, side, change, steps[order[stop]], ahead[order[:stop]], int(ahead[order[stop]]))
        return True

    def _pivot(self, edge: int, side: float, change: Floats, step: float, passed: Places, entering: int) -> None:
        leaving = self.basis[edge]
        self.residual -= step * change
        self.residual[entering], self.residual[leaving] = 0, -side * step
        turned = self.weight[passed] * np.sign(change[passed])
        left = self.weight[leaving] * (self.tau - (side > 0))
        self.gradient += left * self.x[leaving] - self.force[entering] * self.x[entering] - turned @ self.x[passed]
        self.force[passed] -= turned
        self.force[leaving], self.force[entering] = left, 0
        row = self.x[entering] @ self.inverse
        column = self.inverse[:, edge] / row[edge]
        self.inverse -= column[:, None] * row
        self.inverse[:, edge] = column
        self.basis[edge] = entering
        self.pivots += 1


def _independent_rows(x: Floats) -> Places:
    """As many linearly independent observations as there are predictors."""
    from scipy.linalg import qr

    _, triangle, order = qr(x.T, mode="economic", pivoting=True)
    sizes = np.abs(np.diag(triangle))
    if len(x) < x.shape[1] or sizes[-1] <= 1e-10 * sizes[0]:
        raise ModelError(
            f"Quantile regression has {x.shape[1]} predictors, but they are collinear in its {len(x):,} distinct "
            "observations. Leave a predictor out, or add observations."
        )
    return order[: x.shape[1]]
