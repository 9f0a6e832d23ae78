"""Reports: what a reader sees, and what a public one leaves out."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from workbench.reports import html
from workbench.reports.words import formula

from .conftest import Project

pytestmark = pytest.mark.filterwarnings("ignore:Your element with mimetype")

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="  # one pixel
ABOUT: dict[str, Any] = {
    "title": "Attendance",
    "unit": "0007",
    "run_title": "A study",
    "run_id": "study-20250131-120000",
    "audience": "research",
    "made": "2025-01-31 12:00 UTC",
    "notebook": "notebooks/tier0/attendance.ipynb",
    "parameters": [{"name": "school_year", "value": "2025", "help": "spring of the year"}],
    "inputs": [{"path": "data/three", "facts": [("made by", "a test"), ("checksum", "ab12")]}],
    "workbench": "0.1.0+12345678",
    "git_commit": None,
}


def output(data: dict[str, str], **metadata: Any) -> NotebookNode:
    return nbformat.v4.new_output("display_data", data, metadata=metadata)


def notebook() -> NotebookNode:
    """Return an executed notebook that shows a secret everywhere but in its words and its published outputs."""
    words = "# Attendance\n\nWho comes? It costs $5 to $10. ![a chart](attachment:secret.png)\n\n$$y = \\gamma_{00}$$"
    cells = [
        nbformat.v4.new_markdown_cell(words, attachments={"secret.png": {"image/png": PNG}}),
        nbformat.v4.new_code_cell("seed = 1  # secret", metadata={"tags": ["injected-parameters"]}),
        nbformat.v4.new_code_cell("secret = 1"),
        nbformat.v4.new_code_cell(
            "secret",
            outputs=[
                nbformat.v4.new_output("stream", name="stdout", text="secret 1"),
                nbformat.v4.new_output("stream", name="stderr", text="secret 2"),
                output({"text/html": "<p>secret 3</p>", "text/plain": "secret 4"}),
                output({"image/png": PNG, "text/plain": "secret 5"}),
                output(
                    {"text/html": f'<p>secret 6</p><img src="data:image/png;base64,{PNG}">'}, workbench={"table": "x"}
                ),
                output({"text/html": "<p>published 7</p>", "text/plain": "7"}, workbench={"published": True}),
                output({"application/javascript": "fetch('https://example.org/secret')"}),
                output({"text/html": "<script src='https://example.org/x.js'></script><p>secret 8</p>"}),
            ],
        ),
        nbformat.v4.new_raw_cell("secret 9"),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def page(folder: Path, audience: str) -> str:
    html.write_report(notebook(), {**ABOUT, "audience": audience}, folder / f"{audience}.html")
    return (folder / f"{audience}.html").read_text(encoding="utf-8")


def test_a_public_report_holds_words_and_published_outputs_and_nothing_else(tmp_path: Path) -> None:
    public = page(tmp_path, "public")
    assert "published 7" in public
    assert "Who comes?" in public
    assert "secret" not in public
    assert PNG not in public
    assert '<span class="badge public">public</span>' in public


def test_a_research_report_holds_everything_with_the_code_folded(tmp_path: Path) -> None:
    research = page(tmp_path, "research")
    for number in (1, 2, 3, 6, 8):
        assert f"secret {number}" in research
    assert '<span class="badge research">research</span>' in research
    assert research.count("<summary>Code</summary>") == 1
    assert "secret 9" not in research
    assert "example.org/secret" not in research


def test_a_report_says_where_it_comes_from(tmp_path: Path) -> None:
    for audience in ("research", "public"):
        report = page(tmp_path, audience)
        for fact in (
            "study-20250131-120000",
            "2025-01-31 12:00 UTC",
            "0007",
            "school_year",
            "2025",
            "data/three",
            "ab12",
        ):
            assert fact in report


def test_every_image_has_words_and_headings_have_their_order(tmp_path: Path) -> None:
    report = page(tmp_path, "research")
    images = re.findall(r"<img[^>]*>", report)
    assert len(images) == 4
    assert all(re.search(r'\balt="[^"]+"', image) for image in images)
    assert re.findall(r"<(h\d)", report) == ["h1", "h2"]
    assert '<html lang="en">' in report


def test_a_formula_is_drawn_and_an_amount_of_money_is_not(tmp_path: Path) -> None:
    drawn = formula(r"\gamma_{00} + u_{0j}")
    assert r'alt="\gamma_{00} + u_{0j}"' in drawn
    svg = base64.b64decode(re.findall(r"base64,([^\"]+)", drawn)[0])
    assert b"<svg" in svg
    assert drawn == formula(r"\gamma_{00} + u_{0j}")
    assert formula(r"\begin{aligned} x \end{aligned} <") == r"<code>\begin{aligned} x \end{aligned} &lt;</code>"
    assert "It costs $5 to $10." in page(tmp_path, "public")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_a_duration_reads_well(seconds: float, text: str) -> None:
    assert html.duration(seconds) == text


def manifest(audience: str) -> dict[str, Any]:
    entry = {
        "unit": "0007",
        "title": "A school <b>",
        "question": "Who comes?",
        "parameters": {"student_id": "S1", "seed": 1},
        "status": "done",
        "seconds": 3.0,
        "error": None,
    }
    return {
        "run_id": "study-1",
        "title": "A study",
        "audience": audience,
        "status": "failed",
        "error": None,
        "started": "2025-01-31T12:00:00+00:00",
        "finished": "2025-01-31T12:01:00+00:00",
        "seconds": 60.0,
        "workbench": "0.1.0",
        "git_commit": None,
        "packages": {"python": "3.11"},
        "inputs": [],
        "notebooks": {
            "school-0007": entry,
            "broken": {**entry, "unit": "", "status": "failed", "error": "student S1 is wrong"},
        },
    }


def overview(folder: Path, audience: str) -> str:
    (folder / "school-0007").mkdir(parents=True)
    (folder / "school-0007" / "results.json").write_text('{"absent": 0.25}', encoding="utf-8")
    return html.write_overview(folder, manifest(audience)).read_text(encoding="utf-8")


def test_the_overview_shows_each_notebook_with_its_question_and_what_it_kept(tmp_path: Path) -> None:
    research = overview(tmp_path, "research")
    for fact in (
        "A school &lt;b&gt;",
        "<small>0007</small>",
        "Who comes?",
        "0.250",
        "student S1 is wrong",
        "1 min 0 s",
    ):
        assert fact in research
    assert 'href="school-0007.html"' in research


def test_the_overview_shows_a_figure_to_the_public_only_where_it_is_published(tmp_path: Path) -> None:
    figures = tmp_path / "broken" / "figures"
    figures.mkdir(parents=True)
    (figures / "bars.png").write_bytes(base64.b64decode(PNG))
    about = manifest("public")
    about["notebooks"]["broken"]["status"] = "done"
    for told, shown in (('{"alt": "Two bars."}', False), ('{"alt": "Two bars.", "published": true}', True)):
        (figures / "bars.json").write_text(told, encoding="utf-8")
        page = html.write_overview(tmp_path, about).read_text(encoding="utf-8")
        assert (PNG in page) is shown
        assert ('alt="Two bars."' in page) is shown


def test_a_public_overview_tells_no_result_no_error_and_no_person(tmp_path: Path) -> None:
    public = overview(tmp_path, "public")
    for secret in ("0.250", "S1", "student_id", ".ipynb"):
        assert secret not in public
    assert "seed" in public


def test_reports_open_without_a_network(chromium: Any, tmp_path: Path) -> None:
    page(tmp_path, "public")
    report = notebook()
    del report.cells[3].outputs[-1]  # the one that asks for a script of somebody else's
    html.write_report(report, ABOUT, tmp_path / "research.html")
    overview(tmp_path, "research")
    context = chromium.new_context(offline=True)
    asked: list[str] = []
    failed: list[str] = []
    for name in ("index", "research", "public"):
        tab = context.new_page()
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("requestfailed", lambda request: failed.append(request.url))
        tab.on("console", lambda message: failed.append(message.text))
        tab.goto((tmp_path / f"{name}.html").as_uri())
        assert tab.title()
        assert tab.eval_on_selector_all("img", "all => all.filter(one => !one.alt || !one.naturalWidth).length") == 0
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert failed == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_a_script_of_somebody_elses_is_not_fetched(chromium: Any, tmp_path: Path) -> None:
    page(tmp_path, "research")
    tab = chromium.new_page()
    reached: list[str] = []
    tab.route("**/*", lambda route: (reached.append(route.request.url), route.continue_()))
    tab.goto((tmp_path / "research.html").as_uri())
    assert [url for url in reached if "example.org" in url] == []
    assert "secret 8" in tab.inner_text("main")


def test_the_code_of_a_report_unfolds(chromium: Any, tmp_path: Path) -> None:
    page(tmp_path, "research")
    tab = chromium.new_page()
    tab.goto((tmp_path / "research.html").as_uri())
    code = tab.locator("details.code pre").first
    assert not code.is_visible()
    tab.get_by_text("Code", exact=True).click()
    assert code.is_visible()
    assert code.inner_text().split() == ["secret", "=", "1", "secret"]


def test_a_new_notebook_is_thin_and_says_its_contract(project: Project) -> None:
    from workbench.errors import BadParameter
    from workbench.reports import notebooks
    from workbench.reports.contract import read_contract

    path = notebooks.new("tier1/my_question")
    made = nbformat.read(path, 4)
    nbformat.validate(made)
    assert all(not cell.get("outputs") for cell in made.cells)
    assert read_contract(path).names == ("data", "school_year")
    assert notebooks.about(path).title == "My question"
    with pytest.raises(BadParameter, match="there already"):
        notebooks.new("tier1/my_question")
    for bad in ("my_question", "tier1/My Question", "../tier1/x", "/tmp/x"):
        with pytest.raises(BadParameter, match="not a notebook name"):
            notebooks.new(bad)
