"""A risk model in a folder: trees as XGBoost's JSON, the rest as plain JSON, a card for people; nothing that runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.dropout.card import model_card
from workbench.dropout.drift import profile
from workbench.dropout.linear import Floats, Logistic
from workbench.dropout.models import Risk
from workbench.errors import ModelError
from workbench.files import draft_of, forget_abandoned, replace_folder, sha256
from workbench.paths import resolve, shown

if TYPE_CHECKING:
    import pandas as pd

    from workbench.dropout.assess import Assessment

FORMAT = 1
TREES, REST, CARD, MANIFEST = "trees.json", "model.json", "card.md", "manifest.json"


@dataclass(frozen=True)
class SavedModel:
    """A model read from a folder: calling `risk` with a frame gives risks; `profile` is for `drift`.

    `expires` is the day after which it should be validated anew; `manifest` holds versions and checksums.
    """

    risk: Risk
    profile: dict[str, Any]
    expires: date
    manifest: dict[str, Any]

    def has_expired(self, day: date) -> bool:
        """Whether the model should not be used on this day without being validated again."""
        return day > self.expires


def save_model(assessment: Assessment, folder: str | Path, made_on: date, expires: date) -> Path:
    """Write the model of an assessment with its card, whole or not at all; return the folder.

    Raises ModelError where it would expire before it was made.
    """
    if expires <= made_on:
        raise ModelError(f"The model would expire on {expires}, which is not after {made_on}. Choose a later day.")
    final = resolve(folder)
    final.parent.mkdir(parents=True, exist_ok=True)
    forget_abandoned(final)
    draft = draft_of(final)
    draft.mkdir()
    study, model = assessment.study, assessment.model
    (draft / TREES).write_bytes(bytes(model.trees.get_booster().save_raw("json")))
    rest = _as_plain(model) | {"profile": profile(study.train, study.predictors)}
    (draft / REST).write_text(json.dumps(rest, indent=1, ensure_ascii=False), encoding="utf-8")
    (draft / CARD).write_text(model_card(assessment, made_on, expires), encoding="utf-8")
    manifest = {
        "format": FORMAT,
        "made_on": str(made_on),
        "expires": str(expires),
        "versions": {name: version(name) for name in ("learning-analytics-workbench", "xgboost")},
        "sha256": {name: sha256(draft / name) for name in (TREES, REST, CARD)},
    }
    (draft / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    replace_folder(draft, final)
    return final


def load_model(folder: str | Path) -> SavedModel:
    """Read a model that `save_model` wrote; it gives the same risks. Nothing in the folder is executed.

    Raises ModelError where a file is missing or was changed, or another version of the workbench wrote it.
    """
    place = resolve(folder)
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise ModelError(
                f"{shown(place)} is a model of format {manifest['format']}; this workbench reads format {FORMAT}. "
                "Fit and save the model again."
            )
        for name in (TREES, REST, CARD):
            if sha256(place / name) != manifest["sha256"][name]:
                raise ModelError(f"{shown(place / name)} is not as it was saved. Restore it, or save the model again.")
        rest = json.loads((place / REST).read_text(encoding="utf-8"))
        return SavedModel(
            _from_plain(rest, place / TREES), rest["profile"], date.fromisoformat(manifest["expires"]), manifest
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{shown(place)} holds no model that can be read ({error}). Save the model again.") from error


@dataclass(frozen=True)
class _Columns:
    """Numbers filled and scaled, then text one-hot: what scikit-learn's columns did, from plain numbers."""

    fill: Floats
    mean: Floats
    scale: Floats
    values: tuple[tuple[str, ...], ...]

    def transform(self, plain: pd.DataFrame) -> Floats:
        n = len(self.fill)
        numbers = plain.iloc[:, :n].to_numpy(dtype=float)
        parts = [(np.where(np.isnan(numbers), self.fill, numbers) - self.mean) / self.scale]
        for k, values in enumerate(self.values):
            text = plain.iloc[:, n + k].to_numpy(dtype=object)
            parts.append((text[:, None] == np.array(values, dtype=object)).astype(float))
        return np.hstack(parts)


def _as_plain(model: Risk) -> dict[str, Any]:
    scaled, one_hot = (part[1] for part in model.start.columns.transformers_[:2])
    start = model.start
    return {
        "predictors": model.predictors,
        "categories": model.categories,
        "numbers": start.numbers,
        "text": start.text,
        "fill": scaled[0].statistics_.tolist() if start.numbers else [],
        "mean": scaled[1].mean_.tolist() if start.numbers else [],
        "scale": scaled[1].scale_.tolist() if start.numbers else [],
        "values": [list(map(str, values)) for values in one_hot.categories_] if start.text else [],
        "owner": start.owner.tolist(),
        "middle": start.middle.tolist(),
        "start": _weights(start.model),
        "calibration": _weights(model.calibration),
    }


def _from_plain(rest: dict[str, Any], trees: Path) -> Risk:
    from xgboost import XGBClassifier

    boosted = XGBClassifier(enable_categorical=True, n_jobs=1)
    boosted.load_model(trees)
    boosted.n_estimators = boosted.get_booster().num_boosted_rounds()
    fill, mean, scale = (np.array(rest[name], dtype=float) for name in ("fill", "mean", "scale"))
    start = Logistic(
        _Columns(fill, mean, scale, tuple(tuple(values) for values in rest["values"])),
        _weighted(rest["start"]),
        tuple(rest["numbers"]),
        tuple(rest["text"]),
        np.array(rest["owner"], dtype=np.int64),
        np.array(rest["middle"], dtype=float),
    )
    return Risk(start, boosted, _weighted(rest["calibration"]), tuple(rest["predictors"]), rest["categories"])


def _weights(model: Any) -> dict[str, Any]:
    return {"coefficients": model.coef_.tolist(), "intercept": model.intercept_.tolist()}


def _weighted(plain: dict[str, Any]) -> Any:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression()
    model.coef_, model.intercept_ = (np.array(plain[name], dtype=float) for name in ("coefficients", "intercept"))
    model.classes_ = np.array([0, 1])
    return model
