"""A params file is text: nothing in it is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput, BadParameter
from workbench.reports.params_file import read_params

NOTEBOOKS = "notebooks:\n  - notebook: tier0/a\n"


def read(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "study.yml"
    path.write_text(text, encoding="utf-8")
    return read_params(path).file.parameters


@pytest.mark.parametrize("text", ["00123", "1_000", "0o17", "no", "false", "null", "2024-01-31", "1e3", "12:30", "~"])
def test_a_value_stays_as_it_was_written(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, f"parameters: {{x: {text}}}\n{NOTEBOOKS}") == {"x": text}


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.from_regex(r"[0-9]{1,9}", fullmatch=True)))
def test_digits_stay_digits(tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]) -> None:
    lines = "".join(f"  {name}: {value}\n" for name, value in values.items()) or "  {}\n"
    assert read(tmp_path_factory.mktemp("p"), f"parameters:\n{lines}{NOTEBOOKS}") == values


def test_an_environment_variable_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_DATA", "/data")
    assert read(tmp_path, f"parameters: {{t: '${{STUDY_DATA}}/a.csv', u: [$HOME]}}\n{NOTEBOOKS}") == {
        "t": "/data/a.csv",
        "u": ["$HOME"],
    }


def test_a_variable_that_is_not_set_is_told_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDY_DATA", raising=False)
    with pytest.raises(BadParameter, match=r"study.yml, line 2: \$\{STUDY_DATA\} .* not set.*export STUDY_DATA"):
        read(tmp_path, f"parameters:\n  t: ${{STUDY_DATA}}/a.csv\n{NOTEBOOKS}")


def test_the_run_is_called_as_the_file_is(tmp_path: Path) -> None:
    path = tmp_path / "district.yml"
    path.write_text(NOTEBOOKS, encoding="utf-8-sig")
    assert (read_params(path).file.run, read_params(path).file.audience) == ("district", "research")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("parameters: {a: 1}\n" + NOTEBOOKS + "parameters: {a: 2}\n", "line 4: 'parameters' is written twice"),
        ("parameters:\n  a: 1\n  a: 2\n" + NOTEBOOKS, "line 3: 'a' is written twice"),
        ("titel: x\n" + NOTEBOOKS, "line 1: 'titel' is not a word of a params file here. Did you mean 'title'?"),
        (NOTEBOOKS + "    paramters: {a: 1}\n", "line 3: 'paramters' .* Did you mean 'parameters'?"),
        ("audience: everyone\n" + NOTEBOOKS, "line 1: audience is 'everyone'"),
        ("run: ../elsewhere\n" + NOTEBOOKS, "line 1: run is '../elsewhere'"),
        ("title: x\n", "notebooks is missing"),
        ("notebooks:\n  - name: a\n", "line 2: notebooks.1.notebook is missing"),
        (NOTEBOOKS + "    timeout_minutes: -1\n", "line 3: notebooks.1.timeout_minutes is '-1'"),
        (NOTEBOOKS + "    for_each: {a: [1], b: [2]}\n", "line 3: notebooks.1.for_each"),
    ],
)
def test_what_is_wrong_in_a_params_file_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(BadParameter, match=told):
        read(tmp_path, text)


@pytest.mark.parametrize("text", ["notebooks: [", "a: b: c", "- one\n- two\n", "just words"])
def test_a_file_that_is_no_params_file_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"study.yml"):
        read(tmp_path, text)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere.yml cannot be read: No such file"):
        read_params(tmp_path / "nowhere.yml")


@pytest.mark.parametrize("text", ["x: &x [1]\ny: [*x, *x]", "parameters: &p {a: *p}"])
def test_an_alias_is_refused_before_it_grows(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadParameter, match=r"line \d: \*[xp] stands for something written elsewhere"):
        read(tmp_path, f"{text}\n{NOTEBOOKS}")


def test_brackets_without_end_are_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not valid YAML"):
        read(tmp_path, f"parameters: {{x: {'[' * 3000}{']' * 3000}}}\n{NOTEBOOKS}")
