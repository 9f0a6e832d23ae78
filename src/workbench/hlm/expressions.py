"""A formula as columns of an Ibis table: what a database can work out of its rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.errors import BadInput, BadParameter, ModelError
from workbench.hlm.columns import columns_used, lme4_name
from workbench.hlm.design import Factor
from workbench.hlm.formula import Formula


@dataclass(frozen=True)
class Columns:
    """A formula as columns of a table: `F` the names of X's columns and last y, `Z` those of each factor."""

    rows: Any
    F: tuple[str, ...]
    Z: tuple[tuple[str, ...], ...]
    X_names: tuple[str, ...]
    keys: tuple[str, ...]
    factors: tuple[Factor, ...]


def complete(formula: Formula, table: Any, weights: str | None) -> tuple[Any, int, int]:
    """Return the used columns of the complete rows, with the number of all rows and of those."""
    names = columns_used(formula, table.columns, weights)
    used = table.select(*names)
    flags = {name: used[name].cast("int64") for name in names if used[name].type().is_boolean()}
    complete = (used.mutate(**flags) if flags else used).drop_null(names)
    floating = [name for name in names if complete[name].type().is_floating()]
    odd = {f"odd_{name}": (complete[name].isnan() | complete[name].isinf()).sum() for name in floating}
    low = {} if weights is None else {"low": (complete[weights] <= 0).sum()}
    counts = complete.aggregate(n=complete.count(), **odd, **low).to_pandas().iloc[0]
    for name in floating:
        if counts[f"odd_{name}"] > 0:
            raise BadInput(
                f"{name!r} is infinite or not a number in {int(counts[f'odd_{name}'])} rows; a model needs finite "
                "numbers. Correct the values, or make them missing."
            )
    if weights is not None and counts["low"] > 0:
        raise BadInput(f"The weights {weights!r} must be above 0; {int(counts['low'])} are not.")
    if counts["n"] == 0:
        raise BadInput(f"No row is complete in {', '.join(names)}.")
    return complete, int(table.count().to_pandas()), int(counts["n"])


def expressions(formula: Formula, complete: Any, weights: str | None) -> Columns:
    """Return all columns of the model as expressions, named f0…, y, z0_0…, and the keys of the factors k0…."""
    if not re.fullmatch(r"[\w.]+", formula.response) or not complete[formula.response].type().is_numeric():
        raise ModelError(
            f"The outcome {formula.response!r} is not a numeric column of the table; add it there first, with "
            ".mutate(), or fit a data frame."
        )
    levels = _categories(formula, complete)
    fixed = _expressions(formula, formula.fixed, complete, levels)
    made = {f"f{k}": e for k, e in enumerate(fixed.values())}
    groups = list(dict.fromkeys(term.group for term in formula.random))
    factors, Z, keys = [], [], []
    for j, group in enumerate(groups):
        terms = [term for term in formula.random if term.group == group]
        parts = [_expressions(formula, term.design, complete, levels) for term in terms]
        names = tuple(name for part in parts for name in part)
        mine = {f"z{j}_{k}": e for k, e in enumerate(e for part in parts for e in part.values())}
        ends = np.cumsum([len(part) for part in parts])
        blocks = tuple(slice(int(end) - len(part), int(end)) for end, part in zip(ends, parts, strict=True))
        key = complete[group[0]] if len(group) == 1 else _joined([complete[name].cast("string") for name in group])
        made |= mine | {f"k{j}": key}
        factors.append(Factor(terms[0].name, _levels(complete.select(key=key)), names, blocks))
        Z.append(tuple(mine))
        keys.append(f"k{j}")
    weight = complete[weights].cast("float64") if weights else 1.0
    rows = complete.select(**made, y=complete[formula.response].cast("float64"), w=weight)
    f_names = tuple(name for name in made if name.startswith("f"))
    return Columns(rows, (*f_names, "y"), tuple(Z), tuple(fixed), tuple(keys), tuple(factors))


def _joined(texts: list[Any]) -> Any:
    return reduce(lambda a, b: a + ":" + b, texts)


def _categories(formula: Formula, complete: Any) -> dict[str, list[str]]:
    """The sorted levels of the text columns that the formula's designs use."""
    from formulaic import Formula as Terms

    used: set[str] = set()
    for part in (formula.fixed, *(term.design for term in formula.random)):
        used |= set(map(str, Terms(part).required_variables))
    texts = sorted(name for name in used if complete[name].type().is_string())
    return {name: _levels(complete.select(key=complete[name])).tolist() for name in texts}


def _levels(keys: Any) -> NDArray[Any]:
    """The different values of a table's column `key`, sorted here: databases sort text in ways of their own."""
    return np.asarray(keys.distinct().to_pandas()["key"].sort_values().to_numpy())


def _expressions(formula: Formula, part: str, complete: Any, levels: dict[str, list[str]]) -> dict[str, Any]:
    """The columns of one part of the formula, by the names lme4 gives, as numbers computed in the database.

    formulaic decides about the columns from a few made-up rows that have all the categories.
    """
    from formulaic import Formula as Terms
    from formulaic import model_matrix

    names = sorted(map(str, Terms(part).required_variables))
    height = max([2, *(len(levels[name]) for name in names if name in levels)])
    few = pd.DataFrame(
        {name: np.resize(np.array(levels.get(name, [1.0, 2.0])), height) for name in names}, index=range(height)
    )
    try:
        spec = model_matrix(part, few, output="pandas").model_spec
    except Exception as error:
        raise BadParameter(f"In the formula {formula.text!r}, {part!r} cannot be worked out: {error}") from error
    made = {}
    for name in map(str, spec.column_names):
        pieces = [] if name == "Intercept" else re.findall(r"(?:\[[^\]]*\]|[^:\[])+", name)
        numbers = [_piece(formula, piece, complete, levels) for piece in pieces]
        product = (
            reduce(lambda a, b: a * b, numbers) if numbers else complete[complete.columns[0]].notnull().cast("float64")
        )
        made[lme4_name(name, part)] = product
    return made


def _piece(formula: Formula, piece: str, complete: Any, levels: dict[str, list[str]]) -> Any:
    stem, level = re.fullmatch(r"(.*?)(?:\[(?:T\.)?(.*)\])?", piece).groups()  # type: ignore[union-attr]
    stem = stem.strip("`")
    if level is not None and stem in levels:
        return (complete[stem] == level).cast("float64")
    if level is None and stem in complete.columns:
        return complete[stem].cast("float64")
    raise ModelError(
        f"The database cannot work out {piece!r} of {formula.text!r}. Add it to the table as a column of its own "
        "(.mutate), or fit a data frame (.execute())."
    )
