"""Settings looked for within a budget: never worse on the folds, the same for the same seed, blind to the test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from workbench import dropout
from workbench.dropout.models import TREES
from workbench.dropout.study import Study
from workbench.errors import BadParameter


@pytest.fixture(scope="module")
def small() -> Study:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"student": np.arange(240), "x": rng.normal(size=240), "z": rng.normal(size=240)})
    frame["outcome"] = (rng.random(240) < 1 / (1 + np.exp(-2 * frame.x * frame.z))).astype(int)
    return Study("t", "left", "", frame[:180], frame[180:], "student", ("x", "z"), ())


def test_what_is_found_is_not_worse_than_what_was(small: Study) -> None:
    found = dropout.tuned(small, seconds=300, trials=4)
    assert found.tried == 4
    assert found.loss <= found.before
    assert set(found.settings) == set(TREES)
    assert dropout.assess(small, settings=found.settings).result("n") == 60


def test_the_same_seed_finds_the_same_and_the_test_part_is_not_looked_at(small: Study) -> None:
    blind = replace(small, test=None)
    assert dropout.tuned(small, 300, trials=3, seed=1) == dropout.tuned(blind, 300, trials=3, seed=1)


def test_a_spent_budget_leaves_the_settings_in_use(small: Study) -> None:
    found = dropout.tuned(small, seconds=1e-6)
    assert (found.tried, dict(found.settings), found.loss) == (1, dict(TREES), found.before)


@pytest.mark.parametrize(("seconds", "trials"), [(0, 5), (5, 0)])
def test_a_budget_of_nothing_is_refused(small: Study, seconds: float, trials: int) -> None:
    with pytest.raises(BadParameter):
        dropout.tuned(small, seconds, trials)
