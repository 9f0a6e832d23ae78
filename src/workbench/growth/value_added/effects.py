"""Random effects of units in school years told against their peers: shrunken, with errors, tests and ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError
from workbench.growth.rankings import LEVEL, q_values, rank_intervals
from workbench.hlm.combinations import rows_of

if TYPE_CHECKING:
    import pandas as pd

    from workbench.hlm.result import MixedModel

Floats = NDArray[Any]
AVERAGE, ABOVE, BELOW, ALONE = (
    "cannot be told apart from average",
    "above average",
    "below average",
    "nobody to compare with",
)
FALSE_SHARE = 0.05
UNIT = "unit_year"
RANKS = ("rank_best", "rank_worst")


def against_peers(effects: pd.DataFrame, model: MixedModel, surplus: pd.Series[float]) -> pd.DataFrame:
    """Return modes (estimate, std_error) told against the mean of their peers of the same year, with what is sure.

    Modes are first divided by their reliability (`unshrunken`) and shrunken again by a sampling variance and a variance
    of effects that know of `surplus`; see `_unshrunken`. Given the fixed effects they are independent, so the
    difference from the mean of k peers has the variance (1 − 2/k) s² + mean(s²)/k, to which comes what the fixed
    effects' own uncertainty does to it: a mode falls by reliability · x̄ for each unit of β, x̄ being the unit's mean of
    X. Tests use unshrunken estimates, with the false-discovery rate held at 5 % over the whole table.
    """
    from scipy.stats import norm

    effects = effects.reset_index(drop=True)
    raw, raw_square, variance = _unshrunken(effects, model, surplus)
    by = [effects.school_year, effects.peers]
    k = effects.groupby(by).estimate.transform("size")
    trust = variance / (variance + raw_square)
    pull = _mean_columns(model).loc[effects[UNIT]].reset_index(drop=True)

    def centred(values: Any) -> Any:
        return values - values.groupby(by).transform("mean")

    def spread(squares: pd.Series[float], pulled: pd.DataFrame) -> pd.Series[float]:
        own = (1 - 2 / k) * squares + squares.groupby(by).transform("mean") / k
        return (own + (centred(pulled) ** 2).sum(axis=1)).where(k > 1)

    error = np.sqrt(spread(trust * raw_square, pull.mul(trust, axis=0)))
    table = effects.assign(estimate=centred(trust * raw), std_error=error)
    half = norm.ppf((1 + LEVEL) / 2) * table.std_error
    table = table.assign(
        conf_low=table.estimate - half, conf_high=table.estimate + half,
        reliability=1 - table.std_error**2 / (variance * (1 - 1 / k)),
        unshrunken=centred(raw), sampling_error=np.sqrt(raw_square),
    )  # fmt: skip
    p = 2 * norm.sf(np.abs(table.unshrunken) / np.sqrt(spread(raw_square, pull)))
    table["q_value"] = np.nan
    table.loc[k > 1, "q_value"] = q_values(p[k > 1])
    table["category"] = categories(table.unshrunken, table.q_value)
    table = table.drop(columns=UNIT)
    return table.sort_values(["school_year", "peers", "school_id"], ignore_index=True)


def _unshrunken(
    effects: pd.DataFrame, model: MixedModel, surplus: pd.Series[float]
) -> tuple[pd.Series[float], pd.Series[float], float]:
    """Modes divided by their reliability 1 − s²/τ², their sampling variance, and the variance τ² of true effects.

    (Raudenbush & Bryk 2002, equation 3.28.) Two things make the sampling variance larger than the model takes it to be:
    whoever had two teachers has two rows with one error, which the model counts as two; and `surplus`. What is added
    to it is taken from τ², in which the model has put it, weighted as τ² is estimated from units of unlike size.
    """
    told = float(model.variances.set_index("group").estimate[UNIT])
    _refuse_alike(told)
    trust = 1 - effects.std_error**2 / told
    claimed = effects.std_error**2 / trust
    design = rows_of(model)
    assert design.weights is not None
    fixed = len(model.fixed)
    square = claimed * (len(design.X) - fixed) / (design.weights.sum() - fixed)
    square = square + surplus.reindex(effects[UNIT]).to_numpy(float)
    variance = told - float(np.average(square - claimed, weights=(told + claimed) ** -2))
    _refuse_alike(variance)
    return effects.estimate / trust, square, variance


def _refuse_alike(variance: float) -> None:
    if not variance > 1e-10:
        raise ModelError(
            "The units do not differ measurably: the variance of their effects is estimated as zero, so there is "
            "nothing to tell apart. Use more years or more students."
        )


def with_ranks(table: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Return effects with `rank_best` and `rank_worst` among peers of the same year, all ranks of them at once."""
    import pandas as pd

    parts = [
        pd.DataFrame(
            dict(zip(RANKS, rank_intervals(p.unshrunken, p.sampling_error, LEVEL, seed), strict=True)), p.index
        )
        for _, p in table.groupby(["school_year", "peers"])
    ]
    return table.join(pd.concat(parts))


def categories(estimates: Any, q: Any, false_share: float = FALSE_SHARE) -> Any:
    """Return for each estimate whether it differs from average, the false-discovery rate held at `false_share`."""
    sign, q = np.asarray(estimates) > 0, np.asarray(q, dtype=float)
    return np.select([np.isnan(q), q > false_share, sign], [ALONE, AVERAGE, ABOVE], BELOW)


def alone(table: pd.DataFrame) -> str:
    """Say how many intervals leave out 0 and how many of these the test of all units at once does not tell apart."""
    outside = (table.conf_low > 0) | (table.conf_high < 0)
    grey = int((outside & (table.category == AVERAGE)).sum())
    return (
        f"{int(outside.sum())} of {len(table)} intervals leave out 0, each read by itself; {grey or 'none'} of these "
        f"{AVERAGE} when all schools and years are tested at once."
    )


def _mean_columns(model: MixedModel) -> pd.DataFrame:
    """Each unit's mean of X times the root of the covariance of the fixed effects: units × p."""
    import pandas as pd

    design = rows_of(model)
    assert design.weights is not None
    at = [factor.name for factor in design.factors].index(UNIT)
    codes, levels = design.codes[at], design.factors[at].levels
    total = np.bincount(codes, design.weights)
    X = design.X @ np.linalg.cholesky(model.covariance)
    means = np.column_stack([np.bincount(codes, column * design.weights) / total for column in X.T])
    return pd.DataFrame(means, index=levels)
