"""Pages for everybody over the wire: the policy, the tag, and access.yml of the moment."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application

import workbench as wb
from workbench.disclosure import published
from workbench.hub import tables
from workbench.public import page, write


@pytest.fixture
def run(site: Path) -> Path:
    wb.publish("open_to_all", pd.DataFrame({"school_id": ["S01", "S02"], "n": [360, 240]}), keys=["school_id"])
    published.commit("demo", {"caseload": site / "runs" / "study-1" / "caseload"}, "demo-1")
    write.write("demo", "2025-02-01T03:00:00+00:00")
    return site


def asked(path: str, **headers: str) -> HTTPResponse:
    """Ask a server of these pages alone."""

    async def ask() -> HTTPResponse:
        pages = [("/", tables.Table), (rf"/({tables.NAME})/({tables.NAME})\.html", tables.Table)]
        socket, port = bind_unused_port()
        server = HTTPServer(Application(pages))
        server.add_socket(socket)
        request = HTTPRequest(f"http://127.0.0.1:{port}{path}", headers=headers, decompress_response=False)
        answer = await AsyncHTTPClient(force_instance=True).fetch(request, raise_error=False)
        server.stop()
        return answer

    with ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, ask()).result()


def test_a_page_comes_under_its_own_policy_and_not_in_a_frame(run: Path) -> None:
    answer = asked("/demo/open_to_all.html")
    assert answer.code == 200
    assert answer.body == (run / "public" / "demo" / "open_to_all.html").read_bytes()
    assert answer.headers["Content-Security-Policy"] == f"{page.policy()}; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_a_page_from_before_an_upgrade_keeps_the_script_that_it_was_written_with(run: Path) -> None:
    file = run / "public" / "demo" / "open_to_all.html"
    told = page.policy().split("script-src ")[1].split(";")[0]
    file.write_text(file.read_text().replace(told, "'sha256-older'"))
    assert "script-src 'sha256-older';" in asked("/demo/open_to_all.html").headers["Content-Security-Policy"]


def test_a_page_that_names_no_policy_may_do_nothing(run: Path) -> None:
    (run / "public" / "demo" / "open_to_all.html").write_text("<script>alert(1)</script>")
    assert asked("/demo/open_to_all.html").headers["Content-Security-Policy"] == tables.NOTHING


def test_a_browser_that_has_it_is_told_so(run: Path) -> None:
    tag = asked("/demo/open_to_all.html", **{"Accept-Encoding": "gzip"}).headers["ETag"]
    again = asked("/demo/open_to_all.html", **{"If-None-Match": tag})
    assert (again.code, again.body) == (304, b"")


@pytest.mark.parametrize("path", ["/demo/by_school.html", "/demo/manifest.json", "/other/open_to_all.html"])
def test_what_is_not_there_is_told_without_its_cause(run: Path, path: str) -> None:
    answer = asked(path)
    assert answer.code == 404
    assert b"Traceback" not in answer.body


def test_a_page_whose_table_access_yml_no_longer_gives_is_refused_at_once(run: Path) -> None:
    assert b"open_to_all.html" in asked("/").body
    (run / "access.yml").write_text("min_count: 10\npublic: none\n...\n")
    assert asked("/demo/open_to_all.html").code == 404
    assert b"open_to_all.html" not in asked("/").body
