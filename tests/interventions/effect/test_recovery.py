"""A short form of `make prove STUDY=effects`: intervals hold the truth, with an effect and without.

Of 40 draws 95 % is 38; fewer than 33 has a chance below 1 in 1,000.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from workbench.interventions import effect
from workbench.interventions.effect import worlds

SEED, DRAWS = 20260301, 40
METHODS: dict[str, tuple[Callable, Callable[[pd.DataFrame], effect.Effect], float]] = {
    "lottery": (worlds.lottery, lambda r: effect.randomised(r, "absent", "invited", better="lower"), -2.0),
    "schools": (
        worlds.schools,
        lambda r: effect.randomised(r, "score", "drawn", better="higher", covariates=["earlier"], cluster="school"),
        0.4,
    ),
    "cut-off": (
        worlds.cutoff,
        lambda r: effect.discontinuity(r, "absent", "placement", 0, treated="below", better="lower"),
        -2.0,
    ),
    "starts": (worlds.starts, lambda r: effect.staggered(r, "rate", "school", "year", "began", better="lower"), -1.0),
}


@pytest.mark.parametrize("name", METHODS)
def test_intervals_hold_the_truth(name: str) -> None:
    world, estimate, size = METHODS[name]
    for k, true_size in enumerate((size, 0.0)):
        rng = np.random.default_rng([SEED, k])
        held = 0
        for _ in range(DRAWS):
            rows, truths = world(rng, true_size)
            told = estimate(rows)
            held += told.conf_low <= truths[told.estimand] <= told.conf_high
        assert held >= 33
