"""Who is compared when a support is judged: found again from the plain tables, row by row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from workbench import store
from workbench.errors import BadInput, BadParameter
from workbench.interventions.followed import Followed, followed, rates
from workbench.paths import project_root
from workbench.tables import TABLES


@pytest.fixture(scope="module")
def data() -> store.Data:
    return store.open_data(project_root() / "data" / "synthetic" / "sample")


@pytest.fixture(scope="module")
def found(data: store.Data) -> Followed:
    return followed(data)


@pytest.fixture(scope="module")
def facts(data: store.Data, found: Followed) -> pd.DataFrame:
    """The rows with the first day of assignment and what became of each student, from the tables themselves."""
    first = data.interventions.to_pandas().groupby("student_id").assigned_date.min()
    outcomes = data.outcomes.to_pandas().set_index("student_id")
    rows = found.rows.assign(start=pd.to_datetime(found.rows.as_of))
    rows["assigned"] = pd.to_datetime(rows.student_id.map(first))
    rows["settled"] = pd.to_datetime(rows.student_id.map(outcomes.outcome_date))
    return rows.assign(status=rows.student_id.map(outcomes.status), end=rows.start + pd.DateOffset(years=2))


def test_took_part_are_those_assigned_within_thirty_days(facts: pd.DataFrame) -> None:
    since = (facts.assigned - facts.start).dt.days
    assert (facts.took_part == since.between(0, 30).astype(int)).all()
    assert not (since < 0).any()  # who had it in an earlier year is nobody's comparison
    assert not since.between(31, 364).any()
    assert facts.took_part.sum() == 87


def test_left_are_those_who_dropped_out_within_the_years(facts: pd.DataFrame) -> None:
    within = (facts.settled > facts.start) & (facts.settled <= facts.end)
    assert (facts.left == (within & (facts.status == "dropped_out")).astype(int)).all()
    assert not (within & (facts.status == "transferred")).any()
    assert facts.left.sum() == 16


def test_each_is_followed_for_the_whole_time(data: store.Data, facts: pd.DataFrame) -> None:
    assert facts.end.max() <= pd.Timestamp(data.last_day)
    assert not facts.duplicated(["student_id", "as_of"]).any()
    assert facts.groupby("as_of").took_part.sum().min() > 0


def test_covariates_are_complete_and_hold_neither_the_support_nor_the_placebo(found: Followed) -> None:
    assert not found.rows[list(found.covariates)].isna().any().any()
    assert not {"supports_assigned", "reading_score_z", "took_part", "left"} & set(found.covariates)
    unknown = [name for name in found.covariates if name.endswith("_missing")]
    assert unknown
    assert found.rows[unknown].isin([0, 1]).all().all()


def test_it_says_whom_it_compares(found: Followed) -> None:
    assert found.told == (
        "Compared: 87 students who were assigned “ninth grade mentoring” and 323 who were enrolled in the same grades "
        "on the same day and were not, in the school years 2020 to 2023, each followed for 2 year(s). "
        f"Left out: {found.unknown} who moved away within that time."
    )


def test_rates_are_wilsons(found: Followed) -> None:
    told = rates(found).set_index("students who")
    assert tuple(told.loc["had the support", ["n", "left"]]) == (87, 4)
    # Wilson's limits of 4 in 87 by hand: (p + z²/2n ± z√(p(1 − p)/n + z²/4n²)) / (1 + z²/n).
    assert told.conf_low["had the support"] == pytest.approx(0.0180, abs=1e-4)
    assert told.conf_high["had the support"] == pytest.approx(0.1123, abs=1e-4)


def test_columns_have_words(found: Followed) -> None:
    assert found.words("math_score_z") == "latest mathematics test score"
    assert found.words("sex_male") == "sex: male"
    assert found.words("math_score_z_missing") == "not known: latest mathematics test score"


def test_the_benchmark_differs_most(found: Followed) -> None:
    assert found.benchmark(["attendance_year", "math_score_z"]) == "math_score_z"
    assert found.benchmark(["sex"]) is None


def test_what_cannot_be_followed_is_refused(data: store.Data, tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="Did you mean 'ninth_grade_mentoring'"):
        followed(data, "ninth_grade_mentorin")
    with pytest.raises(BadInput, match="Ask for fewer years, or wait"):
        followed(data, years=20)
    with store.writing(tmp_path / "none", {"made by": "a test"}, data.last_day) as writer:
        writer.append("interventions", TABLES["interventions"].arrow_schema().empty_table())
    with pytest.raises(BadInput, match="no support was recorded"):
        followed(store.open_data(tmp_path / "none"))
