"""Growth percentiles of a state's fabricated records, beside R's quantreg on R's own splines with the same knots."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.growth import GrowthPercentiles, percentiles

PROVE = Path(__file__).resolve().parents[2] / "prove"
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


@pytest.fixture(scope="module")
def beside_r() -> Callable[[GrowthPercentiles], pd.DataFrame]:
    """The comparison that the long study makes too."""
    if not shutil.which("Rscript") or subprocess.run(["Rscript", "-e", "library(quantreg)"]).returncode:
        pytest.skip("there is no R with the package quantreg")
    sys.path.insert(0, str(PROVE))
    try:
        return importlib.import_module("growth_percentiles").beside_r
    finally:
        sys.path.remove(str(PROVE))


def test_all_grades_with_one_prior_are_those_of_r(
    one_prior: GrowthPercentiles, beside_r: Callable[[GrowthPercentiles], pd.DataFrame]
) -> None:
    found = beside_r(one_prior)
    assert found.grade.tolist() == [4, 5, 6, 7, 8, 9, 10]
    assert found["identical, %"].min() >= 95
    assert found["within 1, %"].min() >= 99.5


def test_several_priors_are_those_of_r(
    all_priors: GrowthPercentiles, beside_r: Callable[[GrowthPercentiles], pd.DataFrame]
) -> None:
    found = beside_r(all_priors)
    assert found[["grade", "priors"]].to_numpy().tolist() == [[4, 1], [5, 1], [5, 2]]
    assert found["identical, %"].min() >= 95
    assert found["within 1, %"].min() >= 99.5


def test_every_fit_is_certified(one_prior: GrowthPercentiles) -> None:
    assert max(norm.gap for norm in one_prior.norms) < 1e-11


def test_percentiles_are_spread_evenly_whatever_the_prior(one_prior: GrowthPercentiles) -> None:
    """Betebenner (2009): about 10 % of every tenth of prior scores are in every tenth of percentiles."""
    shares = one_prior.goodness_of_fit.filter(like="percentile_").to_numpy()
    assert np.abs(shares.mean(axis=0) - 10).max() < 0.6
    assert np.abs(shares - 10).max() < 7  # five standard errors of a tenth of some 400 students
