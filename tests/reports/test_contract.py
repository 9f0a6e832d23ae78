"""The parameter contract: what a parameters cell declares is what a notebook may be given."""

from __future__ import annotations

import keyword
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import BadInput, BadParameter
from workbench.reports.contract import Contract, parse, read_contract

from .conftest import Project

NOTEBOOK = Path("notebooks/tier0/example.ipynb")
IMPORT = "from workbench.parameters import Annotated, DataFolder, Ge, Gt, Le, Literal, Lt, MinLen, TableFile, date\n"


def contract(*lines: str) -> Contract:
    return parse(IMPORT + "\n".join(lines), NOTEBOOK)


def value(line: str, text: Any) -> Any:
    """Return what the parameter that `line` declares becomes when `text` is written for it."""
    declared = contract(line)
    name = declared.names[0]
    return declared.validate({name: text}, {name: "params/study.yml, line 7"})[name]


names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: not keyword.iskeyword(name) and not name.startswith("model_")
)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)
dates = st.dates(date(1900, 1, 1), date(2100, 12, 31)).map(date.isoformat)
choices = st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), min_size=1, max_size=4, unique=True)


@st.composite
def declarations(draw: st.DrawFn) -> tuple[str, Any, Any]:
    """Return a type as it is written, a default, and another value of that type."""
    scalars = {
        "str": texts,
        "int": st.integers(-(10**12), 10**12),
        "float": st.floats(allow_nan=False, allow_infinity=False),
        "bool": st.booleans(),
        "date": dates,
    }
    kind = draw(st.sampled_from([*scalars, "list", "optional", "literal", "limited"]))
    if kind == "literal":
        options = draw(choices)
        picked = st.sampled_from(options)
        return f"Literal[{', '.join(map(repr, options))}]", draw(picked), draw(picked)
    if kind == "limited":
        low, high = sorted(draw(st.tuples(st.integers(-99, 99), st.integers(-99, 99))))
        inside = st.integers(low, high)
        return f"Annotated[int, Ge({low}), Le({high})]", draw(inside), draw(inside)
    base = draw(st.sampled_from(list(scalars))) if kind in ("list", "optional") else kind
    if kind == "list":
        return f"list[{base}]", draw(st.lists(scalars[base], max_size=3)), draw(st.lists(scalars[base], max_size=3))
    if kind == "optional":
        present = scalars[base].filter(lambda given: given not in ("", "null", "~"))
        return f"{base} | None", None, draw(present)
    return base, draw(scalars[base]), draw(scalars[base])


def written(value: Any) -> Any:
    """Return a value as the text, or list of texts, that a params file holds."""
    return [written(each) for each in value] if isinstance(value, list) else str(value)


@settings(deadline=None)
@given(st.dictionaries(names, declarations(), min_size=1, max_size=5))
def test_what_is_written_for_a_declared_parameter_comes_back_as_its_value(
    declared: dict[str, tuple[str, Any, Any]],
) -> None:
    cell = [f"{name}: {type_} = {default!r}  # help on {name}" for name, (type_, default, _) in declared.items()]
    read = contract(*cell)
    assert {p.name: (p.words, p.default, p.help) for p in read.parameters} == {
        name: (type_, default, f"help on {name}") for name, (type_, default, _) in declared.items()
    }
    assert read.validate({}, {}) == {name: default for name, (_, default, _) in declared.items()}
    others = {name: other for name, (_, _, other) in declared.items()}
    assert read.validate({name: written(other) for name, other in others.items()}, {}) == others


@given(st.from_regex(r"0\d{1,12}", fullmatch=True))
def test_an_identifier_keeps_its_leading_zeros(identifier: str) -> None:
    assert value("school_id: str = ''", identifier) == identifier
    assert value("school_id: str | None = None", identifier) == identifier
    assert value("school_ids: list[str] = []", [identifier]) == [identifier]


@given(names, names)
def test_a_name_that_is_not_declared_is_refused(declared: str, other: str) -> None:
    if declared != other:
        with pytest.raises(BadParameter, match=f"no parameter '{other}'"):
            contract(f"{declared}: int = 1").validate({other: "1"}, {})


def test_an_unknown_name_is_told_with_its_place_and_the_nearest_one() -> None:
    with pytest.raises(BadParameter) as told:
        contract("school_year: int = 2025", "seed: int = 1").validate(
            {"schol_year": "2024"}, {"schol_year": "params/study.yml, line 7"}
        )
    assert "no parameter 'schol_year' (params/study.yml, line 7). Did you mean 'school_year'?" in str(told.value)


@pytest.mark.parametrize(
    ("line", "text", "wanted"),
    [
        ("year: int = 1", "12a", "'12a' will not do. Give: whole number"),
        ("year: int = 1", "", "an empty value will not do"),
        ("share: float = 0.5", "nan", "Give: number"),
        ("flag: bool = False", "perhaps", "Give: true or false"),
        ("as_of: date = '2024-01-31'", "2024-02-30", "Give: date such as 2024-01-31"),
        ("as_of: date = '2024-01-31'", "1706659200", "Give: date such as 2024-01-31"),
        ("horizon: Annotated[int, Ge(1), Le(4)] = 1", "5", "Give: whole number, at least 1, at most 4"),
        ("share: Annotated[float, Gt(0), Lt(1)] = 0.5", "1", "Give: number, above 0, below 1"),
        ("name: Annotated[str, MinLen(2)] = 'ab'", "a", "Give: text, at least 2 long"),
        ("backend: Literal['duckdb', 'spark'] = 'duckdb'", "dask", "Give: one of duckdb, spark"),
        ("columns: list[str] = []", {"a": "b"}, "Give: list of text"),
    ],
)
def test_a_value_that_will_not_do_is_told_with_its_place_and_what_would(line: str, text: Any, wanted: str) -> None:
    with pytest.raises(BadParameter) as told:
        value(line, text)
    assert "params/study.yml, line 7" in str(told.value)
    assert wanted in str(told.value)


def test_only_what_is_declared_as_true_or_false_becomes_it() -> None:
    assert value("flag: bool = True", "false") is False
    assert value("note: str = ''", "false") == "false"
    assert value("school_id: str | None = None", "null") is None
    assert value("note: str = ''", "null") == "null"


def test_a_number_in_a_literal_and_a_list_on_a_command_line_are_understood() -> None:
    assert value("level: Literal[1, 2] = 1", "2") == 2
    assert value("columns: list[str] = []", "[gender, age band]") == ["gender", "age band"]
    assert value("columns: list[str] = []", "gender") == ["gender"]


def test_beside_text_only_brackets_mean_a_list() -> None:
    line = "positive: list[str] | str | None = None"
    assert value(line, "<10") == "<10"
    assert value(line, "[Fail, Withdrawn]") == ["Fail", "Withdrawn"]
    assert value(line, ["Fail"]) == ["Fail"]
    assert value(line, "") is None


def test_paths_say_what_must_lie_there() -> None:
    declared = contract("data: DataFolder = 'a'", "table: TableFile | None = None", "tables: list[TableFile] = []")
    assert [p.reads for p in declared.parameters] == ["data folder", "table file", "table file"]
    assert contract("note: str = ''").parameters[0].reads is None


@pytest.mark.parametrize(
    ("cell", "line", "what"),
    [
        ("year = 2025", 1, "not a declaration"),
        ("year: int", 1, "not a declaration"),
        ("import os\nyear: int = 1", 1, "not a declaration"),
        ("from os import path\nyear: int = 1", 1, "only workbench.parameters"),
        ("from workbench.parameters import *", 1, "import by name"),
        ("a: int = 1\nyear: int = 2000 + 25", 2, "not a calculation"),
        ("a: int = 1\n\nyear: int = 'x'", 3, "takes: whole number"),
        ("year: int = 1.5", 1, "takes: whole number"),
        ("flag: int = True", 1, "takes: whole number"),
        ("school_id: str = 7", 1, "takes: text"),
        ("x: dict = {}", 1, "not a type"),
        ("as_of: date = '2024-01-31'", 1, "not imported"),
        ("a: int = 1\na: int = 2", 2, "declared twice"),
        ("a: int = (", 1, "not valid Python"),
        ("print('hello')", 1, "not a declaration"),
        ("from workbench.parameters import Annotated, Ge\na: Annotated[int, Ge(3)] = 1", 2, "at least 3"),
        ("from workbench.parameters import Annotated, Ge\na: Annotated[int, Ge(open('x'))] = 1", 2, "not a limit"),
    ],
)
def test_a_cell_that_is_no_contract_is_told_with_notebook_and_line(cell: str, line: int, what: str) -> None:
    with pytest.raises(BadParameter) as told:
        parse(cell, NOTEBOOK)
    assert str(told.value).startswith(f"notebooks/tier0/example.ipynb, parameters cell, line {line}: ")
    assert what in str(told.value)


def test_the_cell_is_read_and_never_run(project: Project) -> None:
    notebook = project.notebook("tier0/sly", "# Sly", parameters="a: int = __import__('os').mkdir('made')")
    with pytest.raises(BadParameter, match="not a calculation"):
        read_contract(notebook)


def test_a_notebook_without_the_cell_has_no_parameters(project: Project) -> None:
    assert read_contract(project.notebook("tier0/plain", "# Plain")).names == ()


def test_a_file_that_is_no_notebook_is_told(project: Project) -> None:
    path = project.root / "notebooks" / "cut.ipynb"
    path.write_text('{"cells": [', encoding="utf-8")
    with pytest.raises(BadInput, match=r"cut.ipynb is not a readable notebook"):
        read_contract(path)
