"""Data that R packages carry, and the studies' random designs."""

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
def schools(with_r: None) -> pd.DataFrame:
    """High School & Beyond, 7,185 students of 160 schools, SES as a deviation from the school's mean (CSES)."""
    from workbench.hlm.r import r_table

    sector = r_table("nlme::MathAchSchool")[["School", "Sector"]]
    rows = r_table("nlme::MathAchieve").merge(sector, on="School", validate="many_to_one")
    mean = rows.groupby("School")["SES"].transform("mean")
    return rows.assign(CSES=rows["SES"] - mean, Sector=(rows["Sector"] == "Catholic").astype(float))


@pytest.fixture(scope="session")
def pupils(with_r: None) -> pd.DataFrame:
    """Mathematics of 1,721 children of 60 schools over six years (egsingle)."""
    from workbench.hlm.r import r_table

    return r_table("mlmRev::egsingle")


@pytest.fixture(scope="session")
def designs(with_r: None) -> ModuleType:
    """The random designs of the study, from prove/."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "prove"))
    import _designs

    return _designs
