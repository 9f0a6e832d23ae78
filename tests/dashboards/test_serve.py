"""Starting the two servers."""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path

import pytest

from workbench.dashboards import serve
from workbench.errors import BadParameter
from workbench.paths import project_root


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """What would have been started: the command line and the environment."""
    calls: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda path, command, environment: calls.append((command, environment)))
    monkeypatch.setattr(os, "chdir", lambda path: None)
    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)
    return calls


@pytest.mark.parametrize("command", ["dashboard", "lab"])
def test_each_start_has_a_new_token_that_no_command_line_shows(
    started: list[tuple[list[str], dict[str, str]]], capsys: pytest.CaptureFixture[str], command: str
) -> None:
    for _ in range(2):
        getattr(serve, command)([])
    tokens = {environment["JUPYTER_TOKEN"] for _, environment in started}
    printed = capsys.readouterr().out
    assert len(tokens) == 2
    for token in tokens:
        assert len(token) >= 32
        assert f"?token={token}" in printed
        assert not any(token in part for line, _ in started for part in line)


def test_a_taken_port_is_told(started: list[object]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadParameter, match=f"Port {port} is not free; name another with --port"):
            serve.dashboard(["--port", str(port)])
    assert started == []


def test_an_unknown_dashboard_is_told_with_those_there_are(started: list[object]) -> None:
    with pytest.raises(BadParameter, match=r"no dashboard 'attendance'; there are: .*student_prediction"):
        serve.dashboard(["attendance"])
    assert started == []


def test_the_settings_keep_the_page_to_this_machine_and_its_code_to_itself() -> None:
    folder = project_root(Path(__file__)) / "jupyter"
    settings = json.loads((folder / "voila.json").read_text())
    assert settings["Voila"]["ip"] == "127.0.0.1"
    assert settings["Voila"]["auto_token"] is True
    pages = settings["VoilaConfiguration"]
    assert pages["allow_theme_override"] == pages["allow_template_override"] == "NO"
    assert pages["strip_sources"] is True
    assert pages["show_tracebacks"] is False
    assert pages["file_allowlist"] == []
    kernels = settings["MappingKernelManager"]
    assert kernels["cull_connected"] is True
    assert 0 < kernels["cull_interval"] <= kernels["cull_idle_timeout"]
    assert json.loads((folder / "jupyter_lab_config.json").read_text())["ServerApp"]["ip"] == "127.0.0.1"


def test_the_words_for_a_failing_page_are_the_same_everywhere() -> None:
    from workbench.dashboards.guard import SORRY

    settings = json.loads((project_root(Path(__file__)) / "jupyter" / "voila.json").read_text())
    assert settings["VoilaExecutor"]["cell_error_instruction"] == SORRY
    assert not re.search("voila|kernel|cell|python", SORRY, re.IGNORECASE)
