"""The process apart: what it may cost, and what is said when it fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from workbench.errors import BadInput
from workbench.exports.apart import made_apart


@pytest.fixture
def instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that stands in for the process apart."""
    program = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(program))
    return program


def test_the_bytes_are_those_of_the_maker() -> None:
    assert made_apart("csv", columns={"n": [12]}, about={}) == b'\xef\xbb\xbf"n"\r\n12\r\n'


def test_what_it_says_in_words_is_told() -> None:
    with pytest.raises(BadInput) as told:
        made_apart("svg", svg="<svg", about={})
    assert str(told.value) == "This chart cannot be saved at the moment."


def test_what_takes_too_long_is_ended_and_told(instead: Path, tmp_path: Path) -> None:
    instead.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    instead.chmod(0o755)
    began = time.monotonic()
    with pytest.raises(BadInput, match=r"takes too long to make\. Choose less with the filters and try again"):
        made_apart("pdf", seconds=0.5, html="")
    assert time.monotonic() - began < 10
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_half_a_file_of_a_process_that_is_killed_is_not_given(instead: Path, tmp_path: Path) -> None:
    instead.write_text(
        f"#!/bin/sh\nprintf half\necho $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid\nexec sleep 60\n"
    )
    instead.chmod(0o755)

    def kill() -> None:
        while not (tmp_path / "pid").exists():
            time.sleep(0.02)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    threading.Thread(target=kill).start()
    with pytest.raises(RuntimeError, match="pdf could not be made"):
        made_apart("pdf", html="")


def test_it_may_have_no_more_than_a_gigabyte() -> None:
    code = "from workbench.exports import __main__ as m; m.KINDS['csv'] = lambda: bytes(1 << 30); m.main()"
    done = subprocess.run([sys.executable, "-c", code], input=b'{"kind": "csv", "given": {}}', capture_output=True)
    assert done.returncode == 1
    assert b"MemoryError" in done.stderr
    assert done.stdout == b""


def test_it_gets_no_secret_of_the_server(monkeypatch: pytest.MonkeyPatch, instead: Path) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    instead.write_text("#!/bin/sh\nenv\n")
    instead.chmod(0o755)
    said = made_apart("csv", columns={}, about={}).decode()
    assert "PATH=" in said
    assert "secret" not in said


def test_code_that_lies_in_the_working_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "csv.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    assert json.loads(made_apart("csv", columns={"1": []}, about={}).decode("utf-8-sig")) == "1"
