"""Words and methods."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from workbench.dashboards.glossary import words_and_methods
from workbench.disclosure.published import PublishedTable

TABLE = PublishedTable(
    pa.table({"n": [1.0]}), "Schools & more", (), "n", (), {"n": "who count"}, 10, None, "", "run-1", "2025-07-01T00:00"
)


def test_words_sources_and_columns_stand_under_one_heading() -> None:
    page = words_and_methods([TABLE], ["similar schools"], ["proficient_math"])
    assert 'id="wb-words"' in page
    for told in (
        "Wilson 1927",
        "in standard deviations of the schools",
        "ESEA",
        "Schools &amp; more",
        "students: who count.",
    ):
        assert told in page
    assert "wb-provenance" in page


def test_a_table_of_an_earlier_day_is_told_once() -> None:
    late = replace(TABLE, kept="These are the ones published on 2025-06-01.")
    assert words_and_methods([TABLE, late, late], []).count("published on 2025-06-01") == 1
