"""One Voilà for all viewers: a service of the hub, or by itself in public mode.

Its list of addresses is written here and not inherited, so that an address that Voilà has is not thereby one that
viewers reach: no contents, files, terminals, notebook sources, nor anything that runs code.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import voila.handler
from jupyterlab_server.themes_handler import ThemesHandler
from tornado.ioloop import IOLoop, PeriodicCallback
from traitlets import Bool, Integer
from voila import __version__
from voila.app import Voila
from voila.notebook_renderer import NotebookRenderer

from workbench.access.roles import OF_PERSONS
from workbench.access.signed_in import audiences, public_audience, told
from workbench.hub import pages, rendering, tables
from workbench.hub.ahead import Ahead
from workbench.hub.assets import VERSION, Asset, of_template
from workbench.hub.identity import ASK_AGAIN, HubIdentity, PublicIdentity
from workbench.hub.kernels import ALLOWED, Kernels
from workbench.hub.moving import MovingPages
from workbench.hub.ready import ReadyPages
from workbench.hub.still import Stills
from workbench.paths import project_root

KERNEL: Final = r"(?P<kernel_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class SharedVoila(Voila):
    """A Voilà that knows its viewers, keeps their kernels apart and answers to a short list of addresses."""

    public = Bool(False, config=True, help="serve the tables of the public, without sign-in")
    warm = Integer(2, config=True, help="how many kernels wait, with the libraries loaded, for the next viewer")
    ready = Integer(2, config=True, help="in public mode: how many pages of each dashboard wait, run and rendered")
    look_every = Integer(ASK_AGAIN, config=True, help="seconds between two looks whether a sign-in still holds")

    def init_settings(self) -> dict[str, Any]:
        """Return Voilà's settings with our identity, our owners of kernels, and our headers."""
        self.identity_provider_class = PublicIdentity if self.public else HubIdentity
        settings: dict[str, Any] = super().init_settings()
        self.kernel_manager.allowed_message_types = list(ALLOWED)
        self.kernels = Kernels(self.kernel_manager, "", self.warm)
        known = pages.dashboards(Path(self.root_dir))
        if self.public:  # rows about students are for people who have signed in
            known = [name for name in known if name not in OF_PERSONS]
        asked = {"SERVER_SOFTWARE": f"voila/{__version__}", "QUERY_STRING": ""}
        self.pages = (
            ReadyPages(self.kernels, self.rendered, known, self.ready, told(None), asked) if self.public else None
        )
        self.stills = Stills()
        granted = public_audience if self.public else audiences
        self.ahead = Ahead(self.stills, self.kernels, self.rendered, known, granted)
        out = '<p><a href="/hub/spawn">JupyterLab, for researchers</a> · <a href="/hub/logout">Sign out</a></p>'
        return settings | {
            "kernels": self.kernels,
            "ready": self.pages,
            "stills": self.stills,
            "moving": MovingPages(self.kernels),
            "dashboards": known,
            "ways_out": '<p><a href="tables/">All tables for everybody</a></p>' if self.public else out,
            "look_every": self.look_every,
            "allow_remote_access": True,
            "headers": HEADERS,
            "websocket_max_message_size": 2**20,
        }

    def init_handlers(self) -> list[Any]:
        """Return every address that is answered."""
        page = {
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        labs, ours = tuple(self.labextensions_path), tuple(self.static_paths)
        themes = {"themes_url": "/voila/api/themes", "path": self.themes_dir, "labextensions_path": list(labs)}
        listed = [
            ("", pages.Front),
            (r"show/([a-z0-9_]+)", pages.Dashboard, page),
            (rf"api/kernels/{KERNEL}", pages.KernelFacts),
            (rf"api/kernels/{KERNEL}/channels", pages.KernelSocket),
            (rf"voila/api/shutdown/{KERNEL}", pages.KernelEnd),
            (rf"voila/static/(?:{VERSION}/)?(.*)", Asset, {"places": lambda path: (ours, path)}),
            (r"voila/templates/(.*)", Asset, {"places": of_template}),
            (r"voila/labextensions/(.*)", Asset, {"places": lambda path: (labs, path)}),
            (r"voila/api/themes/(.*)", ThemesHandler, themes | {"no_cache_paths": ["/"]}),
            *self.identity_provider.get_handlers(),
        ]
        if self.public:
            listed += [
                ("tables/(?:index.html)?", tables.Table),
                (rf"tables/({tables.NAME})/({tables.NAME})\.html", tables.Table),
            ]
        answered = [(f"{self.base_url.rstrip('/')}/{path}", *rest) for path, *rest in listed]
        return [*answered, (r".*", pages.Nothing)]

    async def rendered(self, name: str, kernel_id: str) -> str:
        """Return a dashboard's page, run in a kernel."""
        page = NotebookRenderer(
            request_handler=None,
            voila_configuration=self.voila_configuration,
            traitlet_config=self.config,
            notebook_path=f"{name}.ipynb",
            template_paths=self.template_paths,
            config_manager=self.config_manager,
            contents_manager=self.contents_manager,
            base_url=self.base_url,
            kernel_spec_manager=self.kernel_spec_manager,
            prelaunch_hook=None,
            page_config=voila.handler.get_page_config(
                base_url=self.base_url,
                settings=self.app.settings,
                log=self.log,
                voila_configuration=self.voila_configuration,
            ),
            mathjax_config=self.app.settings.get("mathjax_config"),
            mathjax_url=self.app.settings.get("mathjax_url"),
        )
        await page.initialize(template=None, theme=None)
        html: str = await page.generate_content_str(kernel_id, self.kernel_manager.get_kernel(kernel_id))
        return html

    def listen(self) -> None:
        """Begin to serve; what waits for viewers is made now, and looked after every minute."""
        for fill in [self.kernels.fill, *([self.pages.fill] if self.pages else [])]:
            fill()
            PeriodicCallback(fill, 60_000).start()
        PeriodicCallback(self.ahead.make, 60_000).start()
        IOLoop.current().add_callback(self.ahead.make)
        super().listen()


def main() -> None:
    """Serve the dashboards where the hub says, or, without a hub, at the address of the command line."""
    folder = str(project_root() / "notebooks" / "dashboards")
    asked = sys.argv[1:]
    if given := os.environ.get("JUPYTERHUB_SERVICE_URL"):
        place, prefix = urlsplit(given), os.environ["JUPYTERHUB_SERVICE_PREFIX"]
        asked += [f"--Voila.ip={place.hostname}", f"--port={place.port}", f"--base_url={prefix}"]
    else:
        asked.append("--SharedVoila.public=True")
    os.umask(0o077)
    rendering.work_out_once()
    SharedVoila.launch_instance([folder, "--Voila.port_retries=0", "--Voila.open_browser=False", *asked])


if __name__ == "__main__":
    main()
