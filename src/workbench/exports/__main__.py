"""One file made in a process of its own: a JSON job on standard input, the bytes on standard output."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from typing import Any, Final

from workbench.errors import NotShown
from workbench.exports import charts, paper, sheets
from workbench.exports.apart import TOLD

KINDS: Final[dict[str, Callable[..., bytes]]] = {
    "csv": sheets.csv_bytes,
    "xlsx": sheets.xlsx_bytes,
    "svg": charts.svg_bytes,
    "png": charts.png_bytes,
    "pdf": paper.pdf_bytes,
}

MEMORY: Final = 1 << 30


def main() -> int:
    """Make the file; on an error that is written for viewers say its words on standard error and return `TOLD`."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    job: dict[str, Any] = json.load(sys.stdin)
    try:
        made = KINDS[job["kind"]](**job["given"])
    except NotShown as error:
        print(error, file=sys.stderr)
        return TOLD
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
