"""What a run was made with: packages, the workbench's own code, the commit."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

import workbench
from workbench.paths import project_root

PACKAGES = (
    *("pandas", "numpy", "scipy", "pyarrow", "duckdb", "ibis-framework", "pyspark", "scikit-learn", "xgboost"),
    *("shap", "fairlearn", "mapie", "matplotlib", "pydantic", "papermill", "nbconvert", "jupyterlab", "voila"),
)


def packages() -> dict[str, str]:
    """Return the versions of Python and of the installed packages that shape a result."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@cache
def code_version() -> str:
    """Return the workbench's version and a checksum of its code, as in 0.1.0+3f2a91c0."""
    digest = hashlib.sha256()
    package = Path(workbench.__file__).parent
    for file in sorted(package.rglob("*.py")):
        digest.update(str(file.relative_to(package)).encode() + b"\0" + file.read_bytes())
    return f"{workbench.__version__}+{digest.hexdigest()[:8]}"


def git_commit() -> str | None:
    """Return the project's commit, with "+changes" where files differ from it; None without git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+changes" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(project_root()), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
