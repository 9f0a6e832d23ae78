"""What a notebook gives out, and where it goes: `keep` for results, `show` for figures and tables.

A run names the folder of each notebook in `WORKBENCH_OUTPUT`. Outside a run (in JupyterLab, under
nbval) everything goes to `runs/scratch/`, so that nothing is lost and nothing is published.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput, BadParameter, DisclosureError
from workbench.files import write_atomically
from workbench.markup import LONG, folded, html_figure, html_table, said_once, with_intervals
from workbench.paths import resolve, shown

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

OUTPUT_VARIABLE = "WORKBENCH_OUTPUT"
SCRATCH = "runs/scratch"
RESULTS = "results.json"
ROWS_SHOWN = 50
ROWS_BEFORE_FOLD = 10


def folder() -> Path:
    """Return the folder of the running notebook's outputs, making it where needed."""
    path = Path(os.environ.get(OUTPUT_VARIABLE) or resolve(SCRATCH))
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"The output folder {shown(path)} cannot be made: {error.strerror or error}.") from error
    return path


def keep(name: str, value: Any) -> None:
    """Keep a research result of this notebook under a name; the same name again replaces it.

    A number, text, yes/no, date, list of texts or None goes to `results.json` (NaN and infinities become null); a
    table (pandas, Arrow, Ibis) to `tables/<name>.parquet` and `.csv`; a matplotlib figure to
    `figures/<name>.png`. Raises BadParameter for a bad name or for anything else.
    """
    check_name(name)
    if (frame := as_frame(value)) is not None:
        return _keep_table(name, frame)
    if hasattr(value, "savefig"):
        return save("figures", f"{name}.png", _image(value, "png"))
    _keep_scalar(name, value)


def show(
    thing: Any,
    *,
    alt: str = "",
    name: str | None = None,
    caption: str = "",
    table: Any = None,
    drawn_from: str | None = None,
    headings: Mapping[str, str] | None = None,
) -> None:
    """Show a matplotlib figure or a table so that everyone can read it, and save what is shown.

    A figure needs `alt`, one or two sentences that tell what it shows to someone who cannot see it;
    `table` holds the numbers behind it, folded below. Saved under `figures/`: PNG, SVG, a small JSON
    with the texts, and the numbers as CSV. A table is shown with its caption, and kept where it has a name;
    a text as a paragraph. `headings` gives columns of the table other headings than their names in words.

    `drawn_from` names a table published before in this notebook: the output is then marked as public, and
    `table` may hold only rows of that published table (left out, all of them are the numbers behind).
    Raises BadParameter without alt text, DisclosureError where `drawn_from` does not hold.
    """
    if isinstance(thing, str):
        return display(f"<p>{escape(thing)}</p>", thing)
    frame = as_frame(thing)
    behind = _numbers_behind(frame if frame is not None else as_frame(table), drawn_from)
    marks = {"published": True, "table": drawn_from} if drawn_from else {}
    if frame is not None:
        if name:
            keep(name, frame)
        return display(
            _frame_html(frame, caption, headings=headings), caption or frame.to_string(max_rows=ROWS_SHOWN), marks
        )
    if not hasattr(thing, "savefig"):
        raise BadParameter(f"show takes a matplotlib figure, a table or a text, not {type(thing).__name__}.")
    if len(alt.split()) < 3:
        raise BadParameter(
            "A figure needs alt text. Write alt='…': one or two sentences that tell what the figure shows and "
            "what stands out, for someone who cannot see it."
        )
    _show_figure(thing, alt, check_name(name) if name else _name_from(caption, alt), caption, behind, marks, headings)


def display(html: str, plain: str, marks: dict[str, Any] | None = None) -> None:
    """Put HTML into the notebook with `marks` as the output's `workbench` metadata; without a notebook, print."""
    from IPython.core.getipython import get_ipython
    from IPython.display import display as put

    if get_ipython() is None:
        print(plain)
        return
    bundle = {"text/html": html, "text/plain": plain}
    put(bundle, raw=True, metadata={"workbench": marks} if marks else {})


def check_name(name: str) -> str:
    """Return a name that can be a file's; raises BadParameter where it cannot."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", name):
        raise BadParameter(
            f"{name!r} cannot name a result. Use up to 80 letters (a-z), digits, '_' and '-', such as 'auc_by_school'."
        )
    return name


def as_frame(thing: Any) -> pd.DataFrame | None:
    """Return a table of any kind (pandas, Arrow, Ibis, polars) as a data frame, or None where it is no table.

    A meaningful index becomes columns, and every column name text.
    """
    if hasattr(thing, "to_pandas"):
        thing = thing.to_pandas()
    if type(thing).__module__.partition(".")[0] != "pandas" or not hasattr(thing, "columns"):
        return None
    import pandas as pd

    frame = thing if isinstance(thing.index, pd.RangeIndex) else thing.reset_index()
    names = [" ".join(map(str, c)).strip() if isinstance(c, tuple) else str(c) for c in frame.columns]
    return pd.DataFrame(frame.set_axis(names, axis=1))


def save(part: str, file: str, content: str | bytes) -> None:
    """Write one file into `part` of the output folder, whole or not at all."""
    path = folder() / part / file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except OSError as error:
        raise BadInput(f"{shown(path)} could not be written: {error.strerror or error}.") from error


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Return a data frame as the bytes of a Parquet file; raises BadInput for a column of mixed types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    try:
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer, compression="zstd")
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise BadInput(f"The table cannot be stored: {'; '.join(map(str, error.args))}.") from error
    return buffer.getvalue()


def _keep_scalar(name: str, value: Any) -> None:
    plain = value.item() if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0 else value
    if isinstance(plain, date):
        plain = plain.isoformat()
    if isinstance(plain, float) and not math.isfinite(plain):
        plain = None
    if isinstance(plain, list | tuple) and all(isinstance(part, str | int) for part in plain):
        plain = list(plain)
    elif plain is not None and not isinstance(plain, bool | int | float | str):
        raise BadParameter(
            f"keep({name!r}, …) got a {type(value).__name__}. It keeps a single number, text, yes/no or date, "
            "a list of texts, a table (pandas, Arrow, Ibis) or a matplotlib figure."
        )
    path = folder() / RESULTS
    try:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise BadInput(f"{shown(path)} cannot be read ({error}); remove it and run the notebook again.") from error
    save("", RESULTS, json.dumps({**kept, name: plain}, indent=1, allow_nan=False) + "\n")


def _keep_table(name: str, frame: pd.DataFrame) -> None:
    save("tables", f"{name}.parquet", parquet_bytes(frame))
    save("tables", f"{name}.csv", frame.to_csv(index=False))


def _show_figure(
    fig: Figure,
    alt: str,
    name: str,
    caption: str,
    behind: pd.DataFrame | None,
    marks: dict[str, Any],
    headings: Mapping[str, str] | None,
) -> None:
    from matplotlib import pyplot

    png = _image(fig, "png")
    save("figures", f"{name}.png", png)
    save("figures", f"{name}.svg", _image(fig, "svg"))
    save("figures", f"{name}.json", json.dumps({"alt": alt, "caption": caption, **marks}, indent=1) + "\n")
    below = ""
    if behind is not None:
        save("figures", f"{name}.csv", behind.to_csv(index=False))
        below = folded("The numbers behind this figure", _frame_html(behind, folds=False, headings=headings))
    pyplot.close(fig)  # otherwise the notebook would show it a second time, without alt text
    display(html_figure(png, alt, caption, round(fig.get_figwidth() * 100), below), f"Figure: {alt}", marks)


def _image(fig: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    # Twice the screen's resolution; no date in the SVG, so that the same figure is the same file.
    fig.savefig(buffer, format=kind, dpi=200, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def _name_from(caption: str, alt: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", (caption or alt).lower()).strip("_")[:40].strip("_")
    return f"{words or 'figure'}-{hashlib.sha256(f'{caption}|{alt}'.encode()).hexdigest()[:6]}"


def table_html(
    columns: Mapping[str, Sequence[Any]],
    caption: str = "",
    headings: Mapping[str, str] | None = None,
    withheld: Sequence[bool] | None = None,
    names: Sequence[str] = (),
    most: int | None = None,
) -> str:
    """Return a table for reading: limits as one column, what all rows share told once below it; `most` rows of it."""
    rest, shared = said_once(columns)
    seen = with_intervals({name: values[:most] for name, values in rest.items()})
    below = f'<p class="note">{escape(shared)}</p>' if shared else ""
    return html_table(seen, caption, headings=headings, withheld=withheld, names=names) + below


def _frame_html(
    frame: pd.DataFrame, caption: str = "", folds: bool = True, headings: Mapping[str, str] | None = None
) -> str:
    """A data frame for reading; a long one begins with a few rows, and the others are folded away."""
    columns = {name: frame[name].tolist() for name in frame.columns}
    more = f"<p>The first {ROWS_SHOWN} of {len(frame):,} rows.</p>" if len(frame) > ROWS_SHOWN else ""
    whole = table_html(columns, caption, headings, most=ROWS_SHOWN) + more
    if not folds or len(frame) <= LONG:
        return whole
    summary = f"More of the {len(frame):,} rows" if more else f"All {len(frame):,} rows"
    return table_html(columns, caption, headings, most=ROWS_BEFORE_FOLD) + folded(summary, whole)


def _numbers_behind(frame: pd.DataFrame | None, drawn_from: str | None) -> pd.DataFrame | None:
    if drawn_from is None:
        return frame
    import pandas as pd

    path = folder() / "published" / f"{check_name(drawn_from)}.parquet"
    if not path.is_file():
        raise DisclosureError(
            f"drawn_from={drawn_from!r}: this notebook has published no table of that name. "
            "Publish the table first with wb.publish, then show what is drawn from it."
        )
    safe = pd.read_parquet(path)
    if frame is None:
        return safe
    extra = [column for column in frame.columns if column not in safe.columns]
    if extra or len(frame.merge(safe[list(frame.columns)].drop_duplicates())) != len(frame):
        raise DisclosureError(
            f"The numbers shown are not all rows of the published table {drawn_from!r}"
            + (f": it has no column {extra[0]!r}" if extra else "")
            + ". Take them from what wb.publish returned, or leave `table` out."
        )
    return frame
