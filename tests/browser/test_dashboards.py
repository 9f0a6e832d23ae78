"""Every dashboard as viewers meet it: by keyboard, on a telephone, enlarged, on paper, by its address.

The rules of WCAG 2.2 AA that a program can check are checked by axe-core. With WORKBENCH_PICTURES naming the folder of
a project that has published the runs `district`, `demo` and `early_warning`, pictures of all pages are written to
docs/pictures.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workbench.dashboards.pages import PAGES

PROJECT = Path(__file__).resolve().parents[2]
READY = "#rendered_cells:not(:has(.wb-still)) .wb-provenance"
"""The last part is there, and what could be read at once has made way for what can be moved."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
HERE = ".wb-here"


def page_of(address: str, name: str, query: str = "") -> str:
    return address.replace("student_prediction.ipynb", f"{name}.ipynb") + query


def at(visit: Callable, address: str, width: int = 1280) -> object:
    """Open a page and wait until its filters can be moved."""
    page = visit(address, width=width).page
    page.wait_for_selector(READY)
    return page


def now_at(page: object, name: str, place: str = "") -> None:
    """Wait until a page shows a place and its address says so."""
    query = "?run_name=district" + (f"&place={place}" if place else "")
    page.wait_for_function(
        "([here, name, query]) => document.querySelector(here).innerText === name && location.search === query",
        arg=[HERE, name, query],
    )


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_nothing_is_cut_off(dashboard: str, visit: Callable, name: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: type make setup")
    page = at(visit, page_of(dashboard, name), width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("summary").first.click()
    found = axe.Axe().run(page, options={"runOnly": RULES}).response["violations"]
    told = [f"{one['id']}: {one['help']} {[node['html'][:200] for node in one['nodes']][:3]}" for one in found]
    assert told == []


@pytest.mark.parametrize("width", [640, 320])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_when_enlarged(dashboard: str, visit: Callable, name: str, width: int) -> None:
    """640 pixels are 1280 at 200 %, 320 are 1280 at 400 % (WCAG 1.4.10, reflow)."""
    page = at(visit, page_of(dashboard, name), width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".wb-sorry").count() == 0
    assert page.locator("h1").count() == 1
    assert page.title()


@pytest.mark.parametrize("name", PAGES)
def test_pages_ask_nobody_else_and_link_to_each_other(dashboard: str, visit: Callable, name: str) -> None:
    one = visit(page_of(dashboard, name))
    one.page.wait_for_selector(READY)
    one.page.wait_for_selector(".wb-nav a")
    assert one.elsewhere == []
    assert one.failed == []
    others = ".wb-nav a:not([aria-current])"
    one.page.wait_for_function(
        "([links, n]) => document.querySelectorAll(links).length === n", arg=[others, len(PAGES)]
    )
    one.page.get_by_role("link", name="Words and methods").click()
    one.page.wait_for_selector("#wb-words", state="visible")  # the browser opens what the link leads into


def test_from_the_whole_to_a_school_and_back(dashboard: str, visit: Callable) -> None:
    page = at(visit, page_of(dashboard, "overview"))
    page.evaluate("window.same = true")
    assert "token" not in page.url
    page.locator(".wb-ranges").get_by_role("link", name="North").click()
    now_at(page, "North", "D1")
    assert page.evaluate("document.activeElement.className") == "wb-here"
    page.locator(".wb-ranges").get_by_role("link", name="Cedar Elementary").click()
    now_at(page, "Cedar Elementary", "A3")
    page.go_back()
    now_at(page, "North", "D1")
    page.go_back()
    now_at(page, "All districts")
    page.go_forward()
    now_at(page, "North", "D1")
    page.locator(".wb-crumbs").get_by_role("link", name="All districts").click()
    now_at(page, "All districts")
    assert page.evaluate("window.same")  # never loaded anew


def test_a_view_is_shared_by_its_address(dashboard: str, visit: Callable) -> None:
    page = at(visit, page_of(dashboard, "overview"))
    page.get_by_label("Place", exact=True).select_option("Dogwood High")
    now_at(page, "Dogwood High", "A4")
    page.get_by_label("School year, by its spring").select_option("2024")
    page.wait_for_url("**year=2024")
    again = at(visit, f"{page.url}&{dashboard.split('?')[1]}")
    assert again.inner_text(HERE) == "Dogwood High"
    assert again.locator(".wb-card b").first.inner_text() == page.locator(".wb-card b").first.inner_text()


def test_an_address_that_was_tampered_with_is_told_in_a_sentence(dashboard: str, visit: Callable) -> None:
    page = at(visit, page_of(dashboard, "overview", "&place=D9&x=<script>alert(1)</script>"))
    assert page.inner_text(HERE) == "All districts"
    assert "Part of this address is not on this page" in page.inner_text("main")
    page = at(visit, page_of(dashboard, "explore", "&table=students"))
    assert "There is no published table “students”" in page.inner_text("main")


def test_by_keyboard_alone(dashboard: str, visit: Callable) -> None:
    page = at(visit, page_of(dashboard, "overview"))
    reached = []
    for _ in range(24):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.tagName"))
        shown = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(shown) != "none", f"no focus is seen at {reached[-1]}"
        if reached[-1] == "North":
            break
    assert reached[:2] == ["Overview", "School profile"]
    page.keyboard.press("Enter")
    now_at(page, "North", "D1")


def test_on_paper_only_what_is_to_be_read(dashboard: str, visit: Callable) -> None:
    page = at(visit, page_of(dashboard, "overview"))
    page.emulate_media(media="print")
    for part in (".wb-nav", ".wb-filters", ".wb-downloads"):
        assert not page.locator(part).first.is_visible()
    assert page.locator(".wb-chart").first.is_visible()


@pytest.fixture
def caseload(serving: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Serve a project to a counsellor of one school: `with caseload(root, school) as address`."""

    @contextmanager
    def served(root: Path, school: str) -> Iterator[str]:
        site = tmp_path / "site"
        site.mkdir()
        for part in root.iterdir():
            if part.name != "access.yml":
                (site / part.name).symlink_to(part)
        person = f"{{user: c.lee, role: counsellor, schools: [{school}], tables: all, columns: all}}"
        (site / "access.yml").write_text(f"min_count: 10\npublic: all\npeople:\n- {person}\n...\n")
        monkeypatch.setenv("WORKBENCH_VIEWER", '{"user": "c.lee", "groups": []}')
        monkeypatch.setenv("WORKBENCH_AUDIT", str(tmp_path / "audit"))
        monkeypatch.setenv("WORKBENCH_AUDIT_ANCHOR", str(tmp_path / "anchor.txt"))
        monkeypatch.setenv("WORKBENCH_KEY_FILE", str(tmp_path / "key"))
        with serving("dashboard", site, tmp_path / "log") as address:
            yield page_of(address, "caseload")

    return served


@pytest.mark.parametrize("width", [1280, 390])
def test_a_caseload_can_be_read_by_everybody_and_on_a_telephone(
    demo_root: Path, caseload: Callable, visit: Callable, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: type make setup")
    with caseload(demo_root, "S01") as address:
        page = at(visit, address, width)
        assert page.locator(".wb-records tbody tr").count() == 4
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        first = page.locator(".wb-records tbody tr").first.bounding_box()
        assert first["height"] < 400
        assert axe.Axe().run(page, options={"runOnly": RULES}).response["violations"] == []


@pytest.mark.skipif(not os.environ.get("WORKBENCH_PICTURES"), reason="WORKBENCH_PICTURES names no project")
@pytest.mark.parametrize("name", [*PAGES, "caseload"])
def test_pictures(serving: Callable, caseload: Callable, visit: Callable, tmp_path: Path, name: str) -> None:
    root = Path(os.environ["WORKBENCH_PICTURES"]).resolve()
    served = caseload(root, "D001-001") if name == "caseload" else serving("dashboard", root, tmp_path / "log")
    with served as address:
        for width, suffix in ((1280, ""), (390, "-phone")):
            page = at(visit, page_of(address, name), width)
            page.wait_for_timeout(500)
            whole = {"x": 0, "y": 0, "width": width, "height": 1900 if suffix else 1500}
            file = PROJECT / "docs" / "pictures" / f"dashboard-{name}{suffix}.png"
            page.screenshot(path=file, full_page=True, clip=whole)
            assert file.stat().st_size > 20_000
