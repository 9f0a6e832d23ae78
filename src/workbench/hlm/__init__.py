"""Hierarchical linear models: a fast engine of our own and lme4, with one result.

`wb.hlm.fit("score ~ year * econ + (year | student) + (1 | school)", data)` speaks lme4's formula language.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from workbench.errors import BadParameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from workbench.hlm.comparison import compare
    from workbench.hlm.profiling import profile
    from workbench.hlm.resampling import bootstrap
    from workbench.hlm.result import Method, MixedModel

__all__ = ["bootstrap", "compare", "fit", "profile"]
_NAMES = {
    "bootstrap": "workbench.hlm.resampling",
    "compare": "workbench.hlm.comparison",
    "profile": "workbench.hlm.profiling",
}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'workbench.hlm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


def fit(
    formula: str,
    data: Any,
    method: Method = "REML",
    engine: Literal["auto", "native", "lme4"] = "auto",
    *,
    weights: str | None = None,
    family: str = "gaussian",
    members: Mapping[str, pd.DataFrame] | None = None,
) -> MixedModel:
    """Fit a mixed model, written in lme4's formula language, to the rows of a table.

    `data` is a pandas, polars or Arrow table, or an Ibis table, of which the database then makes the sums.
    `weights` names a column of precision weights: a row's residual variance is σ²/w (sampling weights are
    something else and are not offered). `engine` "native" fits Gaussian models without R, exactly; "lme4" goes
    through pymer4 and also fits other families; "auto" takes native where it can. Rows with a missing value are
    left out and counted.

    `members` is for rows that belong to several levels of a group (two teachers in a year, all teachers so far): by
    name of the group, a table with the columns `row` (position in the data, from 0), `level` and `weight`; the
    row's effect is the weighted sum (Browne, Goldstein & Rasbash 2001). Native engine only.

    Raises BadParameter, BadInput or ModelError for what cannot be fitted.
    """
    if method not in ("REML", "ML"):
        raise BadParameter(f"method is 'REML' or 'ML', not {method!r}.")
    if engine not in ("auto", "native", "lme4"):
        raise BadParameter(f"engine is 'auto', 'native' or 'lme4', not {engine!r}.")
    if not hasattr(data, "columns"):
        raise BadParameter(
            "First comes the formula, then the data: a pandas, polars, Arrow or Ibis table, not a "
            f"{type(data).__name__}."
        )
    if engine == "lme4" or (engine == "auto" and family != "gaussian"):
        from workbench.hlm import lme4

        if members:
            raise BadParameter("Rows with several members are fitted by the native engine only (engine='native').")
        return lme4.fit(formula, data, method, weights, family)
    if family != "gaussian":
        raise BadParameter(f"The native engine fits Gaussian models; for family={family!r} use engine='lme4'.")
    if type(data).__module__.startswith("ibis."):
        from workbench.hlm import database

        if members:
            raise BadParameter("Rows with several members need a data frame: pass table.execute().")
        return database.fit(formula, data, method, weights)
    from workbench.hlm import native

    return native.fit(formula, data, method, weights, members)
