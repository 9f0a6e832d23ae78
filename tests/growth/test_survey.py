"""Survey estimates: Rubin's rules and replicate variances by hand, and designs where they equal textbook formulas."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import hadamard

from workbench.errors import BadInput, BadParameter, ModelError
from workbench.growth import equal_weight_gap, survey_estimate
from workbench.growth.survey import combine


def mean(data: pd.DataFrame, score: str, weight: str) -> float:
    return float(np.average(data[score], weights=data[weight]))


def test_rubins_rules_by_hand() -> None:
    # U = 5, B = 4 (values 10, 12, 14), T = 5 + 4/3·4 = 31/3; ν = 2 (1 + 5 / (16/3))² = 7.508.
    told = combine([[10.0], [12.0], [14.0]], [[4.0], [5.0], [6.0]])
    assert told.estimate[0] == 12
    assert told.std_error[0] == pytest.approx(np.sqrt(31 / 3))
    assert told.df[0] == pytest.approx(7.5078, abs=1e-4)


def test_degrees_of_freedom_are_those_of_barnard_and_rubin() -> None:
    # λ = (16/3)/(31/3) = 16/31, ν_obs = 31/33·30·15/31 = 13.636; 1/(1/7.5078 + 1/13.636) = 4.842.
    told = combine([[10.0], [12.0], [14.0]], [[4.0], [5.0], [6.0]], df=30)
    assert told.df[0] == pytest.approx(4.842, abs=1e-3)
    # Without imputation the design's own degrees of freedom.
    assert combine([[10.0]], [[4.0]], df=30).df[0] == 30


def test_jk1_of_a_mean_is_the_sample_variance_over_n() -> None:
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"score": rng.normal(500, 100, 40), "weight": 1.0})
    for k in range(40):
        data[f"r{k}"] = np.where(np.arange(40) == k, 0.0, 40 / 39)
    told = survey_estimate(mean, data, ["score"], "weight", [f"r{k}" for k in range(40)], "JK1")
    assert told.std_error[0] == pytest.approx(data.score.std() / np.sqrt(40))
    assert told.df[0] == 39


def paired(rng: np.random.Generator, pairs: int = 16) -> pd.DataFrame:
    """One student from each of two schools a stratum, weights alike."""
    data = pd.DataFrame(
        {"pair": np.repeat(np.arange(pairs), 2), "second": np.tile([False, True], pairs), "weight": 1.0}
    )
    return data.assign(score=rng.normal(500, 100, 2 * pairs))


def by_pairs(data: pd.DataFrame) -> float:
    """The exact variance of the mean of a paired design: Σ (difference / 2)² · (2 / n)²."""
    differences = data.score[~data.second].to_numpy() - data.score[data.second].to_numpy()
    return float(np.sum((differences / len(data)) ** 2))


@pytest.mark.parametrize("replication", ["JK2", "JK2 both halves", "BRR", "Fay"])
def test_paired_replicates_of_a_mean_give_the_paired_variance(replication: str) -> None:
    data = paired(np.random.default_rng(2))
    second, n = data.second.to_numpy(), 16
    weights = {}
    if replication.startswith("JK2"):
        for pair in range(n):
            inside = (data.pair == pair).to_numpy()
            weights[f"r{pair}"] = np.where(inside, np.where(second, 2.0, 0.0), 1.0)
            if replication == "JK2 both halves":
                weights[f"s{pair}"] = np.where(inside, np.where(second, 0.0, 2.0), 1.0)
    else:
        k = 0.5 if replication == "Fay" else 0.0
        for r, signs in enumerate(hadamard(n)):
            up = (signs[data.pair] > 0) == second
            weights[f"r{r}"] = np.where(up, 2 - k, k)
    data = data.assign(**weights)
    told = survey_estimate(mean, data, ["score"], "weight", list(weights), replication)
    assert told.sampling_variance[0] == pytest.approx(by_pairs(data))


def test_pisa_scales_squared_deviations_by_a_twentieth() -> None:
    data = pd.DataFrame({"pv": [1.0, 3.0], "w": 1.0, **{f"r{k}": [1.5, 0.5] for k in range(80)}})
    told = survey_estimate(mean, data, ["pv"], "w", [f"r{k}" for k in range(80)], "Fay", fay=0.5)
    # Every replicate mean is 1.5, half a point from 2: 80 · 0.25 / 20 = 1.
    assert told.std_error[0] == pytest.approx(1.0)


def test_plausible_values_and_replicates_come_together() -> None:
    data = pd.DataFrame({"pv1": [1.0, 3.0], "pv2": [2.0, 6.0], "w": 1.0, "r1": [2.0, 0.0], "r2": [0.0, 2.0]})
    told = survey_estimate(mean, data, ["pv1", "pv2"], "w", ["r1", "r2"], "BRR")
    # Means 2 and 4; sampling variances (1 + 1)/2 and (4 + 4)/2, so U = 2.5; B = 2, times 3/2 = 3.
    assert told.estimate[0] == 3
    assert told.sampling_variance[0] == pytest.approx(2.5)
    assert told.imputation_variance[0] == pytest.approx(3.0)


def test_a_gap_is_an_estimator_like_any_other() -> None:
    rng = np.random.default_rng(4)
    in_a = np.arange(60) < 30
    data = pd.DataFrame({"pv": rng.normal(np.where(in_a, 0.5, 0), 1), "w": 1.0})
    names = [f"r{k}" for k in range(60)]
    data = data.assign(**{name: np.where(np.arange(60) == k, 0.0, 60 / 59) for k, name in enumerate(names)})

    def gap(rows: pd.DataFrame, score: str, weight: str) -> float:
        return equal_weight_gap(rows[score], in_a, weights=rows[weight]).estimate

    told = survey_estimate(gap, data, ["pv"], "w", names, "JK1")
    assert told.estimate[0] == pytest.approx(equal_weight_gap(data.pv, in_a).estimate)
    assert told.std_error[0] == pytest.approx(equal_weight_gap(data.pv, in_a).std_error, rel=0.05)


def test_replicates_that_never_move_the_estimate_are_refused() -> None:
    """Weights without replication, or an estimator that forgets them: not a standard error of 0."""
    data = pd.DataFrame({"pv1": [1.0, 3.0], "pv2": [2.0, 6.0], "w": 1.0, "r1": 1.0, "r2": 2.0, "r3": [0.0, 2.0]})
    for scores in (["pv1"], ["pv1", "pv2"]):
        with pytest.raises(ModelError, match="Estimate 1 of 1 is the same with every replicate weight"):
            survey_estimate(mean, data, scores, "w", ["r1", "r2"], "BRR")
    with pytest.raises(ModelError, match="Estimate 2 of 2 is the same"):
        survey_estimate(lambda *names: [mean(*names), 500.0], data, ["pv1"], "w", ["r1", "r3"], "BRR")


def test_a_mixed_model_with_sampling_weights_is_refused_by_name() -> None:
    data = pd.DataFrame({"pv": [1.0, 3.0], "w": 1.0, "r1": 1.0, "r2": 1.0})
    fit = SimpleNamespace(modes=pd.DataFrame(), variances=pd.DataFrame())
    with pytest.raises(ModelError, match="Mixed models with sampling weights are not offered"):
        survey_estimate(lambda *_: fit, data, ["pv"], "w", ["r1", "r2"], "BRR")


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"replication": "bootstrap"}, BadParameter, "must be one of JK1"),
        ({"weight": "v"}, BadParameter, "no column 'v'"),
        ({"replicates": ["r1"]}, BadParameter, "two of replicate weights"),
        ({"replicates": ["r1", "bad"]}, BadInput, "'bad' holds weights that are missing"),
        ({"fay": 1.0}, BadParameter, "Fay's factor"),
    ],
)
def test_bad_designs_are_refused(change: dict, error: type, told: str) -> None:
    data = pd.DataFrame({"pv": [1.0, 3.0], "w": 1.0, "r1": 1.0, "r2": 1.0, "bad": [1.0, np.nan]})
    arguments = {"scores": ["pv"], "weight": "w", "replicates": ["r1", "r2"], "replication": "Fay"} | change
    with pytest.raises(error, match=told):
        survey_estimate(mean, data, **arguments)
