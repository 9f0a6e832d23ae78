"""What is printed of a fit."""

from __future__ import annotations

import pandas as pd

from workbench import hlm


def test_a_fit_prints_what_lme4_prints_of_it(sleepstudy: pd.DataFrame) -> None:
    """Bates, Mächler, Bolker & Walker (2015), section 5.2: the summary of this fit."""
    shown = str(hlm.fit("Reaction ~ Days + (Days | Subject)", sleepstudy, engine="native"))
    for figure in ("1743.628", "251.41", "10.467", "24.74", "5.9221", "(Intercept): 0.066", "180 rows", "Subject: 18"):
        assert figure in shown
    assert len(shown.splitlines()) < 25


def test_what_a_reader_must_know_is_printed(sleepstudy: pd.DataFrame) -> None:
    flat = sleepstudy.assign(
        Reaction=sleepstudy["Reaction"] - sleepstudy.groupby("Subject")["Reaction"].transform("mean")
    )
    fitted = hlm.fit("Reaction ~ Days + (1 | Subject)", flat, engine="native")
    assert "singular" in repr(fitted)
    assert "correlation" not in repr(fitted).split("Fixed effects")[0]
