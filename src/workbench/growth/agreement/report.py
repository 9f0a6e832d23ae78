"""Large disagreements of methods in sentences and in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from workbench.growth.agreement.comparison import Agreement
from workbench.growth.agreement.judged import ADDED, CURVE, GAP, PERCENTILE, SCORE
from workbench.growth.gaps.measures import Z
from workbench.growth.value_added.effects import ABOVE, AVERAGE, BELOW
from workbench.style import Drawn, figure

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[Any]
FEW = 50  # students: so few are told as a reason
CODES = {BELOW: -1, AVERAGE: 0, ABOVE: 1}
HELP: dict[str, str] = {
    "subject": "subject of the test",
    "school_id": "the school",
    "method": "how the school is judged; each method answers another question",
    "n": "students behind the estimate; for a gap those of the smaller group",
    "estimate": "against the mean of schools of its level, in the method's own unit; a high 'small gap' is a small gap",
    "conf_low": "lower end of the 95 % interval of the estimate",
    "conf_high": "upper end of the 95 % interval of the estimate",
    "standardised": "the estimate in standard deviations of schools' true values by this method",
    "standard_low": "lower end of the 95 % interval, standardised",
    "standard_high": "upper end of the 95 % interval, standardised",
    "category": "-1 below average, 0 cannot be told apart from average, 1 above (false-discovery rate 5 %)",
}


def sentences(
    found: Agreement, about: pd.DataFrame, names: Mapping[str, str] | None = None, most: int = 12
) -> list[str]:
    """Return sentences on large disagreements: each school's largest, with and without the mean score, and the reasons.

    `about`, by school_id: intake (mean prior score against peers, in SD of students), error_moves (standardised value
    added with prior scores as observed, less that with error taken out). `names` maps identifiers of schools to what
    they are called.
    """
    rows = found.differences[found.differences.large]
    rows = rows.assign(raw=(rows.higher == SCORE) | (rows.lower == SCORE)).drop_duplicates(["school_id", "raw"])
    by = {name: part.set_index("school_id") for name, part in found.table.groupby("method")}
    told = []
    for row in rows.sort_values("raw", kind="stable").groupby("raw").head(most).itertuples():
        higher, lower, school = str(row.higher), str(row.lower), str(row.school_id)
        high, low = by[higher].loc[school], by[lower].loc[school]
        why = _reasons(higher, lower, cast(Any, about.loc[school]), high, low)
        told.append(
            f"{_called(school, names)}: by {row.higher} {high.category} ({high.standardised:+.1f} SD), by {row.lower} "
            f"{low.category} ({low.standardised:+.1f} SD); they differ by {row.difference:.1f} ± "
            f"{Z * float(cast('float', row.std_error)):.1f} SD. " + (" ".join(why) or "These numbers do not show why.")
        )
    return told


def _reasons(higher: str, lower: str, about: pd.Series[float], high: Any, low: Any) -> list[str]:
    pair, why = {higher, lower}, []
    if SCORE in pair and GAP not in pair and about.intake * (1 if higher == SCORE else -1) >= 0.2:
        why.append(
            f"Its students came with prior scores {abs(about.intake):.1f} SD "
            f"{'above' if about.intake > 0 else 'below'} those of its peers; a mean score counts what they brought."
        )
    if (
        pair in ({PERCENTILE, ADDED}, {PERCENTILE, CURVE})
        and about.error_moves * (1 if higher == PERCENTILE else -1) >= 0.2
    ):
        why.append(
            f"Error in prior scores can be part of it: with prior scores as observed, as growth percentiles take them, "
            f"its value added would be {about.error_moves:+.1f} SD different."
        )
    if GAP in pair:
        why.append("A gap compares groups inside the school; it says nothing about how high both stand or rise.")
    for name, one in ((higher, high), (lower, low)):
        if one.n < FEW:
            why.append(f"By {name} only {int(one.n)} students decide.")
    return why


def lines(
    table: pd.DataFrame, differences: pd.DataFrame, names: Mapping[str, str] | None = None, most: int = 6
) -> Drawn:
    """Each school's standardised estimates from method to method; those with the largest disagreements named.

    `names` maps identifiers of schools to what they are called.
    """
    table = table[table.standardised.notna()]
    wide = table.pivot(index="school_id", columns="method", values="standardised")[list(table.method.unique())]
    chosen = list(differences[differences.large].school_id.drop_duplicates().head(most))
    fig, axes = figure(9.5, 5.6)
    at = np.arange(wide.shape[1])
    for school in wide.index.difference(chosen):
        axes.plot(at, wide.loc[school], color="#b4bcc5", linewidth=0.9)
    ends = [table.pivot(index="school_id", columns="method", values=f"standard_{end}") for end in ("low", "high")]
    for k, school in enumerate(chosen):
        y, x = wide.loc[school].to_numpy(float), at + 0.03 * (k - len(chosen) / 2)
        low, high = (end.loc[school, wide.columns].to_numpy(float) for end in ends)
        axes.errorbar(x, y, [y - low, high - y], marker="osD^vP"[k % 6], linestyle=("-", "--", "-.", ":")[k % 4],
                      capsize=2, label=_called(school, names))  # fmt: skip
    for place, school in zip(
        _apart(wide.loc[chosen].iloc[:, -1].to_numpy(float), 0.06 * np.ptp(wide)), chosen, strict=True
    ):
        label, end = (names or {}).get(school, school), wide.loc[school].iloc[-1]
        axes.annotate(label, (at[-1] + 0.1, end), (at[-1] + 0.28, place), va="center", fontsize=9,
                      arrowprops={"arrowstyle": "-", "color": "#7a8794", "linewidth": 0.6})  # fmt: skip
    axes.axhline(0, color="#333333", linewidth=1)
    axes.set_xticks(at, list(wide))
    axes.set_xlim(-0.3, at[-1] + 1.15)
    axes.set_ylabel("Against schools of the same level (SD)")
    if chosen:
        fig.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=9)
    others = f"{len(wide) - len(chosen)} schools are thin grey lines"
    named = (
        f"those that methods disagree about most are {', '.join(_called(s, names) for s in chosen)}"
        if chosen
        else "no disagreement is large"
    )
    alt = f"Lines of {len(wide)} schools' standardised estimates across {wide.shape[1]} methods; {others}; {named}."
    return Drawn(fig, alt, table)


def _called(school: str, names: Mapping[str, str] | None) -> str:
    return f"{names[school]} ({school})" if names is not None and school in names else f"School {school}"


def _apart(places: Floats, least: float) -> Floats:
    """Heights for labels, in the order given, at least so far apart."""
    order, found = np.argsort(places), np.array(places, dtype=float)
    for before, after in pairwise(order):
        found[after] = max(found[after], found[before] + least)
    return found - (found - places).mean() if len(found) else found
