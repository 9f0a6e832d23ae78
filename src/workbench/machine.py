"""What this machine has beside Python: R, Java, a browser. Each is asked for, none is started to stay."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
R_PACKAGES = (
    *("boot", "broom", "broom.mixed", "effectsize", "emmeans", "insight", "lme4", "lmerTest", "mlmRev"),
    *("nlme", "parameters", "performance", "quantreg", "report", "tibble", "tidyverse"),
)


@dataclass(frozen=True)
class R:
    """R as found here: its version, or why there is none, and the packages we use that it lacks."""

    version: str
    trouble: str = ""
    missing: tuple[str, ...] = ()


def r() -> R:
    """Ask R for its version and its packages, in a process of its own."""
    program = shutil.which("Rscript")
    if not program:
        return R("", "R is not installed")
    script = (
        'cat(format(getRversion()), ""); for (p in commandArgs(TRUE)) if (!nzchar(system.file(package = p))) cat(p, "")'
    )
    answer = subprocess.run([program, "--vanilla", "-e", script, *R_PACKAGES], capture_output=True, text=True)
    if answer.returncode:
        return R("", f"R does not start: {answer.stderr.strip()[-200:]}")
    version, *missing = answer.stdout.split()
    trouble = f"R has no package {', '.join(missing)}" if missing else ""
    return R(version, trouble, tuple(missing))


def start_r() -> Any:
    """Start R inside this Python, once, and return rpy2's `r`; call it before importing pymer4.

    rpy2 adds R's folders to LD_LIBRARY_PATH. A Python started later would inherit that and might load
    another Python's library from there, so the variable is put back: R needs it only while it starts.
    """
    before = os.environ.get("LD_LIBRARY_PATH")
    try:
        from rpy2.rinterface_lib import callbacks

        callbacks.consolewrite_warnerror = lambda _: None  # R's packages greet at length
        from rpy2.robjects import r

        return r
    finally:
        if before is None:
            os.environ.pop("LD_LIBRARY_PATH", None)
        else:
            os.environ["LD_LIBRARY_PATH"] = before


def java_version() -> int:
    """Return the major version of Java; 0 where there is none."""
    program = shutil.which("java")
    if not program:
        return 0
    answer = subprocess.run([program, "-version"], capture_output=True, text=True)
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found[1]) if found else 0


def browser() -> str | None:
    """Return the path of a Chromium; None where there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@cache
def has_gpu() -> bool:
    """Return whether NVIDIA's driver answers and tells of a processor."""
    program = shutil.which("nvidia-smi")
    if not program:
        return False
    answer = subprocess.run([program, "-L"], capture_output=True, text=True)
    return answer.returncode == 0 and "GPU" in answer.stdout


def who() -> str:
    """Return the name of the person at the keyboard."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container knows its user by number only
        return f"user {os.getuid()}"
