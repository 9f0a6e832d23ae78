"""What is installed goes with Apache-2.0, is what is pinned, and has no weakness that the project knows of.

All of it runs without a network. What it cannot see, docs/hub.md says.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
WITH_PYTHON = {"pip", "setuptools", "wheel"}
"""Come with the environment and are pinned by nobody; no code here imports them."""

FREE = re.compile(
    r"(new |modified )?(bsd|mit|apache|isc|psf|mpl|zlib|0bsd|cc0|cmu|python software foundation|mozilla public license"
    r"|unlicense)([ .-].*)?",
    re.IGNORECASE,
)
"""Licences that ask for no more than Apache-2.0 gives, or (MPL) only for changes to their own files."""
BY_NAME = {
    "rpy2": "GPL; loaded only where R is, by the optional extra [r], and never given out with the workbench",
    "pyphen": "GPL, LGPL or MPL 1.1, as one likes: we take the MPL",
    "nvidia-nccl-cu12": "NVIDIA's own; XGBoost asks for it on Linux, and only a machine with several GPUs loads it",
    "axe-playwright-python": "says nothing in its metadata; MIT in its LICENSE, and it brings axe-core under MPL 2.0",
    "pypdfium2": "BSD-3-Clause, Apache-2.0, and what PDFium is made of, all of that kind",
}


def installed() -> dict[str, metadata.Distribution]:
    return {canonicalize_name(one.metadata["Name"]): one for one in metadata.distributions()}


def declared() -> list[Requirement]:
    """What the project asks for itself, with all its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for line in [*project["dependencies"], *(line for extra in extras for line in extra)]]


def needed() -> set[str]:
    """The names of all that the project asks for, and of what that asks for in turn, as far as it is installed."""
    found, looked = installed(), set[tuple[str, str]]()
    left = [(canonicalize_name(one.name), extra) for one in declared() for extra in ("", *one.extras)]
    while left:
        name, extra = one = left.pop()
        if one not in looked and name in found:
            asked = [Requirement(line) for line in found[name].requires or []]
            wanted = [each for each in asked if each.marker is None or each.marker.evaluate({"extra": extra})]
            left += [(canonicalize_name(each.name), more) for each in wanted for more in ("", *each.extras)]
        looked.add(one)
    return {name for name, _ in looked} & found.keys()


def pins() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def floors() -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in (ROOT / "advisories.txt").read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def licences(one: metadata.Distribution) -> list[str]:
    """What a package says of its licence: an SPDX expression, else classifiers, else a line of text."""
    told = one.metadata
    said = [line.rpartition("::")[2].strip() for line in told.get_all("Classifier") or [] if "License ::" in line]
    said = [one for one in said if one != "OSI Approved"]
    return [expression] if (expression := told.get("License-Expression")) else said or [str(told.get("License") or "")]


def goes_with_apache(expression: str) -> bool:
    """Whether all parts of a licence do, or, where one may choose, one of them does."""
    choices = re.split(r"\s+OR\s+", expression.splitlines()[0].strip() if expression else "")
    return any(all(map(FREE.fullmatch, re.split(r"\s+AND\s+", one.strip(" ()")))) for one in choices)


def not_free(found: Iterable[metadata.Distribution]) -> dict[str, list[str]]:
    by_name = {canonicalize_name(one.metadata["Name"]): licences(one) for one in found}
    return {name: said for name, said in by_name.items() if not all(map(goes_with_apache, said))}


@pytest.mark.parametrize(
    ("expression", "goes"),
    [
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("AGPL-3.0", False),
        ("Proprietary", False),
        ("", False),
    ],
)
def test_which_licences_go_with_apache(expression: str, goes: bool) -> None:
    assert goes_with_apache(expression) is goes


def test_every_licence_goes_with_apache_or_is_answered_for_by_name() -> None:
    assert not_free(installed().values()).keys() <= BY_NAME.keys()


def test_the_gpl_stays_behind_the_bridge_to_r() -> None:
    """Only rpy2 and what needs it is GPL: nothing that the workbench itself needs, and R is started in few places."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "rpy2" not in {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    gpl = [name for name, said in not_free(installed().values()).items() if "GNU" in " ".join(said)]
    assert set(gpl) <= {"rpy2", "pyphen"}
    loading = [
        path.relative_to(ROOT / "src" / "workbench").as_posix()
        for path in (ROOT / "src").rglob("*.py")
        if re.search(r"^\s*(import|from) (rpy2|pymer4)", path.read_text(), re.MULTILINE)
    ]
    assert set(loading) <= {"doctor.py", "hlm/r.py", "machine.py"}


def test_what_is_installed_is_what_is_pinned() -> None:
    known, found = pins(), {name: one.version for name, one in installed().items()}
    assert {name: version for name, version in found.items() if known.get(name, version) != version} == {}
    assert needed() - known.keys() - WITH_PYTHON == set(), "asked for, and pinned by nobody"
    assert len(needed()) > 150


@pytest.mark.parametrize("floor", floors(), ids=str)
def test_no_pin_and_nothing_installed_has_a_weakness_that_is_known_here(floor: Requirement) -> None:
    name = canonicalize_name(floor.name)
    assert pins()[name] in floor.specifier
    assert name not in installed() or installed()[name].version in floor.specifier


def test_every_floor_says_where_it_is_from() -> None:
    for line in (ROOT / "advisories.txt").read_text().splitlines():
        assert line.startswith("#") or re.search(r"# (CVE-\d{4}-\d{4,}|GHSA(-[0-9a-z]{4}){3})", line), line


def test_every_package_of_the_hubs_proxy_has_a_checksum() -> None:
    packages = json.loads((ROOT / "jupyter" / "hub" / "package-lock.json").read_text())["packages"]
    assert all(about["integrity"].startswith("sha512-") for name, about in packages.items() if name)
