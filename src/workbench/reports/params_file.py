"""A params file as text: no value is guessed, `${NAME}` is filled in, every name keeps its line."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workbench.errors import BadInput, BadParameter
from workbench.paths import shown
from workbench.reports.contract import nearest

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Path_ = tuple[str | int, ...]


class Entry(BaseModel):
    """One notebook of a run, as the params file names it."""

    model_config = ConfigDict(extra="forbid")

    notebook: str
    name: Name | None = None
    parameters: dict[str, Any] = {}
    after: list[str] = []
    for_each: dict[str, str | list[str]] = Field(default={}, max_length=1)
    timeout_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 240


class RunFile(BaseModel):
    """A params file: what is run, with which values, and for whom the reports are."""

    model_config = ConfigDict(extra="forbid")

    run: Name
    title: str = ""
    audience: Literal["research", "public"] = "research"
    parameters: dict[str, Any] = {}
    notebooks: Annotated[list[Entry], Field(min_length=1)]


@dataclass(frozen=True)
class Written:
    """A params file and the line on which each of its names stands."""

    path: Path
    file: RunFile
    lines: dict[Path_, int]

    def place(self, *path: str | int) -> str:
        """Return "params/demo.yml, line 7" for a name in the file."""
        line = self.lines.get(path)
        return f"{shown(self.path)}, line {line}" if line else shown(self.path)


def read_params(path: Path) -> Written:
    """Read a params file. Every value stays the text it was written as, or lists and maps of text.

    Raises BadInput for a file that is missing or no YAML, BadParameter for a repeated or unknown
    name and for a `${NAME}` that is not set.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        _check_aliases(text, path)
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except OSError as error:
        raise BadInput(f"The params file {shown(path)} cannot be read: {error.strerror or error}.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"{shown(path)} is not valid YAML: {' '.join(str(error).split())}") from error
    lines: dict[Path_, int] = {}
    content = _plain(root, (), lines, path) if root else {}
    if not isinstance(content, dict):
        raise BadInput(f"{shown(path)} must hold names and values, beginning with notebooks:")
    content.setdefault("run", path.stem)
    try:
        return Written(path, RunFile.model_validate(content), lines)
    except ValidationError as error:
        raise _told(error.errors()[0], path, lines) from error


def _check_aliases(text: str, file: Path) -> None:
    """Refuse YAML's `*name`: written out, a few lines of them can be larger than any memory."""
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise BadParameter(
                f"{shown(file)}, line {line}: *{event.anchor} stands for something written "
                "elsewhere, which a params file here cannot use. Write it out, or put it in quotes if it is text."
            )


def _plain(node: yaml.Node, at: Path_, lines: dict[Path_, int], file: Path) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(at, line)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*at, i), lines, file) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode):
        return _expanded(node.value, f"{shown(file)}, line {line}")
    content: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.value in content:
            raise BadParameter(f"{shown(file)}, line {line}: {key.value!r} is written twice, or is no name. Keep one.")
        lines[(*at, key.value)] = line
        content[key.value] = _plain(value, (*at, key.value), lines, file)
    return content


def _expanded(text: str, place: str) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise BadParameter(
                f"{place}: ${{{name}}} stands for the environment variable {name}, which is not set. "
                f"Set it first: export {name}=…"
            )
        return os.environ[name]

    return VARIABLE.sub(value, text)


def _told(problem: Any, path: Path, lines: dict[Path_, int]) -> BadParameter:
    at: Path_ = tuple(problem["loc"])
    line = next((lines[at[:n]] for n in range(len(at), -1, -1) if at[:n] in lines), 1)
    name = ".".join(str(part + 1 if isinstance(part, int) else part) for part in at)
    where = f"{shown(path)}, line {line}"
    if problem["type"] == "extra_forbidden":
        known = Entry.model_fields if at[0] == "notebooks" else RunFile.model_fields
        return BadParameter(f"{where}: {at[-1]!r} is not a word of a params file here. {nearest(str(at[-1]), known)}")
    if problem["type"] == "missing":
        return BadParameter(f"{where}: {name} is missing.")
    return BadParameter(f"{where}: {name} is {problem['input']!r}; {problem['msg'].replace('Input', 'it', 1)}.")
