"""What tests of mixed models share: whether R is there, and the studies' random designs."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from workbench import doctor


@pytest.fixture(scope="session")
def with_r() -> None:
    """Skip, with the reason, where R, lme4 or pymer4 is not there."""
    if not (found := doctor.r_reference()).ok:
        pytest.skip(f"{found.found}; type: {found.mend}")


@pytest.fixture(scope="session")
def sleepstudy(with_r: None) -> pd.DataFrame:
    """Reaction times of 18 people over ten days of short sleep (Belenky et al. 2003)."""
    from workbench.hlm.r import r_table

    return r_table("lme4::sleepstudy")


@pytest.fixture(scope="session")
def designs(with_r: None) -> ModuleType:
    """The random designs of the study, from prove/."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "prove"))
    import _designs

    return _designs
