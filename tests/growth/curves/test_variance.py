"""Sentences on where the variance lies are made from the numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.growth.curves import variance


def parts_of_growth(schools: tuple[float, float, float]) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "of": "growth a year",
            "part": ["schools", "teachers, lasting", "students"],
            "variance": [schools[0], 8.0, 2.0 - schools[0]],
            "conf_low": [schools[1], 4.0, 1.0],
            "conf_high": [schools[2], 16.0, 4.0],
        }
    )
    return table.assign(share=table.variance / table.variance.sum())


def test_the_largest_part_is_named_first_and_the_interval_of_schools_is_a_share() -> None:
    """0.1 of 10 is 1 %; limits 0.0 and 9.9 beside the other 9.9 are 0 and 50 %."""
    assert variance.said(parts_of_growth((0.1, 0.0, 9.9))) == [
        "Of the variance of growth a year: 80 % teachers, lasting; 19 % students; 1 % schools. "
        "Within their 95 % interval, schools may hold from 0 to 50 %."
    ]


def test_a_variance_of_schools_without_limits_says_so() -> None:
    assert "not known well enough for an interval" in variance.said(parts_of_growth((0.0, np.nan, np.nan)))[0]
