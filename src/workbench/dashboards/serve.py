"""Start the two servers people open in a browser, on this machine only and behind a token.

`dashboard` serves one dashboard with Voilà, `lab` opens JupyterLab; both take their settings from
the folder `jupyter/` and print the address to open. The token is new at each start unless
JUPYTER_TOKEN gives one, and it never stands in a command line, where other users could read it.
"""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import sys
from collections.abc import Sequence

from workbench.errors import BadParameter
from workbench.paths import project_root

DASHBOARDS = "notebooks/dashboards"


def dashboard(argv: Sequence[str] | None = None) -> None:
    """Serve one dashboard (by default student_prediction) until interrupted; does not return.

    Raises BadParameter for a dashboard or a port that cannot be had.
    """
    parser = argparse.ArgumentParser(prog="workbench dashboard", description="Serve a dashboard in the browser.")
    parser.add_argument("name", nargs="?", default="student_prediction", help="the dashboard (default: %(default)s)")
    parser.add_argument("--port", type=int, default=None, help="default: 8866, or the next that is free")
    given = parser.parse_args(argv)
    notebook = project_root() / DASHBOARDS / f"{given.name}.ipynb"
    if not notebook.is_file():
        known = ", ".join(sorted(path.stem for path in notebook.parent.glob("*.ipynb"))) or "none"
        raise BadParameter(f"There is no dashboard {given.name!r}; there are: {known}.")
    page = f"/voila/render/{notebook.name}"  # the folder is served, so that dashboards can link to each other
    _start(["voila", str(notebook.parent), "--Voila.port_retries=0"], given.port, 8866, "The dashboard", page)


def lab(argv: Sequence[str] | None = None) -> None:
    """Open JupyterLab on the notebooks, with this environment's kernel, until interrupted; does not return."""
    parser = argparse.ArgumentParser(prog="workbench lab", description="Open JupyterLab on the notebooks.")
    parser.add_argument("--port", type=int, default=None, help="default: 8888, or the next that is free")
    given = parser.parse_args(argv)
    root = project_root()
    command = [
        "jupyterlab",
        f"--ServerApp.root_dir={root}",
        f"--FileContentsManager.preferred_dir={root / 'notebooks'}",
    ]
    command += ["--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    _start(command, given.port, 8888, "JupyterLab", "/lab")


def _start(command: list[str], port: int | None, usual: int, what: str, path: str) -> None:
    root = project_root()
    port = _free_port(port, usual)
    token = os.environ.get("JUPYTER_TOKEN") or secrets.token_urlsafe(24)
    settings = str(root / "jupyter")
    environment = os.environ | {
        "JUPYTER_TOKEN": token,
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PATH": os.pathsep.join(filter(None, [settings, os.environ.get("JUPYTER_PATH")])),
        "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, [settings, os.environ.get("JUPYTER_CONFIG_PATH")])),
    }
    print(f"{what} opens at this address, on this machine only (Ctrl-C ends it):", flush=True)
    print(f"  http://127.0.0.1:{port}{path}?token={token}", flush=True)
    os.chdir(root)
    os.execve(
        sys.executable,
        [sys.executable, "-W", "ignore::DeprecationWarning", "-m", *command, f"--port={port}"],
        environment,
    )


def _free_port(wanted: int | None, usual: int) -> int:
    for port in [wanted] if wanted is not None else range(usual, usual + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise BadParameter(f"Port {wanted or usual} is not free; name another with --port.")
