"""A model in a folder: the same risks, its card, and what is refused; drift from those it learned from."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench import dropout
from workbench.dropout import Assessment, Study, drift, load_model, profile, save_model
from workbench.errors import BadInput, ModelError

MADE, EXPIRES = date(2024, 2, 1), date(2025, 2, 1)


@pytest.fixture(scope="module")
def assessed() -> Assessment:
    """A small study with numbers, gaps and text."""
    rng = np.random.default_rng(3)
    n = 400
    frame = pd.DataFrame(
        {
            "student": np.arange(n),
            "grades": pd.Series(rng.normal(size=n)).mask(rng.random(n) < 0.2),
            "absences": rng.integers(0, 9, n),
            "track": rng.choice(["a", "b", "c"], n),
        }
    )
    risk = 1 / (1 + np.exp(1 + frame.grades.fillna(0) - 0.3 * frame.absences - (frame.track == "b")))
    frame["outcome"] = (rng.random(n) < risk).astype(int)
    study = Study(
        "Leaving", "left", "At random.", frame[:300], frame[300:].reset_index(drop=True), "student",
        ("grades", "absences", "track"), ("track",), {"grades": -1, "absences": 1},
    )  # fmt: skip
    return dropout.assess(study, seed=1)


@pytest.fixture
def folder(assessed: Assessment, tmp_path: Path) -> Path:
    return save_model(assessed, tmp_path / "model", MADE, EXPIRES)


def test_a_model_read_back_gives_the_same_risks(assessed: Assessment, folder: Path) -> None:
    frame = assessed.study.judged.assign(track=lambda f: f.track.mask(f.index == 0).mask(f.index == 1, "new"))
    np.testing.assert_allclose(load_model(folder).risk(frame), assessed.model(frame), rtol=1e-6)


def test_a_district_model_read_back_gives_the_same_risks(assessment: Assessment, tmp_path: Path) -> None:
    found = load_model(save_model(assessment, tmp_path / "m", MADE, EXPIRES))
    np.testing.assert_allclose(found.risk(assessment.study.judged), assessment.risk, rtol=1e-6)


def test_it_says_when_it_expires_and_that_a_person_decides(folder: Path) -> None:
    card = (folder / "card.md").read_text(encoding="utf-8")
    assert "expires on 2025-02-01" in card
    assert "A person decides" in card
    saved = load_model(folder)
    assert (saved.has_expired(EXPIRES), saved.has_expired(date(2025, 2, 2))) == (False, True)


def test_nothing_but_text_is_saved(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {"trees.json", "model.json", "card.md", "manifest.json"}
    for name in ("trees.json", "model.json", "manifest.json"):
        json.loads((folder / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["trees.json", "model.json", "card.md"])
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text((folder / name).read_text(encoding="utf-8") + " ", encoding="utf-8")
    with pytest.raises(ModelError, match="not as it was saved"):
        load_model(folder)


def test_a_missing_file_and_another_format_are_refused(folder: Path) -> None:
    (folder / "trees.json").unlink()
    with pytest.raises(ModelError, match="no model that can be read"):
        load_model(folder)
    (folder / "manifest.json").write_text('{"format": 99}', encoding="utf-8")
    with pytest.raises(ModelError, match="format 99"):
        load_model(folder)


def test_a_model_that_would_expire_before_it_was_made_is_refused(assessed: Assessment, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="would expire"):
        save_model(assessed, tmp_path / "model", MADE, MADE)


def test_those_learned_from_have_not_drifted(assessed: Assessment, folder: Path) -> None:
    found = drift(load_model(folder).profile, assessed.study.train)
    assert (found["index"] == 0).all()
    assert (found.verdict == "stable").all()


def test_drift_by_hand() -> None:
    """Half and half becomes one to three: (0.25 − 0.5) ln 0.5 + (0.75 − 0.5) ln 1.5 = 0.2747."""
    before = profile(pd.DataFrame({"track": ["a", "b"] * 50, "same": [1.0, 2.0] * 50}), ["track", "same"])
    now = drift(before, pd.DataFrame({"track": ["a", "b", "b", "b"], "same": [1.0, 2.0, 1.0, 2.0]}))
    assert now.predictor.tolist() == ["track", "same"]
    assert now["index"].tolist() == pytest.approx([0.2747, 0], abs=1e-4)
    assert now.verdict.tolist() == ["changed", "stable"]


def test_a_value_never_seen_and_a_gap_count_as_drift() -> None:
    before = profile(pd.DataFrame({"track": ["a"] * 10, "grade": np.arange(10.0)}), ["track", "grade"])
    now = drift(before, pd.DataFrame({"track": ["z"] * 4, "grade": [np.nan] * 4}))
    assert set(now.verdict) == {"changed"}
    assert now.set_index("predictor").missing_now.to_dict() == {"track": 0, "grade": 1}


def test_a_vanished_column_and_no_rows_are_said() -> None:
    before = profile(pd.DataFrame({"grade": [1.0, 2.0]}), ["grade"])
    with pytest.raises(BadInput, match="grade, which these data lack"):
        drift(before, pd.DataFrame({"grades": [1.0]}))
    with pytest.raises(BadInput, match="no rows"):
        drift(before, pd.DataFrame({"grade": []}))
