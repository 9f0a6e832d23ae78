"""A short form of `make prove STUDY=effects`: intervals hold the truth, with an effect and without.

Of 40 draws 95 % is 38; fewer than 33 has a chance below 1 in 1,000.
"""

from __future__ import annotations

import numpy as np
import pytest

from workbench.interventions.effect.designs import DESIGNS, side_by_side

SEED, DRAWS = 20260301, 40


@pytest.mark.parametrize("name", [name for name, design in DESIGNS.items() if not design.dear])
def test_intervals_hold_the_truth(name: str) -> None:
    design = DESIGNS[name]
    for k, size in enumerate((design.effect, 0.0)):
        rng = np.random.default_rng([SEED, k])
        held = 0
        for _ in range(DRAWS):
            rows, truths = design.make(rng, size)
            told = design.estimate(rows)
            held += told.conf_low <= truths[told.estimand] <= told.conf_high
        assert held >= 33


def test_designs_side_by_side() -> None:
    table = side_by_side(1).set_index("design")
    assert (table["the interval holds the truth"] == "yes").sum() >= 5  # fewer of 7 has a chance of 1 in 250
    assert table.naive["cut-off"] > 0 > table.truth["cut-off"]
