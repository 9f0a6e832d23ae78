"""The district run is the whole of tier 1."""

from __future__ import annotations

from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[2]


def test_the_district_run_holds_every_notebook_of_tier_1() -> None:
    written = yaml.safe_load((PROJECT / "params" / "district.yml").read_text(encoding="utf-8"))
    listed = {entry["notebook"] for entry in written["notebooks"]}
    assert listed == {f"tier1/{file.stem}" for file in (PROJECT / "notebooks" / "tier1").glob("*.ipynb")}
