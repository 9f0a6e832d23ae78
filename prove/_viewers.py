"""Viewers of a dashboard: browsers, and clients that ask what a browser asks; and what their server takes in memory."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import psutil
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1
from playwright.async_api import Browser, Playwright
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders
from tornado.websocket import websocket_connect

FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--no-first-run"]
LONGEST = 120.0
"""Seconds after which a viewer has gone away."""
PROTOCOL = "v1.kernel.websocket.jupyter.org"


@dataclass(frozen=True)
class Look:
    """One viewer's page: seconds until its numbers were there (none, where they never came), and its kernel."""

    seconds: float | None
    kernel: str = ""
    cookie: str = ""
    why: str = ""


async def launched(started: Playwright) -> Browser:
    """A headless Chromium, Debian's own."""
    return await started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)


async def with_browser(
    browser: Browser, address: str, until: str, after: float = 0, asked: list[str] | None = None
) -> Look:
    """Open a page in a browser context of its own and wait until `until` is painted; it stays open."""
    await asyncio.sleep(after)
    context = await browser.new_context()
    page = await context.new_page()
    if asked is not None:
        page.on("request", lambda request: asked.append(request.url))
    begun = time.monotonic()
    try:
        await page.goto(address, wait_until="commit", timeout=LONGEST * 1000)
        await page.wait_for_selector(until, timeout=LONGEST * 1000)
    except Exception as error:
        return Look(None, why=str(error).split("\n")[0])
    return Look(time.monotonic() - begun)


async def with_protocol(address: str, parts: Iterable[str], until: bytes, after: float = 0) -> Look:
    """Ask for a page and for the files that a browser asks for with it, then for the page's widgets.

    The numbers are there when `until` has come, in the page itself or in the state of its widgets.
    """
    await asyncio.sleep(after)
    client = AsyncHTTPClient()
    begun = time.monotonic()
    try:
        page = await client.fetch(HTTPRequest(address, request_timeout=LONGEST, connect_timeout=LONGEST))
        cookie = "; ".join(one.split(";")[0] for one in page.headers.get_list("Set-Cookie"))
        await asyncio.gather(*(_got(client, urljoin(address, part), cookie) for part in parts))
        kernel = re.search(rb'"kernelId": ?"([0-9a-f-]{36})"', page.body)
        if kernel is None:
            assert until in page.body
            return Look(time.monotonic() - begun)
        await asyncio.wait_for(_widgets(address, kernel[1].decode(), cookie, until), LONGEST)
    except Exception as error:
        return Look(None, why=f"{type(error).__name__}: {error}")
    return Look(time.monotonic() - begun, kernel[1].decode(), cookie)


async def _got(client: AsyncHTTPClient, address: str, cookie: str) -> HTTPResponse:
    headers = {"Cookie": cookie, "Accept-Encoding": "gzip"}
    return await client.fetch(HTTPRequest(address, headers=headers, request_timeout=LONGEST, connect_timeout=LONGEST))


async def _widgets(address: str, kernel: str, cookie: str, until: bytes) -> None:
    """Ask a kernel for its widgets, as voila.js does, until the numbers have come."""
    where = urlsplit(address)
    wire = HTTPRequest(
        f"ws://{where.netloc}/api/kernels/{kernel}/channels?session_id=viewer",
        headers=HTTPHeaders({"Cookie": cookie, "Origin": f"http://{where.netloc}"}),
        connect_timeout=LONGEST,
    )
    socket = await websocket_connect(wire, subprotocols=[PROTOCOL])
    await socket.write_message(_said("comm_open", comm_id="c", target_name="jupyter.widget.control", data={}), True)
    await socket.write_message(_said("comm_msg", comm_id="c", data={"method": "request_states"}), True)
    heard = b""
    while until not in heard:
        frame = await socket.read_message()
        assert frame is not None, "the wire was cut"
        heard += frame if isinstance(frame, bytes) else frame.encode()
    # The wire stays open, as that of a page that is looked at does.


def _said(kind: str, **content: Any) -> bytes:
    header = {"msg_id": f"v{time.monotonic_ns()}", "msg_type": kind, "username": "", "session": "v", "version": "5.3"}
    parts = {"header": header, "parent_header": {}, "metadata": {"version": "1.0.0"}, "content": content, "buffers": []}
    wire = serialize_msg_to_ws_v1(parts, "shell", lambda one: json.dumps(one).encode())
    return b"".join(wire) if isinstance(wire, list) else wire


def tree(process: int) -> list[psutil.Process]:
    """A server and all that it has started."""
    first = psutil.Process(process)
    return [first, *first.children(recursive=True)]


def kernels(process: int) -> int:
    """How many kernels a server has started that still run."""
    running = [one for one in tree(process) if one.status() != psutil.STATUS_ZOMBIE]
    return sum("ipykernel" in " ".join(one.cmdline()) for one in running)


def proportional(processes: Iterable[psutil.Process]) -> float:
    """The proportional set size of processes, in MB: a page that several share is counted once, in parts."""
    kilobytes = 0
    for one in processes:
        text = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
        kilobytes += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])  # type: ignore[index]
    return kilobytes * 1024 / 1e6
