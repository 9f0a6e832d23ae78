"""Columns in words."""

from __future__ import annotations

import pyarrow as pa

from workbench.dashboards.labels import labels, meanings
from workbench.disclosure.published import PublishedTable

KEYS = ("school", "school_id", "by", "group_kind")
VALUES = ("value", "low", "high", "conf_low", "mean_percentile", "mean_low", "auc")
TABLE = PublishedTable(
    table=pa.table({}),
    title="Met",
    keys=KEYS,
    count="n",
    values=VALUES,
    help={"n": "who have a score", "auc": "chance that the order is right"},
    min_count=10,
    data_date=None,
    source="",
    run_id="run-1",
    made_at="2025",
)


def test_every_column_has_words_of_its_own() -> None:
    found = labels(TABLE)
    assert list(found) == [*KEYS, "n", *VALUES]
    assert len(set(found.values())) == len(found)
    assert not [label for label in found.values() if "_" in label and "(" not in label]
    assert (found["n"], found["value"], found["mean_percentile"]) == ("students", "share or mean", "mean percentile")
    assert (found["low"], found["mean_low"]) == ("95 % interval, from (low)", "mean, 95 % interval, from")
    assert found["conf_low"] == "95 % interval, from (conf_low)", "two of one name are told apart"


def test_what_columns_mean_is_what_was_published_with_them() -> None:
    assert meanings(TABLE) == {"students": "who have a score", "AUC": "chance that the order is right"}
