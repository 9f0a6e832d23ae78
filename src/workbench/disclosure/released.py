"""The released rows of each run: `released/<run name>/`, read by those entitled, one audited look at a time.

As with published tables, files are named by their content and the rename of `manifest.json` is the one moment at
which anything changes for a reader. Rows of earlier runs go at once: what nobody needs cannot be lost.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.access import audit
from workbench.access.pseudonyms import Kind, pseudonym, site_key
from workbench.access.roles import NAMED, Viewer, picked
from workbench.disclosure.release import RELEASED, check_release, meal_columns, name_columns, private
from workbench.errors import AccessDenied, BadInput, DisclosureError
from workbench.files import sha256, write_atomically
from workbench.outputs import check_name
from workbench.paths import resolve, shown

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST: Final = "manifest.json"
NOT_YOURS: Final = "There is no such table, or it is not for you. Ask the people who run the workbench."
Filters = Mapping[str, str | Sequence[str]]


def check(folders: dict[str, Path]) -> None:
    """Hold all that the notebooks of a run have staged to the rules once more, outside of these notebooks."""
    for file in _staged(folders).values():
        _checked(file)


def commit(run_name: str, folders: dict[str, Path], run_id: str, at: str) -> Path | None:
    """Release what the notebooks of a finished run have staged; return the manifest, or None if nothing is staged.

    `folders` gives the output folder of each notebook by name. Each table is written into the audit log, at the time
    `at`, before anybody can read it. Folders are for their owner alone (0700), and so are files (0600).
    Raises DisclosureError for rows that may not be released, AuditError where they cannot be audited, BadInput
    where a file cannot be written; then nothing has changed for a reader.
    """
    staged = _staged(folders)
    if not staged:
        return None
    home = resolve(RELEASED) / check_name(run_name)
    abouts = {name: _checked(file) for name, file in sorted(staged.items())}
    try:
        for folder in (home.parent, home):
            private(folder)
        tables = {name: _add(home, name, staged[name], about) for name, about in abouts.items()}
        for name, about in tables.items():
            event = audit.Event("workbench", "released", f"{run_name}/{name}", about["to"], rows=about["rows"])
            audit.record(event, at)
        new = {"run": run_name, "run_id": check_name(run_id), "made_at": at, "tables": tables}
        write_private(home / MANIFEST, json.dumps(new, indent=1) + "\n")
    except OSError as error:
        raise BadInput(
            f"{shown(home)} could not be written: {error.strerror or error}. Nothing was released."
        ) from error
    forget_unnamed(home)
    return home / MANIFEST


def tables(viewer: Viewer) -> list[tuple[str, str, str]]:
    """Return run, name and title of every released table that a viewer may ask for."""
    found = []
    for path in sorted(resolve(RELEASED).glob(f"*/{MANIFEST}")):
        for name, about in ((load(path) or {}).get("tables") or {}).items():
            if _is_for(viewer, about, name):
                found.append((path.parent.name, name, str(about["title"])))
    return found


def described(run_name: str, name: str, viewer: Viewer) -> dict[str, Any]:
    """Return what a released table says of itself, and no row of it.

    That is title, the columns of the `student` and of `names`, help, data_date, source, run_id and made_at.

    Raises AccessDenied where the viewer is not entitled or there is no such table.
    """
    whole = load(resolve(RELEASED) / check_name(run_name) / MANIFEST) or {"tables": {}}
    about = whole["tables"].get(name)
    if about is None or not _is_for(viewer, about, name):
        raise AccessDenied(NOT_YOURS)
    return {key: about[key] for key in ("title", "student", "names", "help", "data_date", "source")} | {
        key: whole[key] for key in ("run_id", "made_at")
    }


def read(
    run_name: str, name: str, viewer: Viewer, *, at: str, filters: Filters | None = None, what: str = "saw"
) -> pa.Table:
    """Return the rows of a released table that a viewer may see, after writing down that they do.

    Only rows of the viewer's units and columns of their scope; `filters` then choose rows by the values of columns
    that are seen. A researcher sees keyed pseudonyms, ordered by them. Without the scope for the meal programme,
    no column is shown that tells of it. `at` is the time told in the audit log and `what`
    "saw" or "exported". Raises AccessDenied where the viewer is not entitled or there is no such table, and
    AuditError where the look cannot be written down; then nothing is shown.
    """
    chosen = {column: _as_list(wanted) for column, wanted in (filters or {}).items()}
    thing = f"{check_name(run_name)}/{name[:160]}"
    about = ((load(resolve(RELEASED) / run_name / MANIFEST) or {}).get("tables") or {}).get(name)
    if about is None or not _is_for(viewer, about, name):
        audit.record(audit.Event(viewer.user or "somebody", "was refused", thing, viewer.role or ""), at)
        raise AccessDenied(NOT_YOURS)
    key = site_key()
    whole = viewer.rows_in(_table(run_name, about), about["scope"])
    seen, students = _shown(whole, about, viewer, chosen, key)
    told = {column: ", ".join(_untold(column, about, value, key) for value in chosen[column]) for column in chosen}
    hashes = tuple(sorted(audit.student_hash(student, key) for student in students))
    event = audit.Event(viewer.user, what, thing, viewer.role or "", told, len(seen), hashes)
    audit.record(event, at)
    return seen


def load(path: Path) -> dict[str, Any] | None:
    """Return a manifest of released tables, or None where there is none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        whole = {key: found[key] for key in ("run", "run_id", "made_at", "tables")}
        return whole if list(map(type, whole.values())) == [str, str, str, dict] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file whole, for its owner alone, into a folder that already is."""
    write_atomically(path, content)
    path.chmod(0o600)


def forget_unnamed(home: Path) -> None:
    """Remove every file that the manifest does not name."""
    wanted = {MANIFEST, *(about["file"] for about in (load(home / MANIFEST) or {"tables": {}})["tables"].values())}
    for path in home.iterdir():
        if path.name not in wanted:
            path.unlink()


def _is_for(viewer: Viewer, about: Mapping[str, Any], name: str) -> bool:
    return viewer.role is not None and viewer.role == about.get("to") and name in viewer.scope.tables


def _table(run_name: str, about: Mapping[str, Any]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(resolve(RELEASED) / run_name / Path(about["file"]).name) as file:
            return file.read().replace_schema_metadata()
    except (OSError, pa.ArrowException) as error:
        raise BadInput("These rows cannot be read at the moment; please try again, or ask for a new run.") from error


def _shown(
    table: pa.Table, about: Mapping[str, Any], viewer: Viewer, filters: Mapping[str, list[str]], key: bytes
) -> tuple[pa.Table, set[str]]:
    """Return what of rows in scope is shown after the filters, and the identifiers of the students in it."""
    named, meals = viewer.role in NAMED, viewer.scope.meal_programme
    unseen = {*(() if named else about["names"]), *(() if meals else about["meals"])}
    columns = [column for column in viewer.columns(table.column_names) if column not in unseen]
    hidden = [column for column in filters if column not in columns]
    if hidden:
        raise AccessDenied(f"The rows cannot be chosen by {hidden[0]!r}: it is not among the columns you see.")
    students = [str(each) for each in table.column(about["student"]).to_pylist()]
    seen = table if named else _pseudonymous(table, about, key)
    values = {column: list(map(str, seen.column(column).to_pylist())) for column in filters}
    places = [i for i in range(len(seen)) if all(values[column][i] in wanted for column, wanted in filters.items())]
    if not named:
        places.sort(key=seen.column(about["student"]).to_pylist().__getitem__)
    return picked(seen, places).select(columns), {students[place] for place in places}


def _pseudonymous(table: pa.Table, about: Mapping[str, Any], key: bytes) -> pa.Table:
    """Return rows under pseudonyms; a text in which an identifier of its own row stands is left empty."""
    import pyarrow as pa

    kinds: dict[str, Kind] = {about["student"]: "student", "student_id": "student", "teacher_id": "teacher"}
    rows = table.to_pylist()
    for row in rows:
        own = [str(row[column]) for column in kinds if row.get(column) is not None]
        for column, value in row.items():
            if column in kinds and value is not None:
                row[column] = pseudonym(str(value), kinds[column], key)
            elif isinstance(value, str) and any(each in value for each in own):
                row[column] = None
    columns = {name: [row[name] for row in rows] for name in table.column_names}
    return pa.table({name: pa.array(columns[name], table.schema.field(name).type) for name in columns})


def _untold(column: str, about: Mapping[str, Any], value: str, key: bytes) -> str:
    """Return a filter's value as the log may know it: a student by the keyed hash, a name not at all."""
    if column == about["student"]:
        return audit.student_hash(value, key)
    return "(a name)" if column in about["names"] else value


def _as_list(wanted: str | Sequence[str]) -> list[str]:
    return [wanted] if isinstance(wanted, str) else [str(value) for value in wanted]


def _staged(folders: dict[str, Path]) -> dict[str, Path]:
    """Return the staged file of each table name; one that several notebooks release is named after each of them."""
    files = [(one, file) for one, folder in folders.items() for file in sorted((folder / RELEASED).glob("*.parquet"))]
    times = Counter(file.stem for _, file in files)
    return {file.stem if times[file.stem] == 1 else f"{notebook}.{file.stem}": file for notebook, file in files}


def _checked(file: Path) -> dict[str, Any]:
    """Return what a staged table says about itself, once it is held to the rules again."""
    import pandas as pd

    try:
        about: dict[str, Any] = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        frame = pd.read_parquet(file)
        about |= {"names": name_columns(frame, about["names"]), "meals": meal_columns(frame)}
        check_release(file.stem, frame, about)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DisclosureError(
            f"The staged rows {file.stem!r} were not made by wb.release; run their notebook again."
        ) from error
    return {**about, "rows": len(frame)}


def _add(home: Path, name: str, file: Path, about: dict[str, Any]) -> dict[str, Any]:
    """Copy staged rows into place under their content's name and return their entry in the manifest."""
    final = home / f"{name}-{sha256(file)[:16]}.parquet"
    write_private(final, file.read_bytes())
    return {**about, "file": final.name}
