"""What every method gives: an estimate of a named estimand, with its error, its checks and a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from workbench.errors import BadParameter
from workbench.interventions.effect.robust import Contrast

if TYPE_CHECKING:
    import pandas as pd

Better = Literal["lower", "higher"]
"""Which direction of the outcome is help: lower for dropping out or days absent, higher for grades or credits."""

ESTIMANDS = {
    "ITT": "the effect of being assigned (intention to treat, ITT)",
    "LATE": "the effect on those whom the assignment moved (local average treatment effect, LATE)",
    "LATE at the cut-off": "the effect on those just at the cut-off (local average treatment effect, LATE)",
    "ATE": "the average effect on all (ATE)",
    "ATT": "the average effect on those who had it (ATT)",
}


@dataclass(frozen=True)
class Check:
    """One look at an assumption: whether it held (None: not known) and a sentence on what was seen."""

    name: str
    passed: bool | None
    sentence: str


@dataclass(frozen=True)
class Effect:
    """An effect in units of the outcome: what it is of, how large, how sure, from how many, and what was checked.

    `n_clusters` counts what was assigned: schools or classes, or rows where each was assigned by itself. `df` are the
    degrees of freedom of the interval, infinite where it is a normal one. `balance`, of doubly robust estimates, has a
    row a covariate: its standardised difference before and after weighting.
    """

    estimand: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    p: float
    df: float
    n: int
    n_clusters: int
    method: str
    outcome: str
    better: Better
    checks: tuple[Check, ...]
    balance: pd.DataFrame | None = field(default=None, compare=False, repr=False)

    @property
    def sound(self) -> bool:
        """Whether no check failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.passed is False)

    @property
    def verdict(self) -> str:
        """Whether it helped, how sure that is, and what speaks against believing it, in plain words."""
        interval = f"95 % interval {self.conf_low:+.3g} to {self.conf_high:+.3g}"
        said = f"{_answer(self)} {self.outcome} changed by {self.estimate:+.3g} ({interval})."
        about = f"This is {ESTIMANDS[self.estimand]}, from {self.n:,} rows."
        if self.sound:
            return f"{said} {about}"
        names = ", ".join(check.name for check in self.failed)
        return f"{said} {about} What speaks against relying on it: {names}."

    def in_points(self, words: str) -> str:
        """The verdict on a share (an outcome of 0 and 1), in percentage points; `words` says what the share is of."""
        low, high = 100 * self.conf_low, 100 * self.conf_high
        said = f"{_answer(self)} {words} changed by {100 * self.estimate:+.1f} percentage points"
        against = (
            f" What speaks against relying on it: {', '.join(c.name for c in self.failed)}." if self.failed else ""
        )
        about = f"This is {ESTIMANDS[self.estimand]}, from {self.n:,} students."
        return f"{said} (95 % interval {low:+.1f} to {high:+.1f}). {about}{against}"

    def checks_table(self) -> pd.DataFrame:
        """The checks as rows: check, passed (yes, no, not known), what was seen."""
        import pandas as pd

        words = {True: "yes", False: "no", None: "not known"}
        rows = [(check.name, words[check.passed], check.sentence) for check in self.checks]
        return pd.DataFrame(rows, columns=["check", "passed", "what was seen"])


def concluded(
    found: Contrast,
    *,
    estimand: str,
    n: int,
    n_clusters: int,
    method: str,
    outcome: str,
    better: Better,
    checks: tuple[Check, ...],
) -> Effect:
    """An Effect with Student's t limits of an estimate. Raises BadParameter for a direction that is none."""
    if better not in ("lower", "higher"):
        raise BadParameter(f"better is {better!r}; write 'lower' where less of {outcome} is help, or 'higher'.")
    low, high = found.interval()
    return Effect(
        estimand, found.estimate, found.std_error, low, high, found.p, found.df, n, n_clusters, method, outcome, better,
        checks,
    )  # fmt: skip


def _answer(effect: Effect) -> str:
    if effect.conf_low <= 0 <= effect.conf_high:
        return "It cannot be told whether it helped:"
    good = (effect.estimate > 0) == (effect.better == "higher")
    return "It helped:" if good else "It did harm:"
