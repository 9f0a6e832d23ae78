"""What a viewer reads when something fails."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.dashboards import guard, guarded
from workbench.errors import AuditError, BadInput, BadParameter, DisclosureError, NotShown, WorkbenchError


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    for cached in (guard._log, guard._log_stream):
        cached.cache_clear()
    yield tmp_path / "runs" / "dashboards.log"
    guard._log().handlers.clear()
    for cached in (guard._log, guard._log_stream):
        cached.cache_clear()


def fails(error: Exception) -> str:
    @guarded
    def render() -> str:
        raise error

    return render()


def test_what_works_is_left_alone() -> None:
    assert guarded(lambda school: f"<b>{school}</b>")(school="A") == "<b>A</b>"


def test_a_viewer_reads_words_and_the_operator_the_traceback(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = fails(ValueError("/srv/data/students.parquet, line 3"))
    assert guard.SORRY in page
    assert "students.parquet" not in page
    assert "ValueError: /srv/data/students.parquet, line 3" in log.read_text()
    assert capfd.readouterr() == ("", "")


def test_an_error_that_is_written_for_viewers_speaks_for_itself_as_text(log: Path) -> None:
    assert "Nothing has been published for &lt;b&gt;." in fails(NotShown("Nothing has been published for <b>."))


@pytest.mark.parametrize("error", [AuditError, BadInput, BadParameter, DisclosureError, WorkbenchError])
def test_what_operators_are_told_is_in_their_log_and_not_on_the_page(log: Path, error: type[Exception]) -> None:
    page = fails(error("The audit log ends at line 3. Type: workbench audit verify"))
    assert guard.SORRY in page
    assert "audit" not in page
    assert "ends at line 3. Type: workbench audit verify" in log.read_text()


def test_a_page_does_not_depend_on_its_log(log: Path) -> None:
    log.parent.write_text("a file where the folder should be")
    assert guard.SORRY in fails(ValueError("x"))


def test_a_message_that_a_browser_made_up_shows_nothing_of_the_code(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython.core import getipython
    from IPython.core.interactiveshell import InteractiveShell

    shell, stderr = InteractiveShell(), sys.stderr
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0")
    monkeypatch.setattr(getipython, "get_ipython", lambda: shell)
    monkeypatch.setattr(sys, "stderr", stderr)
    told: list[object] = []
    monkeypatch.setattr(shell, "_showtraceback", lambda *what: told.append(what))
    guard.speak_plainly()
    try:
        raise ValueError("no such choice")
    except ValueError:
        shell.showtraceback()
    assert told == []
    assert "ValueError: no such choice" in log.read_text()


def test_what_follows_from_a_cell_that_failed_is_said_once(
    log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from IPython.core import getipython
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    monkeypatch.setenv("SERVER_SOFTWARE", "voila/0")
    monkeypatch.setattr(getipython, "get_ipython", lambda: shell)
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    shown: list[object] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    guard.speak_plainly()
    for cell in ("tables = missing", "tables['schools']"):
        assert not shell.run_cell(cell).success
    assert len(shown) == 1
    assert log.read_text().count("NameError: ") == 2
