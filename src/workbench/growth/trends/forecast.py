"""What comes next in a short yearly series, with intervals that own up to how little a few years tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import BadInput, BadParameter
from workbench.shares import LEVEL

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Method = Literal["level", "drift"]
Scale = Literal["share", "plain"]
FEWEST = 4
STILL = "This series never leaves a straight line: nothing tells how far off the next year may be."
# How much of the movement between years lasts: 0 a constant with noise, 1 a random walk. Beforehand half of the weight
# lies on the random walk, which promises least, and half is spread evenly.
LASTING = np.linspace(0.0, 1.0, 21)
BEFOREHAND = np.full(21, 0.5 / 21) + 0.5 * (LASTING == 1)


@dataclass(frozen=True)
class Forecast:
    """Predictive distribution of the next years: a mixture of Student's t, one part a share of lasting movement.

    `weight`: parts; `middle`: parts × horizon; `scale`: parts × horizon × horizon; `df`: degrees of freedom.
    """

    weight: Floats
    middle: Floats
    scale: Floats
    df: int

    def limits(self, level: float = LEVEL) -> tuple[Floats, Floats, Floats]:
        """Median, lower and upper limit of each year ahead."""
        found = [self._quantile(q) for q in (0.5, (1 - level) / 2, (1 + level) / 2)]
        return found[0], found[1], found[2]

    def draws(self, many: int, rng: np.random.Generator) -> Floats:
        """Draw `many` futures, draws × horizon."""
        part = rng.choice(len(self.weight), many, p=self.weight)
        root = np.linalg.cholesky(self.scale)[part]
        noise = np.einsum("dij,dj->di", root, rng.normal(size=(many, self.middle.shape[1])))
        return self.middle[part] + noise / np.sqrt(rng.chisquare(self.df, many) / self.df)[:, None]

    def _quantile(self, q: float) -> Floats:
        from scipy.optimize import brentq
        from scipy.special import stdtr, stdtrit  # Student's t without the checks of scipy.stats, many times faster

        sd = np.sqrt(np.einsum("phh->ph", self.scale))
        each = self.middle + sd * stdtrit(self.df, q)
        found = np.empty(self.middle.shape[1])
        for h in range(len(found)):
            low, high = each[:, h].min(), each[:, h].max()
            found[h] = low if high - low < 1e-12 else brentq(
                lambda x, h=h: self.weight @ stdtr(self.df, (x - self.middle[:, h]) / sd[:, h]) - q,
                low - 1e-9, high + 1e-9, xtol=1e-10,
            )  # fmt: skip
        return found


def predict(values: ArrayLike, horizon: int, method: Method = "level") -> Forecast:
    """Predict `horizon` years after a yearly series of normal values, at least four years long.

    The level moves as a random walk and each year shows it with noise (local level model, Harvey 1989); `drift` adds a
    straight line. How much of the movement between years lasts, a few years cannot tell, so it is averaged over 0,
    0.05, … 1, weighted by `BEFOREHAND` and by how well it explains the series (restricted likelihood), and so are the
    unknown level, slope and variance (flat, flat, 1/σ²). Given the share, this is generalised least squares with
    Student's t, exact for a constant with noise (share 0) and for a random walk (share 1). Raises BadInput for fewer
    than four values, missing ones or a series that nothing moves, BadParameter for a horizon below 1.
    """
    y = np.asarray(values, float)
    if len(y) < FEWEST or not np.isfinite(y).all():
        raise BadInput(f"A forecast needs {FEWEST} years or more without a gap; these are {np.isfinite(y).sum()}.")
    if horizon < 1:
        raise BadParameter(f"horizon is {horizon}; it must be 1 year or more.")
    time = np.arange(1.0, len(y) + horizon + 1)
    design = np.column_stack([np.ones_like(time), time][: 2 if method == "drift" else 1])
    if not moves(y, method):
        raise BadInput(STILL)
    parts = [_given(y, time, design, share) for share in LASTING]
    log_weight = np.array([part[0] for part in parts]) + np.log(BEFOREHAND)
    weight = np.exp(log_weight - log_weight.max())
    middle, scale = np.stack([part[1] for part in parts]), np.stack([part[2] for part in parts])
    return Forecast(weight / weight.sum(), middle, scale, len(y) - design.shape[1])


def moves(y: Floats, method: Method) -> bool:
    """Whether a series leaves its level (its straight line, for `drift`) at all."""
    left = np.diff(y, n=2 if method == "drift" else 1)
    return bool(np.abs(left).max() > 1e-9 * (1 + np.abs(y).max()))


def _given(y: Floats, time: Floats, design: Floats, lasting: float) -> tuple[float, Floats, Floats]:
    """Log restricted likelihood, and middle and scale of the predictive t, for one share of lasting movement."""
    n = len(y)
    spread = lasting * np.minimum.outer(time, time) + (1 - lasting) * np.eye(len(time))
    seen, cross, x = spread[:n, :n], spread[n:, :n], design[:n]
    solved = np.linalg.solve(seen, np.column_stack([x, y, cross.T]))
    k = x.shape[1]
    information = x.T @ solved[:, :k]
    beta = np.linalg.solve(information, x.T @ solved[:, k])
    rss = float((y - x @ beta) @ (solved[:, k] - solved[:, :k] @ beta))
    missed = design[n:] - cross @ solved[:, :k]
    middle = design[n:] @ beta + solved[:, k + 1 :].T @ (y - x @ beta)
    scale = spread[n:, n:] - cross @ solved[:, k + 1 :] + missed @ np.linalg.solve(information, missed.T)
    fit = -0.5 * (np.linalg.slogdet(seen)[1] + np.linalg.slogdet(information)[1] + (n - k) * np.log(rss))
    return fit, middle, rss / (n - k) * scale


def forecast_series(
    table: pd.DataFrame, horizon: int, method: Method = "level", scale: Scale = "share"
) -> pd.DataFrame:
    """Forecast one series: a table with `school_year`, `value` and `n`, one row a year; returns the years to come.

    Columns `school_year`, `value` (median), `low`, `high` (95 % limits for the value that will be observed). A `share`
    is forecast on the arcsine scale (`to_scale`) and told for as many students as there were in the last year; its
    limits may reach 0 and 1 but not leave them. Raises BadInput where years are missing in between or shares outside 0
    to 1, and as `predict` does; a share that was the same in every year never moved, however many students there were.
    """
    import pandas as pd

    rows = table.sort_values("school_year")
    years = rows.school_year.to_numpy()
    if len(years) and (np.diff(years) != 1).any():
        raise BadInput(f"A forecast needs a year after a year; this series has {', '.join(map(str, years))}.")
    if scale == "share" and not rows.value.dropna().between(0, 1).all():
        raise BadInput("A share lies between 0 and 1; this series leaves them. Forecast it on the plain scale.")
    if len(rows) >= FEWEST and not _tells(rows, method, scale):
        raise BadInput(STILL)
    found = predict(to_scale(rows, scale), horizon, method).limits()
    middle, low, high = (from_scale(each, scale, float(rows.n.iloc[-1])) for each in found)
    return pd.DataFrame(
        {"school_year": years[-1] + np.arange(1, horizon + 1), "value": middle, "low": low, "high": high}
    )


def to_scale(table: pd.DataFrame, scale: Scale) -> Floats:
    """Return a series as it is modelled: a plain value as it is, a share as an angle.

    The angle is arcsin √((x + 3/8) / (n + 3/4)) for x of n students (Anscombe 1948): chance moves it nearly alike and
    evenly to both sides whatever the share, which of log odds it does not where few students are on one side.
    """
    value = table.value.to_numpy(float)
    if scale == "plain":
        return value
    n = table.n.to_numpy(float)
    return np.asarray(np.arcsin(np.sqrt((value * n + 0.375) / (n + 0.75))))


def from_scale(values: Floats, scale: Scale, n: float) -> Floats:
    """Undo `to_scale` for `n` students; angles that no share has become 0 or 1."""
    if scale == "plain":
        return values
    expected = np.sin(np.clip(values, 0, np.pi / 2)) ** 2
    return np.clip((expected * (n + 0.75) - 0.375) / n, 0, 1)


def _tells(table: pd.DataFrame, method: Method, scale: Scale) -> bool:
    """Whether a series moves, both as observed and as it is modelled."""
    return all(moves(y, method) for y in (table.value.to_numpy(float), to_scale(table, scale)))


def back_test_series(series: list[pd.DataFrame], horizon: int, scale: Scale = "share") -> pd.DataFrame:
    """Pretend to stand in each earlier year: forecast from the years before it alone, compare with what came.

    Columns: `method` (last value, level, drift), `years_ahead`, `n` forecasts, `mean_error` and `mean_absolute_error`
    (units of the series), `covered` (share of 95 % intervals that held what came), `low`, `high` (its Wilson limits),
    `mean_width`. Forecasts of one series share years, and series share a district's luck, so that `low` and `high` say
    at most as much as they seem to.
    """
    import pandas as pd

    from workbench.shares import wilson

    tried = [row for table in series for row in _tried(table.sort_values("school_year"), horizon, scale)]
    columns = ["method", "years_ahead", "error", "covered", "width"]
    rows = pd.DataFrame(tried, columns=columns).groupby(["method", "years_ahead"], sort=False)
    table = rows.agg(
        n=("error", "size"),
        mean_error=("error", "mean"),
        mean_absolute_error=("error", lambda e: e.abs().mean()),
        covered=("covered", "mean"),
        mean_width=("width", "mean"),
    ).reset_index()
    low, high = wilson(table.covered * table.n, table.n) if len(table) else ([], [])
    known = table.covered.notna()
    return table.assign(low=pd.Series(low).where(known), high=pd.Series(high).where(known))


def _tried(table: pd.DataFrame, horizon: int, scale: Scale) -> list[tuple[str, int, float, float, float]]:
    rows = []
    for origin in range(FEWEST, len(table)):
        past, came = table.iloc[:origin], table.value.to_numpy(float)[origin : origin + horizon]
        rows += [("last value", h + 1, float(past.value.iloc[-1] - y), np.nan, np.nan) for h, y in enumerate(came)]
        for method in [m for m in get_args(Method) if _tells(past, m, scale)]:
            said = forecast_series(past, len(came), method, scale)
            for h, (y, middle, low, high) in enumerate(zip(came, said.value, said.low, said.high, strict=True)):
                rows.append((method, h + 1, middle - y, float(low <= y <= high), high - low))
    return rows
