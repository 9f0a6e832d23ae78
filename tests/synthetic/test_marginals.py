"""Synthetic data beside public figures: a short form of the study `synthetic_marginals`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.store import Data


@pytest.fixture(scope="module")
def marginals(study: Any) -> Any:
    return study("_marginals")


@pytest.fixture(scope="module")
def found(marginals: Any, k12: Data) -> dict[str, float]:
    measured: dict[str, float] = marginals.measure(marginals.Folder(k12.path))
    return measured


@pytest.mark.parametrize(
    ("measure", "low", "high"),
    [
        ("ACGR", 0.83, 0.90),  # NCES 2021-22: 87 %
        ("ACGR, white", 0.86, 0.94),  # 90 %
        ("ACGR, black", 0.76, 0.86),  # 81 %
        ("ACGR, hispanic", 0.78, 0.88),  # 83 %
        ("chronic absence", 0.23, 0.31),  # EDFacts 2022-23: 27.8 %
        ("suspended out of school", 0.03, 0.07),  # CRDC 2017-18: 5.0 %
        ("mean GPA of graduates", 3.01, 3.21),  # NAEP HSTS 2019: 3.11
        ("share, white", 0.40, 0.49),  # NCES fall 2020: 46 %
        ("share, hispanic", 0.25, 0.33),  # 28 %
        ("share, black", 0.12, 0.18),  # 15 %
        ("disability", 0.13, 0.17),  # NCES 2022-23: 15 %
        ("gap, white − black", 0.65, 1.00),  # NAEP 2022, grade 8 math: 32 points of about 39
        ("gap, white − hispanic", 0.45, 0.85),  # 24 points
    ],
)
def test_marginals_lie_near_the_public_figures(found: dict[str, float], measure: str, low: float, high: float) -> None:
    assert low <= found[measure] <= high


def test_schools_hold_a_sixth_to_a_fifth_of_the_variance_of_scores(marginals: Any, k12: Data) -> None:
    """One district has few schools, so single grades scatter; their mean is the figure."""
    folder = marginals.Folder(k12.path)
    rows = [marginals.scores(folder, f"growth_{s}", g) for g in (1, 3, 5, 7, 8, 9, 10) for s in ("math", "reading")]
    assert 0.14 <= np.mean([marginals.icc(r, "anova") for r in rows]) <= 0.22


def test_the_moment_estimate_of_the_icc_is_that_of_lme4(marginals: Any, k12: Data) -> None:
    from workbench import doctor

    if not (reference := doctor.r_reference()).ok:
        pytest.skip(reference.found)
    rows = marginals.scores(marginals.Folder(k12.path), "growth_math", 3)
    assert marginals.icc(rows, "lme4") == pytest.approx(marginals.icc(rows, "anova"), abs=0.03)


def test_flags_find_many_of_those_who_do_not_graduate_and_not_most(marginals: Any, k12: Data) -> None:
    """Balfanz, Herzog & Mac Iver (2007) found 60 % by sixth-grade flags in a city where far fewer graduate."""
    rule = marginals.rule_at(marginals.Folder(k12.path), 6)
    assert 0.30 < rule["sensitivity"] < 0.65
    assert rule["precision"] > 1.4 * rule["not graduated on time"]
    assert rule["false alarms"] < 0.30
