"""Whom did it help? The same method in each group, and whether groups differ by more than chance."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import BadParameter, ModelError
from workbench.interventions.effect.result import Effect
from workbench.interventions.effect.rows import complete

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]


def by_group(method: Callable[[pd.DataFrame], Effect], data: pd.DataFrame, group: str) -> pd.DataFrame:
    """The effect in each value of `group`, a characteristic from before: one row a group, and why one has none.

    `method` takes rows and gives an Effect, such as `lambda rows: randomised(rows, "absent", "drawn", better="lower")`.
    `p` is of no effect in that group, `p_holm` the same after Holm (1979) over groups, `p_alike` that all groups have
    the same effect (Cochran's Q: Σ (θ_g − θ̄)²/SE², χ² with groups − 1 degrees of freedom), which holds where no
    assigned unit is in two groups, and is a little bold with few units. Differences between groups are to be read by
    `p_alike`, not by which groups are significant.
    Raises BadParameter where the method cannot be used in any group.
    """
    import pandas as pd

    rows, refused = [], {}
    for value in sorted(complete(data, [group])[group].unique()):
        try:
            told = method(data[data[group] == value])
        except ModelError as error:
            refused[value] = str(error)
            continue
        rows.append((value, told.estimate, told.std_error, told.conf_low, told.conf_high, told.p, told.n, told.verdict))
    if not rows:
        raise BadParameter(f"In no group of {group!r} can this be estimated: {next(iter(refused.values()), 'no rows')}")
    names = [group, "estimate", "std_error", "conf_low", "conf_high", "p", "n", "verdict"]
    table = pd.DataFrame(rows, columns=names)
    table.insert(6, "p_holm", holm(table.p.to_numpy()))
    table.insert(7, "p_alike", alike(table.estimate.to_numpy(), table.std_error.to_numpy()))
    absent = pd.DataFrame(list(refused.items()), columns=[group, "verdict"])
    return pd.concat([table, absent], ignore_index=True) if refused else table


def in_points(table: pd.DataFrame) -> pd.DataFrame:
    """Effects by group on a share, in percentage points; a group without one says why."""
    numbers = ["estimate", "std_error", "conf_low", "conf_high"]
    shown = table.assign(**{name: 100 * table[name] for name in numbers})
    told = shown.drop(columns="verdict")
    without = table.estimate.isna()
    return told.assign(**{"why not": table.verdict.where(without, "")}) if without.any() else told


def holm(p: Floats) -> Floats:
    """p-values after Holm (1979)."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(stepped, 1.0)[np.argsort(order)]


def alike(estimates: Floats, errors: Floats) -> float:
    """p of Cochran's Q: that all groups have one effect; missing for a single group."""
    from scipy.stats import chi2

    if len(estimates) < 2:
        return float("nan")
    weights = 1 / errors**2
    mean = np.average(estimates, weights=weights)
    return float(chi2.sf((weights * (estimates - mean) ** 2).sum(), len(estimates) - 1))
