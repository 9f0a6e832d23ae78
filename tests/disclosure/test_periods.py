"""Across runs: what the publication of another night must not tell."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.disclosure import published
from workbench.errors import DisclosureError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "access.yml").write_text("min_count: 10\n")
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    return tmp_path


def night(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    n: int,
    left: int,
    period: str | None = "2025",
    **more: object,
) -> list[tuple[float, float]]:
    """Publish one group of a night, and return what is seen of it afterwards."""
    folder = root / f"night-{number}"
    monkeypatch.setenv("WORKBENCH_OUTPUT", str(folder))
    table = pd.DataFrame({"school_id": ["a", "b"], "n": [n, 100], "left": [left / n, 0.5]})
    wb.publish("left", table, keys=["school_id"], period=period, **{"closed": False} | more)  # type: ignore[arg-type]
    published.commit("nightly", {"notebook": folder}, f"run-{number}")
    seen = published.read("nightly", "left").table.to_pydict()
    return [(seen["n"][0], round(seen["n"][0] * seen["left"][0]))]


def test_forty_of_two_hundred_then_forty_one_of_201_tells_nothing_of_the_newcomer(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert night(root, monkeypatch, 1, 200, 40) == [(200, 40)]
    assert night(root, monkeypatch, 2, 201, 41) == [(200, 40)]
    kept = published.read("nightly", "left")
    assert "moved by fewer than 10 people" in kept.kept
    assert night(root, monkeypatch, 3, 201, 40) == [(200, 40)]  # nor of one who came and did not leave


def test_enough_people_at_once_refresh_an_open_period(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(root, monkeypatch, 1, 200, 40)
    assert night(root, monkeypatch, 2, 220, 45) == [(200, 40)]  # twenty came, but five of them with an event
    assert night(root, monkeypatch, 3, 220, 50) == [(220, 50)]  # ten with and ten without
    assert published.read("nightly", "left").kept == ""


def test_the_end_of_a_period_publishes_and_freezes_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(root, monkeypatch, 1, 200, 40)
    assert night(root, monkeypatch, 2, 203, 42, closed=True) == [(203, 42)]
    assert night(root, monkeypatch, 3, 250, 80, closed=True) == [(203, 42)]
    assert night(root, monkeypatch, 4, 250, 80) == [(203, 42)]
    assert published.read("nightly", "left").kept == (
        "The period 2025 is closed: its published tables are not changed."
    )
    assert night(root, monkeypatch, 5, 250, 80, period="2026") == [(250, 80)]


def test_a_table_without_a_period_is_replaced(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night(root, monkeypatch, 1, 200, 40, period=None)
    assert night(root, monkeypatch, 2, 201, 41, period=None) == [(201, 41)]


def test_one_run_publishes_tables_that_are_safe_together(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Total first, then the schools: of the schools two are withheld, and the total stays as it was returned."""
    monkeypatch.setenv("WORKBENCH_OUTPUT", str(root / "notebook"))
    total = wb.publish("total", pd.DataFrame({"school_id": ["all"], "n": [68]}), keys=["school_id"])
    schools = pd.DataFrame({"school_id": ["a", "b", "c"], "n": [40, 25, 3]})
    assert wb.publish("schools", schools, keys=["school_id"]).n.isna().tolist() == [False, True, True]
    assert total.n.tolist() == [68]
    published.commit("demo", {"notebook": root / "notebook"}, "run-1")
    assert published.tables("demo") == ["schools", "total"]


def test_notebooks_that_give_something_away_together_are_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside one run they could not see each other; the attack before the commit does."""
    for notebook, table in (
        ("one", pd.DataFrame({"school_id": ["all"], "n": [68]})),
        ("two", pd.DataFrame({"school_id": ["a", "b", "c"], "n": [40, 25, 3]})),
    ):
        monkeypatch.setenv("WORKBENCH_OUTPUT", str(root / notebook))
        wb.publish(notebook, table, keys=["school_id"])
    folders = {notebook: root / notebook for notebook in ("one", "two")}
    with pytest.raises(DisclosureError, match=r"one\.one, two\.two give away a number about fewer than 10"):
        published.commit("demo", folders, "run-1")
    assert published.runs() == []
    (root / "manifest.json").write_text("{}")  # the same two in one run
    wb.publish("two", table, keys=["school_id"])
    published.commit("demo", folders, "run-2")
    assert published.read("demo", "one").table["n"].to_pylist() == [68]


def test_who_may_see_a_table_is_said_and_checked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_OUTPUT", str(root / "notebook"))
    table = pd.DataFrame({"school_id": ["a"], "n": [40]})
    wb.publish("mine", table, keys=["school_id"], audience="school", unit="school_id")
    published.commit("demo", {"notebook": root / "notebook"}, "run-1")
    found = published.read("demo", "mine")
    assert (found.audience, found.unit) == ("school", "school_id")
    with pytest.raises(DisclosureError, match="not 'teacher'"):
        wb.publish("x", table, keys=["school_id"], audience="teacher")
    with pytest.raises(DisclosureError, match="name the key that tells their rows"):
        wb.publish("x", table, keys=["school_id"], audience="district")
    with pytest.raises(DisclosureError, match="no `unit`"):
        wb.publish("x", table, keys=["school_id"], unit="school_id")


def nightly(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    rows: dict[tuple[str, int], tuple[int, int]],
    name: str = "met",
) -> dict[tuple[str, int], tuple[float, float]]:
    """Publish, for each indicator and year, how many there were and had it, of years of which 2025 is open.

    Returns what is seen afterwards.
    """
    folder = root / f"night-{number}"
    monkeypatch.setenv("WORKBENCH_OUTPUT", str(folder))
    made = [(what, year, n, left / n) for (what, year), (n, left) in rows.items()]
    table = pd.DataFrame(made, columns=["indicator", "school_year", "n", "share"])
    keys = ["indicator", "school_year"]
    wb.publish("met", table, keys=keys, kinds={"share": "share"}, period_key=keys, closed=["2023", "2024"], total=None)
    published.commit("nightly", {"notebook": folder}, f"run-{number}")
    seen = published.read("nightly", "met").table.to_pylist()
    return {(r["indicator"], r["school_year"]): (r["n"], round(r["n"] * r["share"])) for r in seen}


FIRST = {("absent", 2024): (200, 40), ("absent", 2025): (210, 42), ("proficient", 2024): (180, 90)}


def test_the_years_that_are_over_stay_and_the_open_one_moves_only_by_enough(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nightly(root, monkeypatch, 1, FIRST) == FIRST
    assert published.read("nightly", "met").kept == ""
    corrected = {("absent", 2024): (260, 60), ("absent", 2025): (211, 43), ("proficient", 2024): (181, 91)}
    assert nightly(root, monkeypatch, 2, corrected) == FIRST
    kept = published.read("nightly", "met").kept
    assert "absent 2024 and 2 more stay as they were published" in kept
    grown = corrected | {("absent", 2025): (240, 57), ("on track", 2025): (100, 50)}
    assert nightly(root, monkeypatch, 3, grown) == FIRST | {("absent", 2025): (240, 57), ("on track", 2025): (100, 50)}


def test_a_year_that_becomes_over_is_published_once_more_and_then_stays(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly(root, monkeypatch, 1, {("absent", 2025): (210, 42)})
    monkeypatch.setattr("workbench.disclosure.publish._closed", lambda *_: ["2025"])
    assert nightly(root, monkeypatch, 2, {("absent", 2025): (211, 43)}) == {("absent", 2025): (211, 43)}
    assert nightly(root, monkeypatch, 3, {("absent", 2025): (300, 90)}) == {("absent", 2025): (211, 43)}


def test_what_another_run_no_longer_tells_goes_and_comes_back_as_it_is_then(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightly(root, monkeypatch, 1, FIRST)
    assert nightly(root, monkeypatch, 2, {("absent", 2024): (201, 41)}) == {("absent", 2024): (200, 40)}


def test_enough_people_without_enough_events_do_not_move_a_share_that_is_one_in_some_rows(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """41 of 215 after 40 of 200: of fifteen who came, one had the event."""
    for number, (n, left) in enumerate([(200, 40), (215, 41)]):
        folder = root / f"night-{number}"
        monkeypatch.setenv("WORKBENCH_OUTPUT", str(folder))
        table = pd.DataFrame({"school_year": ["2025"], "n": [n], "value": [left / n], "counted": [True]})
        more = {"values": ["value"], "kinds": {"value": "share if counted"}, "period_key": "school_year", "closed": []}
        wb.publish("met", table, keys=["school_year"], **more)
        published.commit("nightly", {"notebook": folder}, f"run-{number}")
    assert published.read("nightly", "met").table["n"].to_pylist() == [200]


def test_periods_are_told_by_keys_that_add_nothing_up(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_OUTPUT", str(root / "night"))
    table = pd.DataFrame({"school_year": ["2024", "all"], "n": [40, 90]})
    with pytest.raises(DisclosureError, match="leave those out"):
        wb.publish("x", table, keys=["school_year"], period_key="school_year")
    with pytest.raises(DisclosureError, match="names keys of the table"):
        wb.publish("x", table, keys=["school_year"], period_key="school")
    with pytest.raises(DisclosureError, match="needs period_key"):
        wb.publish("x", table, keys=["school_year"], closed=["2024"])


def test_the_notebook_of_trends_freezes_the_years_that_are_over() -> None:
    """Indicators tell of whole years alone, so all of theirs are closed; a forecast is no count of people."""
    path = Path(__file__).parents[2] / "notebooks" / "tier1" / "trends.ipynb"
    cells = ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]
    calls = [line for cell in cells for line in cell.splitlines() if "wb.publish(" in line and "forecast_" not in line]
    named = next(line for cell in cells for line in cell.splitlines() if line.startswith("named = "))
    assert '"period_key": ["indicator", "school_year"]' in named
    assert len(calls) == 3
    assert all("period_key=" in call or "**named" in call for call in calls)
