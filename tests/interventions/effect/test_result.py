"""The verdict: what it says of help, harm and chance, and that a failed check is never left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.errors import BadParameter
from workbench.interventions.effect.result import Check, Effect, concluded
from workbench.interventions.effect.robust import Contrast

FALL = Effect("ATT", -2.0, 0.5, -3.0, -1.0, 0.001, 90.0, 1200, 1200, "by hand", "days absent", "lower", ())


def test_verdicts_of_help_harm_and_chance() -> None:
    assert FALL.verdict == (
        "It helped: days absent changed by -2 (95 % interval -3 to -1). "
        "This is the average effect on those who had it (ATT), from 1,200 rows."
    )
    assert replace(FALL, better="higher").verdict.startswith("It did harm:")
    assert replace(FALL, conf_high=0.5).verdict.startswith("It cannot be told whether it helped:")


def test_a_failed_check_stands_in_the_verdict() -> None:
    checks = (Check("overlap", True, ""), Check("placebo", False, ""), Check("sensitivity", None, ""))
    told = replace(FALL, checks=checks)
    assert told.verdict.endswith("What speaks against relying on it: placebo.")
    assert not told.sound
    assert list(told.checks_table().passed) == ["yes", "no", "not known"]


def test_limits_are_students() -> None:
    told = concluded(
        Contrast(1.0, 1.0, 10.0),
        estimand="ITT",
        n=12,
        n_clusters=12,
        method="",
        outcome="y",
        better="higher",
        checks=(),
    )
    assert told.conf_high == pytest.approx(1 + 2.2281, abs=1e-4)
    with pytest.raises(BadParameter, match="write 'lower'"):
        concluded(
            Contrast(1.0, 1.0, 10.0), estimand="ITT", n=1, n_clusters=1, method="", outcome="y", better="up", checks=()
        )  # type: ignore[arg-type]


def test_a_share_is_told_in_points() -> None:
    rows = Effect("ATT", -0.0353, 0.0125, -0.0601, -0.0106, 0.005, 90.0, 4954, 4954, "by hand", "left", "lower", ())
    assert rows.in_points("The share that left within 2 years") == (
        "It helped: The share that left within 2 years changed by -3.5 percentage points (95 % interval -6.0 to -1.1). "
        "This is the average effect on those who had it (ATT), from 4,954 students."
    )
    doubted = replace(rows, checks=(Check("balance", False, "They differ."),))
    assert doubted.in_points("The share").endswith("What speaks against relying on it: balance.")
