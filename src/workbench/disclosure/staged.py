"""What the notebooks of a run have published so far, as it was and as it may be seen.

Beside each staged table stands what it was made of, in a folder that never leaves the run: protection of the next table
and the attack before the commit need the true numbers.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import outputs
from workbench.disclosure.suppression import SUPPRESSED
from workbench.errors import DisclosureError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.disclosure.aggregate import Aggregate

STAGED = "published"
BEFORE = "before_protection"
RUN_RECORD = "manifest.json"
_DECLARED = ("keys", "count", "values", "kinds", "total", "nested", "limits", "largest", "subset_of", "ranges")


@dataclass(frozen=True)
class Staged:
    """A staged table: what it was made of, what may be seen of it, and what is said about it."""

    given: Aggregate
    safe: pd.DataFrame
    about: dict[str, Any]


def stage(name: str, given: Aggregate, safe: pd.DataFrame, about: dict[str, Any]) -> None:
    """Put a safe table, what is said about it, and what it was made of into the notebook's folder."""
    serving = dict.fromkeys([*given.nested.values(), *given.largest.values(), *_counted(given)])
    needed = [*given.keys, given.count, *given.numbers]
    needed += [column for column in serving if column not in needed]
    said = {what: _plain(getattr(given, what)) for what in _DECLARED} | {"values": given.numbers}
    outputs.save(BEFORE, f"{name}.parquet", outputs.parquet_bytes(given.table[needed]))
    outputs.save(BEFORE, f"{name}.json", json.dumps(said | {"decimals": dict(given.decimals)}, indent=1) + "\n")
    outputs.save(STAGED, f"{name}.parquet", outputs.parquet_bytes(safe))
    outputs.save(STAGED, f"{name}.json", json.dumps(about, indent=1) + "\n")


def read_staged(folder: Path, name: str) -> Staged:
    """Return a staged table. Raises DisclosureError where it was not made by `publish` or was changed since."""
    import pandas as pd

    from workbench.disclosure.aggregate import Aggregate

    wrong = DisclosureError(f"The staged table {name!r} was not made by wb.publish; run its notebook again.")
    try:
        said = json.loads((folder / BEFORE / f"{name}.json").read_text(encoding="utf-8"))
        about = json.loads((folder / STAGED / f"{name}.json").read_text(encoding="utf-8"))
        given = Aggregate(table=pd.read_parquet(folder / BEFORE / f"{name}.parquet"), **said)
        safe = pd.read_parquet(folder / STAGED / f"{name}.parquet")
        if not _agree(given, safe):
            raise wrong
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise wrong from error
    return Staged(given, safe, about)


def protect_beside(name: str, given: Aggregate, min_count: int) -> pd.DataFrame:
    """Return what may be seen of a table beside all that this run has staged, which stays as it stands."""
    from dataclasses import replace

    from workbench.disclosure.protection import protect_together

    released = beside(name)
    mine = f"{outputs.folder().name}.{name}"
    if given.subset_of and (full := f"{outputs.folder().name}.{given.subset_of}") in released:
        given = replace(given, subset_of=full)
    shown = {other: (one.given, one.safe) for other, one in released.items()}
    return protect_together({mine: given}, min_count, shown).tables[mine]


def check_together(tables: Mapping[str, Staged], min_count: int) -> None:
    """Attack everything that is to be released together; raise DisclosureError where the attack succeeds."""
    from workbench.disclosure.attack import leaks
    from workbench.disclosure.protection import written

    system, rows = written({}, min_count, {name: (one.given, one.safe) for name, one in tables.items()})
    found = leaks(system, system.primary)
    if not found:
        return
    touched = {unit for leak in found for unit in leak.units}
    named = sorted(name for name, some in rows.items() if any(row.unit in touched for row in some))
    raise DisclosureError(
        f"Published together, the tables {', '.join(named)} give away a number about fewer than {min_count} people. "
        "Run their notebooks again in one run, so that each is protected beside the others; nothing was published."
    )


def beside(name: str) -> dict[str, Staged]:
    """Return what is staged already: by this notebook and, within a run, by the run's other notebooks.

    Outside a run nothing is ever published, so nothing has to be looked at together.
    """
    home = outputs.folder()
    if not os.environ.get(outputs.OUTPUT_VARIABLE):
        return {}
    folders = sorted(path.parent for path in home.parent.glob(f"*/{STAGED}")) if _is_run(home.parent) else [home]
    return {
        f"{folder.name}.{file.stem}": read_staged(folder, file.stem)
        for folder in folders
        for file in sorted((folder / STAGED).glob("*.parquet"))
        if (folder, file.stem) != (home, name)
    }


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let the notebooks of a run publish one after the other, each seeing what the others did."""
    home = outputs.folder()
    place = home.parent if _is_run(home.parent) else home
    folder = os.open(place, os.O_RDONLY)  # the folder itself is locked: nothing is left behind
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _is_run(folder: Path) -> bool:
    return (folder / RUN_RECORD).is_file()


def _counted(given: Aggregate) -> list[str]:
    return [kind.of for kind in given.kind.values() if kind.of and kind.of not in given.numbers]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: list(part) if isinstance(part, tuple) else part for key, part in value.items()}
    return list(value) if isinstance(value, list | tuple) else value


def _agree(given: Aggregate, safe: pd.DataFrame) -> bool:
    """Whether every number that is seen is the true one."""
    columns = [given.count, *given.numbers]
    told = {f"{column}_{end}" for column in columns for end in ("from", "to") if given.ranges}
    whole = {*given.keys, *columns, SUPPRESSED}
    if len(safe) != len(given.table) or not whole <= set(safe.columns) <= whole | told:
        return False
    true, seen = given.table[columns].astype(float).reset_index(drop=True), safe[columns]
    for column, places in given.decimals.items():
        true[column] = true[column].round(places)
    same_keys = safe[list(given.keys)].astype(str) == given.table[list(given.keys)].reset_index(drop=True).astype(str)
    return bool(same_keys.all(axis=None) and (seen.isna() | (seen == true)).all(axis=None))
