"""What the columns of a published table are called on a page, and what they mean: the table's own help says it."""

from __future__ import annotations

from typing import Final

from workbench.dashboards.blocks import told_apart
from workbench.disclosure.published import PublishedTable
from workbench.markup import in_words

_WORDS: Final = {
    "at": "year or grade",
    "brier": "Brier score",
    "by": "shown by",
    "category": "above or below average",
    "district_id": "district",
    "gap": "gap in standard deviations",
    "name": "name of the school",
    "of": "what varies",
    "value": "share or mean",
}
"""Columns that one alone of its words would not explain."""
_ENDS: Final = {"low": "from", "high": "to"}


def labels(published: PublishedTable) -> dict[str, str]:
    """Return the label of every column by its name; no two are alike."""
    columns = (*published.keys, published.count, *published.values)
    return told_apart({name: _label(name, published.count) for name in columns})


def meanings(published: PublishedTable) -> dict[str, str]:
    """Return what the columns mean, by their labels, as far as it was published with the table."""
    return {label: published.help[name] for name, label in labels(published).items() if name in published.help}


def _label(name: str, count: str) -> str:
    if name == count:
        return "students"
    stem, _, end = name.rpartition("_")
    if end in _ENDS:
        of = f"{_label(stem, count)}, " if stem not in ("", "conf") else ""
        return f"{of}95 % interval, {_ENDS[end]}"
    return _WORDS.get(name, in_words(name))
