"""Do the findings depend on how the model was written? The same schools under several specifications."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.growth.value_added.effects import AVERAGE
from workbench.growth.value_added.models import ValueAdded, school_value_added

if TYPE_CHECKING:
    import pandas as pd

    from workbench.store import Data

MAIN = "main: calibrated priors, covariates"
OTHERS: dict[str, dict[str, Any]] = {
    "without covariates": {"covariates": False},
    "gains instead of priors": {"adjustment": "gain"},
    "with the school's composition": {"composition": True},
    "priors with their measurement error": {"adjustment": "observed"},
}


@dataclass(frozen=True)
class Stability:
    """`estimates`: school_id, school_year, peers, and a column a specification; `summary`: specification,
    rank_correlation (with the main one), changed (share of school-years in another category), undecided."""

    estimates: pd.DataFrame
    summary: pd.DataFrame


def stability(data: Data, main: ValueAdded) -> Stability:
    """Estimate schools' value added by each of `OTHERS`, and compare with the main one, which is given."""
    import pandas as pd

    keys = ["school_id", "school_year", "peers"]
    found = {name: school_value_added(data, main.subject, **given) for name, given in OTHERS.items()}
    tables = {name: one.table.set_index(keys) for name, one in ({MAIN: main} | found).items()}
    estimates = pd.DataFrame({name: table.estimate for name, table in tables.items()})
    categories = pd.DataFrame({name: table.category for name, table in tables.items()})
    summary = pd.DataFrame(
        {
            "specification": list(tables),
            "rank_correlation": estimates.corrwith(estimates[MAIN], method="spearman").to_numpy(),
            "changed": categories.ne(categories[MAIN], axis=0).mean().to_numpy(),
            "undecided": (categories == AVERAGE).mean().to_numpy(),
        }
    )
    return Stability(estimates.reset_index(), summary)
