"""A page says whose data, of which day, and what is withheld, and holds nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pyarrow as pa

from workbench.disclosure.published import PublishedTable
from workbench.public.page import page, policy


def published(**changes: object) -> PublishedTable:
    facts: dict[str, object] = {
        "table": pa.table(
            {
                "school_id": ["all", "S01", "<b>S02"],
                "n": [600.0, 360.0, None],
                "share": [0.25, 0.3, None],
                "share_low": [0.2, 0.21, None],
                "share_high": [0.31, 0.41, None],
                "suppressed": [False, False, True],
            }
        ),
        "title": "Absence & more",
        "keys": ("school_id",),
        "count": "n",
        "values": ("share", "share_low", "share_high"),
        "help": {"share": "share of students absent"},
        "min_count": 10,
        "data_date": "2025-01-31",
        "source": "made-up students",
        "run_id": "demo-1",
        "made_at": "2025-02-01T02:00:00+00:00",
    }
    return PublishedTable(**{**facts, **changes})  # type: ignore[arg-type]


class Reader(HTMLParser):
    """What a browser would find: tags with what they carry, and the texts of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags[-1][0] in ("td", "th"):
            self.cells.append(data)


def test_the_cells_are_the_table_and_a_small_group_is_told_as_withheld() -> None:
    cells = Reader(page(published())).cells
    assert cells[:4] == ["School", "People", "Share", "Share interval"]
    assert cells[4:] == [
        *("all", "600", "0.250", "0.200 to 0.310"),
        *("S01", "360", "0.300", "0.210 to 0.410"),
        *("<b>S02", "withheld", "withheld", "withheld"),
    ]


def test_it_says_of_which_day_the_data_are_and_how_much_is_withheld() -> None:
    text = page(published())
    assert "<strong>Data of made-up students up to 2025-01-31.</strong> Published 2025-02-01." in text
    assert "In 1 of 3 rows something is withheld" in text
    assert "fewer than 10 people" in text
    assert "<dt>Share</dt><dd>share of students absent</dd>" in text
    assert "An interval holds the true value in 95 of 100 such cases." in text


def test_a_table_kept_from_an_earlier_run_says_why() -> None:
    assert '<p class="note">Hardly anything changed.</p>' in page(published(kept="Hardly anything changed."))


def test_texts_of_the_table_are_no_markup() -> None:
    text = page(published())
    assert "&lt;b&gt;S02" in text
    assert "<b>" not in text
    assert "<title>Absence &amp; more</title>" in text


def test_only_the_style_and_script_of_the_policy_stand_in_the_page() -> None:
    text = page(published())
    for tag, kind in (("style", "style-src"), ("script", "script-src")):
        (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        told = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{kind} 'sha256-{told}'" in policy()
    assert "default-src 'none'" in policy()
    assert "unsafe" not in policy()


def test_nothing_comes_from_elsewhere_and_nothing_is_inline_that_the_policy_would_stop() -> None:
    tags = Reader(page(published())).tags
    carried = {(name, value) for _, facts in tags for name, value in facts.items()}
    assert not {name for name, _ in carried if name == "style" or name.startswith("on") or name == "src"}
    assert {value for name, value in carried if name == "href"} == {"../index.html", "#t"}


def test_every_choice_has_a_label_and_the_page_its_language_and_headings() -> None:
    text = page(published())
    assert '<html lang="en">' in text
    assert text.count("<select") == text.count("<label>") == 2
    assert re.findall(r"<h(\d)", text) == ["1", "2", "2"]
    assert '<th scope="row"' in text
    assert text.count('<th scope="col"') == 4
