"""Rows that a model was not fitted to."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from workbench import hlm
from workbench.errors import BadInput, BadParameter


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """20 schools, numbered from 1, with means 0, 1 … 19; three courses with means 0, 5, 10."""
    rng = np.random.default_rng(3)
    school, course = np.repeat(np.arange(20), 20), np.tile([0, 1, 2, 1], 100)
    score = school + 5.0 * course + rng.normal(size=400)
    return pd.DataFrame(
        {"score": score, "school": school + 1, "group": school % 2, "course": np.array(list("abc"))[course]}
    )


@pytest.mark.parametrize("kind", [float, str, "Float64", "category", object])
def test_a_level_is_the_same_however_it_is_stored(rows: pd.DataFrame, kind: str) -> None:
    """A merge turns whole numbers into 1.0, 2.0 …: schools with means from 0 to 19 must not all become 9.5."""
    model = hlm.fit("score ~ course + (1 | school)", rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = model.predict(rows.assign(school=rows.school.astype(kind)))
    np.testing.assert_allclose(found, model.predict())
    assert np.ptp(found[rows.course == "a"]) > 18


def test_levels_of_a_combination_are_the_same_however_they_are_stored(rows: pd.DataFrame) -> None:
    stored = rows.assign(group=rows.group.astype(float))
    model = hlm.fit("score ~ course + (1 | school:group)", stored)
    assert list(model.modes.level[:2]) == ["1:0", "2:1"]  # as R has them
    np.testing.assert_allclose(model.predict(rows.assign(school=rows.school.astype(float))), model.predict())


def test_rows_of_unknown_levels_are_counted(rows: pd.DataFrame) -> None:
    model = hlm.fit("score ~ course + (1 | school)", rows)
    new = rows.iloc[[0, 399, 20]].assign(school=[99, 20, 98], course="a")
    told = r"2 of the 3 rows to predict belong to no level of 'school' .*\(the first is '99'; one it knows is '1'\)"
    with pytest.warns(UserWarning, match=told):
        found = model.predict(new)
    np.testing.assert_allclose(found[[0, 2]], model.beta[0])
    assert found[1] - found[0] == pytest.approx(9.5, abs=1.0)


@pytest.mark.parametrize(
    ("formula", "change", "says"),
    [
        (
            "score ~ course + (1 | school)",
            {"course": ["d", "a", "b"]},
            "1 of .* value of 'course' .* 'd'; known are a, b",
        ),
        ("score ~ course + (1 | school)", {"course": [1, 1, 2]}, "3 of .* value of 'course' .* '1'; known are a, b, c"),
        (
            "score ~ factor(group) + (1 | school)",
            {"group": [0, 1, 7]},
            "1 of .* value of 'group' .* '7'; known are 0, 1",
        ),
        ("score ~ (0 + course | school)", {"course": ["a", "b", "z"]}, "1 of .* value of 'course' .* 'z'"),
    ],
)
def test_an_unknown_category_is_not_taken_for_the_reference_category(
    rows: pd.DataFrame, formula: str, change: dict[str, list[str]], says: str
) -> None:
    """Course b is 5 points above a, the reference: a course d that nobody knows is not a."""
    model = hlm.fit(formula, rows)
    with pytest.raises(BadInput, match=says):
        model.predict(rows.head(3).assign(**change))


@pytest.mark.parametrize(
    "formula", ["score ~ (1 | school) + (course | school)", "score ~ (1 | group/school) + (1 | group)"]
)
def test_an_effect_has_one_variance(rows: pd.DataFrame, formula: str) -> None:
    with pytest.raises(BadParameter, match=r"both hold the effect \(Intercept\): only the sum of their variances"):
        hlm.fit(formula, rows)
