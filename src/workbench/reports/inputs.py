"""What a run reads, checked before anything starts: data folders, tables, kernels, disk space."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.errors import BadInput, did_you_mean
from workbench.paths import project_root, resolve, shown
from workbench.reports.plan import Plan, Step

ENOUGH = 200 * 1024 * 1024


@dataclass(frozen=True)
class Input:
    """A data folder or table that a run reads: where it is, what it is, and its checksum."""

    path: str
    what: str
    checksum: str
    provenance: dict[str, Any]
    last_day: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check_inputs(plan: Plan) -> dict[str, Input]:
    """Check all that the plan's notebooks read; return the inputs by the path they were given as.

    Every value of every data folder is checked. Raises BadInput for the first thing that is wrong.
    """
    check_room(project_root())
    check_kernels(plan)
    wanted = {path: what for step in plan.steps for path, what in paths_read(step).items()}
    found = {path: _data_folder(path) if what == "data folder" else _table_file(path) for path, what in wanted.items()}
    for step in plan.steps:
        check_columns(step)
    return found


def paths_read(step: Step) -> dict[str, str]:
    """Return the paths a step reads, each with what must lie there."""
    found: dict[str, str] = {}
    for parameter in step.contract.parameters:
        value = step.parameters[parameter.name]
        if parameter.reads and value:
            found.update(dict.fromkeys([value] if isinstance(value, str) else value, parameter.reads))
    return found


def check_columns(step: Step) -> None:
    """Raise BadInput where a parameter names a column that the step's table file does not have."""
    from workbench.sources.flat import read_table

    tables = [path for path, what in paths_read(step).items() if what == "table file"]
    named = [(p.name, step.parameters[p.name]) for p in step.contract.parameters if p.names_column]
    if not tables or not any(value for _, value in named):
        return
    columns = [str(column) for path in tables for column in read_table(path).frame.columns]
    for parameter, value in named:
        for column in [value] if isinstance(value, str) else value or []:
            if column not in columns:
                raise BadInput(
                    f"{', '.join(tables)} has no column {column!r}, which {parameter!r} of {step.name} names. "
                    f"{did_you_mean(column, columns)}It has: {', '.join(columns)}."
                )


def check_room(folder: Path, enough: int = ENOUGH) -> None:
    """Raise BadInput where less than `enough` bytes are free on the disk that holds `folder`."""
    free = shutil.disk_usage(folder).free
    if free < enough:
        raise BadInput(
            f"Only {free / 1024**2:,.0f} MB are free on the disk that holds {folder}; "
            f"a run needs at least {enough / 1024**2:,.0f} MB. Make room, for example by deleting old folders in runs/."
        )


def check_kernels(plan: Plan) -> None:
    """Raise BadInput where a notebook asks for a kernel that is not installed."""
    from jupyter_client.kernelspec import KernelSpecManager

    installed = KernelSpecManager().find_kernel_specs()
    for notebook in {step.notebook for step in plan.steps}:
        if kernel(notebook) not in installed:
            raise BadInput(
                f"{shown(notebook)} asks for the kernel {kernel(notebook)!r}, which is not installed; there is: "
                f"{', '.join(sorted(installed)) or 'none'}. "
                "Open it in JupyterLab and choose Python 3, or type: make setup"
            )


def kernel(notebook: Path) -> str:
    """Return the name of the kernel a notebook asks for."""
    metadata = json.loads(notebook.read_text(encoding="utf-8")).get("metadata", {})
    return str(metadata.get("kernelspec", {}).get("name", "python3"))


def _data_folder(path: str) -> Input:
    from workbench.checks import check
    from workbench.store import open_data

    data = open_data(path)
    check(data)
    provenance = data.manifest.get("provenance", {})
    return Input(shown(data.path), "data folder", data.checksum, provenance, data.last_day)


def _table_file(path: str) -> Input:
    from workbench.files import sha256
    from workbench.sources.flat import read_table

    file = resolve(path)
    try:
        size, checksum = file.stat().st_size, sha256(file)
    except OSError as error:
        raise BadInput(f"The table {shown(file)} cannot be read: {error.strerror or error}.") from error
    if size == 0:
        raise BadInput(f"The table {shown(file)} is empty: it has 0 bytes. Export it again.")
    read_table(file)
    return Input(shown(file), "table file", checksum, {"file": file.name, "bytes": size})
