"""The site's disclosure policy, from `access.yml` at the project's root."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.paths import project_root

POLICY_FILE = "access.yml"
LOWEST_MIN_COUNT = 5
"""No site may publish smaller groups: the least any US state uses (NCES 2011-603, SLDS Technical Brief 3)."""


@dataclass(frozen=True)
class Policy:
    """What may leave the workbench: `min_count` is the smallest group whose numbers may be published.

    `note` says why the policy is stricter than the file asks; it is empty where the file was followed.
    """

    min_count: int
    note: str = ""


STRICTEST = 30
"""The minimum group size without a usable policy file: the greatest any US state uses (same source)."""


def policy() -> Policy:
    """Return the policy of this site; where `access.yml` is absent or unusable, the strictest one."""
    import yaml

    try:
        stated = yaml.safe_load((project_root() / POLICY_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _strictest("is missing")
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return _strictest("cannot be read")
    if not isinstance(stated, dict) or "min_count" not in stated:
        return _strictest("does not say `min_count`")
    count = stated["min_count"]
    if type(count) is not int or count < LOWEST_MIN_COUNT:
        return _strictest(f"must give `min_count` as a whole number of at least {LOWEST_MIN_COUNT}, not {count!r}")
    return Policy(count)


def _strictest(why: str) -> Policy:
    return Policy(STRICTEST, f"{POLICY_FILE} {why}, so the strictest minimum group size, {STRICTEST}, applies.")
