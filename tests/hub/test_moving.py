"""A page that waits for the one who was shown its words: given once, to them alone, never after something changed."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("voila")

from workbench.access.roles import ALL, Scope, Units, Viewer
from workbench.hub import still
from workbench.hub.moving import MovingPages
from workbench.hub.still import Still

ACCESS = "min_count: 10\n"


def asked(school: str = "S01", query: str = "school=Cedar") -> still.Key:
    scope = Scope(schools=Units(frozenset({school})), tables=ALL)
    found = still.key("risk", query, Viewer("p", "principal", scope))
    assert found is not None
    return found


def waiting(owners: dict[str, str]) -> MovingPages:
    """One page, of kernel k1, for the sign-in "one"."""
    kernels: Any = SimpleNamespace(owned=lambda kernel, owner: bool(owner) and owners.get(kernel) == owner)
    pages = MovingPages(kernels)
    pages.keep("one", asked(), "k1", "<p>moves</p>", Still(b"", still.today(), "", None))
    return pages


def test_it_is_given_once(bare: Path) -> None:
    pages = waiting({"k1": "one"})
    assert pages.take("one", asked()) == "<p>moves</p>"
    assert pages.take("one", asked()) is None


@pytest.mark.parametrize(
    ("owner", "key"), [("two", asked()), ("", asked()), ("one", asked("S02")), ("one", asked(query="school=Harbor"))]
)
def test_another_sign_in_scope_or_address_is_given_none(bare: Path, owner: str, key: still.Key) -> None:
    pages = waiting({"k1": "one"})
    assert pages.take(owner, key) is None
    assert pages.take("one", asked()) == "<p>moves</p>"


@pytest.mark.parametrize("later", [{}, {"k1": "two"}])
def test_it_is_not_given_when_its_kernel_has_ended_or_is_anothers(bare: Path, later: dict[str, str]) -> None:
    owners = {"k1": "one"}
    pages = waiting(owners)
    owners.clear()
    owners.update(later)
    assert pages.take("one", asked()) is None


def test_it_is_not_given_after_something_changed(bare: Path) -> None:
    pages = waiting({"k1": "one"})
    os.utime(bare / "access.yml", (1, 1))
    assert pages.take("one", asked()) is None


def test_pages_whose_kernel_has_ended_are_forgotten(bare: Path) -> None:
    owners = {"k1": "one", "k2": "two"}
    pages = waiting(owners)
    del owners["k1"]
    pages.keep("two", asked(), "k2", "<p>other</p>", Still(b"", still.today(), "", None))
    owners["k1"] = "one"
    assert pages.take("one", asked()) is None
    assert pages.take("two", asked()) == "<p>other</p>"
