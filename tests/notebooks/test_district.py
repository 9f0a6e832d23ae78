"""The district run is the whole of tier 1."""

from __future__ import annotations

from pathlib import Path

import yaml

from workbench.reports.contract import read_contract

PROJECT = Path(__file__).parents[2]


def test_the_district_run_holds_every_notebook_of_tier_1() -> None:
    written = yaml.safe_load((PROJECT / "params" / "district.yml").read_text(encoding="utf-8"))
    listed = {entry["notebook"] for entry in written["notebooks"]}
    assert listed == {f"tier1/{file.stem}" for file in (PROJECT / "notebooks" / "tier1").glob("*.ipynb")}


def test_a_policy_is_named_by_the_run_and_not_by_the_notebook() -> None:
    contract = read_contract(PROJECT / "notebooks" / "tier1" / "trends.ipynb")
    defaults = {parameter.name: parameter.default for parameter in contract.parameters}
    assert (defaults["policy_date"], defaults["policy_schools"]) == (None, [])
    written = yaml.safe_load((PROJECT / "params" / "district.yml").read_text(encoding="utf-8"))
    trends = next(entry for entry in written["notebooks"] if entry["notebook"] == "tier1/trends")
    assert set(trends["parameters"]) == {"policy_date", "policy_schools"}
