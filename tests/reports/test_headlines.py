"""The first results of a notebook on the overview, in a reader's words."""

from __future__ import annotations

from workbench.reports.headlines import headlines


def test_an_interval_stands_with_its_estimate_and_long_numbers_are_grouped() -> None:
    kept = {"auc": 0.83421, "auc_low": 0.81, "auc_high": 0.8567, "n": 123456, "last_year": 2025, "flagged": True}
    assert headlines(kept) == [
        ("AUC (0.5 chance, 1 perfect)", "0.834 (0.810–0.857)"),
        ("Students judged", "123,456"),
        ("Last year", "2025"),
        ("Flagged", "yes"),
    ]
    assert headlines({"fall_low": 3}) == [("Fall low", "3")]


def test_a_share_is_a_percentage_and_says_of_what_and_all_counts_are_grouped_alike() -> None:
    assert headlines({"share_on_track": 0.00133, "students": 6827, "scores": 25014, "school_year": 2025}) == [
        ("Students who grew enough to reach or keep the standard", "0.1 %"),
        ("Students with scores", "6,827"),
        ("Test scores", "25,014"),
        ("School year", "2025"),
    ]
