"""A real hub on free loopback ports, for a site of two schools; every process is ended by its id."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd
import pytest

PROJECT = Path(__file__).resolve().parents[3]
PASSWORD = "correct horse battery"
SMALL = "voila/static/voila.js"
USERS = {"p.cedar": "a principal", "p.harbor": "another", "r.quinn": "a researcher", "nobody": "unknown to access.yml"}
ACCESS = """min_count: 10
public: [open_to_all]
people:
  - {user: p.cedar, role: principal, schools: [S01], tables: all}
  - {user: p.harbor, role: principal, schools: [S02], tables: all}
  - {user: r.quinn, role: researcher, districts: all, schools: all, tables: all, columns: none}
  - {group: cedar-staff, role: principal, schools: [S01], tables: all}
...
"""
CELLS = [
    "from datetime import UTC, datetime\n\nfrom IPython.display import HTML\n\n"
    "from workbench import dashboards as dash\nfrom workbench.dashboards import seen\n\ndash.speak_plainly()",
    "asked = dash.from_address('school', 'mine')\n"
    "table = dash.from_address('table', 'by_school')\n"
    "one = seen.read('demo', table, at=datetime.now(UTC).isoformat(), filters={'school': asked})\n"
    "rows = {row['school_name']: row['n'] for row in one.published.table.to_pylist()}",
    "school = dash.choice('School', rows)\ndash.filters(school)",
    "dash.live(lambda school: dash.cards({'Students': (dash.decimal(school, 0), ', '.join(rows))}), school=school)",
    "HTML(dash.words(one.not_shown) + dash.provenance(one.published))",
    "def given():\n"
    "    at = datetime.now(UTC).isoformat()\n"
    "    return seen.read('demo', table, at=at, filters={'school': asked}, what='exported')\n\n"
    "def columns(found):\n"
    "    names = ('school_name', 'n', 'suppressed')\n"
    "    return {name: found.published.table.column(name).to_pylist() for name in names}\n\n"
    "dash.downloads('Students', given, columns, None, lambda: {'school': asked})",
]


@dataclass(frozen=True)
class Hub:
    """A hub that runs: its address, the folders of its project and of its own files, and its process."""

    address: str
    root: Path
    home: Path
    process: int
    public: str
    password: str = PASSWORD

    @property
    def dashboards(self) -> str:
        return f"{self.address}/services/dashboards/"


@pytest.fixture(scope="session")
def hub_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with one dashboard and two tables: one cut by school, one for everybody."""
    import workbench as wb
    from workbench.disclosure import published

    root = tmp_path_factory.mktemp("site")
    shutil.copytree(PROJECT / "jupyter", root / "jupyter")
    shutil.copy(PROJECT / "pyproject.toml", root)
    (root / "access.yml").write_text(ACCESS)
    folder = root / "notebooks" / "dashboards"
    folder.mkdir(parents=True)
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"title": "Schools"}), folder / "school_profile.ipynb"
    )
    (folder / "notes.txt").write_text("secret notes")
    rows = pd.DataFrame({"school_id": ["S01", "S02"], "school_name": ["Cedar High", "Harbor High"], "n": [360, 240]})
    with pytest.MonkeyPatch.context() as patch:
        output = root / "runs" / "demo-1" / "study"
        patch.setenv("WORKBENCH_ROOT", str(root))
        patch.setenv("WORKBENCH_OUTPUT", str(output))
        for name in ("by_school", "open_to_all"):
            wb.publish(name, rows, keys=["school_id", "school_name"], data_date="2025-01-31")
        manifest = published.commit("demo", {"study": output}, "demo-1")
    told = json.loads(manifest.read_text())
    told["tables"]["by_school"] |= {"audience": "school", "unit": "school_id"}
    manifest.write_text(json.dumps(told))
    return root


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def environment(root: Path, home: Path) -> dict[str, str]:
    """What a server of the tests is given: a home of its own, and the project's proxy on the path."""
    bins = [
        str(PROJECT / ".cache" / "hub" / "node_modules" / ".bin"),
        str(Path(sys.executable).parent),
        os.environ["PATH"],
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WORKBENCH_", "JUPYTER", "XDG_"))}
    return kept | {
        "PATH": os.pathsep.join(bins),
        "HOME": str(home),
        "WORKBENCH_ROOT": str(root),
        "PYTHONPATH": str(PROJECT / "src"),
        "SECRET_OF_THE_HUB": "never in a kernel",
        "WORKBENCH_HUB_LOOK": "2",
    }


@contextmanager
def running(code: str, env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, and end it by its id."""
    with open(log, "w") as words:
        process = subprocess.Popen([sys.executable, "-c", code], env=env, stdout=words, stderr=words)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answering(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Wait until a server answers at an address."""
    for _ in range(180):
        assert process.poll() is None, f"the server ended:\n{log.read_text()}"
        with suppress(OSError):
            urllib.request.urlopen(address, timeout=5).close()
            return
        time.sleep(0.5)
    raise AssertionError(f"the server does not answer:\n{log.read_text()}")


@contextmanager
def hub_of(root: Path, home: Path, **settings: str) -> Iterator[tuple[str, int]]:
    """Start a hub for a project folder, with a home and settings of its own; give its address and process id."""
    pytest.importorskip("jupyterhub", reason="JupyterHub is not installed: type make setup-hub")
    env = environment(root, home) | settings
    if not shutil.which("configurable-http-proxy", path=env["PATH"]):
        pytest.skip("the hub's proxy is not installed: type make setup-hub")
    names = ("HUB_PORT", "HUB_INNER_PORT", "HUB_PROXY_PORT", "HUB_DASHBOARDS_PORT")
    env |= {f"WORKBENCH_{name}": str(port) for name, port in zip(names, free_ports(4), strict=True)}
    address = f"http://127.0.0.1:{env['WORKBENCH_HUB_PORT']}"
    with running("from workbench.hub import start; start.hub()", env, home / "log") as started:
        answering(started, f"{address}/services/dashboards/{SMALL}", home / "log")
        yield address, started.pid


@pytest.fixture(scope="session")
def start_hub() -> Callable[..., AbstractContextManager[tuple[str, int]]]:
    """Start another hub: `with start_hub(root, home, WORKBENCH_HUB_SIGN_IN="oidc") as (address, process)`."""
    return hub_of


@pytest.fixture(scope="session")
def server() -> Callable[..., AbstractContextManager[str]]:
    """Start a shared server of one's own, by code in which its port is `{port}`; give its address."""

    @contextmanager
    def started(code: str, root: Path, home: Path) -> Iterator[str]:
        (port,) = free_ports(1)
        ours = str(root / "jupyter")
        settings = {"JUPYTER_PATH": ours, "JUPYTER_CONFIG_PATH": ours, "JUPYTER_PREFER_ENV_PATH": "1"}
        with running(code.format(port=port), environment(root, home) | settings, home / "log") as process:
            answering(process, f"http://127.0.0.1:{port}/{SMALL}", home / "log")
            yield f"http://127.0.0.1:{port}/"

    return started


@pytest.fixture(scope="session")
def hub(hub_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """The hub of that site, with a password for each of its users, and beside it its dashboards for the public."""
    pytest.importorskip("jupyterhub", reason="JupyterHub is not installed: type make setup-hub")
    from workbench.hub.passwords import set_password

    home = tmp_path_factory.mktemp("home")
    for user in USERS:
        set_password(home / ".config" / "workbench" / "passwords.json", user, PASSWORD)
    (port,) = free_ports(1)
    alone, public = f"from workbench.hub import start; start.public({str(port)!r})", f"http://127.0.0.1:{port}/"
    with ExitStack() as both:
        second = both.enter_context(running(alone, environment(hub_site, home), home / "public-log"))
        address, process = both.enter_context(hub_of(hub_site, home))
        answering(second, public + SMALL, home / "public-log")
        yield Hub(address, hub_site, home, process, public)


@pytest.fixture
def public(hub: Hub) -> str:
    """The address of the same site's dashboards without a hub, for the public."""
    return hub.public
