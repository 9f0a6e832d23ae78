"""Filters in step with the page's address."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import ipywidgets
import pytest

from workbench.dashboards import View, choice, guard
from workbench.dashboards.view import understood


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> View:
    monkeypatch.delenv("QUERY_STRING", raising=False)
    return View(
        "spring", place=choice("Place", {"All": "all", "Alder & Co": "A1"}), year=choice("Year", ["2025", "2024"])
    )


def asked(view: View) -> ipywidgets.Text:
    return next(one for one in view.bar().children if isinstance(one, ipywidgets.Text))


def test_the_address_names_only_what_differs_from_the_first_view(view: View) -> None:
    assert view.address() == "?run_name=spring"
    view.choices["place"].value = "A1"
    assert view.address() == "?run_name=spring&place=A1"
    assert view.address(place="all", year="2024") == "?run_name=spring&year=2024"
    assert view.labels() == {"place": "Alder & Co", "year": "2025"}


def test_an_address_read_back_gives_the_same_view(view: View) -> None:
    view.move("place=A1&year=2024")
    assert view.values() == {"place": "A1", "year": "2024"}
    view.move(urlsplit(view.address()).query)
    assert view.values() == {"place": "A1", "year": "2024"}
    view.move("")
    assert view.values() == {"place": "all", "year": "2025"}


def test_the_address_of_the_page_sets_the_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUERY_STRING", "token=x&run_name=spring&year=2024")
    view = View("spring", year=choice("Year", ["2025", "2024"]))
    assert view.values() == {"year": "2024"}
    assert "wb-note" not in view.bar().children[2].value


@pytest.mark.parametrize("query", ["place=B9", "place=A1&place=B9", "<script>=1", "year=1999", "evil=../../etc"])
def test_what_is_not_offered_falls_back_with_a_sentence(view: View, query: str) -> None:
    view.move(query)
    assert view.values() == {"place": "all", "year": "2025"}
    said = view.bar().children[2].value
    assert "Part of this address is not on this page" in said
    assert "<script>" not in said


@pytest.mark.parametrize("query", ["x" * 3000, "&".join(f"a{n}=1" for n in range(60))])
def test_an_address_beyond_measure_is_not_read(query: str) -> None:
    assert understood(query, {"place": ("all",)}) == (
        {},
        "This address cannot be read; the page shows what it shows at first.",
    )


def test_parts_are_made_anew_once_all_filters_have_moved(view: View) -> None:
    seen = []
    view.live(lambda place, year: seen.append((place, year)) or "")
    view.move("place=A1&year=2024")
    assert seen == [("all", "2025"), ("A1", "2024")]


def test_a_link_on_the_page_moves_filters_as_often_as_it_is_used(view: View) -> None:
    part, box = view.live(lambda place: f"at {place}", "place"), asked(view)
    for number in range(2):
        box.value = f"?run_name=spring&place=A1#{number}"
        assert part.value == "at A1"
        view.choices["place"].value = "all"
        assert part.value == "at all"


def test_a_part_that_fails_says_so_and_the_others_move(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_log", lambda: guard.logging.getLogger("nowhere"))
    bad, good = view.live(lambda place: {"all": "x"}[place], "place"), view.live(lambda place: place, "place")
    view.choices["place"].value = "A1"
    assert guard.SORRY in bad.value
    assert good.value == "A1"
    assert "place=A1" in view.bar().children[1].value


def test_addresses_of_other_pages_carry_run_and_place_where_it_is_known(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "/voila/render/overview.ipynb")
    view.choices["place"].value = "A1"
    here = view.addresses({"A1"})
    assert here["school_profile"] == "school_profile.ipynb?run_name=spring&place=A1"
    assert here["growth"] == "growth.ipynb?run_name=spring&place=A1"
    assert here["explore"] == "explore.ipynb?run_name=spring"
    assert parse_qs(urlsplit(here["student_prediction"]).query) == {}
    view.choices["place"].value = "all"
    assert view.addresses({"A1"})["school_profile"] == "school_profile.ipynb?run_name=spring"
    monkeypatch.setenv("SCRIPT_NAME", "/services/dashboards/show/overview")
    assert view.addresses({"A1"})["equity"].startswith("equity?")
    assert View.link_to("overview", "spring")(place="A1") == "overview?run_name=spring&place=A1"


def test_what_the_page_fixes_stays_in_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUERY_STRING", "table=gaps&by=year")
    view = View("spring", {"table": "gaps"}, by=choice("By", ["grade", "year"]))
    assert view.address() == "?run_name=spring&table=gaps&by=year"
    assert view.bar().children[2].value == ""
