"""docs/features.md, made from the declarations."""

from __future__ import annotations

from workbench.features.activity.declared import ACTIVITY, WEIGHTS
from workbench.features.declared import AUDIT, FEATURES, Feature

KNOWN_BY = {
    "attendance": "`end_date`",
    "discipline": "`incident_date`",
    "course_results": "`posted_date`",
    "assessments": "`test_date`",
    "enrollments": "`entry_date`",
    "students": "birth and first entry into grade 9, the latter from that school year on",
    "programs": "the flags of the school year of that day, known from its start",
    "events": "the day of `timestamp`",
    "interventions": "`assigned_date`",
}

_DIRECTION = {1: "higher", 0: "–", -1: "lower"}


def features_page() -> str:
    """Return docs/features.md, made from the declarations."""
    lines = [
        "# Features",
        "",
        "<!-- made by `workbench doctor --write-docs`; a test holds it to src/workbench/features/declared.py -->",
        "",
        "What was known about a student on a given day, `as_of`: one row a student and day. A fact counts only if its",
        'own date is that day or earlier; what happens later changes nothing. "The last 365 days" end with `as_of` and',
        "include it. Where nothing is known, a rate, a mean or a score is missing and a count is 0; where a data",
        "folder holds no such table at all, its counts are missing too. Numbers are rounded to twelve decimals, so",
        "that DuckDB and Spark give the same ones.",
        "",
        "| table | a fact is known from |",
        "|---|---|",
        *(f"| {source} | {when} |" for source, when in KNOWN_BY.items()),
        "",
        "## For prediction",
        "",
        *_rows(FEATURES),
        "",
        "## In a course",
        "",
        "What a student does online in a course, `wb.features.activity.course_features`: one row a student, course and",
        "day. Weeks and days end with `as_of` and include it. Engagement, 0 to 100, is 100 times the weighted mean of",
        "where the student ranks in the course: " + ", ".join(f"`{n}` {w:.2f}" for n, w in WEIGHTS.items()) + ".",
        "Other weights may be given.",
        "",
        *_rows(ACTIVITY),
        "",
        "## For auditing only",
        "",
        "Kept beside the features to compare groups; no model uses them unless it is told to.",
        "",
        *_rows(AUDIT),
        "",
    ]
    return "\n".join(lines)


def _rows(features: tuple[Feature, ...]) -> list[str]:
    head = [
        "| feature | in words | how it is computed | unit | risk is higher where it is | table |",
        "|---|---|---|---|---|---|",
    ]
    return head + [
        f"| `{f.name}` | {f.words} | {f.help} | {f.unit} | {_DIRECTION[f.monotone]} | {f.source} |" for f in features
    ]
