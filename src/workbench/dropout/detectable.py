"""How far a group lies from the others, and what difference a sample of this size could have shown at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from workbench.dropout.fairness import flagged
from workbench.features import in_groups
from workbench.shares import LEVEL, wilson

if TYPE_CHECKING:
    import pandas as pd

    from workbench.dropout.assess import Assessment

POWER = 0.8
GAPS_HELP = {
    "group_kind": "what the groups are of",
    "group": "the group",
    "stayed": "students of the group who stayed",
    "false_alarm_rate": "flagged, of these",
    "false_alarm_gap": "that, minus the rate of all others, with 95 % limits",
    "false_alarm_detectable": "smallest difference that this sample would show in 8 of 10 cases",
    "n": "students of the group",
    "calibration_gap": "share that had the outcome minus mean risk, with 95 % limits",
    "calibration_detectable": "smallest such gap that this sample would show in 8 of 10 cases",
}


def newcombe(count: int, n: int, other: int, n_other: int) -> tuple[float, float, float]:
    """Return the difference of two shares with 95 % limits (Newcombe 1998, method 10); NaN where either n is 0."""
    if not n or not n_other:
        return (float("nan"),) * 3
    p, q = count / n, other / n_other
    (low, high), (low_other, high_other) = wilson(count, n), wilson(other, n_other)
    gap = p - q
    below = float(np.hypot(p - low, high_other - q))
    return gap, gap - below, gap + float(np.hypot(high - p, q - low_other))


def smallest_difference(rate: float, n: int, n_other: int | None = None) -> float:
    """Return the difference from `rate` found with power 0.8 by a two-sided test at 5 %.

    (z₀.₉₇₅ + z₀.₈) √(p (1 − p) (1/n + 1/m)), without 1/m where `rate` is known (Cohen 1988, in shares). NaN where
    either n is 0, or the rate is 0 or 1: then the sample says nothing about its own spread.
    """
    if not n or n_other == 0 or not 0 < rate < 1:
        return float("nan")
    spread = 1 / n + (1 / n_other if n_other else 0.0)
    return float((ndtri((1 + LEVEL) / 2) + ndtri(POWER)) * np.sqrt(rate * (1 - rate) * spread))


def audit_gaps(assessment: Assessment, capacity: float = 0.1) -> pd.DataFrame:
    """Return one row a group of the study's groups; see `GAPS_HELP`. Flagged are the `capacity` with the highest risks.

    No gap that is found does not mean that there is none: look at what could have been found.
    """
    import pandas as pd

    chosen, stayed = flagged(assessment.risk, capacity), assessment.outcome == 0
    rows = []
    for kind in assessment.study.groups:
        names = in_groups(assessment.study.judged, kind)
        rows += [
            _gap(assessment, kind, name, (names == name).to_numpy(), chosen, stayed) for name in sorted(set(names))
        ]
    return pd.DataFrame(rows)


def _gap(assessment: Assessment, kind: str, name: Any, here: Any, chosen: Any, stayed: Any) -> dict[str, Any]:
    mine, others = here & stayed, ~here & stayed
    n, m, alarms, n_here = int(mine.sum()), int(others.sum()), int(chosen[mine].sum()), int(here.sum())
    gap, low, high = newcombe(alarms, n, int(chosen[others].sum()), m)
    left, risk = float(assessment.outcome[here].mean()), float(assessment.risk[here].mean())
    share_low, share_high = wilson(int(assessment.outcome[here].sum()), n_here)
    return {
        "group_kind": kind,
        "group": name,
        "stayed": n,
        "false_alarm_rate": alarms / n if n else float("nan"),
        "false_alarm_gap": gap,
        "false_alarm_gap_low": low,
        "false_alarm_gap_high": high,
        "false_alarm_detectable": smallest_difference(float(chosen[stayed].mean()), n, m),
        "n": n_here,
        "calibration_gap": left - risk,
        "calibration_gap_low": float(share_low) - risk,
        "calibration_gap_high": float(share_high) - risk,
        "calibration_detectable": smallest_difference(risk, n_here),
    }
