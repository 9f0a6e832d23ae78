"""Everything that can go wrong in a way a person can mend."""

from collections.abc import Iterable
from difflib import get_close_matches


class WorkbenchError(Exception):
    """The root: a message here says what is wrong, where, and what to do, in one paragraph."""

    exit_code = 1


class BadParameter(WorkbenchError):
    """A parameter is unknown, of the wrong type, or out of range; nothing was started."""

    exit_code = 2


class BadInput(WorkbenchError):
    """A file, table or value cannot be used as it is; nothing was started."""

    exit_code = 2


class NotShown(BadInput):
    """A viewer asked for what cannot be shown: the message is written for them, and says what they can do."""


class ModelError(WorkbenchError):
    """A model cannot be fitted to, or used on, these data."""


class DisclosureError(WorkbenchError):
    """What was asked for would let somebody learn about a person."""


class AccessDenied(WorkbenchError):
    """The viewer is not entitled to what was asked for, or it is not there: they are not told which."""


class AuditError(WorkbenchError):
    """What was asked for cannot be written into the audit log, so it is not shown."""


class NotebookFailed(WorkbenchError):
    """A notebook of a run stopped before its end."""


class RunLocked(WorkbenchError):
    """Another run of the same name is under way."""

    exit_code = 3


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean …? ", for a name that is not known, or nothing where no other comes near."""
    by_letters = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), list(by_letters), n=1)
    return f"Did you mean {by_letters[near[0]]!r}? " if near else ""
