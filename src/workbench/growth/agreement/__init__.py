"""Where methods disagree: the same schools by several methods, on one footing."""

from workbench.growth.agreement.comparison import Agreement, agreement, beside_truth, clues
from workbench.growth.agreement.judged import (
    ADDED,
    CURVE,
    GAP,
    PERCENTILE,
    SCORE,
    Judged,
    curve_growth,
    means,
    smaller_gaps,
    value_added,
)
from workbench.growth.agreement.report import CODES, HELP, lines, sentences

__all__ = [
    "ADDED", "CODES", "CURVE", "GAP", "HELP", "PERCENTILE", "SCORE", "Agreement", "Judged", "agreement", "beside_truth",
    "clues", "curve_growth", "lines", "means", "sentences", "smaller_gaps", "value_added",
]  # fmt: skip
