"""A model fitted to sums made in the database is the model fitted to the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest

from workbench import hlm
from workbench.errors import BadInput, BadParameter, ModelError

FORMULAS = [
    "score ~ year * econ + (year | student) + (1 | school)",
    "score ~ year + kind + kind:year + (1 | student) + (year | school)",
    "score ~ 0 + kind + (year || student)",
    "score ~ year + (1 | district/school)",
    "score ~ 1 + (0 + kind | school) + (1 | student)",
]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    students, years = 150, 4
    student = np.repeat(np.arange(students), years)
    data = pd.DataFrame(
        {
            "student": np.char.add("S", (1000 + student).astype(str)),
            "year": np.tile(np.arange(2020.0, 2020 + years), students),
            "school": rng.integers(0, 12, students * years),
            "econ": (rng.random(students) < 0.4)[student],
            "kind": np.array(["a", "b", "c"])[rng.integers(0, 3, students * years)],
            "w": rng.uniform(0.5, 2, students * years),
        }
    )
    data["district"] = np.where(data["school"] < 6, "north", "south")
    noise = rng.normal(0, 1, (students, 2))[student] + rng.normal(0, 1, (students * years, 2))
    data["score"] = 50 + 2 * (data["year"] - 2020) + noise @ [2, 1] + rng.normal(0, 1, 12)[data["school"]]
    data.loc[rng.choice(len(data), 20, replace=False), "score"] = np.nan
    return data


@pytest.fixture(scope="module")
def table(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    file = tmp_path_factory.mktemp("scores") / "scores.parquet"
    rows.to_parquet(file)
    connection = ibis.duckdb.connect()
    yield connection.read_parquet(file)
    connection.disconnect()


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_sums_say_what_the_rows_say(formula: str, method: Any, rows: pd.DataFrame, table: Any) -> None:
    from_rows, from_sums = hlm.fit(formula, rows, method), hlm.fit(formula, table, method)
    assert (from_sums.n_obs, from_sums.n_dropped, from_sums.groups) == (580, 20, from_rows.groups)
    assert from_sums.criterion == pytest.approx(from_rows.criterion, abs=1e-6)
    assert list(from_sums.fixed["term"]) == list(from_rows.fixed["term"])
    assert from_sums.beta == pytest.approx(from_rows.beta, rel=1e-6, abs=1e-6)
    sd = np.sqrt(from_rows.variances["estimate"].abs().max())
    assert from_sums.variances["estimate"].to_numpy() == pytest.approx(
        from_rows.variances["estimate"].to_numpy(), abs=1e-4 * sd**2
    )
    assert from_sums.r_squared == pytest.approx(from_rows.r_squared, rel=1e-4)


def test_weights_and_modes(rows: pd.DataFrame, table: Any) -> None:
    formula = "score ~ year + (1 | student) + (1 | school)"
    from_rows, from_sums = hlm.fit(formula, rows, weights="w"), hlm.fit(formula, table, weights="w")
    assert from_sums.criterion == pytest.approx(from_rows.criterion, abs=1e-7)
    assert from_sums.r_squared == pytest.approx(from_rows.r_squared, rel=1e-6)
    pd.testing.assert_frame_equal(from_sums.modes, from_rows.modes, atol=1e-4, rtol=1e-4, check_dtype=False)
    pd.testing.assert_frame_equal(from_sums.fixed, from_rows.fixed, atol=1e-6, rtol=1e-3)


def test_columns_that_others_determine_are_left_out_by_name(rows: pd.DataFrame, table: Any) -> None:
    formula = "score ~ year + twice + (1 | student)"
    model = hlm.fit(formula, table.mutate(twice=table.year * 2 + 1))
    assert model.dropped_columns == ("twice",)
    assert model.criterion == pytest.approx(hlm.fit("score ~ year + (1 | student)", rows).criterion, abs=1e-7)


def test_spark_makes_the_same_sums() -> None:
    pytest.importorskip("pyspark", reason="Spark is not installed")
    from workbench.store import open_data

    made = {}
    for backend in ("spark", "duckdb"):
        scores = open_data("data/synthetic/small_district", backend).table("assessments")  # type: ignore[arg-type]
        reading = scores.filter((scores.scale_id == "growth_reading") & (scores.school_year >= 2023))
        made[backend] = hlm.fit("scale_score ~ grade_level + (1 | student_id) + (1 | school_id)", reading)
    assert made["spark"].n_obs == made["duckdb"].n_obs > 5_000
    assert made["spark"].criterion == pytest.approx(made["duckdb"].criterion, abs=1e-6)


def test_what_needs_rows_says_so(table: Any) -> None:
    model = hlm.fit("score ~ year + (1 | student)", table)
    with pytest.raises(ModelError, match="predict needs the rows"):
        model.predict()


def test_what_the_database_cannot_do_is_refused_by_name(table: Any) -> None:
    with pytest.raises(ModelError, match=r"cannot work out 'I\(year \*\* 2\)'.*mutate"):
        hlm.fit("score ~ I(year**2) + (1 | student)", table)
    with pytest.raises(ModelError, match=r"The outcome 'log\(score\)' is not a numeric column"):
        hlm.fit("log(score) ~ year + (1 | student)", table)
    with pytest.raises(BadParameter, match="'yaer', which the data do not have"):
        hlm.fit("score ~ yaer + (1 | student)", table)
    with pytest.raises(BadInput, match="'score' is infinite or not a number in 1 rows"):
        hlm.fit("score ~ year + (1 | student)", table.mutate(score=(table.score / (table.w - table.w.max()))))
    with pytest.raises(BadInput, match="'w' must be above 0"):
        hlm.fit("score ~ year + (1 | student)", table.mutate(w=table.w - 1), weights="w")
    with pytest.raises(ModelError, match="one level only"):
        hlm.fit("score ~ year + (1 | one)", table.mutate(one=ibis.literal("x")))
