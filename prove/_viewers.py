"""Viewers of a dashboard: browsers, and clients that ask what a browser asks; and what their server takes in memory."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin, urlsplit

import psutil
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1
from playwright.async_api import Browser, Page, Playwright
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.httputil import HTTPHeaders
from tornado.websocket import websocket_connect

from workbench.hub.still import ASKS

FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--no-first-run"]
LONGEST = 120.0
"""Seconds after which a viewer has gone away."""
PROTOCOL = "v1.kernel.websocket.jupyter.org"


@dataclass(frozen=True)
class Look:
    """One viewer's page: seconds until its numbers could be read and until its filters could be moved (none, where
    that never came), its kernel, and whether a browser looked."""

    seconds: float | None
    movable: float | None = None
    kernel: str = ""
    cookie: str = ""
    why: str = ""
    by_browser: bool = False


async def launched(started: Playwright) -> Browser:
    """A headless Chromium, Debian's own."""
    return await started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)


async def opened(browser: Browser, asked: list[str] | None = None, cookie: tuple[str, str, str] | None = None) -> Page:
    """An empty page in a browser context of its own, which notes what it asks for: a viewer before they come.

    `cookie` is a name, its value and the address that it is for.
    """
    context = await browser.new_context()
    if cookie:
        await context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": cookie[2]}])
    page = await context.new_page()
    if asked is not None:
        page.on("request", lambda request: asked.append(request.url))
    return page


async def with_browser(page: Page, address: str, until: str, movable: str, after: float = 0) -> Look:
    """Go to an address and wait until `until` is painted, then `movable`; the page stays open."""
    await asyncio.sleep(after)
    begun, seconds = time.monotonic(), None
    try:
        await page.goto(address, wait_until="commit", timeout=LONGEST * 1000)
        await page.wait_for_selector(until, timeout=LONGEST * 1000)
        seconds = time.monotonic() - begun
        await page.wait_for_selector(movable, timeout=LONGEST * 1000)
    except Exception as error:
        return Look(seconds, why=str(error).split("\n")[0], by_browser=True)
    return Look(seconds, time.monotonic() - begun, by_browser=True)


async def with_protocol(address: str, parts: Iterable[str], until: bytes, after: float = 0, cookie: str = "") -> Look:
    """Ask for a page and for the files that a browser asks for with it, then for the page's widgets.

    The numbers can be read when `until` has come in the page itself; where these are words alone, the page that moves
    is asked for as their script does; where there is no kernel, the filters come with the page. `cookie` is what the
    viewer comes with.
    """
    await asyncio.sleep(after)
    client = AsyncHTTPClient()
    begun, seconds = time.monotonic(), None
    try:
        page = await _got(client, address, cookie)
        assert until in page.body, "the numbers are not in the page"
        seconds = time.monotonic() - begun
        given = [one.split(";")[0] for one in page.headers.get_list("Set-Cookie")]
        cookie = "; ".join([*([cookie] if cookie else []), *given])
        if ASKS.encode() in page.body:
            page = await _got(client, address, cookie, {ASKS: "1"})
        await asyncio.gather(*(_got(client, urljoin(address, part), cookie) for part in parts))
        kernel = re.search(rb'"kernelId": ?"([0-9a-f-]{36})"', page.body)
        if kernel is None:
            return Look(seconds, seconds)
        in_json = until.replace(b'"', b'\\"')
        await asyncio.wait_for(_widgets(address, kernel[1].decode(), cookie, in_json), LONGEST)
    except Exception as error:
        return Look(seconds, why=f"{type(error).__name__}: {error}")
    return Look(seconds, time.monotonic() - begun, kernel[1].decode(), cookie)


async def _got(
    client: AsyncHTTPClient, address: str, cookie: str, more: Mapping[str, str] = MappingProxyType({})
) -> HTTPResponse:
    headers = {"Cookie": cookie, "Accept-Encoding": "gzip"} | dict(more)
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


def work(process: int, seconds: float) -> float:
    """How many seconds of processor a server and its kernels use in so many seconds."""

    def used() -> float:
        found = 0.0
        for one in tree(process):
            with suppress(psutil.NoSuchProcess):  # it has ended between two looks
                found += sum(one.cpu_times()[:2])
        return found

    before = used()
    time.sleep(seconds)
    return used() - before


def kernels(process: int) -> int:
    """How many kernels a server has started that still run."""
    found = 0
    for one in tree(process):
        with suppress(psutil.NoSuchProcess):
            found += one.status() != psutil.STATUS_ZOMBIE and "ipykernel" in " ".join(one.cmdline())
    return found


def proportional(processes: Iterable[psutil.Process]) -> float:
    """The proportional set size of processes, in MB: a page that several share is counted once, in parts."""
    kilobytes = 0
    for one in processes:
        with suppress(OSError):
            told = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{one.pid}/smaps_rollup").read_text(), re.M)
            kilobytes += int(told[1]) if told else 0
    return kilobytes * 1024 / 1e6
