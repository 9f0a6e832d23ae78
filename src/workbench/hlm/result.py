"""What a fitted mixed model tells: one frozen result for both engines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from scipy import stats

from workbench.hlm.design import Floats

Method = Literal["REML", "ML"]
EngineName = Literal["native", "lme4"]
RESIDUAL = "Residual"
LEVEL = 0.95
SINGULAR = 1e-4  # of the residual's standard deviation, as lme4's isSingular


class Fitted(Protocol):
    """What an engine keeps of a fit, to answer what is asked later."""

    def degrees(self, contrasts: Floats) -> Floats: ...
    def modes(self) -> pd.DataFrame: ...
    def random_variance(self) -> dict[str, float]: ...
    def fixed_variance(self) -> float: ...
    def predict(self, data: Any, random: bool) -> Floats: ...
    def simulate(self, draws: int, seed: int) -> Floats: ...
    def refit(self, y: Floats | None, method: Method) -> MixedModel: ...


@dataclass(frozen=True, repr=False)
class MixedModel:
    """A fitted mixed model.

    `criterion` is the REML criterion or the ML deviance on the scale of −2 log likelihood, as lme4 reports it;
    `variances` has a row for each variance and covariance (`group`, `term`, `other_term`, `estimate`; a
    variance has no `other_term`), the last one with group `Residual`. `beta` (p) and `covariance` (p × p) are in
    the order of `columns`. `singular` tells that a variance is zero or a correlation one; `messages` say what
    a reader must know. `statistic` names the test: Student's t with Satterthwaite's df, or z.
    """

    formula: str
    method: Method
    engine: EngineName
    family: str
    n_obs: int
    n_dropped: int
    groups: dict[str, int]
    criterion: float
    n_parameters: int
    columns: tuple[str, ...]
    beta: Floats
    covariance: Floats
    variances: pd.DataFrame
    converged: bool
    singular: bool
    messages: tuple[str, ...]
    dropped_columns: tuple[str, ...]
    fitted: Fitted

    @property
    def log_likelihood(self) -> float:
        """Log likelihood at the estimates; the restricted one for REML."""
        return -self.criterion / 2

    @property
    def aic(self) -> float:
        return self.criterion + 2 * self.n_parameters

    @property
    def bic(self) -> float:
        return self.criterion + float(np.log(self.n_obs)) * self.n_parameters

    @property
    def sigma2(self) -> float:
        """Residual variance (1 for families that have none of their own)."""
        residual = self.variances.loc[self.variances["group"] == RESIDUAL, "estimate"]
        return float(residual.iloc[0]) if len(residual) else 1.0

    @cached_property
    def fixed(self) -> pd.DataFrame:
        """Fixed effects: term, estimate, std_error, df, statistic, p_value, conf_low, conf_high (95 %).

        Degrees of freedom after Satterthwaite (1946) as in Fai & Cornelius (1996).
        """
        return self.contrasts(np.eye(len(self.columns)), self.columns)

    def contrasts(self, weights: Floats, names: tuple[str, ...] | list[str]) -> pd.DataFrame:
        """Return linear combinations of the fixed effects (m × p weights), tested as the effects are."""
        weights = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        estimate = weights @ self.beta
        error = np.sqrt(np.einsum("mp,pq,mq->m", weights, self.covariance, weights))
        df = self.fitted.degrees(weights)
        statistic = estimate / error
        reach = stats.t.ppf((1 + LEVEL) / 2, df) * error
        return pd.DataFrame(
            {
                "term": list(names),
                "estimate": estimate,
                "std_error": error,
                "df": df,
                "statistic": statistic,
                "p_value": 2 * stats.t.sf(np.abs(statistic), df),
                "conf_low": estimate - reach,
                "conf_high": estimate + reach,
            }
        )

    @cached_property
    def modes(self) -> pd.DataFrame:
        """Conditional modes (BLUPs): group, level, term, estimate, std_error.

        The standard error is the conditional one, given the fixed effects and variances, as lme4's: it leaves
        out that these are estimated too.
        """
        return self.fitted.modes()

    @cached_property
    def correlations(self) -> pd.DataFrame:
        """Correlations of random effects of one block: group, term, other_term, estimate."""
        table = self.variances
        own = table[table["other_term"].isna()].set_index(["group", "term"])["estimate"]
        rows = table[table["other_term"].notna()]
        product = [
            own[g, a] * own[g, b] for g, a, b in zip(rows["group"], rows["term"], rows["other_term"], strict=True)
        ]
        with np.errstate(invalid="ignore", divide="ignore"):
            return rows.assign(estimate=rows["estimate"].to_numpy() / np.sqrt(product)).reset_index(drop=True)

    @cached_property
    def icc(self) -> dict[str, float]:
        """Share of the variance not explained by the fixed effects that lies between the levels of each group.

        With random slopes the variance of a group is its mean over the rows (Johnson 2014).
        """
        parts = self.fitted.random_variance()
        total = sum(parts.values()) + self.sigma2
        return {group: part / total for group, part in parts.items()}

    @cached_property
    def reliability(self) -> pd.DataFrame:
        """Mean reliability of the conditional modes: group, term, reliability = mean of 1 − SE²/variance.

        Raudenbush & Bryk (2002), equation 3.28, with the conditional SE in the place of τσ²/(nτ + σ²).
        """
        own = self.variances[self.variances["other_term"].isna()].set_index(["group", "term"])["estimate"]
        squares = self.modes.assign(square=self.modes["std_error"] ** 2)
        mean = squares.groupby(["group", "term"], sort=False, observed=True)["square"].mean().reset_index()
        variance = np.array([own[g, t] for g, t in zip(mean["group"], mean["term"], strict=True)])
        share = np.where(variance > 0, 1 - mean["square"] / np.where(variance > 0, variance, 1), 0.0)
        return pd.DataFrame({"group": mean["group"], "term": mean["term"], "reliability": share})

    @cached_property
    def r_squared(self) -> dict[str, float]:
        """Marginal and conditional R² (Nakagawa & Schielzeth 2013; with random slopes Johnson 2014)."""
        fixed, random = self.fitted.fixed_variance(), sum(self.fitted.random_variance().values())
        total = fixed + random + self.sigma2
        return {"marginal": fixed / total, "conditional": (fixed + random) / total}

    def predict(self, data: Any = None, random: bool = True) -> Floats:
        """Predict the outcome for rows (the fitted ones where none are given), with or without modes.

        A level that was not there when fitting has its expected mode, zero.
        """
        return self.fitted.predict(data, random)

    def simulate(self, draws: int, seed: int) -> Floats:
        """Draw outcomes of the fitted rows from the model: n × draws, new random effects each time."""
        return self.fitted.simulate(draws, seed)

    def refit(self, y: Floats | None = None, method: Method | None = None) -> MixedModel:
        """Fit the same model to another outcome of the same rows, or by the other method."""
        return self.fitted.refit(y, method or self.method)

    def summary(self) -> str:
        """The fit as a page of text; what `print` shows."""
        from workbench.hlm.summary import summary

        return summary(self)

    __repr__ = __str__ = summary

    def tidy(self) -> pd.DataFrame:
        """All estimates in one table: effect (fixed, variance, covariance), group, term, estimate, std_error, …"""
        random = self.variances.assign(effect=np.where(self.variances["other_term"].isna(), "variance", "covariance"))
        return pd.concat([self.fixed.assign(effect="fixed", group=""), random], ignore_index=True)

    def glance(self) -> pd.DataFrame:
        """One row about the whole fit."""
        return pd.DataFrame(
            {
                "n_obs": [self.n_obs], "n_dropped": [self.n_dropped], "method": [self.method], "engine": [self.engine],
                "sigma": [self.sigma2**0.5], "criterion": [self.criterion], "log_likelihood": [self.log_likelihood],
                "aic": [self.aic], "bic": [self.bic], "converged": [self.converged], "singular": [self.singular],
            }
        )  # fmt: skip


def remarks(converged: bool, singular: bool, dropped: tuple[str, ...], variances: pd.DataFrame) -> tuple[str, ...]:
    """Return what a reader of a fit must know, a sentence each."""
    said = []
    if not converged:
        said.append("The search for the variances did not settle: do not report this fit. Simplify the random effects.")
    if singular:
        residual = variances.loc[variances["group"] == RESIDUAL, "estimate"]
        least = SINGULAR**2 * (float(residual.iloc[0]) if len(residual) else 1.0)
        own = variances[variances["other_term"].isna() & (variances["group"] != RESIDUAL)]
        zero = own[own["estimate"] < least]
        what = ", ".join(f"{t} of {g}" for g, t in zip(zero["group"], zero["term"], strict=True))
        said.append(
            "The fit is singular: "
            + (f"the variance of {what} is estimated as zero." if what else "random effects are perfectly correlated.")
            + " The data do not support all the random effects asked for."
        )
    if dropped:
        said.append(f"Left out, because other columns determine them: {', '.join(dropped)}.")
    return tuple(said)
