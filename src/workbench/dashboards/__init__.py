"""The dashboard layer: pages made of published tables, served by Voilà to people who never see code."""

from workbench.dashboards.blocks import (
    WITHHELD,
    Bar,
    bars,
    between,
    cards,
    decimal,
    header,
    listed,
    longest_first,
    note,
    of_hundred,
    people,
    provenance,
    section,
    shown,
    table,
    told_apart,
    words,
)
from workbench.dashboards.exports import downloads
from workbench.dashboards.guard import guarded, speak_plainly
from workbench.dashboards.widgets import choice, filters, from_address, live

__all__ = [
    "WITHHELD",
    "Bar",
    "bars",
    "between",
    "cards",
    "choice",
    "decimal",
    "downloads",
    "filters",
    "from_address",
    "guarded",
    "header",
    "listed",
    "live",
    "longest_first",
    "note",
    "of_hundred",
    "people",
    "provenance",
    "section",
    "shown",
    "speak_plainly",
    "table",
    "told_apart",
    "words",
]
