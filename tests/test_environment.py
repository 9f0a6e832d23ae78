"""pyproject.toml, constraints.txt, environment.yml and the set-up scripts ask for the same things."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from workbench.machine import R_PACKAGES

ROOT = Path(__file__).parents[1]
ASKED_FOR = (
    *("jupyterlab", "papermill", "pandas", "pymer4", "xgboost"),
    *("shap", "fairlearn", "ipywidgets", "voila", "nbval"),
)
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "ibis-framework[duckdb]": "ibis-duckdb",
    "ibis-framework[pyspark]": "ibis-pyspark",
    "matplotlib": "matplotlib-base",
    "xgboost": "py-xgboost",
}


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for line in [*project["dependencies"], *(line for extra in extras for line in extra)]]


def pins() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def conda() -> dict[str, SpecifierSet]:
    entries: list[Any] = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    lines = [entry for entry in entries if isinstance(entry, str)]
    lines += next(entry["pip"] for entry in entries if isinstance(entry, dict))
    names = {}
    for line in lines:
        name, limits = re.fullmatch(r"([A-Za-z0-9._-]+)\s*(.*)", line).groups()  # type: ignore[union-attr]
        names[canonicalize_name(name)] = SpecifierSet(re.sub(r"^=(?=\d)", "==", limits))
    return names


def conda_name(wanted: Requirement) -> str:
    extra = f"[{','.join(wanted.extras)}]" if wanted.extras else ""
    return canonicalize_name(CONDA_NAMES.get(wanted.name + extra, wanted.name))


@pytest.mark.parametrize("wanted", declared(), ids=str)
def test_the_pin_lies_within_the_declared_range(wanted: Requirement) -> None:
    assert pins()[canonicalize_name(wanted.name)] in wanted.specifier


@pytest.mark.parametrize("wanted", declared(), ids=str)
def test_conda_users_get_the_same_range(wanted: Requirement) -> None:
    assert conda()[conda_name(wanted)] == wanted.specifier


def test_the_environment_file_names_nothing_that_is_not_declared() -> None:
    others = {name for name in conda() if not name.startswith("r-")} - {"python", "pip", "openjdk", "pango"}
    assert others == {conda_name(wanted) for wanted in declared()}


def test_every_package_that_was_asked_for_is_in_all_three() -> None:
    names = {canonicalize_name(wanted.name) for wanted in declared()}
    for name in ASKED_FOR:
        assert name in names
        assert name in pins()
        assert CONDA_NAMES.get(name, name) in conda()


def test_every_pin_that_is_installed_runs_on_the_python_of_debian_12() -> None:
    """Debian 12 has Python 3.11.2; some releases ask for a later patch of 3.11."""
    for name, version in pins().items():
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if found.version == version:
            assert "3.11.2" in SpecifierSet(found.metadata.get("Requires-Python") or ""), name


def test_constraints_name_versions_only() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line


def test_debian_and_conda_bring_the_same_packages_of_r() -> None:
    script = (ROOT / "scripts" / "setup-system").read_text()
    from_debian = set(re.search(r'R_PACKAGES="([^"]*)"', script)[1].split())  # type: ignore[index]
    from_conda = {name for name in conda() if name.startswith("r-")} - {"r-base"}
    assert from_debian == set(R_PACKAGES) - {"report"}, "r/report stands in for the one that Debian has not"
    assert from_conda == {canonicalize_name(f"r-{name}") for name in R_PACKAGES}
