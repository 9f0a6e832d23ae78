"""What all pages have in common, worked out once: compiled templates, and the list of extensions that pages load.

Voilà does both anew for each viewer, which was a third of the server's time; and before each page it waits a fifth of
a second for the kernel to fall silent. It has no setting for either, so its names are replaced here, before its first
page.
"""

from __future__ import annotations

import time
from copy import deepcopy
from queue import Empty
from types import CodeType
from typing import Any, Final

import voila.handler
import voila.notebook_renderer
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from jupyter_server.utils import url_path_join
from voila.execute import VoilaExecutor
from voila.exporter import VoilaExporter
from voila.utils import get_page_config

from workbench.hub.assets import VERSION


class Compiled(BytecodeCache):
    """Compiled templates, for as long as the server runs and their source stays as it is."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template the code that was compiled before, if there is one."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template that was just compiled."""
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


COMPILED: Final = Compiled()


class Exporter(VoilaExporter):
    """Voilà's exporter, with templates that are compiled once."""

    @property
    def environment(self) -> Environment:
        """The templates' surroundings."""
        found: Environment = super().environment
        found.bytecode_cache = COMPILED
        return found


class Executor(VoilaExecutor):
    """Voilà's executor, which begins as soon as the kernel is heard: nobody else speaks with it yet."""

    async def async_start_new_kernel_client(self) -> Any:
        """Return a client of the kernel."""
        self.kc = self.km.client()
        self.kc.start_channels()
        await heard(self.kc, self.startup_timeout)
        self.kc.allow_stdin = False
        return self.kc


async def heard(client: Any, patience: float) -> None:
    """Wait until a kernel answers, and until what it puts out is heard. Raises TimeoutError after so many seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        client.kernel_info()
        try:
            await client.get_shell_msg(timeout=1)
            await client.get_iopub_msg(timeout=0.1)
        except Empty:
            continue
        return
    raise TimeoutError("The kernel does not answer.")


class PageFacts:
    """What a page's script is told about the server: the same for every page, but each may change its own copy."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def __call__(self, base_url: str, **server: Any) -> dict[str, Any]:
        """Return them, with Voilà's own files at an address that browsers may keep."""
        if base_url not in self._known:
            facts = get_page_config(base_url=base_url, **server)
            facts["fullStaticUrl"] = url_path_join(base_url, "voila/static", VERSION)
            self._known[base_url] = facts
        return deepcopy(self._known[base_url])


def work_out_once() -> None:
    """Put these in the place of what Voilà does for each page."""
    voila.notebook_renderer.VoilaExporter = Exporter
    voila.notebook_renderer.VoilaExecutor = Executor
    voila.handler.get_page_config = PageFacts()
