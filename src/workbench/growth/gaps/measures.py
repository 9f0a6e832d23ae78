"""How far apart two groups are: standardised mean differences and the V statistic, with intervals.

Every measure is a smooth function of averages over students. So each also has an *influence* a student, how far
that student moves it, and the sum of squared influences is the variance of the measure (the delta method in its
distribution-free form; Huber & Ronchetti 2009, ch. 1). Summed within clusters first, they allow for students who
come together, in a school or as the same student in several years. What was drawn, students or clusters, may be few
or weighted: variances and degrees of freedom are those that are right for a weighted mean of so many normal draws.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from workbench.errors import BadInput, ModelError
from workbench.growth.gaps.inputs import codes, flags, numbers
from workbench.shares import LEVEL

Floats = NDArray[Any]
Z = float(special.ndtri((1 + LEVEL) / 2))
"""Half the width of a 95 % interval, in standard errors."""
MOST_TIED = 0.15
"""With more pairs tied V is refused. Normal groups 1 SD apart in seven even categories tie in 11 % and lose 3 % of V;
in five 16 % and 5 %, in three 27 % and 14 %."""


@dataclass(frozen=True)
class Gap:
    """A gap a − b in standard deviations, with standard error and 95 % limits.

    `reliability` is that by which a gap of true scores was corrected, 1 where it was not; `influence` (n,) is each
    student's, None where only counts were known; `tied` the share of pairs with equal scores, told by V alone.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    n_a: int
    n_b: int
    reliability: float = 1.0
    influence: Floats | None = field(default=None, repr=False, compare=False)
    tied: float = 0.0


@dataclass(frozen=True)
class _Sample:
    """Scores of two groups, their weights (summing to one in each group) and error variances."""

    scores: Floats
    in_a: Floats
    weights: Floats
    share_a: float
    error_variances: Floats | None
    clusters: Any

    @property
    def counts(self) -> tuple[int, int]:
        return int(self.in_a.sum()), int((~self.in_a).sum())

    def moments(self, group: Floats) -> tuple[float, float, Floats, Floats]:
        """Mean and variance of one group, and the influence of every student on each."""
        weights = self.weights * group
        mean = float(weights @ self.scores)
        squares = (self.scores - mean) ** 2 / (1 - weights @ weights)
        variance = float(weights @ squares)
        return mean, variance, weights * (self.scores - mean), weights * (squares - variance)


def cohens_d(scores: Any, in_a: Any, *, errors: Any = None, weights: Any = None, clusters: Any = None) -> Gap:
    """The mean difference in units of the SD pooled by group size, as in Cohen (1988).

    `scores` (n,) and `in_a` (n,), true for group a and false for group b. With `errors` (n,), the scores' standard
    errors of measurement, the gap is that of true scores: divided by √reliability. `weights` (n,) are sampling
    weights, `clusters` (n,) name what was drawn together. Raises BadInput for what is missing, ModelError
    where a group has no spread, or fewer than two clusters.
    """
    sample = _sample(scores, in_a, errors, weights, clusters)
    return _mean_gap(sample, sample.share_a)


def hedges_g(scores: Any, in_a: Any, *, errors: Any = None, weights: Any = None, clusters: Any = None) -> Gap:
    """Cohen's d without its upward bias in small samples (Hedges 1981, eq. 6e); arguments as in `cohens_d`."""
    sample = _sample(scores, in_a, errors, weights, clusters)
    n = sum(1 / (weights @ weights) for weights in (sample.weights[sample.in_a], sample.weights[~sample.in_a])) - 2
    exact = np.exp(special.gammaln(n / 2) - special.gammaln((n - 1) / 2)) / np.sqrt(n / 2)
    return _mean_gap(sample, sample.share_a, float(exact))


def equal_weight_gap(scores: Any, in_a: Any, *, errors: Any = None, weights: Any = None, clusters: Any = None) -> Gap:
    """(μa − μb) / √((σa² + σb²) / 2): both groups' variances count alike; arguments as in `cohens_d`.

    This is what V estimates for normal scores (Ho & Haertel 2006). Unlike d it does not move with the sizes of the
    groups.
    """
    return _mean_gap(_sample(scores, in_a, errors, weights, clusters), 0.5)


def v_statistic(scores: Any, in_a: Any, *, errors: Any = None, weights: Any = None, clusters: Any = None) -> Gap:
    """V = √2 Φ⁻¹(P(a > b)), from the ranks of scores alone (Ho 2009); arguments as in `cohens_d`.

    Any scale with the same order of students, none of them tied, has the same V. P counts ties as one half, which
    draws V towards 0. Its influences are the placement values of DeLong, DeLong & Clarke-Pearson (1988). The correction
    for measurement error, V / √reliability, supposes normal scores (Reardon & Ho 2015). Raises ModelError where the
    groups do not overlap at all, and where more than 15 % of pairs are tied.
    """
    sample = _sample(scores, in_a, errors, weights, clusters)
    a, below, tied = sample.in_a, np.empty(len(sample.scores)), np.empty(len(sample.scores))
    for group in (a, ~a):
        below[group], tied[group] = _share_below(sample.scores[group], sample.scores[~group], sample.weights[~group])
    below[~a] = 1 - below[~a]
    share_tied = float(sample.weights[a] @ tied[a])
    _check_order(sample, share_tied)
    probability = float(sample.weights[a] @ below[a])
    quantile = special.ndtri(probability)
    slope = np.sqrt(2) / stats.norm.pdf(quantile)
    gap = _finished(float(np.sqrt(2) * quantile), slope * sample.weights * (below - probability), sample, 0.5)
    return replace(gap, tied=share_tied)


def _check_order(sample: _Sample, tied: float) -> None:
    """Refuse groups whose order tells no V: those apart altogether, judged by the scores, and those mostly tied."""
    a, b = (sample.scores[group & (sample.weights > 0)] for group in (sample.in_a, ~sample.in_a))
    if a.min() > b.max() or b.min() > a.max():
        raise ModelError(
            "The two groups do not overlap: every score of one is above every score of the other, so V has no finite "
            "value. Compare larger groups, or use the mean difference."
        )
    if tied > MOST_TIED:
        raise ModelError(
            f"In {tied:.0%} of pairs both students have the same score, and ties draw V towards 0; up to "
            f"{MOST_TIED:.0%} are accepted. For scores with few values, such as proficiency levels, use v_from_counts."
        )


def _sample(scores: Any, in_a: Any, errors: Any, weights: Any, clusters: Any) -> _Sample:
    values = numbers("scores", scores)
    a = flags(in_a, len(values))
    w = np.ones(len(values)) if weights is None else numbers("sampling weights", weights, len(values))
    if (w < 0).any():
        raise BadInput("Sampling weights are not negative.")
    variances = None if errors is None else numbers("standard errors of measurement", errors, len(values)) ** 2
    clusters = None if clusters is None else codes("the clusters", clusters, len(values))[1]
    for group, name in ((a, "a"), (~a, "b")):
        if np.unique(values[group & (w > 0)]).size < 2:
            raise ModelError(
                f"Group {name} has {int(group.sum())} scores and no spread; a gap needs two different scores in each "
                "group, and many more to be of use."
            )
    sums = np.where(a, w[a].sum(), w[~a].sum())
    n_a, n_b = int(a.sum()), int((~a).sum())
    share = (n_a - 1) / (n_a + n_b - 2) if weights is None else float(w[a].sum() / w.sum())
    return _Sample(values, a, w / sums, share, variances, clusters)


def _mean_gap(sample: _Sample, share_a: float, factor: float = 1.0) -> Gap:
    """factor · (mean a − mean b) / √(share_a · variance a + (1 − share_a) · variance b)."""
    mean_a, variance_a, moves_mean_a, moves_variance_a = sample.moments(sample.in_a)
    mean_b, variance_b, moves_mean_b, moves_variance_b = sample.moments(~sample.in_a)
    variance = share_a * variance_a + (1 - share_a) * variance_b
    gap = (mean_a - mean_b) / np.sqrt(variance)
    moves_variance = share_a * moves_variance_a + (1 - share_a) * moves_variance_b
    influence = (moves_mean_a - moves_mean_b) / np.sqrt(variance) - gap / (2 * variance) * moves_variance
    return _finished(factor * gap, factor * influence, sample, share_a)


def _finished(value: float, influence: Floats, sample: _Sample, share_a: float) -> Gap:
    """Correct a gap for measurement error where errors are known, and put an interval around it."""
    reliability = 1.0
    if sample.error_variances is not None:
        reliability, moves = _reliability(sample, share_a)
        influence = (influence - value / (2 * reliability) * moves) / np.sqrt(reliability)
        value = value / np.sqrt(reliability)
    influence, variance, freedom = _spread(influence, sample)
    std_error = float(np.sqrt(variance))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * std_error
    return Gap(float(value), std_error, value - reach, value + reach, *sample.counts, float(reliability), influence)


def _spread(influence: Floats, sample: _Sample) -> tuple[Floats, float, float]:
    """Influences freed of their smallness in few draws, the variance they add up to, and its degrees of freedom.

    Draws are students, or clusters. Degrees of freedom are Welch's (1947) where no cluster has students of both groups;
    otherwise, as in a paired comparison, those of the group with fewer.
    """
    draw = np.arange(len(influence)) if sample.clusters is None else sample.clusters
    influence = influence.copy()
    sums, degrees = [], []
    for group, name in ((sample.in_a, "a"), (~sample.in_a, "b")):
        weights = np.bincount(draw[group], sample.weights[group], draw.max() + 1)
        if (weights > 0).sum() < 2:
            raise ModelError(f"Group {name} is in one cluster: nothing tells how far clusters differ. Two are needed.")
        shrunk, freedom = _of_weighted_mean(weights)
        influence[group] /= np.sqrt(shrunk)
        sums.append(np.bincount(draw[group], influence[group], draw.max() + 1))
        degrees.append(freedom)
    both = np.bincount(draw, sample.in_a) * np.bincount(draw, ~sample.in_a)
    variance = float((sums[0] + sums[1]) @ (sums[0] + sums[1]))
    squares = np.array([own @ own for own in sums])
    welch = squares.sum() ** 2 / (squares**2 / degrees).sum()
    return influence, variance, float(min(degrees) if both.any() else welch)


def _of_weighted_mean(weights: Floats) -> tuple[float, float]:
    """How small Σ w² (x − x̄)² is on average beside the variance of x̄ = Σ w x, and its degrees of freedom.

    For independent normal x of one variance and weights that add up to one: the first two moments of the quadratic
    form, its degrees of freedom after Satterthwaite (Bell & McCaffrey 2002). Weights alike give (n − 1) / n and n − 1.
    """
    s2, s3, s4, s5 = (float((weights**k).sum()) for k in (2, 3, 4, 5))
    mean = s2 - 2 * s3 + s2**2
    square = s2**4 + 2 * s2 * s4 - 4 * s2**2 * s3 + 2 * s3**2 + s4 * (1 + 2 * s2) - 4 * s5
    return mean / s2, mean**2 / square


def _reliability(sample: _Sample, share_a: float) -> tuple[float, Floats]:
    """1 − mean error variance / score variance, both pooled with `share_a`, and every student's influence on it."""
    shares = np.where(sample.in_a, share_a, 1 - share_a)
    _, variance_a, _, moves_a = sample.moments(sample.in_a)
    _, variance_b, _, moves_b = sample.moments(~sample.in_a)
    variance = share_a * variance_a + (1 - share_a) * variance_b
    error_variances = np.asarray(sample.error_variances)
    means = np.where(sample.in_a, *(float((sample.weights * g) @ error_variances) for g in (sample.in_a, ~sample.in_a)))
    error = float((shares * sample.weights) @ error_variances)
    if not 0 <= error < variance:
        raise ModelError(
            f"The standard errors of measurement leave no true variance: their mean square is {error:.3g}, the scores' "
            f"variance {variance:.3g}. Look at the column of standard errors."
        )
    moves_error = shares * sample.weights * (error_variances - means)
    moves_variance = share_a * moves_a + (1 - share_a) * moves_b
    return 1 - error / variance, error / variance**2 * moves_variance - moves_error / variance


def _share_below(scores: Floats, others: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The weighted share of `others` below each score, ties counting one half, and the share tied."""
    order = np.argsort(others)
    total = np.concatenate([[0.0], np.cumsum(weights[order])])
    below, upto = (total[np.searchsorted(others[order], scores, side)] for side in ("left", "right"))
    return 0.5 * (below + upto), upto - below
