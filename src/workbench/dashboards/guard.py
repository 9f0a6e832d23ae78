"""What a viewer reads when something goes wrong: a sentence, never code, a path or a traceback."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from html import escape
from typing import Any

from workbench.errors import AccessDenied, NotShown
from workbench.paths import resolve

SORRY = (
    "This part of the page cannot be shown at the moment. Please reload the page; "
    "if that does not help, tell the people who run this dashboard."
)
STYLE = "background:#fdecea;border-left:4px solid #a32017;padding:10px 14px;font:16px/1.5 system-ui,sans-serif"
LOG = "runs/dashboards.log"


def guarded(render: Callable[..., str]) -> Callable[..., str]:
    """Return `render` with every failure turned into words for the viewer, as HTML.

    An error whose message is written for viewers speaks for itself; any other is told as `SORRY`, also one of the
    workbench's own, which tells its operators what to type. All are written to `runs/dashboards.log`.
    """

    @functools.wraps(render)
    def safe(*args: Any, **kwargs: Any) -> str:
        try:
            return render(*args, **kwargs)
        except Exception as error:
            return told(error)

    return safe


def told(error: BaseException) -> str:
    """Write an error to the log and return what the viewer may read of it, as HTML."""
    _log().error("a dashboard failed", exc_info=error)
    words = str(error) if isinstance(error, NotShown | AccessDenied) else SORRY
    return f'<p class="wb-sorry" role="alert" style="{STYLE}">{escape(words)}</p>'


def speak_plainly() -> None:
    """Under Voilà, let a failing cell show words instead of an error, and keep stderr off the page.

    What fails after that follows from it, so it is said once a page. In JupyterLab, where the author works, nothing
    changes.
    """
    if not os.environ.get("SERVER_SOFTWARE", "").startswith("voila"):
        return
    from IPython.core.getipython import get_ipython
    from IPython.display import HTML, display

    said: list[str] = []

    def handler(shell: Any, kind: type, error: BaseException, trace: Any, tb_offset: Any = None) -> None:
        words = told(error)
        if not said:
            said.append(words)
            display(HTML(words))

    def unseen(*_: Any, **__: Any) -> None:
        _log().error("a dashboard failed outside of its cells", exc_info=True)

    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((Exception,), handler)
        shell.showtraceback = unseen  # what ipywidgets calls where a browser's message cannot be used
        sys.stderr = _log_stream()


@functools.cache
def _log() -> logging.Logger:
    logger = logging.getLogger("workbench.dashboards")
    logger.propagate = False
    handler = logging.StreamHandler(_log_stream())
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    return logger


@functools.cache
def _log_stream() -> Any:
    path = resolve(LOG)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return open(path, "a", encoding="utf-8", buffering=1)
    except OSError:  # a viewer's page does not depend on a log that can be written
        return open(os.devnull, "w", encoding="utf-8")
