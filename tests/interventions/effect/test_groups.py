"""Effects by group: Holm's steps and Cochran's Q by hand, and groups too small to tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from workbench.errors import BadParameter
from workbench.interventions import effect
from workbench.interventions.effect.groups import alike, holm, in_points


def test_holm_by_hand() -> None:
    # 0.01 · 3, then 0.03 · 2, then 0.04 · 1 raised to the one before.
    assert holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])


def test_cochrans_q_by_hand() -> None:
    # Estimates 0 and 2 with errors 1: mean 1, Q = 1 + 1.
    assert alike(np.array([0.0, 2.0]), np.array([1.0, 1.0])) == pytest.approx(chi2.sf(2, 1))
    assert np.isnan(alike(np.array([1.0]), np.array([1.0])))


def test_each_group_has_its_own_effect_and_a_small_one_says_why_not() -> None:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"group": np.repeat(["a", "b", "c"], [200, 200, 6]), "drawn": np.arange(406) % 2})
    rows["y"] = rng.normal(size=406) + 2 * rows.drawn * (rows.group == "a")
    told = effect.by_group(lambda part: effect.randomised(part, "y", "drawn", better="higher"), rows, "group")
    told = told.set_index("group")
    assert told.conf_low["a"] <= 2 <= told.conf_high["a"]
    assert told.p_alike["a"] < 0.001
    assert told.verdict["c"].startswith("Only 3 rows are in the smaller arm")
    assert np.isnan(told.estimate["c"])


def test_no_group_at_all_is_refused() -> None:
    rows = pd.DataFrame({"group": ["a", "a"], "drawn": [0, 1], "y": [1.0, 2.0]})
    with pytest.raises(BadParameter, match="In no group of 'group'"):
        effect.by_group(lambda part: effect.randomised(part, "y", "drawn", better="higher"), rows, "group")


def test_shares_are_told_in_points() -> None:
    rows = pd.DataFrame({"group": ["a", "b"], "estimate": [-0.04, np.nan], "verdict": ["It helped: …", "Only 3 rows"]})
    rows = rows.assign(std_error=[0.01, np.nan], conf_low=[-0.06, np.nan], conf_high=[-0.02, np.nan])
    told = in_points(rows)
    assert list(told.loc[0, ["estimate", "std_error", "conf_low", "conf_high"]]) == pytest.approx([-4, 1, -6, -2])
    assert list(told["why not"]) == ["", "Only 3 rows"]
    assert "why not" not in in_points(rows.head(1))
