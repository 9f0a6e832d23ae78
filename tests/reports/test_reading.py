"""Reports read back for slides."""

from __future__ import annotations

from workbench.exports.deck import Figure, Grid, Prose
from workbench.reports.reading import read_report

PICTURE = "data:image/png;base64,AAAA"
REPORT = f"""<html><head><title>x</title><style>p {{}}</style></head><body>
<header><span class="badge public">Public</span></header>
<h1>How large are gaps?</h1><p>One <em>sentence</em> &lt;b&gt;.</p>
<h2>By year</h2><figure><img src="{PICTURE}" alt="A line"><figcaption>The gap</figcaption></figure>
<img src="https://example.org/pixel.png" alt="no">
<table><caption>Gaps</caption><thead><tr><th>year</th><th style="text-align:right">gap</th></tr></thead>
<tbody><tr><td>2024</td><td>0.70</td></tr><tr><td>2025</td></tr></tbody></table>
<details><summary>All 1,234 rows</summary><table><tr><td>hidden</td></tr></table></details>
<details><summary>Code</summary><pre>secret()</pre></details><script>alert(1)</script>
<h2>Empty</h2>
<footer>run <code>demo-1</code> · made 2025-02-01 from <table><caption>Data: data/demo</caption></table></footer>
</body></html>"""


def test_title_mark_run_and_data_are_found() -> None:
    report = read_report(REPORT)
    assert (report.title, report.mark) == ("How large are gaps?", "public")
    assert (report.run_id, report.made, report.data) == ("demo-1", "2025-02-01", "data/demo")


def test_words_figures_and_tables_stand_under_their_headings_in_their_order() -> None:
    first, second = read_report(REPORT).whole()
    assert (first.heading, first.parts) == ("In short", [Prose("<p>One <em>sentence</em> &lt;b&gt;.</p>")])
    assert second.heading == "By year"
    assert second.parts == [
        Figure(PICTURE, "A line", "The gap"),
        Grid(
            ["year", "gap"],
            [["2024", "0.70"], ["2025", ""]],
            "Gaps",
            [False, True],
            "The first 2 of 1,234 rows; the report holds the others.",
        ),
    ]


def test_another_page_has_neither_mark_nor_title() -> None:
    report = read_report("<p>Hello</p>")
    assert (report.title, report.mark, report.whole()) == ("", "", [])
