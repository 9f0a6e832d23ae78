"""Debian's Chromium, and the project's two servers on free loopback ports; each is ended by its process id."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Visit:
    """A page, and what went wrong while it was looked at: requests to elsewhere, and failed ones."""

    page: object
    elsewhere: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)  # every websocket frame the server sent


@pytest.fixture
def visit(chromium: object) -> Iterator[Callable[..., Visit]]:
    """Open an address in a fresh browser context that can reach nothing but this machine."""
    contexts = []

    def opened(address: str, width: int = 1280, height: int = 900) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        context.set_default_timeout(45_000)
        one = Visit(context.new_page())

        def local(route: object) -> None:
            if re.match(r"(http|ws)://127\.0\.0\.1[:/]|data:|blob:|file:", route.request.url):
                return route.continue_()
            one.elsewhere.append(route.request.url)
            return route.abort()

        def frame(payload: str | bytes) -> None:
            one.heard.append(payload if isinstance(payload, str) else payload.decode("utf-8", "replace"))

        def answered(answer: object) -> None:
            if answer.status >= 400:
                one.failed.append(f"{answer.status} {answer.url}")

        context.route("**/*", local)
        one.page.on("requestfailed", lambda request: one.failed.append(f"{request.url} {request.failure}"))
        one.page.on("response", answered)
        one.page.on("websocket", lambda socket: socket.on("framereceived", frame))
        one.page.goto(address)
        return one

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[str]]:
    """Start one of the project's servers: `with serving("lab", root, log) as address`."""
    return _serving


@contextmanager
def _serving(command: str, root: Path, log: Path) -> Iterator[str]:
    """Start `workbench.dashboards.serve` for the project folder `root`; yield the address it prints."""
    code = f"from workbench.dashboards import serve; serve.{command}(['--port', '0'])"
    environment = os.environ | {"WORKBENCH_ROOT": str(root), "HOME": str(log.parent)}
    environment.pop("JUPYTER_TOKEN", None)
    with open(log, "w") as words:
        process = subprocess.Popen([sys.executable, "-c", code], cwd=root, env=environment, stdout=words, stderr=words)
    try:
        yield _answering(process, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answering(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address the server has printed, once it answers there."""
    for _ in range(600):
        assert process.poll() is None, f"the server ended:\n{log.read_text()}"
        if found := re.search(r"http://127\.0\.0\.1:\d+/\S*\?token=\S+", log.read_text()):
            with suppress(OSError):
                urllib.request.urlopen(found[0].split("?")[0], timeout=5).close()
                return found[0]
        time.sleep(0.1)
    raise AssertionError(f"the server does not answer:\n{log.read_text()}")


@pytest.fixture(scope="module")
def dashboard(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the first dashboard, with its token."""
    with _serving("dashboard", demo_root, tmp_path_factory.mktemp("dashboard") / "log") as address:
        yield address
