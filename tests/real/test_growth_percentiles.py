"""Growth percentiles of a state's fabricated records, beside R's quantreg on R's own splines with the same knots."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.growth import GrowthPercentiles, percentiles

SCRIPT = Path(__file__).resolve().parents[2] / "prove" / "growth_percentiles.R"
NAMES = {
    "student": "ID",
    "year": "year",
    "grade": "GRADE",
    "subject": "CONTENT_AREA",
    "score": "SCALE_SCORE",
}


@pytest.fixture(scope="module")
def scores(real_data: Path) -> pd.DataFrame:
    """Reading scores of all years; the school year 2024_2025 becomes 2025."""
    file = real_data / "sgpdata" / "sgpData_LONG.csv.gz"
    if not file.is_file():
        pytest.skip(f"there is no {file}")
    table = pd.read_csv(file, usecols=["ID", "YEAR", "GRADE", "CONTENT_AREA", "SCALE_SCORE"], dtype={"ID": str})
    return table[table.CONTENT_AREA == "READING"].assign(year=table.YEAR.str[-4:].astype(int))


@pytest.fixture(scope="module")
def one_prior(scores: pd.DataFrame) -> GrowthPercentiles:
    return percentiles(scores, years=[2025], most_priors=1, **NAMES)


@pytest.fixture(scope="module")
def all_priors(scores: pd.DataFrame) -> GrowthPercentiles:
    return percentiles(scores[scores.GRADE <= 5], years=[2025], **NAMES)


def by_r(found: GrowthPercentiles, folder: Path) -> list[np.ndarray]:
    """Percentiles of everybody behind each norm, by R."""
    if not shutil.which("Rscript") or subprocess.run(["Rscript", "-e", "library(quantreg)"]).returncode:
        pytest.skip("there is no R with the package quantreg")
    for place, (norm, made_from) in enumerate((c.norm, c.made_from) for c in found.cohorts):
        columns = np.column_stack([found.panel.current[made_from], found.panel.priors[made_from, : norm.n_priors]])
        np.savetxt(folder / f"scores-{place:03}.csv", columns, fmt="%.10g", delimiter=",")
        splines = [[s.boundary[0], *s.knots, s.boundary[1]] for s in norm.splines]
        np.savetxt(folder / f"splines-{place:03}.csv", splines, fmt="%.10g", delimiter=",")
    subprocess.run(["Rscript", str(SCRIPT), str(folder), "br"], check=True, capture_output=True)
    return [np.loadtxt(file, int) for file in sorted(folder.glob("percentiles-*.csv"))]


def agreement(found: GrowthPercentiles, folder: Path) -> pd.DataFrame:
    """Share of students with the very same percentile, and within 1, by grade and number of priors."""
    rows = []
    for cohort, theirs in zip(found.cohorts, by_r(found, folder), strict=True):
        at = cohort.made_from
        apart = np.abs(cohort.norm.percentiles(found.panel.current[at], found.panel.priors[at]) - theirs)
        rows.append((cohort.norm.grade, cohort.norm.n_priors, (apart == 0).mean(), (apart <= 1).mean()))
    return pd.DataFrame(rows, columns=["grade", "n_priors", "same", "within_1"])


def test_all_grades_with_one_prior_are_those_of_r(one_prior: GrowthPercentiles, tmp_path: Path) -> None:
    found = agreement(one_prior, tmp_path)
    assert found.grade.tolist() == [4, 5, 6, 7, 8, 9, 10]
    assert found.same.min() >= 0.95
    assert found.within_1.min() >= 0.995


def test_several_priors_are_those_of_r(all_priors: GrowthPercentiles, tmp_path: Path) -> None:
    found = agreement(all_priors, tmp_path)
    assert found[["grade", "n_priors"]].to_numpy().tolist() == [[4, 1], [5, 1], [5, 2]]
    assert found.same.min() >= 0.95
    assert found.within_1.min() >= 0.995


def test_every_fit_is_certified(one_prior: GrowthPercentiles) -> None:
    assert max(norm.gap for norm in one_prior.norms) < 1e-11


def test_percentiles_are_spread_evenly_whatever_the_prior(one_prior: GrowthPercentiles) -> None:
    """Betebenner (2009): about 10 % of every tenth of prior scores are in every tenth of percentiles."""
    shares = one_prior.goodness_of_fit.filter(like="percentile_").to_numpy()
    assert np.abs(shares.mean(axis=0) - 10).max() < 0.6
    assert np.abs(shares - 10).max() < 7  # five standard errors of a tenth of some 400 students
