"""Value added of the small district, beside its answer key."""

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadParameter
from workbench.growth.value_added import layered as layered_model
from workbench.growth.value_added.effects import ABOVE, ALONE, AVERAGE, BELOW, categories
from workbench.growth.value_added.models import ValueAdded, school_value_added
from workbench.growth.value_added.recovery import beside_key, true_schools
from workbench.growth.value_added.rows import school_doses, teacher_doses, with_doses
from workbench.store import Data, open_data


@pytest.fixture(scope="module")
def data() -> Data:
    return open_data("data/synthetic/small_district")


@pytest.fixture(scope="module")
def math(data: Data) -> ValueAdded:
    return school_value_added(data, "math")


@pytest.fixture(scope="module")
def layers(data: Data) -> layered_model.Layered:
    return layered_model.layered(data, "math", 4)


def test_schools_correlate_with_the_truth_as_their_reliability_promises(data: Data, math: ValueAdded) -> None:
    rows = beside_key(math.table, true_schools(data, "math"), ["school_id", "school_year"], "total")
    r = np.corrcoef(rows.true, rows.estimate)[0, 1]
    assert r == pytest.approx(math.mean_reliability**0.5, abs=0.06)
    assert ((rows.conf_low < rows.true) & (rows.true < rows.conf_high)).mean() > 0.88


def test_measurement_error_credits_schools_with_their_intake(data: Data, math: ValueAdded) -> None:
    truth = true_schools(data, "math")

    def bias(found: ValueAdded) -> float:
        rows = beside_key(found.table, truth, ["school_id", "school_year"], "total").merge(truth)
        intake = rows.intake - rows.groupby(["school_year", "peers"]).intake.transform("mean")
        return float(np.polyfit(intake, rows.unshrunken - rows.true, 1)[0])

    assert bias(school_value_added(data, "math", "observed")) > 0.4
    assert abs(bias(math)) < 0.2


def test_estimates_are_against_peers_and_shrunken(math: ValueAdded) -> None:
    means = math.table.groupby(["school_year", "peers"])[["estimate", "unshrunken"]].mean()
    assert np.abs(means.to_numpy()).max() < 1e-9
    assert math.table.estimate.abs().mean() < math.table.unshrunken.abs().mean()
    assert math.table.reliability.between(0, 1).all()
    assert (math.table.rank_best <= math.table.rank_worst).all()


def test_categories_hold_the_false_discovery_rate() -> None:
    said = categories([1.0, -1.0, 1.0, 1.0], [0.04, 0.01, 0.06, np.nan])
    assert said.tolist() == [ABOVE, BELOW, AVERAGE, ALONE]


def test_unknown_subject_and_adjustment_are_refused(data: Data) -> None:
    with pytest.raises(BadParameter, match="math and reading"):
        school_value_added(data, "science")  # type: ignore[arg-type]
    with pytest.raises(BadParameter, match="adjustment"):
        school_value_added(data, "math", "none")  # type: ignore[arg-type]


def test_doses_of_a_year_are_half_a_year_a_term(data: Data) -> None:
    taught = teacher_doses(data, "math")
    assert set(taught.dose.round(6)) <= {0.5, 1.0}
    assert school_doses(data).groupby(["student_id", "school_year"]).dose.sum().max() <= 1 + 1e-9


def test_who_moved_counts_for_both_by_dose() -> None:
    rows = pd.DataFrame({"student_id": ["a", "b"], "school_year": 2024})
    doses = pd.DataFrame(
        {"student_id": ["a", "a", "b"], "school_year": 2024, "unit": ["x", "y", "x"], "dose": [0.3, 0.1, 0.5]}
    )
    linked = with_doses(rows, doses)
    assert linked.dose.tolist() == pytest.approx([0.75, 0.25, 1.0])
    assert linked.main.tolist() == ["x 2024"] * 3


def test_what_was_added_stays(data: Data, layers: layered_model.Layered) -> None:
    faded = layered_model.layered(data, "math", 4, persistence=0.5)
    assert faded.model.criterion - layers.model.criterion > 100


def test_layered_teachers_are_recovered(data: Data, layers: layered_model.Layered) -> None:
    from workbench.growth.value_added.recovery import true_teachers

    rows = layered_model.teacher_years(layers).merge(true_teachers(data))
    assert np.corrcoef(rows.estimate, rows.value_added)[0, 1] == pytest.approx(rows.reliability.mean() ** 0.5, abs=0.03)
    assert ((rows.conf_low < rows.value_added) & (rows.value_added < rows.conf_high)).mean() > 0.92


def test_memberships_accumulate_doses_and_fade() -> None:
    tests = pd.DataFrame({"student_id": ["a"] * 3, "school_year": [2022, 2023, 2024]})
    doses = pd.DataFrame(
        {"student_id": ["a", "a"], "school_year": [2023, 2024], "unit": ["x", "y"], "dose": [1.0, 0.5]}
    )
    found = layered_model.memberships(tests, doses, 0.5)
    assert sorted(map(tuple, found.to_numpy().tolist())) == [(1, "x", 1.0), (2, "x", 0.5), (2, "y", 0.5)]
