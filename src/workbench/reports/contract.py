"""The parameter contract: a notebook's `parameters` cell, read as a schema and never run."""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError, create_model
from pydantic_core import SchemaError

from workbench.errors import BadInput, BadParameter, did_you_mean
from workbench.parameters import Reads
from workbench.paths import shown
from workbench.reports.parameter_types import AnnotationError, build_type, in_words

TAG = "parameters"


@dataclass(frozen=True)
class Parameter:
    """One declaration: its name, type (as written, and as Python), default, help and cell line."""

    name: str
    words: str
    type: Any
    default: Any
    help: str
    line: int

    @property
    def names_column(self) -> bool:
        """Whether the value names a column (or columns) of the table file the notebook reads."""
        return "ColumnName" in self.words

    @property
    def reads(self) -> str | None:
        """What must lie at this path: "data folder", "table file", or None for no path."""
        return _reads(self.type)


@dataclass(frozen=True)
class Contract:
    """What a notebook may be given."""

    notebook: Path
    parameters: tuple[Parameter, ...]
    model: type[BaseModel]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters)

    def validate(self, given: Mapping[str, Any], where: Mapping[str, str]) -> dict[str, Any]:
        """Return every parameter's value as plain JSON types, defaults filled in.

        `given` holds text (or lists of text) by name, `where` the place each was written.
        Raises BadParameter for an unknown name, a wrong type or a value out of range.
        """
        for name in given:
            if name not in self.names:
                raise BadParameter(
                    f"{shown(self.notebook)} has no parameter {name!r}{_at(where.get(name))}. "
                    f"{nearest(name, self.names)}"
                )
        try:
            return self.model.model_validate(dict(given)).model_dump(mode="json")
        except ValidationError as error:
            raise BadParameter(" ".join(self._told(problem, where) for problem in error.errors())) from error
        except TypeError as error:
            raise BadParameter(f"{shown(self.notebook)}: a limit does not go with its type: {error}.") from error

    def _told(self, problem: Any, where: Mapping[str, str]) -> str:
        name = str(problem["loc"][0])
        wanted = next(in_words(parameter.type) for parameter in self.parameters if parameter.name == name)
        value = "an empty value" if problem["input"] == "" else repr(problem["input"])
        return f"{shown(self.notebook)}, parameter {name!r}{_at(where.get(name))}: {value} will not do. Give: {wanted}."


def _at(place: str | None) -> str:
    return f" ({place})" if place else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean …?" and what there is, for a name that is not known."""
    known = list(known)
    return did_you_mean(name, known) + (f"There is: {', '.join(known)}." if known else "There is none.")


def read_cells(notebook: Path) -> list[dict[str, Any]]:
    """Return a notebook's cells, each source as one text. Raises BadInput where it is no notebook."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return [{**cell, "source": "".join(cell["source"])} for cell in cells]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{shown(notebook)} is not a readable notebook ({type(error).__name__}: {error}).") from error


def read_contract(notebook: Path) -> Contract:
    """Read a notebook's parameters cell; a notebook without one has no parameters.

    Raises BadParameter, naming the notebook and the line in the cell, where the cell holds
    anything but the import and declarations, or a default that its own type refuses.
    """
    tagged = [cell["source"] for cell in read_cells(notebook) if TAG in cell.get("metadata", {}).get("tags", [])]
    if len(tagged) > 1:
        raise BadParameter(f"{shown(notebook)} has {len(tagged)} cells tagged {TAG!r}; keep one.")
    return parse(tagged[0] if tagged else "", notebook)


def parse(source: str, notebook: Path) -> Contract:
    """Return the contract that the text of a parameters cell declares."""
    try:
        statements = ast.parse(source).body
        comments = _comments(source)
    except (SyntaxError, tokenize.TokenError, ValueError) as error:
        raise _bad(notebook, getattr(error, "lineno", None) or 1, f"it is not valid Python ({error})") from error
    imported: set[str] = set()
    parameters: dict[str, Parameter] = {}
    for position, statement in enumerate(statements):
        try:
            if position == 0 and isinstance(statement, ast.ImportFrom):
                imported = _imported(statement)
                continue
            parameter = _declared(statement, imported, comments)
            if parameter.name in parameters:
                raise AnnotationError(f"{parameter.name!r} is declared twice")
            parameters[parameter.name] = parameter
        except AnnotationError as error:
            raise _bad(notebook, statement.lineno, str(error)) from error
    return Contract(notebook, tuple(parameters.values()), _model(parameters.values()))


def _bad(notebook: Path, line: int, what: str) -> BadParameter:
    return BadParameter(
        f"{shown(notebook)}, parameters cell, line {line}: {what}. The cell may hold one "
        '"from workbench.parameters import …" and declarations such as: horizon: int = 1  # years to look ahead'
    )


def _imported(statement: ast.ImportFrom) -> set[str]:
    from workbench import parameters

    if statement.module != "workbench.parameters" or statement.level:
        raise AnnotationError("only workbench.parameters may be imported here")
    names = {alias.name for alias in statement.names if alias.asname is None}
    if len(names) < len(statement.names) or not names <= set(parameters.__all__):
        raise AnnotationError(f"import by name, from: {', '.join(parameters.__all__)}")
    return names


def _declared(statement: ast.stmt, imported: set[str], comments: Mapping[int, str]) -> Parameter:
    if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value):
        raise AnnotationError(
            f"{ast.unparse(statement).splitlines()[0]!r} is not a declaration with a type and a default"
        )
    name, words = statement.target.id, ast.unparse(statement.annotation)
    if name.startswith("_") or name.startswith("model_"):
        raise AnnotationError(f"a parameter cannot be called {name!r}")
    type_ = build_type(statement.annotation, imported)
    try:
        default = ast.literal_eval(statement.value)
    except ValueError as error:
        raise AnnotationError(f"the default of {name!r} must be a plain value, not a calculation") from error
    _check_default(name, words, type_, default)
    lines = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    help_ = next((comments[line] for line in reversed(lines) if line in comments), "")
    return Parameter(name, words, type_, default, help_, statement.lineno)


def _check_default(name: str, words: str, type_: Any, default: Any) -> None:
    try:
        TypeAdapter(type_).validate_json(json.dumps(default), strict=True)
    except ValidationError as error:
        raise AnnotationError(
            f"the default of {name!r} is {default!r}, but its type {words} takes: {in_words(type_)}"
        ) from error
    except (PydanticUserError, SchemaError, TypeError, ValueError) as error:
        raise AnnotationError(f"the type of {name!r}, {words}, cannot be checked ({error})") from error


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ").rstrip() for token in tokens if token.type == tokenize.COMMENT}


def _model(parameters: Iterable[Parameter]) -> type[BaseModel]:
    fields: dict[str, Any] = {p.name: (p.type, p.default) for p in parameters}
    config = ConfigDict(extra="forbid", validate_default=True, allow_inf_nan=False, protected_namespaces=())
    return create_model("Parameters", __config__=config, **fields)


def _reads(type_: Any) -> str | None:
    for part in (*getattr(type_, "__metadata__", ()), *get_args(type_)):
        if isinstance(part, Reads):
            return part.what
        if found := _reads(part):
            return found
    return None
