"""The exit for rows about persons: `release` puts a caseload, or a student's reasons, aside for those entitled.

The rows reach nobody before the whole run has succeeded, and then only through `released.read`, which
takes a viewer, shows what lies in their scope and writes down that they saw it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench import outputs
from workbench.access.roles import RELEASED_TO, names_a_person, tells_of_meals
from workbench.errors import BadParameter, DisclosureError

if TYPE_CHECKING:
    import pandas as pd

RELEASED: Final = "released"
UNITS: Final = ("district_id", "school_id", "teacher_id")


def release(
    name: str,
    rows: Any,
    *,
    to: str,
    scope: str | Sequence[str],
    student: str = "student_id",
    names: Sequence[str] = (),
    title: str = "",
    help: dict[str, str] | None = None,
    data_date: date | str | None = None,
    source: str = "",
) -> None:
    """Release rows about students to one role: teacher, counsellor, principal, district or researcher.

    `scope` names the column or columns (district_id, school_id, teacher_id) by which a viewer sees only the rows
    of their own units; for teachers, teacher_id is one of them. `student` holds the identifier, `names` further
    columns that name a person beside those whose name says so. A researcher's rows carry no names, and are read
    under pseudonyms. In the report stands only how many rows were released, and to whom.

    Raises DisclosureError where a role may not have such rows or they cannot be told apart by unit, BadParameter
    where `data_date` is no date: alerts ask it in which school year an offer is made.
    """
    try:
        data_date = data_date and date.fromisoformat(str(data_date))
    except ValueError as error:
        raise BadParameter(f"data_date is {data_date!r}, which is no date; write year-month-day.") from error
    outputs.check_name(name)
    frame = outputs.as_frame(rows)
    if frame is None:
        raise DisclosureError(f"release({name!r}, …) takes a table of rows, not {type(rows).__name__}.")
    about: dict[str, Any] = {
        "title": title or name.replace("_", " "),
        "to": to,
        "scope": [scope] if isinstance(scope, str) else list(scope),
        "student": student,
        "names": name_columns(frame, names),
        "meals": meal_columns(frame),
        "help": {column: text for column, text in (help or {}).items() if column in frame.columns},
        "data_date": str(data_date) if data_date else None,
        "source": source,
        "made_from": outputs.folder().name,
    }
    check_release(name, frame, about)
    private(outputs.folder() / RELEASED)
    outputs.save(RELEASED, f"{name}.parquet", outputs.parquet_bytes(frame))
    outputs.save(RELEASED, f"{name}.json", json.dumps(about, indent=1) + "\n")
    said = (
        f"{about['title']}: {len(frame):,} rows released to the role {to}, each viewer's own {_words(about['scope'])}."
    )
    if about["meals"]:
        said += f" Shown only with the scope meal_programme: {', '.join(about['meals'])}."
    outputs.display(f"<p>{said}</p>", said)


def check_release(name: str, frame: pd.DataFrame, about: dict[str, Any]) -> None:
    """Raise DisclosureError where rows may not be released as they are."""
    to, units, student, names = about["to"], about["scope"], about["student"], about["names"]
    if to not in RELEASED_TO:
        raise DisclosureError(
            f"Rows about students are not released to {to!r}, only to one of {', '.join(RELEASED_TO)}. "
            "For everybody else, publish groups with wb.publish."
        )
    if not units or not set(units) <= set(UNITS):
        raise DisclosureError(f"Table {name!r}: scope is {units}; name one or more of {', '.join(UNITS)}.")
    if to == "teacher" and "teacher_id" not in units:
        raise DisclosureError(f"Table {name!r}: a teacher sees only their own students; add teacher_id to scope.")
    for column in (*units, student, *names):
        if column not in frame.columns:
            raise DisclosureError(f"Table {name!r} has no column {column!r}; it has: {', '.join(frame.columns)}.")
    for column in (*units, student):
        if frame[column].isna().any():
            raise DisclosureError(f"Table {name!r} has a row with an empty {column!r}: nobody's scope could hold it.")
    if to == "researcher" and names:
        raise DisclosureError(
            f"Researchers see pseudonyms, never names: leave the column {names[0]!r} out of table {name!r}."
        )
    _check_plain(name, frame, (*units, student))


def name_columns(frame: pd.DataFrame, named: Sequence[str] = ()) -> list[str]:
    """Return the columns that name a person: those `named`, and those whose own name says so."""
    return sorted({*named, *(column for column in frame.columns if names_a_person(column))})


def meal_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that tell of eligibility for the meal programme, by their name or in any of their texts.

    Such a column is shown whole or not at all: a gap in it would tell as much as the text.
    """
    texts = {column: frame[column].drop_duplicates() for column in frame.columns}
    return sorted(
        column
        for column, values in texts.items()
        if tells_of_meals(column) or any(isinstance(value, str) and tells_of_meals(value) for value in values)
    )


def private(folder: Path) -> None:
    """Make a folder that is for its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def _check_plain(name: str, frame: pd.DataFrame, identifiers: Sequence[str]) -> None:
    """Refuse what a column's name would not tell: lists, bytes and the like, into which other rows would fit."""
    from pandas.api.types import is_scalar

    for column in frame.columns:
        odd = next((value for value in frame[column] if not is_scalar(value) or isinstance(value, bytes)), None)
        if odd is not None:
            raise DisclosureError(f"Table {name!r}, column {column!r} holds a {type(odd).__name__}; use plain values.")
    for column in identifiers:
        odd = next((value for value in frame[column] if not isinstance(value, str)), None)
        if odd is not None:
            raise DisclosureError(f"Table {name!r}, column {column!r}: an identifier is text, not {odd!r}.")


def _words(units: Sequence[str]) -> str:
    return " and ".join(unit.removesuffix("_id") for unit in units)
