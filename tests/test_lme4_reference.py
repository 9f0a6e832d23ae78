"""The reference for mixed models is there and right: R's lme4, reached through pymer4."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from workbench import doctor, machine

if not (found := doctor.r_reference()).ok:
    pytest.skip(f"{found.found}; type: {found.mend}", allow_module_level=True)


def test_a_python_started_after_r_is_not_led_to_another_python_s_library(sleepstudy: Any) -> None:
    answer = subprocess.run([sys.executable, "-c", "import ssl"], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


@pytest.fixture(scope="module")
def sleepstudy() -> Any:
    """Reaction times of 18 people over ten days of short sleep (Belenky et al. 2003), 180 rows."""
    r = machine.start_r()
    import polars as pl
    from pymer4.models import lmer

    rows = r("lme4::sleepstudy")
    frame = pl.DataFrame(
        {
            "Reaction": list(rows.rx2("Reaction")),
            "Days": list(rows.rx2("Days")),
            "Subject": list(r["as.character"](rows.rx2("Subject"))),
        }
    )
    model = lmer("Reaction ~ Days + (Days | Subject)", data=frame, REML=True)
    model.fit()
    return model


def test_fixed_effects_are_the_published_ones(sleepstudy: Any) -> None:
    """Bates, Mächler, Bolker & Walker (2015), J. Stat. Softw. 67(1): the model `fm1`."""
    intercept, days = sleepstudy.result_fit.sort("term").iter_rows(named=True)
    assert intercept["term"] == "(Intercept)"
    assert round(intercept["estimate"], 4) == 251.4051
    assert round(intercept["std_error"], 4) == 6.8246
    assert round(days["estimate"], 4) == 10.4673
    assert round(days["std_error"], 4) == 1.5458


def test_reml_criterion_and_residual_variance_are_the_published_ones(sleepstudy: Any) -> None:
    r = machine.start_r()
    assert round(r["REMLcrit"](sleepstudy.r_model)[0], 3) == 1743.628
    assert round(r["sigma"](sleepstudy.r_model)[0] ** 2, 2) == 654.94
