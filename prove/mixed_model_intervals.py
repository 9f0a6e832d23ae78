"""Whether intervals of mixed models cover the truth, and tests of variances reject as often as they say."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from _study import each, markdown, write

from workbench import hlm
from workbench.hlm.resampling import refitted
from workbench.hlm.result import MixedModel

PORTIONS = range(1, 21)  # seeds; each makes 100 draws of the quick studies and 20 of the dear ones
QUICK, DEAR, RESAMPLES = 100, 20, 299
FEW, MANY, STUDENTS = 12, 40, 15
FIXED = np.array([50.0, 3.0, 4.0])  # intercept, a student's ses, the school's sector
SCHOOL, SLOPE, RESIDUAL = 4.0, 1.5, 8.0  # standard deviations
MODEL = "score ~ ses + sector + (1 | school)"
SLOPES = "score ~ ses + sector + (ses | school)"
APART = "score ~ ses + sector + (1 | school) + (0 + ses | school)"


def rows(seed: int, schools: int) -> pd.DataFrame:
    """Students of some schools: unequal numbers, `ses` between and within schools, every other school `sector` 1."""
    rng = np.random.default_rng(seed)
    size = rng.integers(STUDENTS // 2, STUDENTS * 3 // 2 + 1, schools)
    school = np.repeat(np.arange(schools), size)
    ses = rng.normal(0, 0.4, schools)[school] + rng.normal(size=len(school))
    return pd.DataFrame({"school": school, "ses": ses, "sector": (np.arange(schools) % 2)[school]})


def outcomes(data: pd.DataFrame, slope: float, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Scores from the true model (n × draws): random intercepts, and slopes of ses with this standard deviation."""
    school, schools = data["school"].to_numpy(), data["school"].nunique()
    mean = np.column_stack([np.ones(len(data)), data["ses"], data["sector"]]) @ FIXED
    intercepts = rng.normal(0, SCHOOL, (schools, draws))[school]
    slopes = rng.normal(0, 1, (schools, draws))[school] * slope
    noise = rng.normal(0, RESIDUAL, (len(data), draws))
    return np.asarray(mean[:, None] + intercepts + slopes * data[["ses"]].to_numpy() + noise)


def fits(formula: str, data: pd.DataFrame, Y: np.ndarray) -> Iterable[MixedModel]:
    """The model fitted by REML to each outcome."""
    first = hlm.fit(formula, data.assign(score=Y[:, 0]), engine="native")
    for found in refitted(first, Y):
        assert found is not None
        assert found.converged
        yield found


def inside(low: Any, high: Any, truth: Any) -> np.ndarray:
    """Which intervals hold the truth."""
    return (np.asarray(low) <= truth) & (truth <= np.asarray(high))


def satterthwaite(seed: int, formula: str, slope: float) -> dict[str, float]:
    """How many of the t intervals of the fixed effects cover, with few schools."""
    rng = np.random.default_rng([seed, 1])
    data = rows(seed, FEW)
    tables = [fit.fixed for fit in fits(formula, data, outcomes(data, slope, QUICK, rng))]
    held = np.array([inside(table["conf_low"], table["conf_high"], FIXED) for table in tables])
    df = np.mean([table["df"] for table in tables], axis=0)
    names = ("intercept", "ses", "sector")
    return dict(zip(names, held.mean(axis=0), strict=True)) | {
        f"df {name}": d for name, d in zip(names, df, strict=True)
    }


def dear(seed: int) -> dict[str, float]:
    """How many of the profile and bootstrap intervals cover, with many schools."""
    rng = np.random.default_rng([seed, 2])
    data, truth = rows(seed, MANY), np.array([*FIXED, SCHOOL, RESIDUAL])
    held: dict[str, list[np.ndarray]] = {"profile": [], "percentile": [], "basic": []}
    for k, fit in enumerate(fits(MODEL, data, outcomes(data, 0.0, DEAR, rng))):
        table = hlm.profile(fit).table
        held["profile"].append(inside(table["conf_low"], table["conf_high"], truth))
        drawn = hlm.bootstrap(fit, RESAMPLES, seed=1000 * seed + k)
        for kind in ("percentile", "basic"):
            table = drawn.intervals(kind).iloc[: len(truth)]
            held[kind].append(inside(table["conf_low"], table["conf_high"], truth))
    names = ("intercept", "ses", "sector", "school sd", "residual sd")
    return {
        f"{kind}: {name}": share
        for kind, found in held.items()
        for name, share in zip(names, np.mean(found, axis=0), strict=True)
    }


def sizes(seed: int) -> dict[str, float]:
    """How often a slope that does not vary is said to vary, at 5 %, and how often a null coefficient is found."""
    rng = np.random.default_rng([seed, 3])
    data = rows(seed, MANY)
    Y = outcomes(data, 0.0, QUICK, rng)
    data["noise"] = rng.normal(size=len(data))
    pairs = {
        "uncorrelated variance": (MODEL, APART),
        "variance and covariance": (MODEL, SLOPES),
        "fixed effect": (MODEL, MODEL + " + noise"),
    }
    found = {}
    for name, (small, large) in pairs.items():
        tests = [hlm.compare(*both).p_value for both in zip(fits(small, data, Y), fits(large, data, Y), strict=True)]
        found[name] = float(np.mean(np.array(tests) < 0.05))
    return found


def one(seed: int) -> dict[str, Any]:
    """All shares of one seed."""
    return {
        **{f"few, intercepts: {k}": v for k, v in satterthwaite(seed, MODEL, 0.0).items()},
        **{f"few, slopes: {k}": v for k, v in satterthwaite(seed, SLOPES, SLOPE).items()},
        **dear(seed),
        **{f"size: {k}": v for k, v in sizes(seed).items()},
    }


def main(seeds: Iterable[int] = PORTIONS) -> int:
    """Run the study and write its page."""
    table = each(one, seeds)
    mean = table.drop(columns=[c for c in table if ": df " in c]).mean()
    quick, costly = QUICK * len(table), DEAR * len(table)
    few, size = mean[mean.index.str.startswith("few")], mean[mean.index.str.startswith("size")]
    many = mean.drop([*few.index, *size.index])
    degrees = table[[c for c in table if ": df " in c]].mean()
    parts = [
        f"Schools of {STUDENTS // 2} to {STUDENTS * 3 // 2} students; coefficients {FIXED[0]:g}, {FIXED[1]:g} for a "
        f"student's ses and {FIXED[2]:g} for the school's sector; standard deviations {SCHOOL:g} between schools, "
        f"{RESIDUAL:g} within, and {SLOPE:g} of the slope of ses where it varies. {len(table)} sets of schools and "
        f"students, seeds {min(seeds)} to {max(seeds)}, many outcomes each.",
        f"**Coverage of 95 % t intervals with Satterthwaite's degrees of freedom**, {FEW} schools, {quick:,} draws "
        "(standard error of a share 0.5 %), with the mean degrees of freedom:",
        markdown(pd.DataFrame({"model and effect": few.index, "coverage": few.values, "mean df": degrees.values})),
        f"**Coverage of 95 % profile and bootstrap intervals** ({RESAMPLES} resamples), {MANY} schools, "
        f"{costly:,} draws (standard error 1.1 %). Profile intervals belong to the ML fit, the bootstrap to REML:",
        markdown(pd.DataFrame({"interval": many.index, "coverage": many.values})),
        f"**Rejections at 5 % where there is nothing to find**, {MANY} schools, {quick:,} draws. A slope that varies, "
        "against ½χ²(0) + ½χ²(1) alone and ½χ²(1) + ½χ²(2) with its covariance; a coefficient of zero against χ²(1):",
        markdown(pd.DataFrame({"test": size.index, "share rejected": size.values}), 4),
    ]
    verdicts = {
        f"t intervals cover {few.min():.3f} to {few.max():.3f}, within 0.93 to 0.97": few.between(0.93, 0.97),
        f"profile and bootstrap intervals cover {many.min():.3f} to {many.max():.3f}, within 0.92 to 0.98": (
            many.between(0.92, 0.98)
        ),
        f"tests reject {size.min():.3f} to {size.max():.3f} at 0.05, within 0.03 to 0.07": size.between(0.03, 0.07),
    }
    held = {criterion: bool(shares.all()) for criterion, shares in verdicts.items()}
    return write("mixed_model_intervals", "Intervals and tests of mixed models", parts, held)


if __name__ == "__main__":
    sys.exit(main())
