"""Chance at the margin, so that the effect can be learned: off unless asked for, and only by a recorded approval.

Where two students of one school, one counsellor and one action lie on both sides of the threshold, a fair coin says
which of them is helped. The coin is a keyed hash of the approval and the pair, so that it falls the same however often
it is thrown: nobody can draw until they like the answer. Hours and quotas stay as they were, each has the probability
½, and `pair` is the block for `wb.interventions.effect` (Imbens & Rubin 2015, ch. 10).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from workbench.access import audit
from workbench.access.audit import Event, Log
from workbench.access.pseudonyms import site_key
from workbench.access.verification import lines
from workbench.errors import BadParameter, did_you_mean
from workbench.interventions.log import site_log

if TYPE_CHECKING:
    import pandas as pd

APPROVED: Final = "approved encouragement"
CELL: Final = ["school_id", "counsellor_id", "action"]


@dataclass(frozen=True)
class Encouragement:
    """A recorded approval, for at most `pairs` pairs of students, on a day. Made by `approved`.

    One that was made otherwise draws nothing: `drawn` asks the log again.
    """

    approval: str
    pairs: int
    day: date
    log: Log

    def drawn(self, offers: pd.DataFrame, taken: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
        """Return offers with their pair and probability, and who is helped after the coins have fallen.

        Raises BadParameter where no approval for that many pairs on that day is recorded.
        """
        import pandas as pd

        allowed = _allowed(self.approval, self.day, self.log)
        if self.pairs > allowed:
            raise BadParameter(f"The approval {self.approval!r} is for {allowed} pairs, not {self.pairs}.")
        offers, taken, key = offers.copy(), taken.copy(), site_key()
        helped = set(offers.student_id[taken])
        free = offers[~offers.student_id.isin(helped)]
        found = []
        for cell, inside in offers[taken].groupby(CELL, sort=True):
            outside = free[(free[CELL] == pd.Series(cell, index=CELL)).all(axis=1)]
            lowest, highest = inside.sort_values("benefit"), outside.sort_values("benefit", ascending=False)
            both = zip(lowest.index, highest.index, strict=False)
            found += [(abs(offers.benefit[i] - offers.benefit[o]), i, o) for i, o in both]
        used: set[str] = set()
        number = 0
        for _, inner, outer in sorted(found):
            pair = {offers.student_id[inner], offers.student_id[outer]}
            if number == self.pairs or used & pair:
                continue
            used |= pair
            number += 1
            offers.loc[[inner, outer], ["pair", "probability"]] = [number, 0.5]
            winner = inner if _coin(self.approval, pair, key) == offers.student_id[inner] else outer
            offers.loc[winner, "encouraged"] = True
            taken[[inner, outer]] = False
            taken[winner] = True
        return offers, taken


def approve(name: str, *, pairs: int, until: date, reference: str, who: str, at: str, log: Log | None = None) -> None:
    """Record that chance may decide at the margin: for how many pairs at most, until when, by which decision.

    Raises BadParameter where the approval says nothing or its name is taken.
    """
    log = log or site_log()
    if not name.strip() or not reference.strip() or pairs < 1:
        raise BadParameter("An approval has a name, a reference to the decision, and at least one pair.")
    if name in _approvals(log):
        raise BadParameter(f"An approval {name!r} is recorded already; give the new one another name.")
    note = {"pairs": pairs, "until": str(until), "reference": reference}
    audit.record(Event(who, APPROVED, name, note=note), at, log)


def approved(name: str, *, day: date, log: Log | None = None) -> Encouragement:
    """Return the encouragement that a recorded approval allows on a day.

    Raises BadParameter where no such approval is recorded, or it has run out.
    """
    log = log or site_log()
    return Encouragement(name, _allowed(name, day, log), day, log)


def _coin(approval: str, pair: set[str], key: bytes) -> str:
    """Which student of a pair is helped: by the last bit of the keyed hash of approval and pair, so each by half."""
    first, second = sorted(pair)
    bit = hmac.new(key, "\0".join(("coin", approval, first, second)).encode(), hashlib.sha256).digest()[-1] & 1
    return second if bit else first


def _allowed(name: str, day: date, log: Log) -> int:
    """How many pairs a recorded approval allows on a day; raise BadParameter where there is none."""
    found = _approvals(log)
    if name not in found:
        raise BadParameter(
            f"No approval {name!r} is recorded. {did_you_mean(name, found)}"
            "Without one nobody's support is left to chance."
        )
    if day > date.fromisoformat(found[name]["until"]):
        raise BadParameter(f"The approval {name!r} ended on {found[name]['until']}. Ask for a new one.")
    return int(found[name]["pairs"])


def _approvals(log: Log) -> dict[str, dict[str, str]]:
    return {str(line.told["thing"]): line.told["note"] for line in lines(log) if line.told.get("what") == APPROVED}
