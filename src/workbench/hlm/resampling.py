"""Parametric bootstrap: what the estimates would be in other data that the model could have made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from workbench.errors import BadParameter, ModelError, WorkbenchError
from workbench.hlm.design import Floats
from workbench.hlm.estimates import KEYS, Layout, layout
from workbench.hlm.result import LEVEL, MixedModel

Kind = Literal["percentile", "basic"]
NUMBERS = 10_000_000  # outcomes held at once
FEWEST = 20


@dataclass(frozen=True)
class Bootstrap:
    """Estimates from refits to simulated outcomes.

    `draws` (draws × estimates) has a column for each row of `table` (effect, group, term, other_term, estimate);
    a failed refit is left out. `failed` and `singular` count refits of `asked`.
    """

    model: MixedModel
    table: pd.DataFrame
    draws: Floats
    layout: Layout
    asked: int
    failed: int
    singular: int

    @property
    def messages(self) -> tuple[str, ...]:
        """What a reader must know."""
        said = [f"{self.asked} draws from the {self.model.method} fit of {self.model.formula!r}, each fitted again."]
        if self.failed:
            said.append(f"{self.failed} refits failed or did not settle and are left out.")
        if self.singular:
            said.append(
                f"{self.singular} refits were singular (a variance of zero or a correlation of one); they count."
            )
        undefined = int(np.isnan(self.draws).any(axis=1).sum())
        if undefined:
            said.append(
                f"In {undefined} refits a correlation is not defined, a variance being zero; it is left out there."
            )
        return tuple(said)

    def intervals(self, kind: Kind = "percentile", level: float = LEVEL) -> pd.DataFrame:
        """Return effect, group, term, other_term, estimate, std_error, bias, conf_low, conf_high.

        "percentile": quantiles of the draws; "basic": twice the estimate less the opposite quantile, cut at the
        limits of the scale (Davison & Hinkley 1997, equations 5.18 and 5.6). `bias`: mean of the draws less the
        estimate.
        """
        if kind not in ("percentile", "basic"):
            raise BadParameter(f"kind is 'percentile' or 'basic', not {kind!r}.")
        check_level(level)
        estimate = self.table["estimate"].to_numpy(np.float64)
        low, high = np.nanquantile(self.draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        if kind == "basic":
            low, high = 2 * estimate - high, 2 * estimate - low
            own = len(self.layout.lowest)
            low[:own] = np.clip(low[:own], self.layout.lowest, self.layout.highest)
            high[:own] = np.clip(high[:own], self.layout.lowest, self.layout.highest)
        return self.table.assign(
            std_error=np.nanstd(self.draws, axis=0, ddof=1),
            bias=np.nanmean(self.draws, axis=0) - estimate,
            conf_low=low,
            conf_high=high,
        )


def bootstrap(
    model: MixedModel,
    draws: int = 1000,
    seed: int = 1,
    functions: Mapping[str, Callable[[MixedModel], float]] | None = None,
) -> Bootstrap:
    """Simulate outcomes of the fitted rows from a model and fit it to each, by the model's own method.

    New random effects are drawn each time. Besides fixed effects, standard deviations, correlations and shares
    of variance (icc), `functions` names any number computed from a fitted model. Raises BadParameter, or ModelError
    where nearly all refits fail. Source: Davison & Hinkley (1997), chapter 2; Bates et al. (2015), `bootMer`.
    """
    if draws < FEWEST:
        raise BadParameter(f"draws is {draws}; with fewer than {FEWEST} no interval can be told. Take 1000.")
    functions, order = functions or {}, layout(model)
    kept, failed, singular = [], 0, 0
    for again in resampled(model, draws, seed):
        if again is None or not again.converged:
            failed += 1
            continue
        singular += again.singular
        kept.append(_values(again, order, functions))
    if len(kept) < FEWEST:
        raise ModelError(f"Of {draws} refits {failed} failed; {model.formula!r} asks too much of these data.")
    own = pd.DataFrame({"effect": "function", "group": None, "term": list(functions), "other_term": None}, dtype=object)
    table = pd.concat([order.table, own[KEYS]], ignore_index=True) if functions else order.table
    table = table.assign(estimate=_values(model, order, functions))
    return Bootstrap(model, table, np.array(kept), order, draws, failed, singular)


def resampled(model: MixedModel, draws: int, seed: int) -> Iterator[MixedModel | None]:
    """Yield `model` fitted to outcomes simulated from it, draw by draw; None where a fit fails."""
    for Y in outcomes(model, draws, seed):
        yield from refitted(model, Y)


def outcomes(model: MixedModel, draws: int, seed: int) -> Iterator[Floats]:
    """Yield simulated outcomes in portions (n × some of the draws) that fit the memory."""
    portion = max(1, NUMBERS // model.n_obs)
    seeds = np.random.default_rng(seed).integers(2**62, size=-(-draws // portion))
    for k, one in enumerate(seeds):
        yield model.simulate(min(portion, draws - k * portion), int(one))


def refitted(model: MixedModel, Y: Floats) -> Iterator[MixedModel | None]:
    """Yield the model fitted to each column of Y by its own method; None where that fails."""
    from workbench.hlm.native import Native
    from workbench.hlm.refits import refits

    if isinstance(model.fitted, Native):
        yield from refits(model.fitted, Y)
        return
    for y in Y.T:
        try:
            yield model.refit(y)
        except WorkbenchError:
            yield None


def check_level(level: float) -> None:
    """Raise BadParameter where a level of confidence is none."""
    if not 0 < level < 1:
        raise BadParameter(f"level is {level}; give a share between 0 and 1, such as 0.95.")


def _values(model: MixedModel, order: Layout, functions: Mapping[str, Callable[[MixedModel], float]]) -> Floats:
    return np.append(order.values(model), [float(function(model)) for function in functions.values()])
