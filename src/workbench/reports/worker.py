"""A notebook under way: its process, what is heard from it, and how it ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from workbench.paths import project_root
from workbench.reports.execute import Job, too_long

GRACE_SECONDS = 10.0


class Worker:
    """One notebook executing in a process of its own; `cell` is the last one it told of."""

    def __init__(self, job: Job, output: Path, run_id: str, jobs: int) -> None:
        self.job = job
        self.cell = ""
        self._heard = b""
        self._outcome: dict[str, Any] = {}
        self._began = time.monotonic()
        self._own = tempfile.TemporaryDirectory(prefix="workbench-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workbench.reports.execute"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(output, run_id, jobs) | _apart(self._own.name),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            pipe.write(job.as_json().encode())
        assert self._process.stdout is not None
        self._told = self._process.stdout
        os.set_blocking(self._told.fileno(), False)

    @property
    def name(self) -> str:
        return self.job.name

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def has_ended(self) -> bool:
        """Hear what the process says, stop it where its time is over, and return whether it has ended."""
        ended = self._process.poll() is not None
        self._heard += self._told.read() or b""
        *lines, self._heard = self._heard.split(b"\n")
        for message in map(json.loads, lines):
            if "status" in message:
                self._outcome = message
            else:
                self.cell = f"cell {message['cell']} of {message['of']}"
        if not ended and self.seconds > self.job.timeout_seconds + GRACE_SECONDS:
            self.stop()
            self._outcome = {"status": "failed", "error": too_long(self.job.timeout_seconds)}
            return True
        return ended

    def outcome(self) -> dict[str, Any]:
        """Return how an ended notebook ended, "done" or "failed" with its error, and keep a failed one."""
        outcome = self._outcome or {"status": "failed", "error": self._killed()}
        if outcome["status"] == "failed":
            self.job.keep_failed()
        self._own.cleanup()
        return {"error": None, **outcome}

    def stop(self) -> None:
        """End the process, which ends its kernel; insist where it does not listen."""
        self._process.terminate()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._own.cleanup()

    def _killed(self) -> str:
        code = self._process.returncode
        how = f"was killed ({signal.Signals(-code).name})" if code < 0 else f"ended with code {code}"
        where = f" in {self.cell}" if self.cell else ""
        return (
            f"The process that ran the notebook {how}{where}: somebody stopped it, or the machine ran out of memory. "
            "Start the run again with --resume."
        )


def _environment(output: Path, run_id: str, jobs: int) -> dict[str, str]:
    threads = str(max(1, len(os.sched_getaffinity(0)) // jobs))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")
    own = {
        "WORKBENCH_ROOT": str(project_root()),
        "WORKBENCH_OUTPUT": str(output),
        "WORKBENCH_RUN": run_id,
        "PYTHONHASHSEED": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    return {**dict.fromkeys(names, threads), **os.environ, **own}


def _apart(own: str) -> dict[str, str]:
    """Keep a person's IPython settings and running kernels out of it: a report is the same for everyone."""
    return {"IPYTHONDIR": f"{own}/ipython", "JUPYTER_RUNTIME_DIR": own}
