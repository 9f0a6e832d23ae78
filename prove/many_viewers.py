"""Thirty viewers on two cores, of a dashboard and of a page for everybody: seconds to the numbers, and memory."""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import _signed_in
import _study
import _viewers as viewers
import pandas as pd
from _signed_in import USER
from playwright.async_api import async_playwright
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from workbench.disclosure import published
from workbench.hub.kernels import QUIET
from workbench.hub.settings import PASSED_ON
from workbench.paths import project_root

VIEWERS, BROWSERS, SPREAD, SETTLED = 30, 3, 60.0, 3.0
FIRST = "first.comer"
SECONDS, MEGABYTES = 3.0, 150.0
IDLE, LOOK, ANEW = 100, 5, 70
"""Seconds without use after which the study's server ends a kernel (a site's: 1,200), and between two looks; seconds
after which it has begun to make anew the words of pages that somebody looked at."""


@dataclass(frozen=True)
class Way:
    """How viewers are served: the page, what waits for them, and how to tell numbers and filters in it."""

    name: str
    page: str
    waiting: tuple[str, ...]
    numbers: str
    filters: str
    in_page: bytes
    kernels: int
    pages: int = 0
    """How many different pages viewers ask for, none of which was made since the published numbers were; 0, where it is
    one and nothing changed."""
    seen: bool = False
    """Whether they were looked at before that, and the server has had a minute for their words."""
    schools: int = 0
    """Of how many schools the viewers are, who have signed in; 0, where they are the public."""


_DASHBOARD = ("show/student_prediction", ".wb-card b", ".widget-dropdown select", b'<div class="wb-card"')
READY = Way(
    "dashboard, pages wait ready",
    _DASHBOARD[0],
    (f"--SharedVoila.ready={VIEWERS}", "--SharedVoila.warm=0"),
    *_DASHBOARD[1:],
    kernels=VIEWERS,
)
WARM = Way(
    "dashboard, kernels wait warm",
    _DASHBOARD[0],
    ("--SharedVoila.ready=0", f"--SharedVoila.warm={VIEWERS}"),
    *_DASHBOARD[1:],
    kernels=VIEWERS,
    pages=1,
)
SIX = replace(WARM, name=f"{WARM.name}, six pages", pages=6)
SEEN = replace(SIX, name=f"{SIX.name} seen the day before", seen=True)
SIGNED_IN = replace(WARM, name="dashboard, people of six schools sign in after a restart", pages=0, schools=6)
PLAIN = Way(
    "page for everybody",
    "tables/demo/risk_by_school_group.html",
    ("--SharedVoila.ready=0", "--SharedVoila.warm=0"),
    "tbody tr:not([hidden]) td",
    "#choices:not([hidden]) select",
    b"<tbody>",
    kernels=0,
)


def site(place: Path, schools: int) -> str:
    """A site with this one dashboard, so that what waits ready is what is looked at; all else is the project's.

    Its people are the viewers, of so many schools in turn, and one of another school who comes before them.
    """
    root, dashboards = project_root(), Path("notebooks", "dashboards")
    (place / dashboards).mkdir(parents=True)
    (place / "published").mkdir()
    granted = (root / "access.yml").read_text()
    if schools:
        whose = {FIRST: "another"} | {_user(number): f"S{number % schools}" for number in range(VIEWERS)}
        people = [
            f"  - {{user: {user}, role: principal, schools: [{one}], tables: all}}" for user, one in whose.items()
        ]
        granted = granted.removesuffix("...\n") + "\n".join(["people:", *people, "...", ""])
    (place / "access.yml").write_text(granted)
    for part in ("jupyter", "public", "published/demo", dashboards / "student_prediction.ipynb"):
        (place / part).symlink_to(root / part)
    return str(place)


@contextmanager
def served(way: Way) -> Iterator[tuple[str, int, Path]]:
    """The dashboards in public mode, with an audit log of their own, and their site; ended by its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as place:
        ours, folder = str(project_root() / "jupyter"), Path(place, "site")
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
            "WORKBENCH_ROOT": site(folder, way.schools),
            "WORKBENCH_AUDIT": f"{place}/log",
            "WORKBENCH_AUDIT_ANCHOR": f"{place}/anchor.txt",
            **{"JUPYTER_PATH": ours, "JUPYTER_CONFIG_PATH": ours, "JUPYTER_PREFER_ENV_PATH": "1"},
        }
        settings = [
            *way.waiting,
            *(f"--MappingKernelManager.cull_idle_timeout={IDLE}", f"--MappingKernelManager.cull_interval={LOOK}"),
        ]
        program = ["-m", "workbench.hub.service", "--Voila.ip=127.0.0.1", f"--port={port}"]
        if way.schools:
            program = [_signed_in.__file__]
            env |= {"JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}/", "JUPYTERHUB_SERVICE_PREFIX": "/"}
        process = subprocess.Popen([sys.executable, "-W", "ignore", *program, *settings], env=env)
        try:
            yield _ready(process.pid, f"http://127.0.0.1:{port}/", way.kernels), process.pid, folder
        finally:
            process.terminate()
            process.wait(60)


def _ready(process: int, address: str, kernels: int) -> str:
    """Wait until a server answers and what waits in it has settled: hardly any work for three seconds."""
    for _ in range(200):
        with suppress(OSError):
            urllib.request.urlopen(address).close()
            break
        time.sleep(0.3)
    else:
        raise TimeoutError("the server does not answer")
    while viewers.kernels(process) < kernels or viewers.work(process, 3.0) > 0.3:
        time.sleep(1)
    return address


async def round_of(
    address: str, process: int, folder: Path, way: Way, spread: float
) -> tuple[list[viewers.Look], float, int]:
    """All viewers' looks, some in browsers; the memory a viewer, and how many kernels are left after idleness."""
    page, pause = f"{address}{way.page}", spread / VIEWERS
    async with async_playwright() as started:
        browser = await viewers.launched(started)
        asked: list[str] = []
        first = await viewers.opened(browser, asked, _cookie(way, FIRST, address))
        await viewers.with_browser(first, page, way.numbers, way.filters)
        await browser.close()
        parts = [one for one in asked if one.startswith("http") and one != page and "/api/" not in one]
        time.sleep(2 * QUIET)
        _ready(process, address, way.kernels)  # what took the place of the page that was looked at waits, too
        pages = [page if way.pages < 2 else f"{page}?school={quote(name)}" for name in _schools(max(way.pages, 1))]
        for one in pages if way.seen else ():
            await viewers.with_protocol(one, (), way.in_page)
        if way.pages:
            os.utime(folder / "access.yml")  # as when something is published: no words of a page are right any more
        if way.seen:
            time.sleep(ANEW)
            _ready(process, address, way.kernels)
        browser = await viewers.launched(started)
        users = [_user(place) for place in range(VIEWERS)]
        empty = [await viewers.opened(browser, None, _cookie(way, user, address)) for user in users[:BROWSERS]]
        await asyncio.sleep(SETTLED)
        some = [
            viewers.with_browser(one, pages[place % len(pages)], way.numbers, way.filters, place * pause * 10)
            for place, one in enumerate(empty)
        ]
        others = [
            viewers.with_protocol(pages[place % len(pages)], parts, way.in_page, place * pause, f"{USER}={user}")
            for place, user in enumerate(users[BROWSERS:])
        ]
        looks = list(await asyncio.gather(*some, *others))
        memory = viewers.proportional(viewers.tree(process)) / VIEWERS
        await browser.close()
    return looks, memory, 0 if spread else await _left(address, looks)


def _user(number: int) -> str:
    return f"viewer.{number}"


def _cookie(way: Way, user: str, address: str) -> tuple[str, str, str] | None:
    """What a browser comes with of somebody who has signed in."""
    return (USER, user, address) if way.schools else None


def _schools(count: int) -> list[str]:
    """The names of schools of the demo."""
    names = published.read("demo", "risk_by_school_group").table.column("school_name").unique().to_pylist()
    found = sorted(name for name in names if name != "All schools")[:count]
    assert len(found) == count
    return found


async def _left(address: str, looks: Sequence[viewers.Look]) -> int:
    """How many of the protocol clients' kernels are still there, a little more than the idle time later."""
    if not any(look.kernel for look in looks):
        return 0
    await asyncio.sleep(IDLE + 4 * LOOK)
    left = 0
    for look in looks:
        if look.kernel:
            try:
                await AsyncHTTPClient().fetch(f"{address}api/kernels/{look.kernel}", headers={"Cookie": look.cookie})
                left += 1
            except HTTPClientError as answer:
                if answer.code != 404:
                    raise
    return left


def row(way: Way, arrival: str, spread: float) -> dict[str, object]:
    """One line of the page of evidence."""
    load = os.getloadavg()[0]
    with served(way) as (address, process, folder):
        looks, memory, left = asyncio.run(round_of(address, process, folder, way, spread))
    numbers, filters = (_cut([getattr(one, what) for one in looks]) for what in ("seconds", "movable"))
    browsers = _cut([one.seconds for one in looks if one.by_browser])
    found = {
        **{"way": way.name, "arrival": arrival, "p50, s": numbers[0], "p95, s": numbers[1], "slowest, s": numbers[2]},
        **{"slowest browser, s": browsers[2], "filters p50, s": filters[0], "filters p95, s": filters[1]},
        **{"not served": sum(one.movable is None for one in looks), "MB a viewer": memory},
        **{"kernels left": left, "load before": load},
    }
    print(found, {look.why for look in looks if look.why}, flush=True)
    return found


def _cut(seconds: Sequence[float | None]) -> tuple[float, float, float]:
    """The median, the 95th percentile and the longest; who was never served has waited as long as anybody may."""
    found = sorted(viewers.LONGEST if one is None else one for one in seconds)
    cut = statistics.quantiles(found, n=20, method="inclusive")
    return cut[9], cut[18], found[-1]


def main() -> int:
    """Measure, write the page of evidence after each round, and return 1 where a criterion is not reached."""
    AsyncHTTPClient.configure(None, max_clients=4 * VIEWERS)
    if not Path(project_root(), "published", "demo", "manifest.json").is_file():
        sys.exit("Nothing is published yet for the dashboard. Type: make demo")
    if not Path(project_root(), "public", "demo").is_dir():
        sys.exit("There are no pages for everybody yet. Type: workbench pages")
    rounds = [(way, spread) for spread in (0.0, SPREAD) for way in (PLAIN, READY, WARM, SIX, SEEN, SIGNED_IN)]
    rows, failed = [], 0
    for way, spread in rounds:
        rows.append(row(way, "over a minute" if spread else "together", spread))
        failed = _written(pd.DataFrame(rows))
    return failed


def _written(found: pd.DataFrame) -> int:
    """Write what was found so far to the page of evidence; return 1 where a criterion is not reached."""
    verdicts = {
        f"{one.way}, {one.arrival}: numbers in under {SECONDS:.0f} s at the 95th percentile, all served": (
            float(one.p95) < SECONDS and not one.lost
        )
        for one in found.rename(columns={"p95, s": "p95", "not served": "lost"}).itertuples()
    }
    verdicts[f"a viewer takes at most {MEGABYTES:.0f} MB, every process counted"] = bool(
        (found["MB a viewer"] <= MEGABYTES).all()
    )
    verdicts["kernels that nobody uses are ended"] = bool((found["kernels left"] == 0).all())
    how = (
        "The shared server, in public mode but for people who sign in, with one dashboard, on "
        f"{os.cpu_count()} cores; {BROWSERS} of {VIEWERS} viewers are headless browsers with nothing in their caches, "
        "the others ask what such a browser asks: the page, the files that it names, and the state of its widgets. All "
        "run on the machine of the server and slow it; so did whatever else ran there, of which the load before tells "
        "(average of one minute, of which each processor can take 1). Seconds count until the numbers can be read; for "
        "filters, until they can be moved.\n\n"
        "Pages wait ready only in public mode, where it is known beforehand who looks. Where kernels wait warm, no "
        "page had been made since the published numbers were: the first viewer waits for it, and those who come after "
        "are shown its words at once, until their own page can move. Six pages are of six addresses, each with a "
        "filter for a school, and nobody had asked for any; where they had been seen the day before, the server had "
        "made their words anew. People who sign in are five each of six schools, with scopes of their own: nobody of "
        "theirs had come since the server was started, and it had made their words by itself.\n\n"
        "Memory is the proportional set size of the server and all its kernels, waiting ones included, divided by "
        f"{VIEWERS}. Idle kernels are ended after {IDLE} s here, after 20 minutes at a site."
    )
    title = "Thirty viewers at once"
    return _study.write("many_viewers", title, [_study.markdown(found, 1), how], verdicts)


if __name__ == "__main__":
    sys.exit(main())
