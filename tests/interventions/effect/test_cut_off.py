"""Regression discontinuity: the sign of the side treated, the fuzzy ratio, and checks that see what is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadParameter, ModelError
from workbench.interventions import effect
from workbench.interventions.effect import worlds


def check(told: effect.Effect, name: str) -> bool | None:
    return next(check.passed for check in told.checks if check.name == name)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    made, _ = worlds.cutoff(np.random.default_rng(1), -3.0)
    return made


def test_the_support_below_the_cut_off_is_found_and_the_naive_comparison_is_not(rows: pd.DataFrame) -> None:
    told = effect.discontinuity(rows, "absent", "placement", 0, treated="below", better="lower", covariates=["earlier"])
    naive = rows.absent[rows.placement < 0].mean() - rows.absent[rows.placement >= 0].mean()
    assert naive > 2
    assert told.conf_low <= -3 <= told.conf_high < 0
    assert told.estimand == "LATE at the cut-off"
    assert told.n < len(rows)
    assert {check.name for check in told.checks} == {"density", "balance", "placebo", "donut", "bandwidth"}


def test_the_other_side_turns_the_sign(rows: pd.DataFrame) -> None:
    below = effect.discontinuity(rows, "absent", "placement", 0, treated="below", better="lower")
    above = effect.discontinuity(rows, "absent", "placement", 0, treated="above", better="lower")
    assert above.estimate == pytest.approx(-below.estimate)
    shifted = rows.assign(placement=rows.placement + 40)
    moved = effect.discontinuity(shifted, "absent", "placement", 40, treated="below", better="lower")
    assert moved.estimate == pytest.approx(below.estimate, rel=1e-6)


def test_half_taking_part_doubles_the_effect_of_taking_part(rows: pd.DataFrame) -> None:
    rng = np.random.default_rng(2)
    came = (rows.placement < 0) & (rng.random(len(rows)) < 0.5)
    flat = rows.assign(came=came, absent=2 * rng.normal(size=len(rows)) - 4 * came)
    told = effect.discontinuity(flat, "absent", "placement", 0, treated="below", better="lower", took_part="came")
    sharp = effect.discontinuity(flat, "absent", "placement", 0, treated="below", better="lower")
    assert told.conf_low <= -4 <= told.conf_high
    assert told.estimate / sharp.estimate == pytest.approx(2, abs=0.6)


def test_a_covariate_that_jumps_and_scores_that_were_moved_are_seen(rows: pd.DataFrame) -> None:
    jumping = rows.assign(earlier=rows.earlier + 3 * (rows.placement < 0))
    told = effect.discontinuity(
        jumping, "absent", "placement", 0, treated="below", better="lower", covariates=["earlier"]
    )
    assert check(told, "balance") is False
    near = (rows.placement > -0.25) & (rows.placement < 0)
    cheated = rows.assign(placement=rows.placement.where(~near, rows.placement + 0.25))
    assert (
        check(effect.discontinuity(cheated, "absent", "placement", 0, treated="below", better="lower"), "density")
        is False
    )


def test_what_cannot_be_estimated_is_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(ModelError, match="Is it on this scale"):
        effect.discontinuity(rows, "absent", "placement", 99, treated="below", better="lower")
    with pytest.raises(ModelError, match="in every row"):
        effect.discontinuity(rows.assign(absent=0), "absent", "placement", 0, treated="below", better="lower")
    with pytest.raises(BadParameter, match="'below' or 'above'"):
        effect.discontinuity(rows, "absent", "placement", 0, treated="left", better="lower")  # type: ignore[arg-type]
    nobody = rows.assign(came=np.arange(len(rows)) % 2)
    with pytest.raises(ModelError, match="Hardly anybody took part because"):
        effect.discontinuity(nobody, "absent", "placement", 0, treated="below", better="lower", took_part="came")
