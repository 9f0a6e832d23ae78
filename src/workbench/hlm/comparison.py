"""Likelihood-ratio tests between two nested models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from workbench.errors import BadParameter, ModelError
from workbench.hlm.nesting import Change, change_between, check_same_rows
from workbench.hlm.resampling import FEWEST, outcomes, refitted
from workbench.hlm.result import Method, MixedModel

NOISE = 1e-6  # of a criterion: a difference this small is none


@dataclass(frozen=True)
class Comparison:
    """A likelihood-ratio test of `smaller` (the hypothesis) against `larger`, both as they were compared.

    `statistic` is the difference of the criteria; `mixture` its distribution under the hypothesis as pairs of
    share and degrees of freedom, empty where `draws` simulated data sets, of which `failed` could not be fitted,
    stand in for it. `refitted` tells that models were fitted again by ML, `words` says it all in sentences.
    """

    smaller: MixedModel
    larger: MixedModel
    statistic: float
    mixture: tuple[tuple[float, int], ...]
    p_value: float
    draws: int
    failed: int
    refitted: bool
    words: str

    @property
    def table(self) -> pd.DataFrame:
        """Both models, a row each: formula, method, n_parameters, criterion, aic, bic."""
        return pd.DataFrame(
            {
                name: [getattr(model, name) for model in (self.smaller, self.larger)]
                for name in ("formula", "method", "n_parameters", "criterion", "aic", "bic")
            }
        )


def compare(
    smaller: MixedModel, larger: MixedModel, *, refit: bool = True, draws: int = 0, seed: int = 1
) -> Comparison:
    """Test a model against a larger one that contains it, both fitted to the same rows.

    Fixed effects: χ², after both models are fitted again by maximum likelihood (`refit=False` refuses instead).
    One variance more lies on the edge of what is possible: ½χ²₀ + ½χ²₁ for an effect of its own,
    ½χ²_q + ½χ²_{q+1} for one that joins a block of q correlated effects (Self & Liang 1987, case 5 and 6;
    Stram & Lee 1994). For everything else the distribution is not known: `draws` data sets are simulated from the
    smaller model and both are fitted to each (a parametric bootstrap; also to be had for the cases above).

    Raises BadParameter for models that are not nested, not of the same rows or outcome, or cannot be compared by
    their REML criteria; ModelError where the distribution is not known and `draws` is 0.
    """
    check_same_rows(smaller, larger)
    change = change_between(smaller, larger)
    if 0 < draws < FEWEST:
        raise BadParameter(f"draws is {draws}; take {FEWEST} at the least, better 1000.")
    if not draws and not change.mixture:
        raise ModelError(f"{change.words}. {change.advice} Simulate it: compare(…, draws=1000).")
    method = _method(smaller, larger, refit)
    small, large = (model if model.method == method else model.refit(method=method) for model in (smaller, larger))
    again = small is not smaller or large is not larger
    statistic = _statistic(small, large)
    drawn, failed = _simulated(small, large, draws, seed) if draws else (np.zeros(0), 0)
    mixture = () if draws else change.mixture
    p_value = _share_beyond(drawn, statistic) if draws else _tail(mixture, statistic)
    words = _words(change, statistic, p_value, again, method, len(drawn), failed)
    return Comparison(small, large, statistic, mixture, p_value, draws, failed, again, words)


def _method(smaller: MixedModel, larger: MixedModel, refit: bool) -> Method:
    """REML where both models have it and the same fixed effects, else ML."""
    if smaller.method == larger.method == "REML" and smaller.columns == larger.columns:
        return "REML"
    if not refit and "REML" in (smaller.method, larger.method):
        raise BadParameter(
            "REML criteria of models with different fixed effects, or one of REML and one of ML, cannot be compared. "
            "Fit both with method='ML', or leave refit=True."
        )
    return "ML"


def _statistic(smaller: MixedModel, larger: MixedModel) -> float:
    fall = smaller.criterion - larger.criterion
    if fall < -1e-3:
        raise ModelError(
            f"{larger.formula!r} fits worse than {smaller.formula!r}, which it contains: it was not fitted to the end."
        )
    return max(fall, 0.0)


def _tail(mixture: tuple[tuple[float, int], ...], statistic: float) -> float:
    """The probability of a statistic at least as large; χ²₀ is always 0."""
    if statistic < NOISE:
        return 1.0
    return float(sum(share * stats.chi2.sf(statistic, df) for share, df in mixture if df))


def _simulated(smaller: MixedModel, larger: MixedModel, draws: int, seed: int) -> tuple[np.ndarray, int]:
    """Statistics of data simulated from the smaller model, and how many could not be fitted."""
    found = []
    for Y in outcomes(smaller, draws, seed):
        for one, other in zip(refitted(smaller, Y), refitted(larger, Y), strict=True):
            if one is not None and other is not None and one.converged and other.converged:
                found.append(max(one.criterion - other.criterion, 0.0))
    if len(found) < FEWEST:
        raise ModelError(
            f"Of {draws} simulated data sets {draws - len(found)} could not be fitted; no test is possible."
        )
    return np.array(found), draws - len(found)


def _share_beyond(drawn: np.ndarray, statistic: float) -> float:
    """Davison & Hinkley (1997), equation 4.11."""
    return float((1 + np.sum(drawn >= statistic - NOISE)) / (1 + len(drawn)))


def _words(
    change: Change, statistic: float, p_value: float, again: bool, method: Method, drawn: int, failed: int
) -> str:
    said = [f"{change.words}."]
    if again:
        said.append("Both models are compared by maximum likelihood and were fitted again for it where needed.")
    against = " + ".join((f"½χ²({df})" if share < 1 else f"χ²({df})") for share, df in change.mixture)
    if drawn:
        against = f"{drawn} data sets simulated from the smaller model"
    said.append(f"The {method} criterion falls by {statistic:.2f}; against {against}, p = {p_value:.2g}.")
    if failed:
        said.append(f"{failed} simulated data sets could not be fitted and are left out.")
    if change.rows:
        said.append(change.rows)
    return " ".join(said)
