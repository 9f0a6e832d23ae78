"""Slides: what stands together, what is cut, and how a wide table is told in parts."""

from __future__ import annotations

import re

import pytest

from workbench.exports.deck import Deck, Figure, Grid, Prose, Section, css_text, cut, html, paragraphs, side_by_side

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
FIGURE = Figure(PIXEL, "A line that falls", "The gap by year")
SHORT, LONG = paragraphs("x" * 95), paragraphs("x" * 95 * 8)


def slides(*parts: Prose | Figure | Grid) -> str:
    return html(Deck("Title", [], [Section("One", parts)], "Foot")).partition("</header>")[2]


def test_a_figure_stands_with_the_words_around_it() -> None:
    body = slides(SHORT, FIGURE, SHORT)
    (together,) = re.findall(r'<div class="together">.*</div>', body)
    assert together.count("<p>") == 2
    assert 'alt="A line that falls"' in together
    assert "max-height:4.20in" in together, "5.6 less 0.43 for the caption, 0.1, and 2 x 0.437 for words"


def test_where_there_is_no_room_the_words_before_a_figure_have_a_slide_of_their_own() -> None:
    before, together = slides(LONG, FIGURE, SHORT).split('<div class="together">')
    assert before.count("<p>") == 1
    assert together.count("<p>") == 1
    assert "max-height:4.63in" in together


def test_as_many_words_after_a_figure_stand_with_it_as_there_is_room_for() -> None:
    together, after = slides(SHORT, FIGURE, SHORT, LONG).split('<div class="together">')[1].split("</div>")
    assert (together.count("<p>"), after.count("<p>")) == (2, 1)


def test_words_after_a_table_stay_with_the_table() -> None:
    body = slides(Grid(["n"], [["12"]]), SHORT, FIGURE)
    assert body.index("</table>") < body.index("<p>") < body.index('<div class="together">')


@pytest.mark.parametrize(
    "parts", [(SHORT,), (SHORT, FIGURE), (FIGURE, LONG, Grid(["n"], [["1"]]), SHORT, FIGURE, LONG)]
)
def test_nothing_is_lost_or_told_twice(parts: tuple[Prose | Figure | Grid, ...]) -> None:
    body = slides(*parts)
    assert body.count("<p>") == sum(isinstance(part, Prose) for part in parts)
    assert body.count("<img") == sum(isinstance(part, Figure) for part in parts)
    assert body.count("<table>") == sum(isinstance(part, Grid) for part in parts)


def test_a_long_table_says_that_it_was_cut() -> None:
    grid = cut(Grid(["n"], [[str(row)] for row in range(1234)], note="Data of 2025."), 40)
    assert (len(grid.rows), grid.note) == (40, "The first 40 of 1,234 rows. Data of 2025.")


def test_a_wide_table_is_told_in_parts_that_each_begin_with_the_first_column() -> None:
    grid = Grid(["school", *(f"column{place}" for place in range(20))], [["Cedar", *["1"] * 20]], "Schools")
    parts = side_by_side(grid)
    assert {part.headings[0] for part in parts} == {"school"}
    assert [name for part in parts for name in part.headings[1:]] == [f"column{place}" for place in range(20)]
    assert parts[0].caption == f"Schools (columns, part 1 of {len(parts)})"
    assert side_by_side(Grid(["n"], [])) == [Grid(["n"], [])]


def test_texts_end_neither_the_page_nor_its_style() -> None:
    evil = '</style><script>alert("1")</script>'
    page = html(
        Deck(evil, [evil], [Section(evil, [paragraphs(evil), Grid([evil], [[evil]], evil, (), evil)])], evil, evil)
    )
    assert "<script>" not in page
    assert page.count("</style>") == 1
    assert css_text('a"; }') == '"a\\000022; \\00007d"'
