"""What a run shows while it is under way: one living line on a terminal, one log line a notebook elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from shutil import get_terminal_size
from typing import Any, TextIO


class Screen:
    """Writes progress to a stream; what it shows depends on whether a person is watching."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self._shown = ""

    def say(self, text: str) -> None:
        """Show a passing remark to somebody who is watching."""
        if self.live and text != self._shown:
            width = get_terminal_size().columns - 1
            self.stream.write(f"\r\x1b[K{text[:width]}")
            self.stream.flush()
            self._shown = text

    def clear(self) -> None:
        """Take the passing remark away."""
        if self._shown:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
            self._shown = ""

    def line(self, text: str) -> None:
        """Write one line that stays, with the time where nobody is watching."""
        self.clear()
        stamp = "" if self.live else f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} "
        print(f"{stamp}{text}", file=self.stream, flush=True)

    def show(self, ended: int, all_: int, running: Sequence[Any]) -> None:
        """Show how far the run is: notebooks ended, and those under way with their cell and time."""
        under_way = ", ".join(f"{each.name} ({each.cell or 'starting'}, {each.seconds:.0f} s)" for each in running)
        self.say(f"{ended} of {all_} done · {under_way}" if under_way else f"{ended} of {all_} done")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text as a table with aligned columns; the last column may be as long as it likes."""
    widths = [max(len(row[i]) for row in [headings, *rows]) for i in range(len(headings) - 1)]
    lines = [headings, ["-" * len(heading) for heading in headings], *rows]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
        for line in lines
    )
