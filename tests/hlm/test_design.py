"""From tables to matrices, and what is refused on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from workbench import hlm
from workbench.errors import BadInput, BadParameter, ModelError
from workbench.hlm.design import build
from workbench.hlm.formula import parse

SIMPLE = "y ~ x + (1 | g)"


def table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    g = np.repeat(np.arange(n // 6), 6)
    data = pd.DataFrame({"g": g, "x": rng.normal(size=n), "f": rng.choice(["no", "yes"], n), "w": 1.0})
    return data.assign(y=data["x"] + rng.normal(size=n // 6)[g] + rng.normal(size=n), grade=rng.integers(3, 6, n))


BAD: list[tuple[str, dict[str, Any], str | None, type[Exception], str]] = [
    ("y ~ z + (1 | g)", {}, None, BadParameter, "'z', which the data do not have"),
    ("y ~ x + (1 | school)", {}, None, BadParameter, "'school', which the data do not have"),
    ("y ~ Y1 + (1 | g)", {}, None, BadParameter, "Did you mean 'y'"),
    ("y ~ a.x + (1 | g)", {"a.x": 1.0}, None, BadParameter, "backticks: `a.x`"),
    ("y ~ x + + * (1 | g)", {}, None, BadParameter, "cannot be read"),
    (SIMPLE, {"g": 1}, None, ModelError, "one level only"),
    (SIMPLE, {"g": np.arange(60)}, None, ModelError, "60 levels for 60 rows"),
    ("y ~ x + (x | g)", {"g": np.repeat(np.arange(30), 2)}, None, ModelError, "60 rows cannot carry 60 random effects"),
    (SIMPLE, {"y": np.nan}, None, BadInput, "y is missing throughout"),
    (SIMPLE, {"y": np.inf}, None, BadInput, "'y' is inf in row 1"),
    (SIMPLE, {"x": np.r_[np.zeros(59), -np.inf]}, None, BadInput, "'x' is -inf in row 60"),
    (SIMPLE, {"y": "high"}, None, BadInput, "not numeric"),
    (SIMPLE, {"w": 0.0}, "w", BadInput, "above 0"),
    (SIMPLE, {"w": -1.0}, "w", BadInput, "above 0"),
    (SIMPLE, {"y": 3.0}, None, ModelError, "explain the outcome completely"),
]


@pytest.mark.parametrize(("formula", "change", "weights", "error", "says"), BAD)
def test_bad_input_is_refused_by_name(
    formula: str, change: dict[str, Any], weights: str | None, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        hlm.fit(formula, table().assign(**change), engine="native", weights=weights)


def test_rows_with_a_missing_value_are_dropped_and_counted() -> None:
    data = table()
    data.loc[[0, 7], "y"] = np.nan
    data.loc[9, "x"] = np.nan
    model = hlm.fit(SIMPLE, data)
    assert (model.n_obs, model.n_dropped) == (57, 3)
    assert model.criterion == hlm.fit(SIMPLE, data.dropna()).criterion


def test_columns_that_others_determine_are_dropped_and_named() -> None:
    data = table().assign(twice=lambda rows: 2 * rows["x"] + 1)
    model = hlm.fit("y ~ x + twice + f + (1 | g)", data)
    assert model.dropped_columns == ("twice",)
    assert "twice" in model.messages[0]
    assert model.criterion == pytest.approx(hlm.fit("y ~ x + f + (1 | g)", data).criterion, abs=1e-9)


@pytest.mark.parametrize("kind", [pl.from_pandas, lambda frame: pa.Table.from_pandas(frame, preserve_index=False)])
def test_polars_and_arrow_give_what_pandas_gives(kind: Any) -> None:
    formula = "y ~ x * f + (x | g)"
    pd.testing.assert_frame_equal(hlm.fit(formula, kind(table())).tidy(), hlm.fit(formula, table()).tidy())


def test_categories_and_truth_values_are_coded_as_r_codes_them() -> None:
    data = table().assign(flag=lambda rows: rows["f"] == "yes", kind=lambda rows: rows["f"].astype("category"))
    for name, column in {"f": "fyes", "kind": "kindyes", "flag": "flag"}.items():
        design = build(parse(f"y ~ {name} + (1 | g)"), data)
        assert design.columns == ("(Intercept)", column)
        assert design.X[:, 1].tolist() == (data["f"] == "yes").astype(float).tolist()


@pytest.mark.parametrize(
    ("fixed", "columns"),
    [
        ("x + f:x", ("(Intercept)", "x", "x:fyes")),
        ("f * x", ("(Intercept)", "fyes", "x", "fyes:x")),
        ("I(x^2)", ("(Intercept)", "I(x^2)")),
        ("factor(grade)", ("(Intercept)", "factor(grade)4", "factor(grade)5")),
        ("0 + f", ("fno", "fyes")),
    ],
)
def test_columns_have_r_s_names(fixed: str, columns: tuple[str, ...]) -> None:
    assert build(parse(f"y ~ {fixed} + (1 | g)"), table()).columns == columns


def test_a_power_of_whole_numbers_is_a_power() -> None:
    design = build(parse("y ~ I(grade^2) + (1 | g)"), table())
    assert design.X[:, 1].tolist() == (table()["grade"] ** 2).tolist()


def test_r_squared_does_not_depend_on_the_scale_of_the_weights() -> None:
    data = table().assign(w=np.random.default_rng(1).uniform(0.5, 2, 60), v=lambda rows: 10 * rows["w"])
    one, other = (hlm.fit(SIMPLE, data, weights=name) for name in ("w", "v"))
    assert one.r_squared == pytest.approx(other.r_squared, rel=1e-6)
    assert one.icc == pytest.approx(other.icc, rel=1e-6)
