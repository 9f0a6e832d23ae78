"""What a machine has beside Python is asked of its own programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench import machine


@pytest.mark.parametrize(
    ("says", "code", "has"),
    [
        ("GPU 0: NVIDIA A100 (UUID: GPU-1)", 0, True),
        ("No devices were found", 0, False),
        ("GPU driver failed", 9, False),
    ],
)
def test_a_gpu_is_one_that_its_driver_tells_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, code: int, has: bool
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    machine.has_gpu.cache_clear()
    assert machine.has_gpu() is has
    machine.has_gpu.cache_clear()


def test_without_the_driver_s_program_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    machine.has_gpu.cache_clear()
    assert machine.has_gpu() is False
    machine.has_gpu.cache_clear()
