"""Where methods disagree: the same schools by several methods, on one footing, with errors that are correlated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError
from workbench.growth.curve_data import CurveData
from workbench.growth.curves import STUDENTS, Shape, component, fit_curve, fixed_part
from workbench.growth.gaps import Z, hedges_g
from workbench.growth.rankings import q_values
from workbench.growth.value_added import ABOVE, AVERAGE, BELOW, Adjustment, categories, school_value_added
from workbench.growth.value_added_rows import Subject, school_doses, value_added_rows, with_doses
from workbench.style import Drawn, figure

if TYPE_CHECKING:
    import pandas as pd

    from workbench.hlm.result import MixedModel
    from workbench.store import Data

Floats = NDArray[Any]
LARGE = 1.0  # standard deviations of true values between schools
FEWEST = 10  # students of a group, for a gap
RELIABLE = 0.5  # share of the variance of estimates that must be true, or their unit is itself mostly chance
FEW = 50  # students: so few are told as a reason
SCORE, CURVE, ADDED, PERCENTILE, GAP = "mean score", "growth curve", "value added", "growth percentile", "small gap"


@dataclass(frozen=True)
class Judged:
    """One method: `table` with school, n (students), estimate; each student's `influence` (students × schools)."""

    table: pd.DataFrame
    influence: pd.DataFrame


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


def means(rows: pd.DataFrame, value: str, weight: str | None = None) -> Judged:
    """Return the mean of `value` at each school (columns student, school), and each student's influence on it.

    A student's influence is the sum of w(x − mean)/Σw over his rows; several rows of a student so count together.
    """
    rows = rows.assign(w=1.0 if weight is None else rows[weight], x=rows[value])
    rows = rows.assign(wx=rows.w * rows.x)
    sums = rows.groupby("school").agg(n=("student", "nunique"), w=("w", "sum"), wx=("wx", "sum"))
    sums["estimate"] = sums.wx / sums.w
    total, mean = rows.school.map(sums.w), rows.school.map(sums.estimate)
    influence = rows.assign(moves=rows.w * (rows.x - mean) / total).pivot_table(
        "moves", "student", "school", "sum", fill_value=0.0
    )
    return Judged(sums[["n", "estimate"]].reset_index(), influence)


def smaller_gaps(rows: pd.DataFrame, value: str, in_a: str) -> Judged:
    """Return each school's gap (Hedges' g of rows `in_a` over the others) with its sign turned: high is small.

    Schools with fewer than ten students in one of the groups are left out; n is the smaller group's number.
    """
    import pandas as pd

    found, moves = [], []
    for school, part in rows.groupby("school"):
        smaller = int(min(part[part[in_a]].student.nunique(), part[~part[in_a]].student.nunique()))
        if smaller < FEWEST:
            continue
        gap = hedges_g(part[value], part[in_a], clusters=part.student)
        found.append({"school": school, "n": smaller, "estimate": -gap.estimate})
        moves.append(pd.Series(-np.asarray(gap.influence), part.student).groupby(level=0).sum().rename(school))
    if not found:
        raise ModelError(f"No school has {FEWEST} tested students in both groups: gaps of schools cannot be told.")
    return Judged(pd.DataFrame(found), pd.concat(moves, axis=1).fillna(0.0))


def value_added(data: Data, subject: Subject, adjustment: Adjustment = "calibrated") -> Judged:
    """Return each school's value added over all years: the mean residual of its students, weighted by time there."""
    model = school_value_added(data, subject, adjustment).model
    rows = with_doses(value_added_rows(data, subject), school_doses(data))
    design = model.fitted.design  # type: ignore[attr-defined]
    rows = rows.assign(residual=design.y - design.X @ model.beta, student=rows.student_id, school=rows.unit)
    return means(rows, "residual", "dose")


def curve_growth(curve: CurveData, shape: Shape) -> Judged:
    """Return what a school adds to growth a year, from a curve with students' levels and slopes and first schools.

    The mode û of a school is divided by its reliability. Given the variances, û solves C û = r, linear in students:
    the influence of student i is C⁻¹ A'V⁻¹(y − Aû) summed over i's rows (infinitesimal jackknife; Efron 1982), A being
    [X, schools] and V the covariance of a student's scores.
    """
    import pandas as pd

    model = fit_curve(curve, f"score ~ {fixed_part(curve, shape)} + {STUDENTS} + (1 | school_growth)", "REML")
    effects, influence = _solved(model)
    errors = model.modes[model.modes.group == "school_growth"].std_error.to_numpy(float)
    trust = 1 - errors**2 / component(model, "school_growth", "(Intercept)")
    if not (trust > 0).all():
        raise ModelError("Schools' growth does not differ measurably in these data: nothing is left to compare.")
    known = {factor.name: factor.levels for factor in model.fitted.design.factors}  # type: ignore[attr-defined]
    names, students = known["school_growth"], known["student"]
    spent = curve.doses[curve.doses.student.isin(students)].groupby("school").student.nunique()
    table = pd.DataFrame({"school": names, "n": spent.reindex(names).to_numpy(), "estimate": effects / trust})
    return Judged(table, pd.DataFrame(influence / trust, students, names))


def _solved(model: MixedModel) -> tuple[Floats, Floats]:
    """Modes of school_growth and students' influence on them (students × schools), from the model's own equations."""
    from scipy import sparse

    design = model.fitted.design  # type: ignore[attr-defined]
    at = {factor.name: k for k, factor in enumerate(design.factors)}
    table = model.variances[model.variances.group == "student"]
    (v0, v1), cov = table[table.other_term.isna()].estimate, table[table.other_term.notna()].estimate.iloc[0]
    values, vectors = np.linalg.eigh([[v0, cov], [cov, v1]])
    root = vectors * np.sqrt(np.maximum(values, 0))
    size = len(design.factors[at["student"]].levels)
    W = sparse.diags_array((np.ones(design.n) if design.weights is None else design.weights) / model.sigma2)
    ZL = design.random_columns(at["student"]) @ sparse.kron(root, sparse.eye_array(size), format="csr")
    K = (ZL.T @ W @ ZL).tocsr()
    a, b, d = 1 + K.diagonal()[:size], K.diagonal(size), 1 + K.diagonal()[size:]
    det = a * d - b**2
    inverse = sparse.diags_array([np.r_[d, a] / np.r_[det, det], -b / det, -b / det], offsets=[0, size, -size])
    parts, prior = [sparse.csr_array(design.X)], [np.zeros(design.X.shape[1])]
    for name in ("first_school", "school_growth"):
        Z_school, variance = design.random_columns(at[name]), component(model, name, "(Intercept)")
        if variance > 1e-10:
            parts.append(Z_school)
            prior.append(np.full(Z_school.shape[1], 1 / variance))
    A = sparse.hstack(parts, format="csr")
    WA, WZ = W @ A, W @ ZL
    C = np.linalg.inv((A.T @ WA - (WZ.T @ A).T @ (inverse @ (WZ.T @ A))).toarray() + np.diag(np.concatenate(prior)))

    def weighed(y: Floats) -> Floats:
        return np.asarray(W @ y - WZ @ (inverse @ (WZ.T @ y)))

    b_hat = C @ (A.T @ weighed(design.y))
    kept = slice(A.shape[1] - len(prior[-1]), None)
    rows = sparse.csr_array((weighed(design.y - A @ b_hat), (design.codes[at["student"]], np.arange(design.n))))
    return b_hat[kept], np.asarray((rows @ A) @ C[:, kept])


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


def sentences(found: Agreement, about: pd.DataFrame, most: int = 12) -> list[str]:
    """Return sentences on large disagreements: each school's largest, with and without the mean score, and the reasons.

    `about`, by school_id: intake (mean prior score against peers, in SD of students), error_moves (standardised value
    added with prior scores as observed, less that with error taken out).
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
            f"School {row.school_id}: by {row.higher} {high.category} ({high.standardised:+.1f} SD), by {row.lower} "
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
    rows = table.assign(true=table.school_id.map(values))
    rows = rows.assign(square=(rows.standardised - rows.true) ** 2, product=rows.standardised * rows.true)
    rows = rows.assign(own=rows.standardised**2, key=rows.true**2)
    sums = rows.groupby("method")[["square", "product", "own", "key"]].sum()
    result = sums.assign(
        schools=len(schools), correlation=sums["product"] / np.sqrt(sums.own * sums.key),
        error=np.sqrt(sums.square / len(schools)),
    )  # fmt: skip
    return (result[["schools", "correlation", "error"]].reset_index().sort_values("error")).reset_index(drop=True)


def lines(table: pd.DataFrame, differences: pd.DataFrame, most: int = 6) -> Drawn:
    """Each school's standardised estimates from method to method; those with the largest disagreements named."""
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
                      capsize=2, label=school)  # fmt: skip
    for place, school in zip(
        _apart(wide.loc[chosen].iloc[:, -1].to_numpy(float), 0.06 * np.ptp(wide)), chosen, strict=True
    ):
        axes.annotate(school, (at[-1] + 0.1, wide.loc[school].iloc[-1]), (at[-1] + 0.28, place), va="center",
                      arrowprops={"arrowstyle": "-", "color": "#7a8794", "linewidth": 0.6})  # fmt: skip
    axes.axhline(0, color="#333333", linewidth=1)
    axes.set_xticks(at, list(wide))
    axes.set_xlim(-0.3, at[-1] + 0.95)
    axes.set_ylabel("Against schools of the same level (SD of true values)")
    if chosen:
        fig.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=6, fontsize=9)
    others = f"{len(wide) - len(chosen)} schools are thin grey lines"
    named = f"those that methods disagree about most are {', '.join(chosen)}" if chosen else "no disagreement is large"
    alt = f"Lines of {len(wide)} schools' standardised estimates across {wide.shape[1]} methods; {others}; {named}."
    return Drawn(fig, alt, table)


def _apart(places: Floats, least: float) -> Floats:
    """Heights for labels, in the order given, at least so far apart."""
    order, found = np.argsort(places), np.array(places, dtype=float)
    for before, after in pairwise(order):
        found[after] = max(found[after], found[before] + least)
    return found - (found - places).mean() if len(found) else found
