"""Conditional modes and their standard errors against lme4::ranef."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench import hlm


@pytest.fixture(scope="module")
def crossed() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    a, b = rng.integers(0, 15, 300), rng.integers(0, 8, 300)
    x = rng.normal(size=300)
    y = 1 + x + rng.normal(0, 1, 15)[a] + rng.normal(0, 0.7, 15)[a] * x + rng.normal(0, 1, 8)[b] + rng.normal(size=300)
    return pd.DataFrame({"a": a.astype(str), "b": b.astype(str), "x": x, "y": y})


@pytest.mark.parametrize("formula", ["y ~ x + (x | a) + (1 | b)", "y ~ x + (x | b) + (x || a)"])
def test_crossed_effects_with_slopes(with_r: None, crossed: pd.DataFrame, formula: str) -> None:
    native, lme4 = (hlm.fit(formula, crossed, engine=engine).modes for engine in ("native", "lme4"))  # type: ignore[arg-type]
    keys = ["group", "level", "term"]
    both = native.merge(lme4, on=keys, suffixes=("", "_lme4"))
    assert len(both) == len(native) == len(lme4)
    np.testing.assert_allclose(both["estimate"], both["estimate_lme4"], atol=2e-4)
    np.testing.assert_allclose(both["std_error"], both["std_error_lme4"], atol=2e-4)
