"""What a notebook gives out."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import ibis
import matplotlib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import workbench as wb
from workbench import outputs
from workbench.errors import BadInput, BadParameter, DisclosureError

matplotlib.use("agg")

ALT = "Two bars; the second is twice the first."


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_OUTPUT", str(tmp_path / "notebook"))
    return tmp_path / "notebook"


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, object]]]:
    calls: list[tuple[str, str, dict[str, object]]] = []
    monkeypatch.setattr(outputs, "display", lambda html, plain, marks=None: calls.append((html, plain, marks or {})))
    return calls


def bars() -> object:
    fig, axes = wb.figure(4, 3)
    axes.bar(["a", "b"], [1, 2])
    return fig


def cells(html: str) -> list[str]:
    return re.findall(r"<td[^>]*>([^<]*)</td>", html)


def results(folder: Path) -> dict[str, object]:
    return json.loads((folder / "results.json").read_text())


def test_scalars_are_merged_into_one_results_file(folder: Path) -> None:
    wb.keep("auc", 0.8)
    wb.keep("n", np.int64(7))
    wb.keep("ok", np.bool_(True))
    wb.keep("auc", np.float32(0.5))
    wb.keep("as_of", date(2025, 1, 31))
    assert results(folder) == {"auc": 0.5, "n": 7, "ok": True, "as_of": "2025-01-31"}


@pytest.mark.parametrize("value", [float("nan"), np.float64("nan"), float("inf"), None])
def test_what_json_cannot_say_becomes_null(folder: Path, value: object) -> None:
    wb.keep("auc_low", value)
    assert results(folder) == {"auc_low": None}


@pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", ".hidden", "x" * 81, "größe"])
def test_a_name_that_is_no_file_name_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(BadParameter, match="cannot name a result"):
        wb.keep(name, 1)
    assert not folder.exists()


def test_what_cannot_be_kept_is_named(folder: Path) -> None:
    with pytest.raises(BadParameter, match=r"keep\('x', …\) got a list"):
        wb.keep("x", [1, {}])


@pytest.mark.parametrize("kind", ["pandas", "arrow", "ibis"])
def test_every_kind_of_table_becomes_parquet_and_csv(folder: Path, kind: str) -> None:
    frame = pd.DataFrame({"school_id": ["007", "008"], "rate": [0.5, None]})
    table = {"pandas": frame, "arrow": pa.Table.from_pandas(frame), "ibis": ibis.memtable(frame)}[kind]
    wb.keep("rates", table)
    back = pd.read_parquet(folder / "tables" / "rates.parquet")
    assert back["school_id"].tolist() == ["007", "008"]
    assert back["rate"].isna().tolist() == [False, True]
    assert (folder / "tables" / "rates.csv").read_text() == "school_id,rate\n007,0.5\n008,\n"


def test_an_index_that_means_something_is_kept(folder: Path) -> None:
    wb.keep("m", pd.DataFrame({"n": [1]}, index=pd.Index(["x"], name="model")))
    assert (folder / "tables" / "m.csv").read_text() == "model,n\nx,1\n"


def test_a_column_of_mixed_types_is_told_in_words(folder: Path) -> None:
    with pytest.raises(BadInput, match="cannot be stored"):
        wb.keep("t", pd.DataFrame({"a": [1, "x"]}))


def test_a_full_disk_leaves_the_results_as_they_were(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wb.keep("auc", 0.8)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BadInput, match="No space left on device"):
        wb.keep("auc", 0.9)
    assert results(folder) == {"auc": 0.8}
    assert [path.name for path in folder.iterdir()] == ["results.json"]


def test_outside_a_run_outputs_go_to_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_OUTPUT", raising=False)
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    wb.keep("auc", 0.8)
    assert (tmp_path / "runs" / "scratch" / "results.json").is_file()


def test_a_figure_without_alt_text_is_refused(folder: Path) -> None:
    with pytest.raises(BadParameter, match=r"Write alt='…'"):
        wb.show(bars(), alt="")


def test_a_figure_is_shown_with_its_words_and_its_numbers(folder: Path, shown: list) -> None:
    numbers = pd.DataFrame({"group": ["a", "<b>"], "n": [1, 2000]})
    wb.show(bars(), alt='Two "bars" & more.', caption="Bars", name="bars", table=numbers)
    html, plain, marks = shown[0]
    assert 'alt="Two &quot;bars&quot; &amp; more."' in html
    assert "<figcaption>Bars</figcaption>" in html
    assert "<details>" in html
    assert "&lt;b&gt;" in html
    assert "2,000" in html
    assert plain == 'Figure: Two "bars" & more.'
    assert marks == {}
    saved = {path.name for path in (folder / "figures").iterdir()}
    assert saved == {"bars.png", "bars.svg", "bars.json", "bars.csv"}
    assert json.loads((folder / "figures" / "bars.json").read_text())["alt"] == 'Two "bars" & more.'


def test_a_shown_figure_is_not_left_open_to_be_shown_twice(folder: Path, shown: list) -> None:
    from matplotlib import pyplot

    fig = bars()
    wb.show(fig, alt=ALT)
    assert fig.number not in pyplot.get_fignums()


def test_the_same_figure_is_the_same_files(folder: Path, shown: list) -> None:
    wb.show(bars(), alt=ALT)
    first = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    wb.show(bars(), alt=ALT)
    assert {path.name: path.read_bytes() for path in (folder / "figures").iterdir()} == first


def test_a_long_table_says_how_much_of_it_is_seen(folder: Path, shown: list) -> None:
    wb.show(pd.DataFrame({"x": range(1200)}), caption="Long")
    html = shown[0][0]
    seen, folded = html.split("<details>")
    assert seen.count("<tr>") == 11
    assert ">Long</caption>" in seen
    assert "More of the 1,200 rows" in folded
    assert folded.count("<tr>") == 51
    assert "The first 50 of 1,200 rows." in folded


def test_a_table_of_twenty_rows_is_not_folded(folder: Path, shown: list) -> None:
    wb.show(pd.DataFrame({"x": range(20)}), caption="Short")
    wb.show(pd.DataFrame({"x": range(21)}), caption="Long")
    assert "<details>" not in shown[0][0]
    assert "All 21 rows" in shown[1][0]


def test_what_only_the_first_rows_share_is_not_said_of_all(folder: Path, shown: list) -> None:
    wb.show(pd.DataFrame({"subject": ["math"] * 30 + ["reading"] * 30, "school_year": 2025, "n": range(60)}))
    assert "In every row, school year is 2025." in shown[0][0]
    assert "subject is math" not in shown[0][0]
    assert cells(shown[0][0])[:4] == ["math", "0", "math", "1"]


def test_a_table_says_once_what_all_rows_share_and_limits_as_one_column(folder: Path, shown: list) -> None:
    rows = pd.DataFrame(
        {"school_year": [2025, 2025], "gap": [0.5, 0.25], "conf_low": [0.4, 0.1], "conf_high": [0.6, 0.4]}
    )
    wb.show(rows, name="gaps")
    assert cells(shown[0][0]) == ["0.500", "0.400 to 0.600", "0.250", "0.100 to 0.400"]
    assert "In every row, school year is 2025." in shown[0][0]
    assert "95 % interval" in shown[0][0]
    assert (folder / "tables" / "gaps.csv").read_text().startswith("school_year,gap,conf_low,conf_high\n2025,0.5,0.4,")


def test_a_public_figure_needs_a_published_table(folder: Path, shown: list) -> None:
    with pytest.raises(DisclosureError, match="published no table of that name"):
        wb.show(bars(), alt=ALT, drawn_from="risk")


def test_the_numbers_behind_a_public_figure_are_published_ones(folder: Path, shown: list) -> None:
    table = pd.DataFrame({"group": ["a", "b", "c"], "n": [40, 20, 3], "rate": [0.25, 0.5, 1.0]})
    safe = wb.publish("risk", table, keys=["group"])
    wb.show(bars(), alt=ALT, table=safe[safe["n"] > 30], drawn_from="risk")
    wb.show(bars(), alt=ALT, drawn_from="risk")
    assert [marks for _, _, marks in shown] == [{"published": True, "table": "risk"}] * 3
    with pytest.raises(DisclosureError, match="not all rows of the published table 'risk'"):
        wb.show(bars(), alt=ALT, table=table, drawn_from="risk")
    with pytest.raises(DisclosureError, match="no column 'name'"):
        wb.show(bars(), alt=ALT, table=safe.assign(name="x"), drawn_from="risk")


def test_a_column_may_have_another_heading_than_its_name(folder: Path, shown: list) -> None:
    wb.show(pd.DataFrame({"n_a": [3], "gap": [0.5]}), headings={"n_a": "students, White"}, name="sizes")
    assert "students, White" in shown[0][0]
    assert (folder / "tables" / "sizes.csv").read_text().startswith("n_a,gap\n")
