"""Randomised comparisons: means by hand, whole groups, checks that see what is wrong, refusals by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadInput, BadParameter, ModelError
from workbench.interventions import effect
from workbench.interventions.effect import worlds

TEN = pd.DataFrame({"y": [1, 2, 3, 4, 5, 3, 4, 5, 6, 7], "drawn": [0] * 5 + [1] * 5})


def check(told: effect.Effect, name: str) -> bool | None:
    return next(check.passed for check in told.checks if check.name == name)


def test_two_means_by_hand() -> None:
    # Means 3 and 5, both variances 2.5: error √(2.5/5 + 2.5/5) = 1 with 8 degrees of freedom, t = 2.306.
    told = effect.randomised(TEN, "y", "drawn", better="higher")
    assert (told.estimate, told.std_error, told.df) == pytest.approx((2, 1, 8))
    assert told.conf_low == pytest.approx(2 - 2.306, abs=1e-3)
    assert (told.estimand, told.n, told.n_clusters) == ("ITT", 10, 10)


def test_groups_of_one_size_are_as_their_means() -> None:
    rows = TEN.loc[TEN.index.repeat(3)].assign(school=np.repeat(np.arange(10), 3), noise=np.tile([-1, 0, 1], 10))
    told = effect.randomised(rows.assign(y=rows.y + rows.noise), "y", "drawn", better="higher", cluster="school")
    assert (told.estimate, told.std_error, told.df) == pytest.approx((2, 1, 8))
    assert told.n_clusters == 10


def test_a_covariate_by_lin_is_two_regressions_at_the_common_mean() -> None:
    rows, _ = worlds.lottery(np.random.default_rng(3), -2.0)
    told = effect.randomised(rows, "absent", "invited", better="lower", covariates=["earlier"])
    at_mean = [
        np.polyval(np.polyfit(part.earlier - rows.earlier.mean(), part.absent, 1), 0)
        for part in (rows[rows.invited], rows[~rows.invited])
    ]
    assert told.estimate == pytest.approx(at_mean[0] - at_mean[1])


def test_checks_see_a_lottery_that_was_none() -> None:
    rng = np.random.default_rng(4)
    rows, _ = worlds.lottery(rng, 0.0)
    rows["drawn"] = rows.before > rows.before.median()
    told = effect.randomised(rows, "absent", "drawn", better="lower", covariates=["earlier"], placebo="before")
    assert check(told, "balance") is False
    assert check(told, "placebo") is False


def test_attrition_in_one_arm_is_seen() -> None:
    rows, _ = worlds.lottery(np.random.default_rng(5), 0.0)
    lost = rows.assign(absent=rows.absent.where(~rows.invited | (rows.absent < 12)))
    assert check(effect.randomised(lost, "absent", "invited", better="lower"), "attrition") is False
    assert check(effect.randomised(rows, "absent", "invited", better="lower"), "attrition") is True


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"drawn": 1}, ModelError, "one arm is empty"),
        ({"y": 3}, ModelError, "is 3 in every row"),
        ({"drawn": [2] * 5 + [1] * 5}, BadInput, "must be 1"),
        ({"drawn": [0] * 8 + [1] * 2}, ModelError, "Only 2 rows are in the smaller arm"),
        ({"y": list("abcdefghij")}, BadInput, "must hold numbers"),
        ({"y": [np.inf] * 10}, BadInput, "infinite"),
        ({"y": np.nan}, BadInput, "No row has all"),
    ],
)
def test_what_cannot_be_estimated_is_refused(change: dict, error: type, told: str) -> None:
    with pytest.raises(error, match=told):
        effect.randomised(TEN.assign(**change), "y", "drawn", better="higher")


def test_groups_in_both_arms_and_unknown_columns_are_refused() -> None:
    with pytest.raises(BadInput, match="partly in one arm"):
        effect.randomised(TEN.assign(school=0), "y", "drawn", better="higher", cluster="school")
    with pytest.raises(BadParameter, match="no column 'age'"):
        effect.randomised(TEN, "y", "drawn", better="higher", covariates=["age"])


def test_one_group_an_arm_is_refused() -> None:
    with pytest.raises(ModelError, match="Only 1 groups of 'school'"):
        effect.randomised(TEN.assign(school=TEN.drawn), "y", "drawn", better="higher", cluster="school")
