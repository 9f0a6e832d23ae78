"""Thirty viewers of one dashboard on two cores: how long until each sees numbers, and what each takes in memory."""

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
from pathlib import Path

import _study
import _viewers as viewers
from playwright.async_api import async_playwright
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from workbench.hub.settings import PASSED_ON
from workbench.paths import project_root

VIEWERS, BROWSERS, SPREAD = 30, 3, 60.0
SECONDS, MEGABYTES = 3.0, 150.0
IDLE, LOOK = 100, 5
"""Seconds without use after which the study's server ends a kernel (a site's: 1,200), and between two looks."""
CARD, IN_STATE = ".wb-card b", b"wb-card"


@contextmanager
def served(warm: int) -> Iterator[tuple[str, int]]:
    """The dashboards in public mode, with an audit log of their own; ended by its process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as place:
        ours = str(project_root() / "jupyter")
        env = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
            "WORKBENCH_ROOT": str(project_root()),
            "WORKBENCH_AUDIT": f"{place}/log",
            "WORKBENCH_AUDIT_ANCHOR": f"{place}/anchor.txt",
            **{"JUPYTER_PATH": ours, "JUPYTER_CONFIG_PATH": ours, "JUPYTER_PREFER_ENV_PATH": "1"},
        }
        settings = [
            *("--Voila.ip=127.0.0.1", f"--port={port}", f"--SharedVoila.warm={warm}"),
            *(f"--MappingKernelManager.cull_idle_timeout={IDLE}", f"--MappingKernelManager.cull_interval={LOOK}"),
        ]
        process = subprocess.Popen([sys.executable, "-W", "ignore", "-m", "workbench.hub.service", *settings], env=env)
        try:
            yield _ready(process.pid, f"http://127.0.0.1:{port}/", warm), process.pid
        finally:
            process.terminate()
            process.wait(60)


def _ready(process: int, address: str, warm: int) -> str:
    """Wait until a server answers and its warm kernels have settled."""
    for _ in range(200):
        with suppress(OSError):
            urllib.request.urlopen(address).close()
            break
        time.sleep(0.3)
    while viewers.kernels(process) < warm:
        time.sleep(0.5)
    time.sleep(3)
    return address


async def round_of(address: str, process: int, spread: float) -> tuple[list[viewers.Look], float, int]:
    """All viewers' looks, some in browsers; the memory a viewer, and how many kernels are left after idleness."""
    async with async_playwright() as started:
        browser = await viewers.launched(started)
        asked: list[str] = []
        await viewers.with_browser(browser, f"{address}show/student_prediction", CARD, asked=asked)
        await browser.close()
        browser = await viewers.launched(started)
        parts = [one for one in asked if one.startswith("http") and "/show/" not in one and "/api/" not in one]
        pause = spread / VIEWERS
        page = f"{address}show/student_prediction"
        some = [viewers.with_browser(browser, page, CARD, place * pause * 10) for place in range(BROWSERS)]
        others = [viewers.with_protocol(page, parts, IN_STATE, place * pause) for place in range(VIEWERS - BROWSERS)]
        looks = list(await asyncio.gather(*some, *others))
        memory = viewers.proportional(viewers.tree(process)) / VIEWERS
        await browser.close()
    return looks, memory, await _left(address, looks)


async def _left(address: str, looks: Sequence[viewers.Look]) -> int:
    """How many of the protocol clients' kernels are still there, a little more than the idle time later."""
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


def row(arrival: str, warm: int, spread: float) -> dict[str, object]:
    """One line of the page of evidence."""
    load = os.getloadavg()[0]
    with served(warm) as (address, process):
        looks, memory, left = asyncio.run(round_of(address, process, spread))
    # A viewer whose numbers never came has waited at least as long as anybody else.
    seconds = sorted(look.seconds if look.seconds is not None else viewers.LONGEST for look in looks)
    cut = statistics.quantiles(seconds, n=20, method="inclusive")
    found = {
        **{"arrival": arrival, "warm kernels": warm, "p50, s": cut[9], "p95, s": cut[18], "slowest, s": seconds[-1]},
        **{"not served": sum(look.seconds is None for look in looks), "MB a viewer": memory},
        **{"kernels left": left, "load before": load},
    }
    print(found, {look.why for look in looks if look.why}, flush=True)
    return found


def main() -> int:
    """Measure, write the page of evidence, and return 1 where a criterion is not reached."""
    import pandas as pd

    AsyncHTTPClient.configure(None, max_clients=4 * VIEWERS)
    if not Path(project_root(), "published", "demo", "manifest.json").is_file():
        sys.exit("Nothing is published yet for the dashboard. Type: make demo")
    found = pd.DataFrame([row("together", VIEWERS, 0.0), row("over a minute", VIEWERS, SPREAD)])
    verdicts = {
        f"{VIEWERS} viewers who arrive {one.arrival} see numbers in under {SECONDS:.0f} s at the 95th percentile": (
            float(one.p95) < SECONDS and not one.lost
        )
        for one in found.rename(columns={"p95, s": "p95", "not served": "lost"}).itertuples()
    }
    verdicts[f"a viewer takes at most {MEGABYTES:.0f} MB, every process counted"] = bool(
        (found["MB a viewer"] <= MEGABYTES).all()
    )
    verdicts["kernels that nobody uses are ended"] = bool((found["kernels left"] == 0).all())
    how = (
        f"The shared server in public mode serves the dashboard student_prediction on {os.cpu_count()} cores; "
        f"{BROWSERS} of {VIEWERS} viewers are headless browsers, the others ask what a browser asks: the page, the "
        f"files that it names, and the state of its widgets. All run on the machine of the server and slow it. Time "
        "counts until the headline numbers are there. Memory is the proportional set size of the server and all its "
        f"kernels, warm ones included, divided by {VIEWERS}. Idle kernels are ended after {IDLE} s here, after "
        "20 minutes at a site."
    )
    title = "Thirty viewers at once"
    return _study.write("many_viewers", title, [_study.markdown(found, 1), how], verdicts)


if __name__ == "__main__":
    sys.exit(main())
