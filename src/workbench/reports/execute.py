"""Execute one notebook in a process of its own: `python -m workbench.reports.execute < job`.

The job is JSON on standard input; what happens is told in JSON lines on standard output: the cell
that begins, and at the end "done", or "failed" with one paragraph for a person.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench import errors

Tell = Callable[..., None]
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Job:
    """One notebook to execute, and what its report says about it."""

    name: str
    notebook: str
    kernel: str
    folder: str
    parameters: dict[str, Any]
    timeout_seconds: float
    header: dict[str, Any]

    @property
    def draft(self) -> Path:
        return Path(self.folder) / f".{self.name}.running.ipynb"

    @property
    def final(self) -> Path:
        return Path(self.folder) / f"{self.name}.ipynb"

    @property
    def failed(self) -> Path:
        return Path(self.folder) / f"{self.name}.failed.ipynb"

    @property
    def html(self) -> Path:
        return Path(self.folder) / f"{self.name}.html"

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    def keep_failed(self) -> None:
        """Keep what there is of a notebook that did not reach its end."""
        if self.draft.exists():
            os.replace(self.draft, self.failed)


def execute(job: Job, tell: Tell) -> None:
    """Execute a notebook and write its report; the notebook gets its name when both are whole."""
    import papermill
    from traitlets.config import Config

    from workbench.reports.html import write_report

    _register(tell)
    # Through files of this job's own folder, not ports: two kernels that start at once cannot meet.
    socket = str(Path(os.environ["JUPYTER_RUNTIME_DIR"]) / "socket")
    notebook = papermill.execute_notebook(
        job.notebook,
        str(job.draft),
        parameters=job.parameters,
        engine_name="workbench",
        kernel_name=job.kernel,
        language="python",
        progress_bar=False,
        cwd=str(Path(job.notebook).parent),
        start_timeout=120,
        execution_timeout=max(1, round(job.timeout_seconds)),
        config=Config({"KernelManager": {"transport": "ipc", "ip": socket}}),
    )
    write_report(notebook, job.header, job.html)
    os.replace(job.draft, job.final)


def _register(tell: Tell) -> None:
    from papermill.engines import NBClientEngine, papermill_engines

    class Telling(NBClientEngine):  # type: ignore[misc]
        """Papermill's own engine, telling which cell begins."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
            begin = nb_man.cell_start

            def cell_start(cell: Any, cell_index: int = 0, **rest: Any) -> None:
                tell(cell=cell_index + 1, of=len(nb_man.nb.cells))
                begin(cell, cell_index, **rest)

            nb_man.cell_start = cell_start
            return super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register("workbench", Telling)


def explain(error: BaseException, job: Job) -> str:
    """Return what stopped a notebook as one paragraph for a person."""
    kind, said, where = type(error).__name__, str(error), ""
    if kind == "PapermillExecutionError":
        kind, said, where = error.ename, error.evalue, f"Cell [{error.exec_count}]"  # type: ignore[attr-defined]
    if is_disk_full(error, said):
        return disk_full(said)
    if kind == "DeadKernelError":
        return (
            "The kernel died while the notebook ran: most often the machine ran out of memory. Use fewer students, "
            "or run one notebook at a time with --jobs 1, and start the run again with --resume."
        )
    if kind == "CellTimeoutError":
        return too_long(job.timeout_seconds)
    if isinstance(getattr(errors, kind, None), type) and issubclass(getattr(errors, kind), errors.WorkbenchError):
        return said
    told = f"{where or 'The notebook'} stopped with {kind}: {' '.join(said.split())[:500].rstrip('.') or 'no message'}."
    return told + (f" The cell and its whole error are in {job.failed.name}." if where else "")


def is_disk_full(error: BaseException, said: str) -> bool:
    """Return whether an error, here or told by a kernel, means that no more could be written."""
    named = isinstance(error, OSError) and error.errno in DISK
    return named or any(os.strerror(number) in said for number in DISK)


def disk_full(said: str) -> str:
    """Return what to do about a full disk."""
    return (
        f"The disk is full, or a file may not grow any further ({' '.join(said.split())[:200]}). Make room, for "
        "example by deleting old folders in runs/, and start the run again with --resume. Nothing was published, "
        "and everything that was there before is still there."
    )


def too_long(seconds: float) -> str:
    """Return what to do about a notebook that was stopped for taking too long."""
    return (
        f"The notebook took longer than its {seconds / 60:g} minutes and was stopped. Use fewer students, or allow it "
        "more time with timeout_minutes in the params file."
    )


def _channel() -> Tell:
    """Return the way to the runner, and keep everything else that is printed out of it."""
    line = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(**message: Any) -> None:
        line.write(json.dumps(message) + "\n")
        line.flush()

    return tell


def _end_with(parent: int) -> None:
    """End this process, and with it the kernel, when the runner is gone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    """Execute the job on standard input; return 0 when the notebook reached its end."""
    tell = _channel()
    _end_with(os.getppid())
    job = Job(**json.load(sys.stdin))
    try:
        execute(job, tell)
    except Exception as error:
        tell(status="failed", error=explain(error, job))
        return 1
    tell(status="done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
