"""The last check before tables are published: outside the notebooks that staged them, and all of a run together."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from workbench.access.policy import policy
from workbench.disclosure.publish import check_aggregate
from workbench.disclosure.staged import STAGED, Staged, check_together, read_staged
from workbench.errors import DisclosureError


def staged_tables(folders: dict[str, Path]) -> dict[str, Path]:
    """Return the staged Parquet file of each table name; raise where a table may not be published.

    A table that several notebooks of the run publish (one report a unit, say) is named
    `<notebook>.<table>` for each of them.
    """
    files = [
        (notebook, file) for notebook, folder in folders.items() for file in sorted((folder / STAGED).glob("*.parquet"))
    ]
    times = Counter(file.stem for _, file in files)
    found = {file.stem if times[file.stem] == 1 else f"{notebook}.{file.stem}": file for notebook, file in files}
    ready = {
        f"{file.parent.parent.name}.{file.stem}": read_staged(file.parent.parent, file.stem) for file in found.values()
    }
    for name, one in ready.items():
        _check_staged(name.rpartition(".")[2], one)
    check_together(ready, policy().min_count)
    return found


def _check_staged(name: str, one: Staged) -> None:
    """Hold a staged table to the policy once more, outside the notebook that wrote it."""
    given, shown = one.given, one.safe[one.safe[one.given.count].notna()]
    check_aggregate(name, given.table, list(given.keys), given.count, given.numbers)
    if (shown[given.count] < (least := policy().min_count)).any():
        raise DisclosureError(
            f"The staged table {name!r} shows a group of fewer than {least} people, the minimum of access.yml; "
            "run its notebook again."
        )
