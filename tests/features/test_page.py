"""The declarations and the page made from them."""

from __future__ import annotations

from pathlib import Path

from workbench import features
from workbench.tables import TABLES


def test_the_page_is_the_one_made_from_the_declarations() -> None:
    page = Path(__file__).parents[2] / "docs" / "features.md"
    assert page.read_text(encoding="utf-8") == features.features_page()


def test_every_feature_names_a_table_of_the_data_model_and_can_be_said_in_words() -> None:
    everything = (*features.FEATURES, *features.AUDIT)
    assert len({f.name for f in everything}) == len({f.words for f in everything}) == len(everything)
    assert {f.source for f in everything} <= set(TABLES)
    assert not [f.name for f in everything if "_" in f.words or (f.words[0].isupper() and "English" not in f.words)]


def test_what_is_personal_by_law_is_kept_apart_from_the_predictors() -> None:
    assert features.AUDIT_COLUMNS == ("sex", "race_ethnicity", "disability")
