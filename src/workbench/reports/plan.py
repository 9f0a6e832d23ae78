"""From a params file to the steps of a run: every value checked, every dependency known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, Literal

from workbench.errors import BadParameter
from workbench.paths import resolve, shown
from workbench.reports.contract import Contract, nearest, read_contract
from workbench.reports.html import is_personal
from workbench.reports.notebooks import find
from workbench.reports.params_file import Entry, Written, read_params

UNITS = {"school_id": "schools", "district_id": "districts"}


@dataclass(frozen=True)
class Step:
    """One notebook to execute: its name in the run, its values, and what must succeed before it."""

    name: str
    base: str
    contract: Contract
    parameters: dict[str, Any]
    after: tuple[str, ...]
    timeout_minutes: float

    @property
    def notebook(self) -> Path:
        return self.contract.notebook

    @property
    def unit(self) -> str:
        """The unit this step is for, such as one school; empty without `for_each`."""
        return self.name.removeprefix(self.base).removeprefix("-")


@dataclass(frozen=True)
class Plan:
    """A run as it will be: its steps stand in an order in which they may be executed.

    `whole` is False where only some notebooks were asked for; such a run publishes nothing.
    """

    run: str
    title: str
    audience: Literal["research", "public"]
    params_file: Path
    steps: tuple[Step, ...]
    whole: bool


@dataclass
class _Values:
    """Values by parameter name, each with the place where it was written."""

    given: dict[str, Any] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: Any, place: str) -> None:
        self.given[name] = value
        self.where[name] = place


def make_plan(params: str | Path, settings: Sequence[str] = (), only: Sequence[str] = ()) -> Plan:
    """Return the plan of a params file, with `--set` values and a choice of notebooks applied.

    Raises BadParameter or BadInput for the first thing that is wrong; nothing is started.
    """
    written = read_params(Path(params).resolve() if Path(params).is_file() else resolve(params))
    contracts = [read_contract(find(entry.notebook)) for entry in written.file.notebooks]
    changes = [_setting(text) for text in settings]
    _check_names(written, contracts, changes)
    steps: list[Step] = []
    for index, contract in enumerate(contracts):
        steps.extend(_steps(written, index, contract, changes))
    _check_steps(written, steps, changes)
    ordered = _ordered(written, steps)
    file = written.file
    chosen = _chosen(ordered, only)
    title = file.title or file.run.replace("_", " ").capitalize()
    return Plan(file.run, title, file.audience, written.path, chosen, len(chosen) == len(ordered))


def _setting(text: str) -> tuple[str, str, str]:
    """Return the notebook ("" for every one), the name and the value of `--set`."""
    match = re.fullmatch(r"(?:([\w-]+)\.)?(\w+)=(.*)", text, re.DOTALL)
    if not match:
        raise BadParameter(f"--set {text}: write name=value, or notebook.name=value.")
    return match.group(1) or "", match.group(2), match.group(3)


def _name(entry: Entry) -> str:
    return entry.name or Path(entry.notebook).name.removesuffix(".ipynb")


def _check_names(written: Written, contracts: Sequence[Contract], changes: Sequence[tuple[str, str, str]]) -> None:
    known = sorted({name for contract in contracts for name in contract.names})
    common = [(name, written.place("parameters", name)) for name in written.file.parameters]
    for name, place in common + [(name, "--set") for target, name, _ in changes if not target]:
        if name not in known:
            raise BadParameter(f"No notebook of this run has a parameter {name!r} ({place}). {nearest(name, known)}")


def _check_steps(written: Written, steps: Sequence[Step], changes: Sequence[tuple[str, str, str]]) -> None:
    for name in {step.name for step in steps}:
        if sum(step.name == name for step in steps) > 1:
            raise BadParameter(f"{shown(written.path)}: two notebooks are called {name!r}; give one another name.")
    known = sorted({step.name for step in steps} | {step.base for step in steps})
    for target in [target for target, _, _ in changes if target and target not in known]:
        raise BadParameter(f"--set: this run has no notebook {target!r}. {nearest(target, known)}")


def _steps(written: Written, index: int, contract: Contract, changes: Sequence[tuple[str, str, str]]) -> Iterator[Step]:
    entry, file = written.file.notebooks[index], written.file
    values = _Values()
    for name, value in file.parameters.items():
        if name in contract.names:
            values.add(name, value, written.place("parameters", name))
    for name, value in entry.parameters.items():
        values.add(name, value, written.place("notebooks", index, "parameters", name))
    base = _name(entry)
    for target, name, value in changes:
        if target == base or (not target and name in contract.names):
            values.add(name, value, "--set")
    whole = Step(base, base, contract, {}, tuple(entry.after), entry.timeout_minutes)
    place = written.place("notebooks", index)
    for unit in _units(written, index, contract, values):
        step = replace(whole, name=_checked(f"{base}-{_slug(unit[1])}" if unit else base, place))
        own = _Values(dict(values.given), dict(values.where))
        if unit:
            own.add(*unit, written.place("notebooks", index, "for_each"))
        for target, name, value in changes:
            if unit and target == step.name:
                own.add(name, value, "--set")
        yield replace(step, parameters=contract.validate(own.given, own.where))


def _units(written: Written, index: int, contract: Contract, values: _Values) -> list[tuple[str, str] | None]:
    """Return the (parameter, value) pairs of `for_each`, or one None where there is no `for_each`."""
    entry = written.file.notebooks[index]
    if not entry.for_each:
        return [None]
    (name, wanted), place = next(iter(entry.for_each.items())), written.place("notebooks", index, "for_each")
    if name not in contract.names:
        raise BadParameter(
            f"{place}: {shown(contract.notebook)} has no parameter {name!r}. {nearest(name, contract.names)}"
        )
    if written.file.audience == "public" and is_personal(name):
        raise BadParameter(f"{place}: one report a {name!r} would tell about single people; that cannot be public.")
    if isinstance(wanted, list) and wanted:
        return [(name, value) for value in wanted]
    if wanted != "all" or name not in UNITS:
        raise BadParameter(f"{place}: write a list of values, or 'all' for {' or '.join(UNITS)}.")
    folders = [parameter.name for parameter in contract.parameters if parameter.reads == "data folder"]
    folder = contract.validate(values.given, values.where).get(folders[0]) if folders else None
    if not folder:
        raise BadParameter(f"{place}: 'all' needs a notebook with a data folder; {shown(contract.notebook)} has none.")
    from workbench.store import open_data

    ids = open_data(folder).table(UNITS[name])[name].to_pyarrow().to_pylist()
    return [(name, value) for value in sorted(ids)]


def _slug(value: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", value)


def _checked(name: str, place: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) or name == "index":
        raise BadParameter(f"{place}: {name!r} cannot name a report; give it another with name: my_name")
    return name


def _ordered(written: Written, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps in an order they may run in; `after` a `for_each` means after all of its steps."""
    family: dict[str, tuple[str, ...]] = {}
    for step in steps:
        family[step.base] = (*family.get(step.base, ()), step.name)
    family |= {step.name: (step.name,) for step in steps}
    known: dict[str, Step] = {}
    for step in steps:
        for name in step.after:
            if name not in family:
                raise BadParameter(
                    f"{shown(written.path)}: {step.name!r} comes after {name!r}. {nearest(name, family)}"
                )
        known[step.name] = replace(step, after=tuple(each for name in step.after for each in family[name]))
    try:
        order = TopologicalSorter({name: step.after for name, step in known.items()}).static_order()
        return tuple(known[name] for name in order)
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise BadParameter(f"{shown(written.path)}: these notebooks wait for each other: {circle}.") from error


def _chosen(steps: tuple[Step, ...], only: Sequence[str]) -> tuple[Step, ...]:
    """Return the steps named by `--only`, with all they come after."""
    wanted: set[str] = set()
    names = {step.name for step in steps} | {step.base for step in steps}
    for name in only:
        if name not in names:
            raise BadParameter(f"--only {name}: this run has no such notebook. {nearest(name, sorted(names))}")
    for step in reversed(steps):
        if not only or step.name in only or step.base in only or step.name in wanted:
            wanted.update((step.name, *step.after))
    return tuple(step for step in steps if step.name in wanted)
