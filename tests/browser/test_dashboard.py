"""The first dashboard as a viewer meets it."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

READY = "#rendered_cells:not(:has(.wb-still)) .wb-provenance"


def card(page: object, heading: str) -> str:
    return page.locator(f".wb-card:has(h3:text-is('{heading}')) b").inner_text()


def test_the_page_shows_the_published_numbers_and_asks_nobody_else(dashboard: str, visit: Callable) -> None:
    one = visit(dashboard)
    one.page.wait_for_selector(READY)
    assert one.page.title() == "Who may need support to stay in school?"
    assert card(one.page, "Students") == "1,260"
    assert card(one.page, "Expected to leave") == "66"
    assert "36 (25 to 48) of 600, 6 in 100" in one.page.inner_text("main")
    assert "Data of made-up students up to 2025-01-31." in one.page.inner_text("main")
    assert one.elsewhere == []
    assert one.failed == []


def test_moving_a_filter_changes_the_numbers(dashboard: str, visit: Callable) -> None:
    page = visit(dashboard).page
    page.wait_for_selector(READY)
    page.get_by_label("School", exact=True).select_option("Harbor High")
    page.wait_for_function("document.querySelector('.wb-card b').innerText === '240'")
    assert card(page, "Expected to leave") == "12"
    assert page.locator(".wb-chosen th").first.inner_text() == "Harbor High"
    page.get_by_label("Group", exact=True).select_option("Sex: male")
    page.wait_for_function("document.querySelector('.wb-card b').innerText === '120'")
    page.get_by_label("Grade", exact=True).select_option("Grade 9")
    page.wait_for_function("document.querySelector('.wb-card b').innerText === '30'")
    page.get_by_role("heading", name="By school: Grade 9, Sex: male").wait_for()


def test_a_small_group_is_withheld_and_the_page_says_why(dashboard: str, visit: Callable) -> None:
    page = visit(dashboard).page
    page.wait_for_selector(READY)
    page.get_by_label("School", exact=True).select_option("Zion")
    page.get_by_label("Group", exact=True).select_option("Race or ethnicity: pacific islander")
    page.wait_for_function("document.querySelector('.wb-card b').innerText === 'withheld'")
    assert {cell.inner_text() for cell in page.locator(".wb-card b").all()} == {"withheld"}
    assert "fewer than 10 students" in page.inner_text(READY)


def test_the_table_shown_can_be_saved(dashboard: str, visit: Callable) -> None:
    page = visit(dashboard).page
    page.wait_for_selector(READY)
    page.get_by_label("Grade", exact=True).select_option("Grade 9")
    page.get_by_role("button", name="Table as CSV").click()
    with page.expect_download() as found:
        page.get_by_role("link", name="Save Table as CSV").click()
    assert found.value.suggested_filename == "expected-to-leave-by-school-2025-01-31-demo-1.csv"
    rows = list(csv.DictReader(found.value.path().read_text(encoding="utf-8-sig").splitlines()))
    assert {row["grade_level"] for row in rows} == {"9"}
    assert {row["school_name"]: row["n"] for row in rows if row["school_id"] != "all"} == {
        "Cedar High": "90.0", "Harbor High": "60.0", "Northfield High": "150.0", "Zion": "15.0",
    }  # fmt: skip


def test_without_the_token_nothing_is_shown(dashboard: str, visit: Callable) -> None:
    for address in (dashboard.split("?")[0], re.sub("token=.*", "token=wrong", dashboard)):
        page = visit(address).page
        assert "/login" in page.url
        assert page.locator(".wb-card, .wb-header").count() == 0


def test_the_address_cannot_change_theme_or_template(dashboard: str, visit: Callable) -> None:
    page = visit(f"{dashboard}&theme=dark&voila-theme=dark&template=reveal&voila-template=reveal").page
    page.wait_for_selector(READY)
    assert "theme-light" in page.locator("body").get_attribute("class")
    assert page.locator(".reveal").count() == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_everyone_can_read_it(dashboard: str, visit: Callable, width: int) -> None:
    page = visit(dashboard, width=width).page
    page.wait_for_selector(READY)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].filter(one => !one.alt).length") == 0
    assert page.evaluate("document.documentElement.lang") == "en"
    unnamed = "[...document.querySelectorAll('select')].filter(one => !one.labels.length).length"
    assert page.evaluate(unnamed) == 0
    assert page.locator("h1").count() == 1


def test_no_figure_or_file_of_the_project_is_served(dashboard: str, visit: Callable, demo_root: Path) -> None:
    (demo_root / "notebooks" / "dashboards" / "figure.png").write_bytes(b"secret")
    front, token = dashboard.split("?")
    for path in ("figure.png", "student_prediction.ipynb"):
        one = visit(f"{front}voila/files/{path}?{token}")
        assert one.failed
        assert "secret" not in one.page.content()


def test_an_unpublished_run_is_told_in_a_sentence(dashboard: str, visit: Callable) -> None:
    page = visit(f"{dashboard}&run_name=spring").page
    page.wait_for_selector(".wb-sorry")
    assert page.inner_text(".wb-sorry") == (
        "Nothing has been published yet under the name “spring”; please ask those who run the reports to run “spring”."
    )


def test_a_page_that_was_left_alone_says_so(
    demo_root: Path, serving: Callable, visit: Callable, tmp_path: Path
) -> None:
    root = tmp_path / "project"
    shutil.copytree(demo_root, root)
    settings = json.loads((root / "jupyter" / "voila.json").read_text())
    settings["MappingKernelManager"] |= {"cull_idle_timeout": 10, "cull_interval": 1}
    (root / "jupyter" / "voila.json").write_text(json.dumps(settings))
    with serving("dashboard", root, tmp_path / "log") as address:
        page = visit(address).page
        page.wait_for_selector(READY)
        assert not page.locator("#asleep").is_visible()
        status = (
            "fetch('/api/kernels/' + JSON.parse(document.getElementById('jupyter-config-data').text).kernelId)"
            ".then(answer => answer.status)"
        )
        assert page.evaluate(status) == 200
        while page.evaluate(status) == 200:
            page.wait_for_timeout(500)
        page.get_by_label("School", exact=True).select_option("Zion")
        page.wait_for_selector("#asleep", state="visible")
        page.get_by_role("link", name="Load it again").click()
        page.wait_for_selector(READY)
        assert not page.locator("#asleep").is_visible()


def test_what_fails_is_told_in_words_and_nothing_else_reaches_the_viewer(
    demo_root: Path, serving: Callable, visit: Callable, tmp_path: Path
) -> None:
    root = tmp_path / "project"
    shutil.copytree(demo_root, root)
    path = root / "notebooks" / "dashboards" / "student_prediction.ipynb"
    notebook = nbformat.read(path, as_version=4)
    callback = "def headlines(school, grade, group):\n"
    for cell in notebook.cells:
        cell.source = cell.source.replace(callback, f"{callback}    assert school == 'All schools', 'secret'\n")
    nbformat.write(notebook, path)
    with serving("dashboard", root, tmp_path / "log") as address:
        one = visit(address)
        one.page.wait_for_selector(READY)
        one.page.get_by_label("School", exact=True).select_option("Harbor High")
        one.page.wait_for_selector(".wb-sorry")
        assert one.page.inner_text(".wb-sorry").startswith("This part of the page cannot be shown at the moment.")
        assert "By group: Harbor High" in one.page.inner_text("main")
    seen = "".join(one.heard)
    assert "Harbor High" in seen
    for word in ("Traceback", "AssertionError", "secret", str(root)):
        assert word not in seen
    assert "AssertionError: secret" in (root / "runs" / "dashboards.log").read_text()
