"""What intervals are made for: fixed effects, standard deviations, correlations and shares of variance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.hlm.design import Floats, Ints
from workbench.hlm.result import MixedModel

KEYS = ["effect", "group", "term", "other_term"]
LOWEST = {"sd": 0.0, "correlation": -1.0, "icc": 0.0}
HIGHEST = {"correlation": 1.0, "icc": 1.0}


@dataclass(frozen=True)
class Layout:
    """The estimates of a model, in one order for all its refits.

    `table` names them: effect (fixed, sd, correlation, icc), group, term, other_term. `own` and `pairs` say which
    rows of `MixedModel.variances` are variances and covariances; `left`, `right` where the variances of each pair are.
    """

    table: pd.DataFrame
    own: Ints
    pairs: Ints
    left: Ints
    right: Ints

    def values(self, model: MixedModel) -> Floats:
        """Return the estimates in this order; a correlation with a variance of zero is not a number."""
        sigma = model.variances["estimate"].to_numpy()
        with np.errstate(invalid="ignore", divide="ignore"):
            correlation = sigma[self.pairs] / np.sqrt(sigma[self.left] * sigma[self.right])
        return np.concatenate([model.beta, np.sqrt(sigma[self.own]), correlation, list(model.icc.values())])

    @property
    def lowest(self) -> Floats:
        """The least value each estimate can take."""
        return np.array([LOWEST.get(effect, -np.inf) for effect in self.table["effect"]])

    @property
    def highest(self) -> Floats:
        """The largest value each estimate can take."""
        return np.array([HIGHEST.get(effect, np.inf) for effect in self.table["effect"]])


def layout(model: MixedModel) -> Layout:
    """Return the order of a model's estimates: fixed effects, standard deviations, correlations, shares (icc)."""
    table = model.variances[KEYS[1:]].astype(object)
    rows = list(table.where(table.notna(), None).itertuples(index=False, name=None))
    own = [k for k, row in enumerate(rows) if row[2] is None]
    pairs = [k for k, row in enumerate(rows) if row[2] is not None]
    at = {rows[k][:2]: k for k in own}
    named: list[tuple[str | None, ...]] = [("fixed", None, term, None) for term in model.columns]
    named += [("sd", *rows[k][:2], None) for k in own]
    named += [("correlation", *rows[k]) for k in pairs]
    named += [("icc", group, None, None) for group in model.icc]
    return Layout(
        pd.DataFrame(named, columns=KEYS, dtype=object),
        *(np.array(places, dtype=np.intp) for places in (
            own, pairs, [at[rows[k][0], rows[k][1]] for k in pairs], [at[rows[k][0], rows[k][2]] for k in pairs]
        )),
    )  # fmt: skip
