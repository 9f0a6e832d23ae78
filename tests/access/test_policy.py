"""The site's policy: what is wrong with the file makes it stricter, never weaker."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.access.policy import STRICTEST, policy
from workbench.paths import project_root


def test_the_file_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    (tmp_path / "access.yml").write_text("min_count: 12\n")
    assert policy().min_count == 12
    assert policy().note == ""


def test_the_project_says_ten() -> None:
    assert (project_root(Path(__file__)) / "access.yml").is_file()
    assert policy().min_count == 10


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "is missing"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"min_count: [", "cannot be read"),
        (b"", "does not say"),
        (b"- 10", "does not say"),
        (b"min_count: ten", "not 'ten'"),
        (b"min_count: 0", "not 0"),
        (b"min_count: 4", "not 4"),
        (b"min_count: true", "not True"),
        (b"min_count: 10.5", "not 10.5"),
    ],
)
def test_without_a_usable_file_the_strictest_policy_applies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes | None, why: str
) -> None:
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    if text is not None:
        (tmp_path / "access.yml").write_bytes(text)
    assert policy().min_count == STRICTEST == 30
    assert why in policy().note
