"""`workbench hub`: start the hub, or its dashboards alone for the public; and passwords for one machine."""

from __future__ import annotations

import getpass
import os
import sys
from importlib import util

from workbench.errors import BadInput
from workbench.hub import settings
from workbench.hub.passwords import remove_user, set_password
from workbench.paths import project_root

MISSING = "The hub is not installed. Type: make setup-hub"


def hub() -> None:
    """Start JupyterHub with the settings of `jupyter/hub/`, until interrupted; does not return.

    Raises BadInput, with all that is wrong with the settings, before anything is started.
    """
    found = settings.read()
    if problems := settings.wrong(found):
        raise BadInput("The hub was not started: " + "; ".join(problems) + ".")
    if util.find_spec("jupyterhub") is None or not settings.proxy():
        raise BadInput(MISSING)
    found.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = project_root() / "jupyter" / "hub" / "jupyterhub_config.py"
    print(f"The hub opens at {found.address} (Ctrl-C ends it).", flush=True)
    os.umask(0o077)
    os.chdir(found.state)
    _become(["jupyterhub", f"--config={config}"])


def public(port: str | None) -> None:
    """Serve the public's tables without sign-in, on this machine only, until interrupted; does not return."""
    if util.find_spec("jupyterhub") is None:
        raise BadInput(MISSING)
    port = port or "8867"
    print(f"The public dashboards open at http://127.0.0.1:{port}/ (Ctrl-C ends it).", flush=True)
    _become(["workbench.hub.service", "--Voila.ip=127.0.0.1", f"--port={port}"])


def user(name: str, remove: bool) -> None:
    """Ask for a user's new password and keep its hash, or take the user's password away."""
    path = settings.read().passwords
    if remove:
        return remove_user(path, name)
    first = getpass.getpass(f"New password of {name}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if sys.stdin.isatty() and getpass.getpass("The same again: ") != first:
        raise BadInput("The two passwords differ; nothing was changed.")
    set_password(path, name, first)
    return None


def _become(module: list[str]) -> None:
    ours = str(project_root() / "jupyter")
    environment = dict(os.environ) | {"WORKBENCH_ROOT": str(project_root()), "JUPYTER_PREFER_ENV_PATH": "1"}
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH"):
        environment[name] = os.pathsep.join(filter(None, [ours, os.environ.get(name)]))
    if module[0] != "jupyterhub":
        environment = {name: environment[name] for name in settings.PASSED_ON if name in environment}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-m", *module]
    os.execve(sys.executable, command, environment)
