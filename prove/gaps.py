"""Whether intervals of gaps, and of school means from counts, hold 95 % of the time: 2,000 draws of each design."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from _study import JOBS, markdown, write
from numpy.typing import NDArray

from workbench import growth
from workbench.errors import ModelError
from workbench.growth.gaps.rows import proficiency_counts

DRAWS, LOWEST, HIGHEST = 2000, 0.93, 0.97
DEAR_DRAWS, DEAR_LOWEST, DEAR_HIGHEST = 400, 0.92, 0.98
SEED = 20260101
# n of a, n of b, difference of means, SD of a, SD of b; b has mean 0.
DESIGNS = (
    (200, 200, 0.7, 1.0, 1.0),
    (100, 400, 0.8, 1.3, 0.8),
    (400, 100, 0.8, 1.3, 0.8),
    (60, 60, 0.3, 1.0, 1.2),
    (30, 300, 1.0, 0.8, 1.0),
    (1500, 300, 0.2, 0.9, 1.1),
)
CUTS = np.array([-0.7, 0.2, 1.0])
ERROR_SD = 0.5
# Smallest and largest group, SD of the true log SDs, own_sd_from; the last promises nothing.
HETOP = ((60, 200, 0.1, 0), (20, 200, 0.1, 50), (20, 200, 0.0, None), (60, 200, 0.25, None))
GROUPS = 60
Floats = NDArray[Any]


def _v_counts(true: Floats, noisy: Floats, in_a: Floats) -> Any:
    return growth.v_from_counts(proficiency_counts(true[in_a], CUTS), proficiency_counts(true[~in_a], CUTS))


D, UNCORRECTED = "d, SD pooled by size", "V, errors not corrected"
MEASURES: dict[str, Callable[..., Any]] = {
    D: lambda true, noisy, in_a: growth.cohens_d(true, in_a),
    "mean difference, both SDs alike": lambda true, noisy, in_a: growth.equal_weight_gap(true, in_a),
    "V from scores": lambda true, noisy, in_a: growth.v_statistic(true, in_a),
    "V from counts": _v_counts,
    "V, errors corrected": lambda true, noisy, in_a: growth.v_statistic(
        noisy, in_a, errors=np.full(len(noisy), ERROR_SD)
    ),
    UNCORRECTED: lambda true, noisy, in_a: growth.v_statistic(noisy, in_a),
}


def one_design(k: int) -> list[dict[str, Any]]:
    """Coverage, bias, and told against true spread of every measure in one design."""
    n_a, n_b, difference, sd_a, sd_b = DESIGNS[k]
    rng = np.random.default_rng([SEED, k])
    in_a = np.arange(n_a + n_b) < n_a
    share = n_a / (n_a + n_b)
    truths = dict.fromkeys(MEASURES, difference / np.sqrt((sd_a**2 + sd_b**2) / 2))
    truths[D] = difference / np.sqrt(share * sd_a**2 + (1 - share) * sd_b**2)
    found: dict[str, list[Any]] = {name: [] for name in truths}
    for _ in range(DRAWS):
        true = np.concatenate([rng.normal(difference, sd_a, n_a), rng.normal(0, sd_b, n_b)])
        noisy = true + rng.normal(0, ERROR_SD, len(true))
        for name, measure in MEASURES.items():
            with suppress(ModelError):  # counted below: V from counts needs students in three categories of each group
                found[name].append(measure(true, noisy, in_a))
    design = f"{n_a} and {n_b}; SD {sd_a} and {sd_b}; difference {difference}"
    return [{"design": design, "measure": name, **_held(found[name], float(truths[name]))} for name in MEASURES]


def _held(gaps: list[Any], truth: float) -> dict[str, float]:
    estimates = np.array([gap.estimate for gap in gaps])
    return {
        "true": truth,
        "mean estimate": float(estimates.mean()),
        "coverage": float(np.mean([gap.conf_low <= truth <= gap.conf_high for gap in gaps])),
        "SE told / spread": float(np.mean([gap.std_error for gap in gaps]) / estimates.std(ddof=1)),
        "refused": DRAWS - len(gaps),
    }


def school_means(k: int) -> dict[str, Any]:
    """Coverage of the means of 60 groups from counts in four categories, by how SDs are pooled and truly are."""
    low, high, spread, own_sd_from = HETOP[k]
    rng = np.random.default_rng([SEED, 100 + k])
    n = np.linspace(low, high, GROUPS).astype(int)
    means, sds = rng.normal(0, 0.4, GROUPS), np.exp(rng.normal(0, spread, GROUPS))
    share = n / n.sum()
    centre = share @ means
    truth = (means - centre) / np.sqrt(share @ (sds**2 + (means - centre) ** 2))
    fits = []
    for _ in range(DRAWS):
        scores = [rng.normal(*each) for each in zip(means, sds, n, strict=True)]
        counts = np.array([proficiency_counts(each, [-0.8, 0.0, 0.8]) for each in scores])
        with suppress(ModelError):  # counted below: a small group may be in one outer category altogether
            fits.append(growth.hetop(counts, own_sd_from=own_sd_from))
    held = [(fit.groups.conf_low <= truth) & (truth <= fit.groups.conf_high) for fit in fits]
    bias = np.mean([fit.groups["mean"] for fit in fits], axis=0) - truth
    return {
        "students a group": f"{low} to {high}",
        "SD of true log SDs": spread,
        "own SD from": "never" if own_sd_from is None else own_sd_from,
        "coverage": float(np.mean(held)),
        "mean size of bias": float(np.abs(bias).mean()),
        "true share between": (between := float(share @ truth**2)),
        "coverage of the share": float(np.mean([fit.between_low <= between <= fit.between_high for fit in fits])),
        "mean share told": float(np.mean([fit.between_share for fit in fits])),
        "refused": DRAWS - len(fits),
    }


FEW = (
    # what, students of a and of b, clusters of a and of b (0: none), SD of clusters, SD of log weights, difference
    ("clusters within groups", 40, 40, 2, 2, 0.3, 0.0, 0.0),
    ("clusters within groups", 60, 60, 3, 3, 0.3, 0.0, 0.0),
    ("clusters within groups", 100, 100, 5, 5, 0.3, 0.0, 0.5),
    ("clusters within groups", 200, 200, 10, 10, 0.3, 0.0, 0.5),
    ("clusters within groups, warning", 40, 200, 2, 10, 0.3, 0.0, 0.0),
    ("sampling weights", 60, 60, 0, 0, 0.0, 0.5, 0.7),
    ("sampling weights", 60, 60, 0, 0, 0.0, 1.0, 0.7),
    ("sampling weights", 60, 60, 0, 0, 0.0, 1.5, 0.7),
    ("small groups far apart", 10, 10, 0, 0, 0.0, 0.0, 1.5),
    ("small groups far apart", 10, 10, 0, 0, 0.0, 0.0, 2.0),
    ("small groups far apart", 20, 20, 0, 0, 0.0, 0.0, 2.0),
    ("small groups far apart", 30, 30, 0, 0, 0.0, 0.0, 2.0),
)
FEW_LOWEST, FEW_HIGHEST = 0.93, 0.995


def few_draws(k: int) -> dict[str, Any]:
    """Coverage of V and of the mean difference where little was drawn: few clusters, uneven weights, small groups."""
    what, n_a, n_b, clusters_a, clusters_b, sd, log_sd, difference = FEW[k]
    rng = np.random.default_rng([SEED, 200 + k])
    in_a = np.arange(n_a + n_b) < n_a
    cluster = np.where(
        in_a, np.arange(n_a + n_b) % max(clusters_a, 1), 1000 + np.arange(n_a + n_b) % max(clusters_b, 1)
    )
    truth = difference / np.sqrt(1 + sd**2)
    found: dict[str, list[Any]] = {"V": [], "mean difference": []}
    for _ in range(DRAWS):
        of_cluster = rng.normal(0, sd, 2000)[cluster]
        scores = difference * in_a + of_cluster + rng.normal(size=len(in_a))
        drawn = {
            "clusters": cluster if clusters_a else None,
            "weights": np.exp(log_sd * rng.normal(size=len(in_a))) if log_sd else None,
        }
        for name, measure in (("V", growth.v_statistic), ("mean difference", growth.equal_weight_gap)):
            with suppress(ModelError):  # counted below: groups that do not overlap have no V
                found[name].append(measure(scores, in_a, **drawn))
    v, means = (_held(found[name], truth) for name in ("V", "mean difference"))
    return {
        "what": what,
        "n": f"{n_a} and {n_b}",
        "clusters": f"{clusters_a} and {clusters_b}" if clusters_a else "–",
        "SD of log weights": log_sd,
        "true": truth,
        "mean V": v["mean estimate"],
        "coverage of V": v["coverage"],
        "V refused": v["refused"],
        "coverage of the mean difference": means["coverage"],
    }


def few_mixed(draw: int) -> dict[str, bool]:
    """Whether the parts of a gap hold with 10 students against 30 in four schools, none of them segregated."""
    rng = np.random.default_rng([SEED, 5000 + draw])
    in_a, school = np.concatenate([np.arange(10) < k for k in (4, 3, 2, 1)]), np.repeat(np.arange(4), 10)
    share = np.array([0.4, 0.3, 0.2, 0.1])
    found = growth.within_between(rng.normal(size=40) + 0.5 * in_a + 1.2 * share[school], in_a, school, seed=draw)
    segregation = share.var() / (0.25 * 0.75)
    spreads = [
        1 + 1.44 * np.average((share - np.average(share, weights=w)) ** 2, weights=w) for w in (share, 1 - share)
    ]
    truth = np.array([0.5 * (1 - segregation), 1.2 * segregation + 0.5]) / np.sqrt(np.mean(spreads))
    table = found.table.set_index("part").loc[["within", "total"]]
    held = (table.conf_low <= truth) & (truth <= table.conf_high)
    return {"within, 10 and 30 students": bool(held["within"]), "total, 10 and 30 students": bool(held["total"])}


def parts_and_slope(draw: int) -> dict[str, bool]:
    """Whether the intervals of one draw hold: of the parts within and between 12 schools, and of a change over years.

    Students are drawn in their schools: scores have a gap of 0.5 within schools and rise by 1 with the share of group
    a. The panel is of the same 300 students for four years, the gap falling by 0.05 SD a year from 0.8.
    """
    rng = np.random.default_rng([SEED, 1000 + draw])
    share, school = np.linspace(0.2, 0.8, 12), np.repeat(np.arange(12), 150)
    in_a = rng.random(len(school)) < share[school]
    found = growth.within_between(0.5 * in_a + share[school] + rng.normal(0, 1, len(school)), in_a, school, seed=draw)
    segregation = share.var() / 0.25
    spreads = [1 + np.average((share - np.average(share, weights=w)) ** 2, weights=w) for w in (share, 1 - share)]
    truth = np.array([0.5 * (1 - segregation), 0.5 * segregation, segregation]) / np.sqrt(np.mean(spreads))
    table = found.table.set_index("part").loc[["within", "ambiguous", "between"]]
    held = dict(zip(table.index, (table.conf_low <= truth) & (truth <= table.conf_high), strict=True))

    student, year = np.repeat(np.arange(300), 4), np.tile(np.arange(4), 300)
    lasting = rng.normal(0, np.sqrt(0.8), 300)[student]
    group = student % 2 == 0
    score = lasting + rng.normal(0, np.sqrt(0.2), 1200) + group * (0.8 - 0.05 * year)
    who = {"student_id": student, "year": year, "grade": 3 + student // 2 % 2, "in_a": group}
    slope = growth.gap_cells(pd.DataFrame({**who, "score": score}), ["year", "grade"]).slope("year", "grade")
    return {**held, "change a year": slope.conf_low <= -0.05 <= slope.conf_high}


def main() -> int:
    """Run the study and write its page."""
    with ProcessPoolExecutor(JOBS) as pool:
        gaps = pd.DataFrame([row for rows in pool.map(one_design, range(len(DESIGNS))) for row in rows])
        schools = pd.DataFrame(list(pool.map(school_means, range(len(HETOP)))))
        few = pd.DataFrame(list(pool.map(few_draws, range(len(FEW)))))
        dear = pd.DataFrame(list(pool.map(parts_and_slope, range(DEAR_DRAWS)))).mean()
        dear = pd.concat([dear, pd.DataFrame(list(pool.map(few_mixed, range(DEAR_DRAWS)))).mean()])
    verdicts = {
        f"{name}: coverage {part.coverage.min():.3f} to {part.coverage.max():.3f} over {len(part)} designs, within "
        f"{LOWEST} to {HIGHEST}": bool(part.coverage.between(LOWEST, HIGHEST).all())
        for name, part in gaps[gaps.measure != UNCORRECTED].groupby("measure", sort=False)
    }
    promised = schools.coverage[:-1]
    verdicts[
        f"school means from counts: coverage {promised.min():.3f} to {promised.max():.3f} over {len(promised)} designs"
        f", within {LOWEST} to {HIGHEST}"
    ] = bool(promised.between(LOWEST, HIGHEST).all())
    between = schools["coverage of the share"][:-1]
    verdicts[
        f"share of variance between schools from counts: coverage {between.min():.3f} to {between.max():.3f}, within "
        f"{LOWEST} to {HIGHEST}"
    ] = bool(between.between(LOWEST, HIGHEST).all())
    promised_few = few[~few.what.str.endswith("warning")]
    for name in ("coverage of V", "coverage of the mean difference"):
        verdicts[
            f"few clusters, uneven weights, small groups: {name} {promised_few[name].min():.3f} to "
            f"{promised_few[name].max():.3f}, within {FEW_LOWEST} to {FEW_HIGHEST}"
        ] = bool(promised_few[name].between(FEW_LOWEST, FEW_HIGHEST).all())
    verdicts[
        f"parts within and between schools, and change a year: coverage {dear.min():.3f} to {dear.max():.3f} over "
        f"{DEAR_DRAWS} draws, within {DEAR_LOWEST} to {DEAR_HIGHEST}"
    ] = bool(dear.between(DEAR_LOWEST, DEAR_HIGHEST).all())
    moved = {name: _moved(gaps, name) for name in (D, "V from scores", "V from counts")}
    told = ", ".join(f"{name} by {by:.3f}" for name, by in moved.items())
    verdicts[f"exchanging the sizes of two groups with SDs 1.3 and 0.8, and nothing else, moves {told}"] = (
        max(moved["V from scores"], moved["V from counts"]) < 0.02 < 0.1 < moved[D]
    )
    return write(
        "gaps", "Gaps between groups, and school means from counts", _parts(gaps, few, schools, dear), verdicts
    )


def _moved(gaps: pd.DataFrame, name: str) -> float:
    """How far a measure's mean moves between the two designs that differ in the groups' sizes alone."""
    both = gaps[gaps.measure == name].iloc[1:3]
    return float(abs(np.diff(both["mean estimate"])[0]))


def _parts(gaps: pd.DataFrame, few: pd.DataFrame, schools: pd.DataFrame, dear: pd.Series) -> list[str]:
    return [
        f"{DRAWS:,} draws of normal scores a design, seed {SEED}, fixed before the first run; coverage is that of 95 % "
        "intervals. `true` is what the measure estimates: for d the difference over the SD pooled by group size, for "
        f"all others over √((σa² + σb²) / 2). Counts are in four categories, cut at {', '.join(map(str, CUTS))}. "
        f"Errors of measurement have SD {ERROR_SD}; the row without correction shows what they do, and promises "
        "nothing. `SE told / spread` is the mean standard error over the standard deviation of the estimates.",
        markdown(gaps),
        f"Where little was drawn, {DRAWS:,} draws a row: few clusters with an SD of 0.3 beside 1 within; lognormal "
        "sampling weights; small groups far apart, where V is refused if they do not overlap at all and the others lie "
        "closer together than groups do on average. Intervals are by t with few degrees of freedom and may hold more "
        f"often than 95 %; they are asked to hold {FEW_LOWEST} to {FEW_HIGHEST}. Two clusters against ten, the row "
        "named a warning, promise nothing.",
        markdown(few),
        f"Means of {GROUPS} groups (schools) from counts in four categories, {DRAWS:,} draws of students, true means "
        "with SD 0.4. The last row is a warning and promises nothing: one SD for all where SDs do differ.",
        markdown(schools),
        "Parts of a gap within and between 12 schools of 150 students, students drawn in their schools; the change of "
        "a gap over four years of the same 300 students; and the parts with 10 students against 30 in four schools. "
        f"Coverage over {DEAR_DRAWS} draws.",
        markdown(dear.rename("coverage").rename_axis("what").reset_index()),
    ]


if __name__ == "__main__":
    sys.exit(main())
