"""Files made in a short-lived process, so that whoever asks pays neither the memory nor the libraries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Final

from workbench.errors import NotShown

SECONDS: Final = 30
TOLD: Final = 3
"""The exit code of a process that says in words why there is no file."""
_PASSED_ON: Final = ("PATH", "HOME", "PYTHONPATH", "LANG", "TMPDIR", "XDG_CACHE_HOME", "LD_LIBRARY_PATH")


def made_apart(kind: str, seconds: float = SECONDS, **given: Any) -> bytes:
    """Return the bytes of a file of a `kind` (csv, xlsx, svg, png, pdf), made in another process.

    Raises NotShown, in words for a viewer, where the file cannot be made, takes longer than `seconds`, or more than
    1 GB of memory.
    """
    command = [sys.executable, "-P", "-m", "workbench.exports"]
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    job = json.dumps({"kind": kind, "given": given}).encode()
    try:
        done = subprocess.run(command, input=job, capture_output=True, timeout=seconds, env=environment, check=False)
    except subprocess.TimeoutExpired:
        raise NotShown("This file takes too long to make. Choose less with the filters and try again.") from None
    if done.returncode == TOLD:
        raise NotShown(done.stderr.decode(errors="replace").strip())
    if done.returncode:
        raise RuntimeError(f"{kind} could not be made: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout
