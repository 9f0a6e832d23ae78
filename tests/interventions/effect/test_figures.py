"""What figures of effects say to who cannot see them, and the numbers behind."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from workbench.interventions.effect import figures
from workbench.interventions.effect.result import Effect

FALL = Effect("ATT", -0.04, 0.01, -0.06, -0.02, 0.001, 90.0, 100, 100, "by hand", "left", "lower", ())
BALANCE = pd.DataFrame({"covariate": ["need", "earlier"], "before": [0.9, -0.4], "after": [0.02, -0.07]})


def test_balance_names_the_farthest_before_and_after() -> None:
    drawn = figures.balance(replace(FALL, balance=BALANCE), str.upper)
    assert drawn.alt == (
        "NEED differs most: +0.90 standard deviations before, +0.02 after weighting. After weighting no covariate "
        "differs by more than 0.07; the band is 0.25."
    )
    assert list(drawn.table.covariate) == ["NEED", "EARLIER"]


def test_without_weights_there_is_no_balance_to_draw() -> None:
    with pytest.raises(ValueError, match="Only doubly robust"):
        figures.balance(FALL)


def test_estimates_are_drawn_in_the_unit_asked_for() -> None:
    drawn = figures.estimates({"smooth": FALL}, "percentage points more who left", 100, truth=-0.05)
    assert drawn.alt == (
        "Estimates with 95 % intervals, percentage points more who left: smooth -4.00 (-6.00 to -2.00)."
    )
    assert list(drawn.table.iloc[0]) == ["smooth", -4.0, -6.0, -2.0, 100]
    assert [text.get_text() for text in drawn.figure.axes[0].get_legend().get_texts()] == ["the truth"]
