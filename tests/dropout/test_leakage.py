"""Columns that give the outcome away, and honest ones that do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.dropout.leakage import leakage_flags, single_column_auc

N = 1000


@pytest.fixture(scope="module")
def made() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(1)
    left = rng.random(N) < 0.3
    noise = rng.normal(size=N)
    half = left & (rng.random(N) < 0.5)
    frame = pd.DataFrame(
        {
            "student": [f"{i:05d}" for i in range(N)],
            "honest": left * 1.0 + noise,  # AUC of two normals one SD apart: 0.76
            "strong": left * 1.8 + noise,  # 1.8 SD apart: 0.90
            "final_score": -4.0 * left + noise,
            "exit_date": np.where(half, "2024-05-01", None),
            "exit_code": np.where(left, rng.choice(["W1", "W2"], N), rng.choice(["N1", "N2"], N)),
            "coded": np.where(left, 5, rng.choice([1, 9], N)),
            "noise": rng.choice(list("abcdefgh"), N),
            "gaps": pd.Series(noise).mask(rng.random(N) < 0.3),
            "empty": np.nan,
            "outcome": left,
        }
    )
    return frame, left


def test_what_gives_the_outcome_away_is_flagged_and_the_rest_is_not(made: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, left = made
    flags = leakage_flags(frame, left, "student", "outcome")
    levels = {flag.column: flag.level for flag in flags}
    assert levels == {
        "coded": "gives it away",
        "exit_code": "gives it away",
        "final_score": "gives it away",
        "exit_date": "gives it away",
        "strong": "check",
    }
    assert [flag.column for flag in flags][-1] == "strong"


def test_the_reason_is_told(made: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, left = made
    why = {flag.column: flag.why for flag in leakage_flags(frame, left, outcome_column="outcome")}
    filled = int(frame.exit_date.notna().sum())
    assert why["exit_date"].startswith(f"filled in in {filled} rows, of which 100.0% have the outcome")
    assert "its name sounds like something known only afterwards" in why["final_score"]
    assert why["coded"] == "near-perfect alone (AUC 1.00)"
    assert "check that it was known beforehand" in why["strong"]


def test_columns_left_out_are_not_looked_at(made: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, left = made
    flags = leakage_flags(
        frame, left, outcome_column="outcome", leave_out=["coded", "exit_code", "exit_date", "strong"]
    )
    assert [flag.column for flag in flags] == ["final_score"]


@pytest.mark.parametrize(
    ("values", "auc"),
    [
        ([1, 2, 3, 4], 1.0),
        ([4, 3, 2, 1], 1.0),  # the better direction
        ([1, 3, 2, 4], 0.75),  # three of four pairs in order
        ([1, 1, 1, 1], 0.5),
        ([np.nan, np.nan, 1, 1], 1.0),  # being empty is information
    ],
)
def test_auc_of_one_column_counted_in_pairs(values: list[float], auc: float) -> None:
    outcome = np.array([False, False, True, True])
    assert single_column_auc(pd.Series(values, dtype=float), outcome) == pytest.approx(auc, abs=1e-12)


def test_an_identifier_separates_nothing(made: tuple[pd.DataFrame, np.ndarray]) -> None:
    frame, left = made
    assert single_column_auc(frame.student, left) < 0.6


def test_dates_are_ordered(made: tuple[pd.DataFrame, np.ndarray]) -> None:
    _, left = made
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(left * 100 + np.arange(N) % 90, unit="D")
    assert single_column_auc(pd.Series(day), left) == 1
