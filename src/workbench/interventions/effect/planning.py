"""Before the data: the least effect a design would find. After them: what an avoided outcome cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import BadParameter
from workbench.interventions.effect.result import Effect

if TYPE_CHECKING:
    import pandas as pd


def minimum_detectable_effect(
    n: int,
    *,
    share: float = 0.5,
    sd: float = 1.0,
    clusters: int | None = None,
    icc: float = 0.0,
    explained: float = 0.0,
    explained_between: float = 0.0,
    inflation: float = 1.0,
    power: float = 0.8,
    level: float = 0.05,
) -> float:
    """The smallest true effect that a two-sided test at `level` would find with probability `power`, in units of `sd`.

    `n` students of whom a `share` is assigned; with `clusters` assigned instead (schools), n/clusters students each and
    `icc` the share of variance between them. `explained` and `explained_between` are the shares of variance within and
    between clusters that covariates explain. (t(1 − level/2) + t(power)) · SE, SE² = sd²(icc(1 − R²_b)/J +
    (1 − icc)(1 − R²_w)/n) / (P(1 − P)), degrees of freedom J − 2 or n − 2 (Bloom 1995, 2005; Dong & Maynard 2013). For
    a share with rate p give sd = √(p(1 − p)). `inflation` multiplies the variance: for a sharp regression discontinuity
    2.75 where the score is normal and the cut-off at its middle, 4 where it is uniform (Schochet 2009).
    Raises BadParameter for shares outside 0 to 1 and fewer than three assigned units.
    """
    units = n if clusters is None else clusters
    _check_design(n, units, share, icc, explained, explained_between, power, level, sd, inflation)
    between = icc * (1 - explained_between) / clusters if clusters is not None else 0.0
    within = (1 - (icc if clusters is not None else 0.0)) * (1 - explained) / n
    error = sd * np.sqrt(inflation * (between + within) / (share * (1 - share)))
    return float(multiplier(units - 2, power, level) * error)


def lotteries(rate: float, places: Sequence[int], share: float = 0.5) -> pd.DataFrame:
    """The least fall of a share `rate` that a lottery among so many students would find, in percentage points."""
    import pandas as pd

    sd = float(np.sqrt(rate * (1 - rate)))
    least = [100 * minimum_detectable_effect(n, share=share, sd=sd) for n in places]
    possible = ["yes" if points < 100 * rate else "no: more than all who leave" for points in least]
    told = [f"{points:.1f}" for points in least]
    return pd.DataFrame({"students": places, "least effect found, points": told, "could be found": possible})


def multiplier(df: float, power: float = 0.8, level: float = 0.05) -> float:
    """Standard errors in a minimum detectable effect: 2.80 for many degrees of freedom (Bloom 1995)."""
    from scipy.stats import t

    return float(t.ppf(1 - level / 2, df) + t.ppf(power, df))


@dataclass(frozen=True)
class CostPerAvoided:
    """The cost of one outcome avoided, with limits; `high` is infinite where no effect is not excluded."""

    cost: float
    low: float
    high: float
    sentence: str


def cost_per_avoided(effect: Effect, cost: float, harm: str = "") -> CostPerAvoided:
    """What one avoided outcome costs, `cost` being that of one student assigned: cost over the fall of the rate.

    `harm` is what the sentence calls the outcome; without it, it has its column's name.
    The effect is on a 0/1 outcome (or a share). Limits are those of the effect turned over, which is exact for a known
    cost, as for numbers needed to treat (Altman 1998). Raises BadParameter for a cost that is not positive, or an
    effect on an outcome of which more is help.
    """
    if not (np.isfinite(cost) and cost > 0):
        raise BadParameter(f"The cost of one student is {cost}; give a positive amount.")
    if effect.better != "lower":
        raise BadParameter(f"More of {effect.outcome} is help, so none of it is avoided; ask for an effect on a harm.")
    harm = harm or effect.outcome
    fall, least, most = -effect.estimate, -effect.conf_high, -effect.conf_low
    high = cost / least if least > 0 else float("inf")
    low = cost / most if most > 0 else float("inf")
    if fall <= 0:
        return CostPerAvoided(float("inf"), low, high, f"No {harm} was avoided by this estimate.")
    end = f"to {high:,.0f}" if np.isfinite(high) else "without an upper limit, for no effect is not excluded"
    said = f"One avoided {harm} cost {cost / fall:,.0f} (95 % interval {low:,.0f} {end})."
    return CostPerAvoided(cost / fall, low, high, said)


def _check_design(
    n: int, units: int, share: float, icc: float, within: float, between: float, power: float, level: float, sd: float,
    inflation: float,
) -> None:  # fmt: skip
    if units < 3 or n < units:
        raise BadParameter(f"{n} students in {units} assigned units tell no error; three units at least are needed.")
    if not (0 < share < 1 and 0 <= icc <= 1 and 0 <= within < 1 and 0 <= between < 1):
        raise BadParameter("share, icc and explained variances are shares: between 0 and 1.")
    if not (0.5 <= power < 1 and 0 < level < 1 and sd > 0 and inflation >= 1):
        raise BadParameter("power lies from 0.5 below 1, level between 0 and 1, sd above 0, inflation at 1 or more.")
