"""Figures say in words what they show, and draw what they are given."""

from __future__ import annotations

import pandas as pd

from workbench.dropout import figures


def test_by_week_tells_the_first_and_the_last_day() -> None:
    curve = pd.DataFrame(
        {
            **{"day": [0, 30], "n": [1200, 1100], "auc": [0.64, 0.74], "auc_low": [0.6, 0.7], "auc_high": [0.7, 0.8]},
            **{"auc_missed": [0.5, 0.58], "auc_inactive": [0.5, 0.56]},
        }
    )
    drawn = figures.by_week(curve)
    assert "0.64 on day 0, 0.74 on day 30; work missed 0.58, days since last seen 0.56" in drawn.alt
    axes = drawn.figure.axes[0]
    assert [mark.get_text() for mark in axes.get_xticklabels()] == ["0\n1,200", "30\n1,100"]
    assert {words.get_text() for words in axes.get_legend().get_texts()} == {
        *("XGBoost, with 95 % interval", "Work missed", "Days since last seen"),
    }


def test_when_draws_a_grade_whose_past_is_not_known() -> None:
    rows = [(9, 1, 50, 0.02, 0.03, 0.01, 0.07), (9, 2, 50, 0.05, float("nan"), float("nan"), float("nan"))]
    columns = ["grade_level", "year", "n", "expected", "observed", "observed_low", "observed_high"]
    drawn = figures.when(pd.DataFrame(rows, columns=columns))
    assert drawn.alt == "Lines of the share expected to have left, by grade. After 2 years: grade 9 5.0 %."
    drawn.figure.canvas.draw()
