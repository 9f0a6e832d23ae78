"""Degrees of freedom against lmerTest::contest1D, and where they are known exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import hlm


def test_contrasts_as_lmertest(with_r: None) -> None:
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(14), rng.integers(3, 12, 14))
    x = rng.normal(size=len(g))
    y = x + rng.normal(0, 1, 14)[g] + rng.normal(0, 0.6, 14)[g] * x + rng.normal(size=len(g))
    rows = pd.DataFrame({"g": g.astype(str), "x": x, "z": (g % 2).astype(float), "y": y})
    weights = np.array([[1.0, 0, 1], [0, 1, -1], [1, 2, 0.5]])
    found = [
        hlm.fit("y ~ x + z + (x | g)", rows, engine=engine).contrasts(weights, ["a", "b", "c"])  # type: ignore[arg-type]
        for engine in ("native", "lme4")
    ]
    np.testing.assert_allclose(found[0]["df"], found[1]["df"], rtol=0.01)
    np.testing.assert_allclose(found[0]["statistic"], found[1]["statistic"], rtol=1e-3)


def test_a_balanced_comparison_of_groups_has_groups_less_two() -> None:
    """With equal groups the test of a group-level factor is the two-sample t test of the group means."""
    rng = np.random.default_rng(8)
    g = np.repeat(np.arange(10), 5)
    rows = pd.DataFrame({"g": g, "z": g % 2, "y": rng.normal(0, 2, 10)[g] + rng.normal(size=50)})
    row = hlm.fit("y ~ z + (1 | g)", rows).fixed.iloc[1]
    means = rows.groupby("g")["y"].mean().to_numpy()
    pooled = np.sqrt((means[::2].var(ddof=1) + means[1::2].var(ddof=1)) / 2 * 2 / 5)
    assert row["df"] == pytest.approx(8, rel=1e-3)
    assert row["statistic"] == pytest.approx((means[1::2].mean() - means[::2].mean()) / pooled, rel=1e-5)
