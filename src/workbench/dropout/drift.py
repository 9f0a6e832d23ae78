"""Whether the students of today still look like those a model has learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.dropout.study import check_columns
from workbench.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

BINS = 10
MOVED, CHANGED = 0.1, 0.25  # the usual reading of the index (Siddiqi 2006)
FLOOR = 1e-4
MISSING = "missing"

DRIFT_HELP = {
    "predictor": "the predictor",
    "index": "population stability index: 0 where shares are the same",
    "missing_then": "share without a value among those learned from",
    "missing_now": "share without a value today",
    "verdict": "stable below 0.1, moved from 0.1, changed from 0.25",
}


def profile(frame: pd.DataFrame, predictors: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return how each predictor is distributed, in words that JSON can hold: no row of anybody.

    Numbers: edges at the tenths of the training rows and the share between them; text: the share of each value; both
    with the share that is missing.
    """
    return {name: _profile(frame[name]) for name in predictors}


def drift(before: Mapping[str, Mapping[str, Any]], frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row a predictor, the most changed first; see `DRIFT_HELP`.

    Population stability index: Σ (qₖ − pₖ) ln(qₖ ⁄ pₖ) over the bins of the training rows and the missing, p then
    and q now, shares below 0.0001 counting as that. With few rows it is above 0 by chance, about (bins − 1)(1/n + 1/m).
    Raises BadInput where `frame` is empty or lacks a predictor.
    """
    import pandas as pd

    check_columns(before, frame)
    if frame.empty:
        raise BadInput("There are no rows to compare with those the model has learned from.")
    rows = []
    for name, then in before.items():
        now = _shares(frame[name], then)
        p, q = (np.maximum([*shares.values()], FLOOR) for shares in (then["shares"], now))
        index = float(((q - p) * np.log(q / p)).sum())
        verdict = "changed" if index >= CHANGED else "moved" if index >= MOVED else "stable"
        rows.append((name, index, then["shares"][MISSING], now[MISSING], verdict))
    return pd.DataFrame(rows, columns=[*DRIFT_HELP]).sort_values("index", ascending=False, ignore_index=True)


def _profile(values: pd.Series[Any]) -> dict[str, Any]:
    if values.dtype.kind in "biuf":
        known = values.dropna().to_numpy(dtype=float)
        edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.array([])
        then: dict[str, Any] = {"edges": edges.tolist()}
    else:
        then = {"values": sorted(values.dropna().astype(str).unique())}
    return then | {"shares": _shares(values, then)}


def _shares(values: pd.Series[Any], then: Mapping[str, Any]) -> dict[str, float]:
    if "edges" in then:
        known = values.dropna().to_numpy(dtype=float)
        counts = np.bincount(np.searchsorted(then["edges"], known), minlength=len(then["edges"]) + 1)
        shares = {f"bin {k}": count / len(values) for k, count in enumerate(counts)}
    else:
        text = values.dropna().astype(str)
        shares = {f"is {value}": float((text == value).sum()) / len(values) for value in then["values"]}
        shares["another value"] = 1 - float(values.isna().mean()) - sum(shares.values())
    return {name: float(share) for name, share in shares.items()} | {MISSING: float(values.isna().mean())}
