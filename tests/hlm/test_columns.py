"""Which columns a formula reads."""

import numpy as np
import pandas as pd
import pytest

from workbench import hlm
from workbench.errors import BadInput, BadParameter


@pytest.fixture
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"day": np.tile(np.arange(8.0), 20), "who": np.repeat(np.arange(20), 8)})
    return rows.assign(y=3 + 2 * rows.day + rng.normal(0, 2, 20)[rows.who] + rng.normal(0, 1, 160))


def test_transforms_that_learn_from_the_data_are_fitted_and_remembered(rows: pd.DataFrame) -> None:
    plain = hlm.fit("y ~ day + (1 | who)", rows)
    for formula in ("y ~ scale(day) + (1 | who)", "y ~ poly(day, 1) + (1 | who)", "y ~ center(day) + (1 | who)"):
        other = hlm.fit(formula, rows)
        assert other.predict(rows[:3]) == pytest.approx(plain.predict(rows[:3]), abs=1e-5)
    # one SD of 0 to 7, each 20 times: √(160/159 · 5.25)
    slope = hlm.fit("y ~ scale(day) + (1 | who)", rows).beta[1]
    assert slope == pytest.approx(plain.beta[1] * (160 / 159 * 5.25) ** 0.5)


def test_as_factor_is_factor(rows: pd.DataFrame) -> None:
    one, other = (hlm.fit(f"y ~ {word}(day) + (1 | who)", rows) for word in ("factor", "as.factor"))
    assert one.columns == other.columns
    assert len(one.columns) == 8


def test_a_name_that_stands_twice_and_a_table_without_rows_are_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(BadInput, match="several columns named 'day'"):
        hlm.fit("y ~ day + (1 | who)", pd.concat([rows, rows[["day"]]], axis=1))
    with pytest.raises(BadInput, match="no rows"):
        hlm.fit("y ~ day + (1 | who)", rows[:0])


def test_formula_and_data_in_the_wrong_order_are_told_apart(rows: pd.DataFrame) -> None:
    with pytest.raises(BadParameter, match="First comes the formula"):
        hlm.fit(rows, "y ~ day + (1 | who)")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("y ~ offset(day) + (1 | who)", "function offset"),
        ("y ~ . + (1 | who)", "stands for no columns"),
        ("y ~ on + (1 | who)", "holds dates"),
    ],
)
def test_what_other_programs_know_is_refused_in_words(rows: pd.DataFrame, formula: str, told: str) -> None:
    with pytest.raises((BadParameter, BadInput), match=told):
        hlm.fit(formula, rows.assign(on=pd.Timestamp("2025-01-01")))


def test_a_group_that_fixed_effects_tell_apart_has_no_variance(rows: pd.DataFrame) -> None:
    assert "not identified" in " ".join(hlm.fit("y ~ factor(who) + (1 | who)", rows).messages)
    assert not hlm.fit("y ~ day + (1 | who)", rows).messages
    few = rows.assign(half=(rows.who > 9).astype(int))
    assert "of half apart" in " ".join(hlm.fit("y ~ half + (1 | half) + (1 | who)", few).messages)
