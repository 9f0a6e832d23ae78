"""What the shared server answers, and nothing else: pages, their kernels' sockets, and what pages are made of."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, Final

from jupyter_client.jsonutil import json_default
from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from tornado.ioloop import PeriodicCallback
from tornado.web import HTTPError, authenticated
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from workbench.access.audit import Event, record
from workbench.access.roles import OF_PERSONS, Viewer
from workbench.access.signed_in import viewer_told
from workbench.hub import still
from workbench.hub.kernels import ALLOWED, ForOne

CONTROL: Final = "jupyter.widget.control"
"""The one channel that a page may open: it asks for the widgets that the kernel has made."""

WORDS: Final = {
    403: "This is not there, or it is not for you.",
    404: "This is not there, or it is not for you.",
    405: "This cannot be done here.",
    503: "Many people are looking at this moment. Please try again in a few minutes.",
}
SORRY: Final = (
    "This page cannot be shown at the moment. Please try again; if that does not help, tell those who run it."
)


class Plain(JupyterHandler):
    """A page for viewers: what goes wrong is one sentence; who asks is known by the sign-in alone."""

    @property
    def owner(self) -> str:
        """The sign-in of this request; empty without one."""
        return str(self.settings["identity_provider"].owner(self))

    def check_owner(self, kernel_id: str) -> None:
        """Raise HTTPError 404 where a kernel is not of this sign-in: another's is told like none."""
        if not self.settings["kernels"].owned(kernel_id, self.owner):
            raise HTTPError(404)

    def write_error(self, status_code: int, **_: Any) -> None:
        """Answer a failure in words, without its cause."""
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish(_page("Not shown", f"<p>{escape(WORDS.get(status_code, SORRY))}</p>"))


class Front(Plain):
    """The list of dashboards."""

    @authenticated
    def get(self) -> None:
        """Answer with a link to each dashboard, and to JupyterLab and the way out where there is a hub."""
        links = "".join(
            f'<li><a href="show/{name}">{escape(name.replace("_", " ").capitalize())}</a></li>'
            for name in self.settings["dashboards"]
        )
        self.finish(_page("Dashboards", f"<ul>{links}</ul>{self.settings['ways_out']}"))


class Dashboard(Plain, TornadoVoilaHandler):
    """One dashboard, run in a kernel of its viewer's own."""

    @cached_property
    def kernel_manager(self) -> ForOne:
        """The kernels, as far as this viewer is concerned."""
        return ForOne(self.settings["kernel_manager"], self.settings["kernels"], self.owner, self._told())

    @authenticated
    async def get(self, path: str = "") -> None:
        """Answer with a dashboard that the list names, whatever else lies in its folder: its words, then the rest."""
        if path not in self.settings["dashboards"]:
            raise HTTPError(404)
        _ = self.xsrf_token  # sets the cookie that the page's own requests need
        self.set_header("Cache-Control", "no-cache, no-store, must-revalidate")
        viewer, sees_words = viewer_told(self._told()), still.ASKS in self.request.headers
        asked = None if path in OF_PERSONS else still.key(path, self.request.query, viewer)
        if asked and not sees_words and (words := await self.settings["stills"].find_or_wait(asked)):
            await self._shown(path, viewer)
            self._say(words)
        elif asked and sees_words and (html := self.settings["moving"].take(self.owner, asked)):
            async with self.settings["kernels"].page(can_wait=True):  # its scripts and widgets are work, too
                self.finish(html)
        elif not self.request.query and (html := await self._ready(path, viewer)):
            self.finish(html)
        else:
            await self._run(path, asked, sees_words)

    async def _run(self, path: str, asked: still.Key | None, sees_words: bool) -> None:
        """Run the dashboard for this viewer and answer: with its words where they are kept, else with all of it.

        The words are there at once, and the scripts of a page that moves are not in their way.
        """
        stills, kernels = self.settings["stills"], self.settings["kernels"]
        words_first = asked is not None and not sees_words
        async with stills.making(asked, self._told()) as parts, kernels.page(can_wait=sees_words):
            async for html in self.get_generator(path=f"{path}.ipynb"):
                parts.append(html)
                if not words_first:
                    self.write(html)
                    await self.flush()
        words = stills.find(asked) if words_first else None
        if words:
            self.settings["moving"].keep(self.owner, asked, self.kernel_manager.started, "".join(parts), words)
            self._say(words)
        elif words_first:
            self.finish("".join(parts))

    def _say(self, words: still.Still) -> None:
        """Answer with words, packed for who can unpack them."""
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Vary", "Accept-Encoding")
        if packed := "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
        self.finish(words.packed if packed else words.plain)

    def _told(self) -> str:
        words: str = self.settings["identity_provider"].viewer(self)
        return words

    async def _ready(self, name: str, viewer: Viewer) -> str | None:
        """Return a page that waited for the public, after the look is in the audit log."""
        html: str | None = await self.settings["ready"].take(name, self.owner) if self.settings["ready"] else None
        if html is not None:
            await self._shown(name, viewer)
        return html

    async def _shown(self, name: str, viewer: Viewer) -> None:
        """Write into the audit log that a page that was made before is shown."""
        filters = {"address": self.request.query} if self.request.query else {}
        look = Event(viewer.user or "public", "was shown", f"dashboard {name}", viewer.role or "", filters)
        await asyncio.to_thread(record, look, datetime.now(UTC).isoformat(timespec="seconds"))


class KernelFacts(Plain, APIHandler):
    """Whether a page's own kernel is still there."""

    @authenticated
    async def get(self, kernel_id: str) -> None:
        """Answer with the kernel's state."""
        self.check_owner(kernel_id)
        model = await ensure_async(self.kernel_manager.kernel_model(kernel_id))
        self.finish(json.dumps(model, default=json_default))


class KernelEnd(Plain, APIHandler):
    """The end of a page's own kernel, when the page is left."""

    @authenticated
    async def post(self, kernel_id: str) -> None:
        """Shut the kernel down."""
        self.check_owner(kernel_id)
        await self.settings["kernels"].end(kernel_id)
        self.set_status(204)
        self.finish()


class KernelSocket(Plain, VoilaKernelWebsocketHandler):
    """The wire between a page and its own kernel, on which widgets move and no code goes; it ends with the sign-in."""

    async def pre_get(self) -> None:
        """Refuse another's kernel before anything is connected."""
        self.check_owner(self.kernel_id)
        await super().pre_get()

    async def open(self, kernel_id: str) -> None:
        """Begin, and look from time to time whether the sign-in still holds."""
        self._looking = PeriodicCallback(self._look, self.settings["look_every"] * 1000)
        self._looking.start()
        await super().open(kernel_id)

    def on_message(self, ws_message: Any) -> None:
        """Pass on what a page may say; drop the rest without an answer."""
        if may_be_said(ws_message):
            super().on_message(ws_message)

    def on_close(self) -> None:
        """End."""
        self._looking.stop()
        super().on_close()

    async def _look(self) -> None:
        if not await self.settings["identity_provider"].still_there(self):
            self.close(1008, "signed out")
            await self.settings["kernels"].end(self.kernel_id)


class Nothing(Plain):
    """Every other address."""

    def prepare(self) -> None:
        """Refuse before anybody is asked who they are."""
        raise HTTPError(404)


def may_be_said(message: Any) -> bool:
    """Return whether a page may say this to its kernel: what moves a widget, and nothing that runs code."""
    try:
        channel, parts = deserialize_msg_from_ws_v1(message)
        kind = json.loads(parts[0])["msg_type"]
        content = json.loads(parts[3])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return False
    if channel != "shell" or kind not in ALLOWED:
        return False
    return kind != "comm_open" or content.get("target_name") == CONTROL


def dashboards(folder: Path) -> list[str]:
    """Return the names of the dashboards in a folder."""
    return sorted(path.stem for path in folder.glob("*.ipynb") if re.fullmatch(r"[a-z0-9_]+", path.stem))


def _page(title: str, body: str) -> str:
    style = "body{font:16px/1.5 system-ui,sans-serif;color:#1c2733;max-width:44em;margin:3em auto;padding:0 16px}"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:;base64,=">'
        f"<style>{style}</style></head><body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
