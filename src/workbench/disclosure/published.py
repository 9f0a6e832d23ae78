"""The published tables of each run: `published/<run name>/`, read by dashboards.

The files are immutable and named by their content; `manifest.json` says which of them are the
current tables, and replacing it by a rename is the one moment at which anything changes for a reader.
Earlier manifests stay beside it as `manifest-<run id>.json`, with their files, for going back.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.disclosure.last_check import staged_tables
from workbench.disclosure.periods import kept_back, spliced
from workbench.disclosure.released import load
from workbench.disclosure.staged import read_staged
from workbench.disclosure.suppression import SUPPRESSED
from workbench.errors import BadInput, NotShown
from workbench.files import write_atomically
from workbench.outputs import check_name, parquet_bytes
from workbench.paths import resolve, shown

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MANIFEST = "manifest.json"
LATE = "The newest of these numbers cannot be shown at the moment. These are the ones published on {day}."


@dataclass(frozen=True)
class PublishedTable:
    """A table that everyone may see: one row a group; where `suppressed`, count and values are empty.

    `made_at` is when its run was published (ISO 8601, UTC), `data_date` up to which day its data go,
    `source` whose data they are. `audience` may see it, each viewer the rows of their own `unit`. `kept` says why
    the table of its `period` is an earlier one than its run's.
    """

    table: pa.Table
    title: str
    keys: tuple[str, ...]
    count: str
    values: tuple[str, ...]
    help: dict[str, str]
    min_count: int
    data_date: str | None
    source: str
    run_id: str
    made_at: str
    audience: str = "public"
    unit: str = ""
    period: str | None = None
    kept: str = ""


def commit(run_name: str, folders: dict[str, Path], run_id: str, keep: int = 5) -> Path | None:
    """Publish what the notebooks of a finished run have staged; return the manifest, or None if nothing is staged.

    `folders` gives the output folder of each notebook by name. Readers see the former tables or the new
    ones, never a mixture; a period that is closed, or has hardly changed, keeps its tables (`periods`). Of the
    manifests, this one and the `keep - 1` before it stay.
    Raises DisclosureError where a staged table breaks the site's policy, BadInput where a file
    cannot be written; then nothing has changed for a reader.
    """
    staged = staged_tables(folders)
    if not staged:
        return None
    home = resolve("published") / check_name(run_name)
    kept, instead = _kept(home, staged)
    staged = {name: file for name, file in staged.items() if name not in kept}
    kept = {name: about for name, about in kept.items() if about}
    try:
        home.mkdir(parents=True, exist_ok=True)
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        tables = kept | {
            name: _add(home, name, file, made_at, instead.get(name)) for name, file in sorted(staged.items())
        }
        new = {"run": run_name, "run_id": check_name(run_id), "made_at": made_at, "tables": tables}
        _replace_manifest(home, new)
    except OSError as error:
        raise BadInput(
            f"{shown(home)} could not be written: {error.strerror or error}. Nothing was published."
        ) from error
    _forget_old(home, keep)
    return home / MANIFEST


def restore(run_name: str, run_id: str) -> None:
    """Make an earlier publication of a run, one of `history`, the current one again."""
    home = resolve("published") / check_name(run_name)
    earlier = load(home / f"manifest-{run_id}.json")
    if earlier is None:
        kept = ", ".join(history(run_name)) or "none"
        raise BadInput(f"Run {run_name!r} has no earlier publication {run_id!r}; kept are: {kept}.")
    _replace_manifest(home, earlier)


def history(run_name: str) -> list[str]:
    """Return the run ids of the earlier publications of a run that can be restored, oldest first."""
    home = resolve("published") / check_name(run_name)
    return [manifest["run_id"] for _, manifest in _earlier(home)]


def runs() -> list[str]:
    """Return the names of the runs that have published something."""
    return sorted(path.parent.name for path in resolve("published").glob(f"*/{MANIFEST}"))


def tables(run_name: str) -> list[str]:
    """Return the names of the tables a run has published."""
    return list(_manifest(run_name)["tables"])


def read(run_name: str, name: str) -> PublishedTable:
    """Return one published table; where it is missing or spoilt, the newest earlier one that can be read.

    `kept` then says so, with its day. Raises NotShown, in one sentence for anyone, where none can be shown.
    """
    home = resolve("published") / check_name(run_name)
    current = load(home / MANIFEST)
    if (found := _readable(run_name, current, name)) is not None:
        return found
    for _, manifest in reversed(_earlier(home)):
        # What was taken back by `restore` is newer than the current publication, and is not shown again.
        if current and manifest["made_at"] > current["made_at"]:
            continue
        if (found := _readable(run_name, manifest, name)) is not None:
            return replace(found, kept=LATE.format(day=found.made_at[:10]))
    if name not in _manifest(run_name)["tables"]:
        raise NotShown(f"The table “{name}” is not among what the run “{run_name}” has published.")
    raise NotShown(
        f"The published table “{name}” cannot be read at the moment; please ask those who run the reports "
        f"to run “{run_name}” again."
    )


def read_before(run_name: str, name: str) -> PublishedTable | None:
    """Return the table as it was published before the current one; None where no other is kept or readable."""
    home = resolve("published") / check_name(run_name)
    now = (load(home / MANIFEST) or {"tables": {}})["tables"].get(name)
    for _, manifest in reversed(_earlier(home)):
        about = manifest["tables"].get(name)
        if isinstance(now, dict) and isinstance(about, dict) and about.get("file") != now.get("file"):
            return _readable(run_name, manifest, name)
    return None


def _readable(run_name: str, manifest: dict[str, Any] | None, name: str) -> PublishedTable | None:
    """Return a table of a manifest, or None where it is not there or is not what the manifest tells of."""
    import pyarrow as pa

    about = manifest["tables"].get(name) if manifest else None
    if manifest is None or about is None:
        return None
    try:
        return _read(run_name, manifest, about)
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, AttributeError):
        return None


def _read(run_name: str, manifest: dict[str, Any], about: dict[str, Any]) -> PublishedTable:
    """Return a table of a manifest; raise ValueError where the file is not the table that the manifest tells of."""
    import pyarrow.parquet as pq

    # Not `read_table`: it loads pandas, which costs every viewer's kernel some 60 MB.
    with pq.ParquetFile(resolve("published") / run_name / Path(about["file"]).name) as file:
        found = file.read()
    keys, count, values = tuple(about["keys"]), about["count"], tuple(about["values"])
    if found.column_names != [*keys, count, *values, SUPPRESSED]:
        raise ValueError(f"{about['file']} has the columns {found.column_names}")
    return PublishedTable(
        table=found.replace_schema_metadata(),
        title=about["title"],
        keys=keys,
        count=count,
        values=values,
        help=about["help"],
        min_count=about["min_count"],
        data_date=about["data_date"],
        source=about.get("source", ""),
        run_id=manifest["run_id"],
        made_at=about.get("made_at", manifest["made_at"]),
        audience=about.get("audience", "public"),
        unit=about.get("unit", ""),
        period=about.get("period"),
        kept=about.get("kept", ""),
    )


def _manifest(run_name: str) -> dict[str, Any]:
    manifest = load(resolve("published") / check_name(run_name) / MANIFEST)
    if manifest is None:
        raise NotShown(
            f"Nothing has been published yet under the name “{run_name}”; please ask those who run the reports "
            f"to run “{run_name}”."
        )
    return manifest


def _kept(
    home: Path, staged: dict[str, Path]
) -> tuple[dict[str, dict[str, Any] | None], dict[str, tuple[pd.DataFrame, str]]]:
    """Return what periods keep back: entries of whole tables, None where there was none, and rows of others."""
    current = load(home / MANIFEST)
    if current is None:
        return {}, {}
    former = {name: {"made_at": current["made_at"]} | about for name, about in current["tables"].items()}
    new = {name: read_staged(file.parent.parent, file.stem) for name, file in staged.items()}
    return kept_back(home, former, new), spliced(home, former, new)


def _add(home: Path, name: str, file: Path, made_at: str, instead: tuple[pd.DataFrame, str] | None) -> dict[str, Any]:
    """Put a staged table, or what is published `instead`, under its content's name; return the manifest's entry."""
    about: dict[str, Any] = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    content = file.read_bytes() if instead is None else parquet_bytes(instead[0])
    final = home / f"{name}-{hashlib.sha256(content).hexdigest()[:16]}.parquet"
    if not final.exists():
        write_atomically(final, content)
    return {**about, "file": final.name, "made_at": made_at} | ({"kept": instead[1]} if instead else {})


def _replace_manifest(home: Path, new: dict[str, Any]) -> None:
    """Remember the current manifest for going back, then put the new one in its place: the commit point."""
    current = load(home / MANIFEST)
    if current and current["run_id"] != new["run_id"]:
        _write_manifest(home / f"manifest-{current['run_id']}.json", current)
    _write_manifest(home / MANIFEST, new)


def _write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(manifest, indent=1) + "\n")


def _earlier(home: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Return the remembered manifests other than the current one, oldest first."""
    current = load(home / MANIFEST)
    found = [(path, one) for path in home.glob("manifest-*.json") if (one := load(path))]
    others = [(path, one) for path, one in found if not current or one["run_id"] != current["run_id"]]
    return sorted(others, key=lambda pair: (pair[1]["made_at"], pair[0].name))


def _forget_old(home: Path, keep: int) -> None:
    """Remove all but the last `keep - 1` earlier manifests, then every file that no manifest names."""
    earlier = _earlier(home)
    kept = earlier[max(0, len(earlier) - (keep - 1)) :]
    wanted = {MANIFEST, *(path.name for path, _ in kept)}
    for manifest in (load(home / MANIFEST), *(one for _, one in kept)):
        wanted |= {about["file"] for about in (manifest or {"tables": {}})["tables"].values()}
    for path in home.iterdir():
        if path.name not in wanted:
            # Left for the next time if it cannot be removed: the tables are already published.
            with suppress(OSError):
                path.unlink()
