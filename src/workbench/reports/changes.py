"""What changed between two runs, in sentences and a table: data, parameters, results, and students newly on a list.

A result with an interval has moved beyond noise where the change is greater than √(h₁² + h₂²), with h half the width of
each 95 % interval: what two independent estimates would differ by in one of twenty cases. Two nights share most of
their students, so that true noise is smaller and the rule errs towards silence. A count has jumped where it changed by
more than four times its square root and by a tenth.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.access.policy import policy
from workbench.disclosure.release import RELEASED
from workbench.errors import BadInput, BadParameter
from workbench.reports.headlines import headlines, plain
from workbench.reports.ledger import Record

if TYPE_CHECKING:
    from workbench.access.roles import Viewer

JUMP_ROOTS, JUMP_SHARE = 4.0, 0.1
HEADINGS: Final = ("notebook", "what", "before", "now", "said")


@dataclass(frozen=True)
class Changes:
    """What changed: sentences, rows of HEADINGS, and by notebook and table the students who are new on it.

    `new` holds identifiers; nothing may show them but `seen`, which cuts them to a viewer.
    """

    sentences: tuple[str, ...]
    rows: tuple[tuple[str, str, str, str, str], ...]
    new: Mapping[tuple[str, str], frozenset[str]]


def changes(before: Record, now: Record) -> Changes:
    """Compare two runs of one name. Raises BadParameter where they are of different names or one and the same."""
    if before.id == now.id or before.manifest["run"] != now.manifest["run"]:
        raise BadParameter(
            f"{before.id} and {now.id} cannot be compared: name two runs of one params file, the earlier one first."
        )
    rows = (*_parameters(before, now), *_data(before, now), *_results(before, now))
    new = _newly_listed(before, now)
    said = [*_ended(before, now), *_told(rows)]
    for (notebook, table), students in new.items():
        said.append(f"{_count(len(students))} newly on the list {table!r} of {notebook}.")
    return Changes(tuple(said or ["Nothing changed."]), rows, new)


def seen(found: Changes, now: Record, viewer: Viewer, at: str) -> dict[str, list[dict[str, Any]]]:
    """Return, of the students who are new on a list, the rows that a viewer may see; every look is audited.

    Raises AccessDenied where the viewer may see no such list, BadInput where the lists of this run are not released.
    """
    from workbench.access.pseudonyms import pseudonym
    from workbench.access.roles import NAMED
    from workbench.disclosure import released
    from workbench.paths import resolve

    run = now.manifest["run"]
    manifest = released.load(resolve(RELEASED) / run / released.MANIFEST)
    if manifest is None or manifest["run_id"] != now.id:
        raise BadInput(
            f"The lists of {now.id} are not the ones that are released now; compare with the last whole run."
        )
    shown = {}
    for (notebook, table), students in found.new.items():
        name = table if table in manifest["tables"] else f"{notebook}.{table}"
        if not students or name not in manifest["tables"]:
            continue
        column = manifest["tables"][name]["student"]
        wanted = sorted(students if viewer.role in NAMED else (pseudonym(each, "student") for each in students))
        shown[table] = released.read(run, name, viewer, at=at, filters={column: wanted}).to_pylist()
    return shown


def _ended(before: Record, now: Record) -> Iterator[str]:
    for which, record in (("earlier", before), ("later", now)):
        if record.status != "done":
            yield f"The {which} run, {record.id}, is {record.status}: what it has not finished cannot be compared."
    gone = [name for name in before.manifest["notebooks"] if name not in now.manifest["notebooks"]]
    more = [name for name in now.manifest["notebooks"] if name not in before.manifest["notebooks"]]
    for names, what in ((gone, "no longer run"), (more, "new")):
        if names:
            yield f"Notebooks that are {what}: {', '.join(names)}."


def _parameters(before: Record, now: Record) -> Iterator[tuple[str, str, str, str, str]]:
    for name, entry in now.manifest["notebooks"].items():
        old = before.manifest["notebooks"].get(name, {}).get("parameters", {})
        for key, value in entry["parameters"].items() if old else ():
            if old.get(key) != value:
                yield name, key, plain(old.get(key)), plain(value), "was asked otherwise"


def _data(before: Record, now: Record) -> Iterator[tuple[str, str, str, str, str]]:
    old = {each["path"]: each for each in before.manifest["inputs"]}
    for each in now.manifest["inputs"]:
        was = old.pop(each["path"], None)
        if was is None:
            yield "", each["path"], "–", plain(each["last_day"]), "data read for the first time"
        elif was["checksum"] != each["checksum"]:
            back = str(was["last_day"] or "") > str(each["last_day"] or "")
            said = "data end EARLIER than before" if back else "data are new"
            yield "", each["path"], plain(was["last_day"]), plain(each["last_day"]), said
    for path, was in old.items():
        yield "", path, plain(was["last_day"]), "–", "data are no longer read"


def _results(before: Record, now: Record) -> Iterator[tuple[str, str, str, str, str]]:
    old, new = _kept(before), _kept(now)
    for notebook, results in new.items():
        was = old.get(notebook, {})
        for name in results:
            if name not in was or (name.endswith(("_low", "_high")) and name.rpartition("_")[0] in results):
                continue
            if said := _moved(name, was, results):
                (label, shown), (_, then) = (headlines(_alone(name, each))[0] for each in (results, was))
                yield notebook, label, then, shown, said
        for name in was.keys() - results.keys():
            yield notebook, name, plain(was[name]), "–", "is no longer kept"


def _alone(name: str, results: Mapping[str, Any]) -> dict[str, Any]:
    return {key: results[key] for key in (name, f"{name}_low", f"{name}_high") if key in results}


def _moved(name: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say how a kept result changed, or nothing where it did not or only by chance."""
    old, new = was[name], now[name]
    if old == new:
        return ""
    if not all(_is_number(each) for each in (old, new)):
        return "changed"
    halves = [_half(name, each) for each in (was, now)]
    if None not in halves:
        noise = math.hypot(*(half or 0.0 for half in halves))
        return "moved beyond noise" if abs(new - old) > noise else ""
    if isinstance(old, int) and isinstance(new, int):
        jumped = abs(new - old) > max(JUMP_ROOTS * math.sqrt(max(old, 1)), JUMP_SHARE * abs(old))
        return "JUMPED: look at the data" if jumped else ""
    return "changed; no interval says whether by chance"


def _half(name: str, results: Mapping[str, Any]) -> float | None:
    low, high = results.get(f"{name}_low"), results.get(f"{name}_high")
    return (float(high) - float(low)) / 2 if low is not None and high is not None else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _kept(record: Record) -> dict[str, dict[str, Any]]:
    try:
        found = json.loads((record.folder / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): results for name, results in found.items() if isinstance(results, dict)}


def _newly_listed(before: Record, now: Record) -> dict[tuple[str, str], frozenset[str]]:
    """The students on each list of the later run that are not on the same list of the earlier one."""
    found = {}
    for file in sorted(now.folder.glob(f"*/{RELEASED}/*.parquet")):
        notebook = file.parents[1].name
        old = before.folder / notebook / RELEASED / file.name
        if old.exists():
            found[notebook, file.stem] = _students(file) - _students(old)
    return found


def _students(file: Any) -> frozenset[str]:
    import pyarrow.parquet as pq

    try:
        column = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["student"]
        return frozenset(map(str, pq.read_table(file, columns=[column]).column(column).to_pylist()))
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"The list {file.name} of the run {file.parents[2].name} cannot be read: {error}.") from error


def _told(rows: tuple[tuple[str, str, str, str, str], ...]) -> Iterator[str]:
    for notebook, what, before, now, said in rows:
        yield f"{f'{notebook}: ' if notebook else ''}{what} – {said}: {before} before, {now} now."


def _count(n: int) -> str:
    """How many students, as coarse as what may be published."""
    least = policy().min_count
    if n == 0:
        return "Nobody is"
    return f"Fewer than {least} students are" if n < least else f"{n:,} students are"
