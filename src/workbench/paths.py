"""Where things are: every relative path a person writes is meant from the project's root."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.errors import BadInput

ROOT_VARIABLE = "WORKBENCH_ROOT"


def project_root(start: Path | None = None) -> Path:
    """Return the folder that holds `pyproject.toml` and `notebooks/`, at or above `start`.

    `WORKBENCH_ROOT` overrides the search. Raises BadInput where there is no such folder.
    """
    if named := os.environ.get(ROOT_VARIABLE):
        return Path(named).resolve()
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file() and (folder / "notebooks").is_dir():
            return folder
    raise BadInput(
        f"No project found at or above {here}. Change into the project folder, or set {ROOT_VARIABLE} to it."
    )


def resolve(path: str | Path) -> Path:
    """Return `path` as an absolute path; a relative one starts at the project's root."""
    path = Path(path).expanduser()
    return path if path.is_absolute() else (project_root() / path)


def shown(path: str | Path) -> str:
    """Return `path` as a person should read it: relative to the project where it lies inside."""
    try:
        return str(Path(path).relative_to(project_root()))
    except (ValueError, BadInput):
        return str(path)
