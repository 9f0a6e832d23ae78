"""Methods on one footing: every difference of two of them at every school, with errors that are correlated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError
from workbench.growth.agreement.judged import ADDED, Judged
from workbench.growth.gaps.measures import Z
from workbench.growth.rankings import q_values
from workbench.growth.value_added.effects import categories
from workbench.growth.value_added.rows import Subject, value_added_rows

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

Floats = NDArray[Any]
LARGE = 1.0  # standard deviations of true values between schools
RELIABLE = 0.5  # share of the variance of estimates that must be true, or their unit is itself mostly chance


@dataclass(frozen=True)
class Agreement:
    """`table`, a row a school and method: school_id, method, n, estimate, conf_low, conf_high (against peers, in the
    method's unit), standardised, standard_low, standard_high (SD of true values), category. `differences`, a row a
    school and pair of methods: school_id, higher, lower, difference, std_error, q_value, large. `correlations`: method,
    other, schools, rank (Spearman), corrected (without sampling error). `silent`: methods of which more than half the
    variance of estimates is chance; they stay in `table` in their own unit, and are not standardised or compared.
    """

    table: pd.DataFrame
    differences: pd.DataFrame
    correlations: pd.DataFrame
    silent: tuple[str, ...]


def agreement(judged: Mapping[str, Judged], peers: pd.Series[str]) -> Agreement:
    """Put methods on one footing and test every difference of two of them at every school.

    Estimates are told against the mean of peers (`peers`: level, by school) and divided by τ, the SD of true values:
    τ² = variance of estimates less the mean sampling variance. τ is then taken as known, so a method needs a
    reliability of one half: a small τ that is mostly chance would blow any difference up. The error of a difference is
    the root of Σ(ψ_a − ψ_b)² over students, ψ being standardised influences: what a bootstrap of whole students tends
    to, correlation of the methods' errors included. Large: at least one SD, and with a false-discovery rate of 5 % over
    all schools and pairs not chance. Only schools that every method judges, with a peer, are compared.
    """
    import pandas as pd

    common = set.intersection(*(set(one.table.school) for one in judged.values()))
    level = peers[peers.index.isin(common)].sort_index()
    level = level[level.groupby(level).transform("size") > 1]
    if len(level) - level.nunique() < 2:
        raise ModelError("Fewer than four schools are judged by every method beside a peer: nothing can be compared.")
    same = (level.to_numpy()[:, None] == level.to_numpy()).astype(float)
    centre = np.eye(len(level)) - same / same.sum(axis=1)
    students = sorted(set().union(*(one.influence.index for one in judged.values())))
    freedom = len(level) - level.nunique()
    parts, z, psi, silent = [], {}, {}, []
    for name, one in judged.items():
        mine = one.table.set_index("school").loc[level.index]
        moves = one.influence.reindex(index=students, columns=level.index, fill_value=0.0).to_numpy() @ centre
        estimate, error = centre @ mine.estimate.to_numpy(float), np.sqrt((moves**2).sum(axis=0))
        variance = float((estimate**2).sum() - (error**2).sum()) / freedom
        reliable = variance > 0 and variance * freedom >= RELIABLE * (estimate**2).sum()
        tau = float(np.sqrt(variance)) if reliable else np.nan
        parts.append(_rows(name, mine.n, estimate, error, tau))
        if not reliable:
            silent.append(name)
            continue
        z[name], psi[name] = estimate / tau, moves / tau
    if len(z) < 2:
        raise ModelError("Fewer than two methods can tell these schools apart: there is nothing to compare.")
    differences, correlations = _pairs(z, psi, level.index, freedom)
    return Agreement(pd.concat(parts, ignore_index=True), differences, correlations, tuple(silent))


def _rows(name: str, n: pd.Series[int], estimate: Floats, error: Floats, tau: float) -> pd.DataFrame:
    import pandas as pd
    from scipy.stats import norm

    q = q_values(2 * norm.sf(np.abs(estimate) / error))
    low, high = estimate - Z * error, estimate + Z * error
    return pd.DataFrame(
        {
            "school_id": n.index, "method": name, "n": n.to_numpy(), "estimate": estimate, "conf_low": low,
            "conf_high": high, "standardised": estimate / tau, "standard_low": low / tau, "standard_high": high / tau,
            "category": categories(estimate, q),
        }
    )  # fmt: skip


def _pairs(z: dict[str, Floats], psi: dict[str, Floats], schools: Any, freedom: int) -> tuple[Any, Any]:
    import pandas as pd
    from scipy.stats import norm, spearmanr

    parts, agreed = [], []
    for a, b in combinations(z, 2):
        apart, error = z[a] - z[b], np.sqrt(((psi[a] - psi[b]) ** 2).sum(axis=0))
        up = apart > 0
        parts.append(pd.DataFrame({"school_id": schools, "higher": np.where(up, a, b), "lower": np.where(up, b, a),
                                   "difference": np.abs(apart), "std_error": error}))  # fmt: skip
        shared = float((z[a] * z[b]).sum() - (psi[a] * psi[b]).sum()) / freedom
        agreed.append({"method": a, "other": b, "schools": len(schools), "rank": float(spearmanr(z[a], z[b])[0]),
                       "corrected": float(np.clip(shared, -1, 1))})  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    rows["q_value"] = q_values(2 * norm.sf(rows.difference / rows.std_error))
    rows["large"] = (rows.difference >= LARGE) & (rows.q_value <= 0.05)
    return rows.sort_values("difference", ascending=False, ignore_index=True), pd.DataFrame(agreed)


def clues(found: Agreement, observed: Agreement, data: Data, subject: Subject, peers: pd.Series[str]) -> pd.DataFrame:
    """Return what `sentences` may give as reasons, by school: intake and error_moves; see there.

    `observed` is the same comparison with value added from prior scores as observed.
    """
    rows = value_added_rows(data, subject)
    prior = rows[f"prior_{subject}"].groupby(rows.cell)
    rows = rows.assign(standing=(rows[f"prior_{subject}"] - prior.transform("mean")) / prior.transform("std"))
    intake = rows.groupby("school_id").standing.mean()
    intake = intake - intake.groupby(peers.reindex(intake.index)).transform("mean")
    added = [one.table[one.table.method == ADDED].set_index("school_id").standardised for one in (observed, found)]
    return intake.to_frame("intake").assign(error_moves=added[0] - added[1])


def beside_truth(table: pd.DataFrame, true: pd.Series[float], peers: pd.Series[str]) -> pd.DataFrame:
    """Return each method's correlation with the true values and its error (root mean square, SD), nearest first.

    `true`, by school, is told against peers and divided by its own SD, as estimates are.
    """
    schools = table.school_id.unique()
    values = true.reindex(schools)
    values = values - values.groupby(peers.reindex(schools)).transform("mean")
    values /= np.sqrt((values**2).sum() / (len(values) - peers.reindex(schools).nunique()))
    rows = table[table.standardised.notna()]  # a method that is mostly chance has no standardised estimates
    rows = rows.assign(true=rows.school_id.map(values))
    rows = rows.assign(square=(rows.standardised - rows.true) ** 2, product=rows.standardised * rows.true)
    rows = rows.assign(own=rows.standardised**2, key=rows.true**2)
    sums = rows.groupby("method")[["square", "product", "own", "key"]].sum()
    result = sums.assign(
        schools=len(schools), correlation=sums["product"] / np.sqrt(sums.own * sums.key),
        error=np.sqrt(sums.square / len(schools)),
    )  # fmt: skip
    return (result[["schools", "correlation", "error"]].reset_index().sort_values("error")).reset_index(drop=True)
