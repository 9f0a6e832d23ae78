"""Random designs, as in the long study (prove/mixed_model_designs.py), judged by lme4 in a process of its own."""

from __future__ import annotations

from types import ModuleType

import pandas as pd
import pytest

SEEDS = range(0, 200, 5)


@pytest.fixture(scope="module")
def found(designs: ModuleType) -> pd.DataFrame:
    return designs.judged([designs.drawn(seed) for seed in SEEDS])


def test_what_lme4_refuses_is_refused(found: pd.DataFrame) -> None:
    assert found["lme4_refuses"].sum() >= 4
    assert (found["native_refuses"] == found["lme4_refuses"]).all()


def test_the_criterion_is_not_above_the_better_of_two_optimisers(found: pd.DataFrame) -> None:
    assert found["excess"].max() < 1e-4


def test_lme4_has_the_same_criterion_at_the_same_variances(found: pd.DataFrame) -> None:
    assert found["at_native"].abs().max() < 1e-6


def test_where_lme4_rounds_the_criterion_is_the_one_of_exact_arithmetic(designs: ModuleType) -> None:
    """x lies around 2020 with a standard deviation of 1, and so does its square: a badly conditioned design."""
    row = designs.judged([designs.drawn(76)]).iloc[0]
    assert abs(row["at_native"]) > 0.01
    assert abs(row["exact"]) < 1e-6


def test_regular_fits_agree_in_all_that_is_reported(found: pd.DataFrame) -> None:
    regular = found[found["regular"] == True]  # noqa: E712
    assert len(regular) >= 5
    assert regular["estimates"].max() < 1e-4
    assert regular["errors"].max() < 1e-4
    assert regular["variances"].max() < 1e-2
    assert regular["df"].max() < 0.01
