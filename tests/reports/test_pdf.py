"""`workbench pdf`: a finished report as slides, or one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pypdfium2
import pytest

from workbench import cli
from workbench.errors import BadInput, BadParameter
from workbench.reports.pdf import find_report, make_pdf

REPORT = """<html><body><span class="badge research">Research</span><h1>How large are gaps?</h1><p>Not small.</p>
<h2>By year</h2><p>It closes.</p><footer>run <code>study-1</code> · made 2025-02-01 from this</footer></body></html>"""


@pytest.fixture
def run(site: Path) -> Path:
    """A finished run of two notebooks, of which one made a report."""
    folder = site / "runs" / "study-1"
    folder.mkdir(parents=True)
    notebooks = {"gaps": {"status": "succeeded"}, "trends": {"status": "failed"}}
    told = {"run_id": "study-1", "run": "study", "status": "failed", "started": "2025-02-01T00:00:00+00:00"}
    (folder / "manifest.json").write_text(json.dumps(told | {"notebooks": notebooks}))
    (folder / "gaps.html").write_text(REPORT)
    return folder


def pages(path: Path) -> list[str]:
    document = pypdfium2.PdfDocument(path)
    found = [" ".join(page.get_textpage().get_text_bounded().split()) for page in document]
    document.close()
    return found


def test_a_run_becomes_slides_beside_its_report(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["pdf", "study-1"]) == 0
    assert capsys.readouterr().out == "Made runs/study-1/gaps.pdf.\n"
    found = pages(run / "gaps.pdf")
    assert len(found) == 3
    assert "How large are gaps? Research report: not for publication. Run study-1. Made 2025-02-01." in found[0]
    assert "Not small." in found[1]
    assert "By year" in found[2]
    for text in found:
        assert "Research report: not for publication · run study-1" in text


def test_the_file_of_a_report_and_another_place_can_be_named(run: Path, tmp_path: Path) -> None:
    made = make_pdf(str(run / "gaps.html"), out=str(tmp_path / "gaps.pdf"))
    assert made == tmp_path / "gaps.pdf"
    assert len(pages(made)) == 3
    assert not (run / "gaps.pdf").exists()


def test_with_several_reports_one_has_to_be_named(run: Path) -> None:
    (run / "trends.html").write_text(REPORT)
    with pytest.raises(BadParameter, match="Name one with --notebook: gaps, trends"):
        find_report("study-1")
    assert find_report("study-1", "trends") == run / "trends.html"


@pytest.mark.parametrize(
    ("what", "notebook", "words"),
    [
        ("study-1", "gasp", "has no finished report 'gasp'"),
        ("study-2", None, "study-2"),
        ("nowhere.html", None, "There is no report nowhere.html"),
        ("gaps.html", "gaps", "Name a run together with --notebook"),
    ],
)
def test_what_is_not_there_is_told(run: Path, what: str, notebook: str | None, words: str) -> None:
    with pytest.raises(BadParameter, match=words):
        find_report(what, notebook)


def test_a_run_without_a_report_is_told(run: Path) -> None:
    (run / "gaps.html").unlink()
    with pytest.raises(BadParameter, match="has no finished report"):
        find_report("study-1")


@pytest.mark.parametrize("content", [b"<p>Hello</p>", b"", b"\xff\xfe"])
def test_what_is_no_report_is_told_and_the_former_slides_stay(run: Path, content: bytes) -> None:
    (run / "gaps.pdf").write_bytes(b"former")
    (run / "gaps.html").write_bytes(content)
    with pytest.raises(BadInput):
        make_pdf("study-1")
    assert (run / "gaps.pdf").read_bytes() == b"former"


def test_a_place_that_cannot_be_written_is_told(run: Path, tmp_path: Path) -> None:
    (tmp_path / "full").write_text("a file, no folder")
    with pytest.raises(BadInput, match="could not be written"):
        make_pdf("study-1", out=str(tmp_path / "full" / "gaps.pdf"))
