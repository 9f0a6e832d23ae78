"""From an annotation in a parameters cell to the type that checks and converts text."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BeforeValidator

from workbench import parameters

EMPTY = ("", "null", "~")
SCALARS: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool}
LIMITS = ("Ge", "Gt", "Le", "Lt", "MinLen")


class AnnotationError(Exception):
    """A piece of a parameters cell is outside its small language."""


def build_type(node: ast.expr, imported: set[str]) -> Any:
    """Return the type an annotation means, made of the words of `workbench.parameters` alone.

    Text converts to it without guessing: "00123" stays text for str, dates are ISO, an empty
    value is None only where None is allowed. Raises AnnotationError for every other annotation.
    """
    match node:
        case ast.Name(id=name) if name in SCALARS:
            return SCALARS[name]
        case ast.Name(id="date"):
            _known("date", imported)
            return Annotated[date, BeforeValidator(_iso_date)]
        case ast.Name(id="DataFolder" | "TableFile" | "ColumnName" as name):
            _known(name, imported)
            return getattr(parameters, name)
        case ast.Subscript(value=ast.Name(id="list"), slice=inner):
            return Annotated[list[build_type(inner, imported)], BeforeValidator(_as_list)]  # type: ignore[misc]
        case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
            _known("Literal", imported)
            return _literal(inner)
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[inner, *calls])):
            _known("Annotated", imported)
            return Annotated[(build_type(inner, imported), *(_limit(call, imported) for call in calls))]
        case ast.BinOp(op=ast.BitOr()):
            return _union(node, imported)
    raise AnnotationError(f"{ast.unparse(node)!r} is not a type a parameter may have")


def _known(name: str, imported: set[str]) -> None:
    if name not in imported:
        raise AnnotationError(f"{name!r} is used but not imported: from workbench.parameters import {name}")


def _members(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_members(node.left), *_members(node.right)]
    return [node]


def _union(node: ast.expr, imported: set[str]) -> Any:
    members = [m for m in _members(node) if not (isinstance(m, ast.Constant) and m.value is None)]
    if not members:
        raise AnnotationError(f"{ast.unparse(node)!r} is not a type a parameter may have")
    with_text = any(isinstance(member, ast.Name) and member.id == "str" for member in members)
    union: Any = Union[tuple(_member(member, imported, with_text) for member in members)]  # noqa: UP007
    if len(members) == len(_members(node)):
        return union
    return Annotated[union | None, BeforeValidator(lambda value: None if value in EMPTY else value)]


def _member(node: ast.expr, imported: set[str], with_text: bool) -> Any:
    """Return the type of one member of a union; beside text, only "[a, b]" is meant as a list."""
    match node:
        case ast.Subscript(value=ast.Name(id="list"), slice=inner) if with_text:
            return Annotated[list[build_type(inner, imported)], BeforeValidator(_as_bracketed_list)]  # type: ignore[misc]
    return build_type(node, imported)


def _literal(node: ast.expr) -> Any:
    try:
        choices = [ast.literal_eval(item) for item in (node.elts if isinstance(node, ast.Tuple) else [node])]
    except ValueError as error:
        raise AnnotationError("Literal takes plain values") from error
    if not all(isinstance(choice, (str, int)) for choice in choices):
        raise AnnotationError("Literal takes text, whole numbers, True or False")
    by_text = {str(c).lower() if isinstance(c, bool) else str(c): c for c in choices}
    return Annotated[
        Literal[tuple(choices)],
        BeforeValidator(lambda value: by_text.get(value, value) if isinstance(value, str) else value),
    ]


def _limit(node: ast.expr, imported: set[str]) -> Any:
    match node:
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in LIMITS:
            _known(name, imported)
            try:
                value = ast.literal_eval(argument)
            except ValueError:
                value = None
            if isinstance(value, (int, float)):
                return getattr(parameters, name)(value)
    raise AnnotationError(f"{ast.unparse(node)!r} is not a limit; there are {', '.join(LIMITS)}, each with a number")


def _iso_date(value: Any) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("a date is written year-month-day, for example 2024-01-31")


def _as_list(value: Any) -> Any:
    """Take one text for a list of one, and "[a, b]" (from a command line) for a list."""
    if not isinstance(value, str):
        return value
    if value in EMPTY:
        return []
    if value.startswith("["):
        try:
            return yaml.load(value, Loader=yaml.BaseLoader)
        except yaml.YAMLError as error:
            raise ValueError("a list is written [one, two]") from error
    return [value]


def _as_bracketed_list(value: Any) -> Any:
    return _as_list(value) if isinstance(value, str) and value.startswith("[") else value


def in_words(type_: Any) -> str:
    """Return a parameter's type as a person would say it, such as "whole number, at least 1"."""
    origin, arguments = get_origin(type_), get_args(type_)
    if origin is Annotated:
        base, *marks = arguments
        if reads := next((m.what for m in marks if isinstance(m, (parameters.Reads, parameters.Names))), None):
            return reads
        return ", ".join([in_words(base), *(_LIMIT_WORDS[type(m)](m) for m in marks if type(m) in _LIMIT_WORDS)])
    if origin is list:
        return f"list of {in_words(arguments[0])}"
    if origin is Literal:
        return f"one of {', '.join(str(choice) for choice in arguments)}"
    if arguments:
        return " or ".join("empty" if part is type(None) else in_words(part) for part in arguments)
    return _WORDS[type_]


_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "date such as 2024-01-31",
}
_LIMIT_WORDS: dict[type, Callable[[Any], str]] = {
    parameters.Ge: lambda limit: f"at least {limit.ge}",
    parameters.Gt: lambda limit: f"above {limit.gt}",
    parameters.Le: lambda limit: f"at most {limit.le}",
    parameters.Lt: lambda limit: f"below {limit.lt}",
    parameters.MinLen: lambda limit: f"at least {limit.min_length} long",
}
