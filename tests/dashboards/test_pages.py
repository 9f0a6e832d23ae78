"""Links between pages, and the way back."""

from __future__ import annotations

import pytest

from workbench.dashboards.pages import PAGES, crumbs, link_list, navigation, other_pages, page_address


@pytest.mark.parametrize(
    ("here", "address"),
    [
        ("/voila/render/overview.ipynb", "equity.ipynb"),
        ("/services/dashboards/show/overview", "equity"),
        ("", "equity.ipynb"),
    ],
)
def test_a_page_is_addressed_as_its_server_does(monkeypatch: pytest.MonkeyPatch, here: str, address: str) -> None:
    monkeypatch.setenv("SCRIPT_NAME", here)
    assert page_address("equity") == address
    assert page_address("") == ""


def test_the_open_page_is_marked_and_the_words_are_one_click_away() -> None:
    page = navigation("equity", dict.fromkeys(PAGES, "?a=1&b=2"))
    assert page.count("<a ") == len(PAGES) + 1
    assert page.count("aria-current") == 1
    assert '<a aria-current="page" href="?a=1&amp;b=2">Equity</a>' in page
    assert 'href="#wb-words"' in page


def test_the_way_back_names_every_step() -> None:
    way = crumbs([("All", "?x"), ("North <1>", "?y")], "Alder")
    assert way.index("All") < way.index("North &lt;1&gt;") < way.index("Alder")
    assert way.count("wb-move") == 2
    assert "wb-move" not in crumbs([("All", "?x")], "Alder", moving=False)


def test_a_page_of_another_run_keeps_it_to_itself() -> None:
    found = other_pages("demo")
    assert found["student_prediction"].endswith("?run_name=demo")
    assert "run_name" not in found["overview"]
    assert link_list([("A & B", "?x=1&y=2")]) == (
        '<ul class="wb-changes"><li><a href="?x=1&amp;y=2">A &amp; B</a></li></ul>'
    )
