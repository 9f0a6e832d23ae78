"""What ends: places for kernels, and a sign-in after its ten hours."""

from __future__ import annotations

import shutil
import sqlite3
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

Hub = Any
ASKS = "X-Workbench-Moving"
FULL = """
import sys
from workbench.hub import kernels, service
kernels.ALL = 1
sys.argv += ["--Voila.ip=127.0.0.1", "--port={port}", "--SharedVoila.ready=0", "--SharedVoila.warm=0"]
service.main()
"""


@pytest.fixture
def full(
    hub_site: Path,
    server: Callable[..., AbstractContextManager[Any]],
    tmp_path: Path,
) -> Iterator[str]:
    """The public's dashboards on a server with a place for one kernel."""
    pytest.importorskip("jupyterhub", reason="JupyterHub is not installed: type make setup-hub")
    own = tmp_path / "project"  # with an audit log of its own
    shutil.copytree(hub_site, own, ignore=shutil.ignore_patterns("audit"))
    with server(FULL, own, tmp_path) as address:
        yield address


def asked(address: str, **headers: str) -> tuple[int, str, Any]:
    """Ask as a browser of its own."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=120) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode(), answer.headers


def test_who_comes_when_all_places_are_taken_is_asked_to_wait(full: str) -> None:
    page = f"{full}show/school_profile?table=open_to_all"
    status, text, _ = asked(page)
    assert status == 200
    assert "Cedar High" in text
    status, text, _ = asked(page)
    assert (status, "kernelId" in text) == (200, False)  # the words, which take no place
    assert "Cedar High" in text
    for address, more in ((page, {ASKS: "1"}), (f"{page}&school=S01", {})):
        status, text, headers = asked(address, **more)
        assert status == 503
        assert "Many people are looking at this moment. Please try again in a few minutes." in text
        assert "Cedar" not in text
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert asked(f"{full}tables/")[0] == 200  # the pages for everybody take no place


def test_a_sign_in_lasts_ten_hours_and_then_ends(hub: Hub, chromium: Any) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{hub.dashboards}show/school_profile", timeout=60_000)
    page.fill("#username_input", "p.cedar")
    page.fill("#password_input", hub.password)
    page.click("#login_submit")
    page.wait_for_selector("#rendered_cells:not(:has(.wb-still)) .wb-card b", timeout=90_000)
    mine = f"{hub.dashboards}api/kernels/" + page.evaluate(
        "JSON.parse(document.getElementById('jupyter-config-data').text).kernelId"
    )
    token = {one["name"]: one["value"] for one in context.cookies(hub.dashboards)}["_xsrf"]
    ask = {"headers": {"X-XSRFToken": token}, "max_redirects": 0}
    assert context.request.get(mine, **ask).status == 200
    with closing(sqlite3.connect(hub.home / ".local" / "state" / "workbench" / "hub" / "hub.sqlite")) as known, known:
        lasting = known.execute(
            "select id, created, expires_at from api_tokens where session_id is not null order by id desc limit 1"
        ).fetchone()
        begun, ends = (datetime.fromisoformat(one) for one in lasting[1:])
        assert abs((ends - begun).total_seconds() - 36_000) < 60
        known.execute("update api_tokens set expires_at = ? where id = ?", (str(begun), lasting[0]))
    deadline = time.monotonic() + 30
    while context.request.get(mine, **ask).status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert context.request.get(mine, **ask).status == 403
    context.close()
