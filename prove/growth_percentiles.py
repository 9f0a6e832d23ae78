"""Growth percentiles beside R's quantreg on real records, and beside true scores on synthetic ones."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _study import each, made, markdown, write

from workbench.growth import GrowthPercentiles, corrected_percentiles, percentile_sampling_error, percentiles
from workbench.growth.sgp.norms import rank

SEEDS = range(1, 21)
COHORTS, STUDENTS = 60, 400
YEAR = 2025
NAMES = {"student": "ID", "year": "year", "grade": "GRADE", "subject": "CONTENT_AREA", "score": "SCALE_SCORE"}
SCRIPT = Path(__file__).with_suffix(".R")


def records() -> pd.DataFrame:
    """The 368,301 records; the school year 2024_2025 becomes 2025."""
    home = os.environ.get("WORKBENCH_REAL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    file = Path(home) / "sgpdata" / "sgpData_LONG.csv.gz"
    columns = ["ID", "YEAR", "GRADE", "CONTENT_AREA", "SCALE_SCORE"]
    table = pd.read_csv(file, usecols=columns, dtype={"ID": str})
    return table.assign(year=table.YEAR.str[-4:].astype(int))


def beside_r(found: GrowthPercentiles) -> pd.DataFrame:
    """Every norm fitted again by R (quantreg's method "br", splines::bs): one row a norm."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for place, cohort in enumerate(found.cohorts):
            columns = found.panel.priors[cohort.made_from, : cohort.norm.n_priors]
            scores = np.column_stack([found.panel.current[cohort.made_from], columns])
            np.savetxt(Path(folder, f"scores-{place:03}.csv"), scores, fmt="%.10g", delimiter=",")
            splines = [[s.boundary[0], *s.knots, s.boundary[1]] for s in cohort.norm.splines]
            np.savetxt(Path(folder, f"splines-{place:03}.csv"), splines, fmt="%.10g", delimiter=",")
        subprocess.run(["Rscript", str(SCRIPT), folder, "br"], check=True, stdout=subprocess.DEVNULL)
        for cohort, file in zip(found.cohorts, sorted(Path(folder).glob("percentiles-*.csv")), strict=True):
            norm, at, theirs = cohort.norm, cohort.made_from, np.loadtxt(file, int)
            own = norm.percentiles(found.panel.current[at], found.panel.priors[at])
            apart = np.abs(own - theirs)
            rows.append(
                {
                    "subject": norm.subject.lower(),
                    "grade": norm.grade,
                    "priors": norm.n_priors,
                    "students": norm.n,
                    "identical, %": 100 * float((apart == 0).mean()),
                    "within 1, %": 100 * float((apart <= 1).mean()),
                    "sum": int(own.sum()),
                    "sum by R": int(theirs.sum()),
                    "largest duality gap": f"{norm.gap:.0e}",
                }
            )
    return pd.DataFrame(rows)


def one(seed: int, **shape: Any) -> dict[str, Any]:
    """One synthetic district of 8,000 students: bias with true prior achievement, schools, and limits."""
    with made(**{"preset": "small_district", "seed": seed, **shape}) as folder:
        tests = pd.read_parquet(folder / "assessments").query("scale_id == 'growth_math'")
        key = pd.read_parquet(folder / "answer_key" / "scores.parquet")
    found = percentiles(tests, standard_error="standard_error", years=[YEAR], most_priors=1)
    true_scores = tests.merge(key, on=["student_id", "scale_id", "test_date"])
    truth = percentiles(true_scores, score="true_score", years=[YEAR], most_priors=1).table
    table = found.table.assign(corrected=corrected_percentiles(found, draws=5, seed=seed))
    now = true_scores[true_scores.school_year == YEAR].set_index("student_id")
    before = true_scores[true_scores.school_year == YEAR - 1].set_index("student_id")
    table = table.join(now[["true_score", "value_added", "school_id"]], on="student_id")
    table = table.join(before[["true_score", "value_added"]].add_prefix("prior_"), on="student_id")
    table["true"] = table.student_id.map(truth.set_index("student_id").percentile)
    intake = table.groupby("grade_level").prior_true_score.transform(lambda s: (s - s.mean()) / s.std())
    table = table.assign(intake=intake, added=table.value_added - table.prior_value_added)
    schools = table.groupby("school_id").agg(
        n=("percentile", "size"), seen=("percentile", "mean"), corrected=("corrected", "mean"),
        added=("added", "mean"), intake=("intake", "mean"),
    )  # fmt: skip
    held = [cohort_coverage(found, cohort, table.true_score) for cohort in found.cohorts]
    return {
        "seed": seed,
        "students": len(table),
        "slope": slope(table.percentile, intake),
        "slope, corrected": slope(table.corrected, intake),
        "slope, true": slope(table.true, intake),
        "RMSE": rmse(table.percentile, table.true),
        "RMSE, corrected": rmse(table.corrected, table.true),
        "schools: r": schools.seen.corr(schools.added),
        "schools: r, corrected": schools.corrected.corr(schools.added),
        "schools: r with intake": schools.seen.corr(schools.intake),
        "schools: r with intake, corrected": schools.corrected.corr(schools.intake),
        "coverage": float(np.concatenate(held).mean()),
    }


def cohort_coverage(found: GrowthPercentiles, cohort: Any, true_score: pd.Series) -> Any:
    """Whether 95 % limits hold the percentile of the score without its error, at the same priors and norm."""
    at = cohort.used_for
    limits = found.table.loc[at]
    free_of_error = rank(true_score.loc[at].to_numpy(), cohort.norm.quantiles(found.panel.priors[at]))
    return (limits.percentile_low <= free_of_error) & (free_of_error <= limits.percentile_high)


def slope(percentile: pd.Series, intake: pd.Series) -> float:
    """Points of percentile a standard deviation of true prior achievement."""
    return float(np.polyfit(intake, percentile, 1)[0])


def rmse(seen: pd.Series, true: pd.Series) -> float:
    """Root mean squared difference."""
    return float(np.sqrt(((seen - true) ** 2).mean()))


def resampled(seed: int) -> dict[str, Any]:
    """Five students placed by the norm of a new cohort, and the bootstrap's standard error of their percentiles."""
    rng = np.random.default_rng(seed)
    prior = rng.normal(200, 15, STUDENTS)
    score = 40 + 0.85 * prior + rng.normal(0, 8, STUDENTS)
    prior[:5], score[:5] = [180, 190, 200, 210, 220], [190, 205, 208, 222, 225]
    names = [f"{k}" for k in range(STUDENTS)]
    now = pd.DataFrame({"student_id": names, "school_year": 2025, "grade_level": 5, "scale_score": score})
    before = now.assign(school_year=2024, grade_level=4, scale_score=prior)
    found = percentiles(pd.concat([before, now]).assign(subject="math"), years=[2025])
    error = percentile_sampling_error(found, draws=25, seed=seed)
    first = found.table.student_id.isin(names[:5])
    return {f"{what} {k}": v for what, values in (("p", found.table.percentile[first]), ("se", error[first]))
            for k, v in enumerate(values)}  # fmt: skip


def main(seeds: Iterable[int] = SEEDS) -> int:
    """Run the study and write its page."""
    scores = records()
    one_prior = beside_r(percentiles(scores, years=[YEAR], most_priors=1, **NAMES))
    full = percentiles(scores, years=[YEAR], **NAMES)
    several = beside_r(full)
    every = pd.concat([one_prior, several])
    worst, near = every["identical, %"].min(), every["within 1, %"].min()
    reading = full.table[full.table.CONTENT_AREA == "READING"]
    levels = reading.level.value_counts()[["very low", "low", "typical", "high", "very high"]]
    rows, drawn = each(one, seeds), each(resampled, range(COHORTS))
    mean = rows.mean(numeric_only=True)
    spread = drawn.filter(like="p ").std().mean()
    told = drawn.filter(like="se ").mean().mean()
    only_one = one_prior[one_prior.subject == "reading"]
    return write(
        "growth_percentiles",
        "Growth percentiles",
        [
            "## Beside R\n\n"
            f"`sgpData_LONG` of the SGPdata package: {len(scores):,} records. Every norm of {YEAR} is fitted by R 4.2, "
            "`quantreg::rq.fit` with method `br` on `splines::bs` with the same knots and boundaries, fitted quantiles "
            "rounded to five digits as the SGP package does; and everybody behind the norm is placed.",
            markdown(one_prior, 2),
            "The norms with one to four priors:",
            markdown(several, 2),
            f"Reading, {YEAR}, one prior: N {only_one.students.sum():,}, sum {only_one['sum'].sum():,} (R: "
            f"{only_one['sum by R'].sum():,}). Most priors: N {len(reading):,}, sum {reading.percentile.sum():,}, mean "
            f"{reading.percentile.mean():.3f}, levels {' / '.join(f'{n:,}' for n in levels)}. The sums that the SGP "
            "package's own test prints (N 34,225, sums 1,708,589 and 1,707,319) are those of its other table, the wide "
            f"`sgpData` with grades 3 to 8, and cannot come from this one: it holds {reading_above_three(scores):,} "
            f"reading scores above grade 3 in {YEAR}.",
            f"## Beside true scores\n\nPreset `small_district` (8,000 students), seeds {rows.seed.min()} to "
            f"{rows.seed.max()}, math, {YEAR}, one prior, norms of the cohort. `slope`: points of percentile a "
            "standard deviation of *true* prior achievement; growth compared with students alike should have none. "
            "`RMSE`: from the percentiles that scores without error would have. `schools: r`: correlation of schools' "
            "mean percentile with what they and their teachers truly added. `coverage`: of the 95 % limits, for the "
            "percentile of the current score without its error, at the same priors and norm.",
            markdown(
                rows.drop(columns="seed").agg(["mean", "std", "min", "max"]).T.rename_axis("over seeds").reset_index()
            ),
            "Every seed:",
            markdown(rows, 2),
            f"## Chance in the norm\n\n{COHORTS} cohorts of {STUDENTS} students from one population, in which five "
            "students are the same: the standard deviation of their percentiles over cohorts, and the mean of the "
            "bootstrap's standard error.",
            markdown(
                pd.DataFrame(
                    {
                        "student": range(1, 6),
                        "mean percentile": drawn.filter(like="p ").mean().to_numpy(),
                        "SD over cohorts": drawn.filter(like="p ").std().to_numpy(),
                        "bootstrap SE": drawn.filter(like="se ").mean().to_numpy(),
                    }
                )
            ),
        ],
        {
            f"beside R, at least 95 % are identical in every grade: {worst:.2f} % in the worst": bool(worst >= 95),
            f"and at least 99.5 % within 1: {near:.2f} % in the worst": bool(near >= 99.5),
            f"uncorrected, percentiles lean on true prior achievement by {mean.slope:.2f} points a standard deviation; "
            f"corrected by {mean['slope, corrected']:.2f}, at most a quarter": bool(
                abs(mean["slope, corrected"]) <= mean.slope / 4
            ),
            f"the 95 % limits hold {100 * mean.coverage:.1f} %, within 93 to 97": bool(0.93 <= mean.coverage <= 0.97),
            f"the bootstrap's standard error is {told:.2f}, the standard deviation over cohorts {spread:.2f}: within "
            "20 %": bool(abs(told / spread - 1) < 0.2),
        },
    )


def reading_above_three(scores: pd.DataFrame) -> int:
    """How many reading scores there are above grade 3 in the last year."""
    last = scores[(scores.CONTENT_AREA == "READING") & (scores.year == YEAR) & (scores.GRADE > 3)]
    return int(last.SCALE_SCORE.notna().sum())


if __name__ == "__main__":
    sys.exit(main())
