"""The invitation as instrument: Wald's ratio by hand."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import ModelError
from workbench.interventions import effect
from workbench.interventions.effect import worlds


def test_the_effect_on_those_who_came_is_the_ratio() -> None:
    rows, _ = worlds.lottery(np.random.default_rng(1), -2.0)
    told = effect.encouragement(rows, "absent", "invited", "came", better="lower")
    means = rows.groupby("invited")[["absent", "came"]].mean()
    assert told.estimate == pytest.approx(
        (means.absent[True] - means.absent[False]) / (means.came[True] - means.came[False])
    )
    assert told.estimand == "LATE"
    assert told.checks[0].passed is True


def test_full_compliance_is_the_plain_comparison() -> None:
    rows, _ = worlds.lottery(np.random.default_rng(2), -2.0)
    told = effect.encouragement(rows, "absent", "invited", "invited", better="lower")
    plain = effect.randomised(rows, "absent", "invited", better="lower")
    assert (told.estimate, told.std_error) == pytest.approx((plain.estimate, plain.std_error))


def test_an_invitation_that_moves_nobody_is_refused() -> None:
    rows, _ = worlds.lottery(np.random.default_rng(3), -2.0)
    rows["came"] = np.arange(len(rows)) % 2 == 0
    rows["invited"] = np.arange(len(rows)) % 4 < 2
    with pytest.raises(ModelError, match="moved hardly anybody"):
        effect.encouragement(rows, "absent", "invited", "came", better="lower")
