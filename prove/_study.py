"""What every study shares: data per seed, two processes, and a page of evidence."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from workbench import synthetic
from workbench.style import Drawn

EVIDENCE = Path(__file__).resolve().parents[1] / "docs" / "evidence"
JOBS = 2


@contextmanager
def made(**shape: Any) -> Iterator[Path]:
    """A synthetic data folder of this shape, removed at the end."""
    with tempfile.TemporaryDirectory() as place:
        yield synthetic.write(Path(place) / "data", **shape)


def each(work: Callable[[int], dict[str, Any]], seeds: Iterable[int]) -> pd.DataFrame:
    """One row a seed, worked out in two processes; told as they end."""
    rows = []
    with ProcessPoolExecutor(JOBS) as pool:
        for row in pool.map(work, seeds):
            print("  " + "  ".join(f"{k} {v:.4g}" for k, v in row.items()), flush=True)
            rows.append(row)
    return pd.DataFrame(rows)


def markdown(table: pd.DataFrame, digits: int = 3) -> str:
    """A table in Markdown, numbers with so many digits."""

    def shown(value: Any) -> str:
        if isinstance(value, float):
            return (
                "–"
                if value != value
                else str(int(value))
                if value == int(value) and abs(value) >= 10
                else f"{value:.{digits}f}"
            )
        return str(value)

    lines = [list(map(str, table.columns)), ["---"] * len(table.columns)]
    lines += [[shown(value) for value in row] for row in table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def picture(study: str, drawn: Drawn) -> str:
    """Write docs/evidence/<study>.png; return the line of Markdown that shows it, with its alt text."""
    drawn.figure.savefig(EVIDENCE / f"{study}.png", dpi=120, metadata={"Software": None})
    return f"![{drawn.alt}]({study}.png)"


def write(study: str, title: str, parts: Iterable[str], verdicts: dict[str, bool]) -> int:
    """Write docs/evidence/<study>.md and return the exit code: 1 where a criterion failed."""
    EVIDENCE.mkdir(parents=True, exist_ok=True)
    lines = [f"- **{'pass' if held else 'FAIL'}**: {criterion}" for criterion, held in verdicts.items()]
    page = [f"# {title}", f"Made by `make prove STUDY={study}`.", "\n".join(lines), *parts]
    (EVIDENCE / f"{study}.md").write_text("\n\n".join(page) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0 if all(verdicts.values()) else 1
