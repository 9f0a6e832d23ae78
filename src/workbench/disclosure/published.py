"""The published tables of each run: `published/<run name>/`, read by dashboards.

The files are immutable and named by their content; `manifest.json` says which of them are the
current tables, and replacing it by a rename is the one moment at which anything changes for a reader.
Earlier manifests stay beside it as `manifest-<run id>.json`, with their files, for going back.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.access.policy import policy
from workbench.disclosure.publish import STAGED, check_aggregate
from workbench.disclosure.suppression import SUPPRESSED
from workbench.errors import BadInput, DisclosureError
from workbench.files import sha256, write_atomically
from workbench.outputs import check_name
from workbench.paths import resolve, shown

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class PublishedTable:
    """A table that everyone may see: one row a group; where `suppressed`, count and values are empty.

    `made_at` is when its run was published (ISO 8601, UTC), `data_date` up to which day its data go,
    `source` whose data they are. `audience` may see it, each viewer the rows of their own `unit`.
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


def commit(run_name: str, folders: dict[str, Path], run_id: str, keep: int = 5) -> Path | None:
    """Publish what the notebooks of a finished run have staged; return the manifest, or None if nothing is staged.

    `folders` gives the output folder of each notebook by name. Readers see the former tables or the new
    ones, never a mixture. Of the manifests, this one and the `keep - 1` before it stay.
    Raises DisclosureError where a staged table breaks the site's policy, BadInput where a file
    cannot be written; then nothing has changed for a reader.
    """
    staged = _staged(folders)
    if not staged:
        return None
    home = resolve("published") / check_name(run_name)
    try:
        home.mkdir(parents=True, exist_ok=True)
        tables = {name: _add(home, name, file) for name, file in sorted(staged.items())}
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
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
    earlier = _load(home / f"manifest-{run_id}.json")
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
    """Return one published table. Raises BadInput, in one sentence for anyone, where it cannot be shown."""
    import pyarrow as pa

    manifest = _manifest(run_name)
    about = manifest["tables"].get(name)
    if about is None:
        raise BadInput(f"The table “{name}” is not among what the run “{run_name}” has published.")
    try:
        return _read(run_name, manifest, about)
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"The published table “{name}” cannot be read at the moment; please ask those who run the reports "
            f"to run “{run_name}” again."
        ) from error


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
        made_at=manifest["made_at"],
        audience=about.get("audience", "public"),
        unit=about.get("unit", ""),
    )


def _manifest(run_name: str) -> dict[str, Any]:
    manifest = _load(resolve("published") / check_name(run_name) / MANIFEST)
    if manifest is None:
        raise BadInput(
            f"Nothing has been published yet under the name “{run_name}”; please ask those who run the reports "
            f"to run “{run_name}”."
        )
    return manifest


def _load(path: Path) -> dict[str, Any] | None:
    """Return a manifest, or None where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        whole = {key: found[key] for key in ("run", "run_id", "made_at", "tables")}
        return whole if list(map(type, whole.values())) == [str, str, str, dict] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _staged(folders: dict[str, Path]) -> dict[str, Path]:
    """Return the staged Parquet file of each table name; raise where a table may not be published.

    A table that several notebooks of the run publish (one report a unit, say) is named
    `<notebook>.<table>` for each of them.
    """
    files = [
        (notebook, file) for notebook, folder in folders.items() for file in sorted((folder / STAGED).glob("*.parquet"))
    ]
    times = Counter(file.stem for _, file in files)
    found = {file.stem if times[file.stem] == 1 else f"{notebook}.{file.stem}": file for notebook, file in files}
    for file in found.values():
        _check_staged(file.stem, file)
    return found


def _check_staged(name: str, file: Path) -> None:
    """Hold a staged file to the policy once more, outside the notebook that wrote it."""
    import pandas as pd

    try:
        about = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        frame = pd.read_parquet(file)
        keys, count, values = about["keys"], about["count"], about["values"]
        open_rows = frame[~frame[SUPPRESSED]]
        blanked = frame.loc[frame[SUPPRESSED], [count, *values]].isna().all(axis=None)
        whole = blanked and set(frame.columns) == {*keys, count, *values, SUPPRESSED}
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise DisclosureError(f"The staged table {name!r} was not made by wb.publish; run its notebook again.")
    check_aggregate(name, open_rows, keys, count, values)
    if (open_rows[count] < (least := policy().min_count)).any():
        raise DisclosureError(
            f"The staged table {name!r} shows a group of fewer than {least} people, the minimum of access.yml; "
            "run its notebook again."
        )


def _add(home: Path, name: str, file: Path) -> dict[str, Any]:
    """Copy a staged table into place under its content's name and return its entry in the manifest."""
    about: dict[str, Any] = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    final = home / f"{name}-{sha256(file)[:16]}.parquet"
    if not final.exists():
        write_atomically(final, file.read_bytes())
    return {**about, "file": final.name}


def _replace_manifest(home: Path, new: dict[str, Any]) -> None:
    """Remember the current manifest for going back, then put the new one in its place: the commit point."""
    current = _load(home / MANIFEST)
    if current and current["run_id"] != new["run_id"]:
        _write_manifest(home / f"manifest-{current['run_id']}.json", current)
    _write_manifest(home / MANIFEST, new)


def _write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(manifest, indent=1) + "\n")


def _earlier(home: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Return the remembered manifests other than the current one, oldest first."""
    current = _load(home / MANIFEST)
    found = [(path, one) for path in home.glob("manifest-*.json") if (one := _load(path))]
    others = [(path, one) for path, one in found if not current or one["run_id"] != current["run_id"]]
    return sorted(others, key=lambda pair: (pair[1]["made_at"], pair[0].name))


def _forget_old(home: Path, keep: int) -> None:
    """Remove all but the last `keep - 1` earlier manifests, then every file that no manifest names."""
    earlier = _earlier(home)
    kept = earlier[max(0, len(earlier) - (keep - 1)) :]
    wanted = {MANIFEST, *(path.name for path, _ in kept)}
    for manifest in (_load(home / MANIFEST), *(one for _, one in kept)):
        wanted |= {about["file"] for about in (manifest or {"tables": {}})["tables"].values()}
    for path in home.iterdir():
        if path.name not in wanted:
            # Left for the next time if it cannot be removed: the tables are already published.
            with suppress(OSError):
                path.unlink()
