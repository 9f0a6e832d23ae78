"""What intervals say of one school, and the test of all of them at once."""

from __future__ import annotations

import pandas as pd

from workbench.growth.value_added.effects import ABOVE, AVERAGE, alone


def test_a_grey_school_whose_interval_leaves_out_0_is_counted() -> None:
    table = pd.DataFrame(
        {"conf_low": [0.1, 0.5, -1.0], "conf_high": [2.0, 3.0, 1.0], "category": [AVERAGE, ABOVE, AVERAGE]}
    )
    assert alone(table) == (
        "2 of 3 intervals leave out 0, each read by itself; 1 of these cannot be told apart from average when all "
        "schools and years are tested at once."
    )
    assert "none of these" in alone(table.iloc[1:])
