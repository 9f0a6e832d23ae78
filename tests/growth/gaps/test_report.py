"""The gap report on the small district: near the answer key, and honest about what was cut or left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import BadParameter
from workbench.growth import gap_cells, gap_rows
from workbench.growth.gaps import report
from workbench.store import Data, open_data


@pytest.fixture(scope="module")
def data() -> Data:
    return open_data("data/synthetic/small_district")


@pytest.fixture(scope="module")
def rows(data: Data) -> pd.DataFrame:
    return gap_rows(data, "math", "economically_disadvantaged", "no", "yes")


@pytest.fixture(scope="module")
def last(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows.school_year == 2025]


def test_cuts_leave_the_asked_share_below_in_the_first_year(rows: pd.DataFrame) -> None:
    cuts = report.cut_scores(rows, [0.25, 0.5, 0.75], [])
    first = rows[(rows.school_year == 2020) & (rows.grade_level == 6)]
    assert np.mean(first.score < cuts.loc[6, 0.25]) == pytest.approx(0.25, abs=0.01)
    assert report.cut_scores(rows, [], [180.0, 200.0]).loc[3].tolist() == [180, 200]


@pytest.mark.parametrize(("shares", "cuts"), [([0.5], []), ([0.5, 0.2], []), ([0.5, 1.2], []), ([], [200.0, 190.0])])
def test_cuts_that_make_no_categories_are_refused(rows: pd.DataFrame, shares: list, cuts: list) -> None:
    with pytest.raises(BadParameter, match="proficiency categories"):
        report.cut_scores(rows, shares, cuts)


def test_every_measure_is_near_the_true_gap(rows: pd.DataFrame, last: pd.DataFrame) -> None:
    measures = report.gap_measures(last, report.cut_scores(rows, [0.2, 0.5, 0.8], []))
    assert len(measures) == 11 * 5
    average = report.average_of_grades(measures).set_index("measure")
    off = (average.gap - average.true_gap).abs()
    # One part in forty is shrinkage by measurement error (reliability 0.95), the rest chance.
    assert (off < 2 * average.std_error).all()
    assert off[report.V_TRUE] < off[report.V_SCORES]
    assert measures.reliability.between(0.9, 1).all()


def test_parts_add_up_at_every_level(data: Data, last: pd.DataFrame) -> None:
    parts = report.parts_by_level(last, data, seed=1)
    assert list(parts.level.unique()) == ["elementary", "middle", "high"]
    wide = parts.pivot(index="level", columns="part", values="estimate")
    np.testing.assert_allclose(wide["within"] + wide.ambiguous + wide.between, wide.total)


def test_school_means_from_counts_are_those_of_scores_within_their_error(
    rows: pd.DataFrame, last: pd.DataFrame
) -> None:
    schools = report.school_means(last, report.cut_scores(rows, [0.2, 0.5, 0.8], []))
    z = (schools["mean"] - schools.score_mean) / schools.mean_se
    assert len(schools) == 6 * 6 + 3 * 3 + 2 * 3
    # Counts lose a little of what scores know: much less than the chance in who was tested.
    assert z.std() < 0.6
    assert schools[["mean", "true_mean"]].corr().iloc[0, 1] > 0.98


def test_empty_categories_are_merged_and_grades_without_three_left_out(rows: pd.DataFrame, last: pd.DataFrame) -> None:
    cuts = report.cut_scores(rows, [], [180.0, 220.0])
    # On a vertical scale nobody in the upper grades is below 180, and next to nobody in kindergarten above 220.
    measures = report.gap_measures(last, cuts)
    assert set(measures[measures.measure == report.V_SCORES].grade_level) == set(range(11))
    assert 0 < measures[measures.measure == report.V_COUNTS].grade_level.nunique() < 11
    assert set(report.school_means(last, cuts).grade_level) < set(range(11))


def test_schools_too_small_for_their_own_spread_share_one(rows: pd.DataFrame, last: pd.DataFrame) -> None:
    some = last[(last.grade_level == 3) & (last.groupby(["school_id", "grade_level"]).cumcount() < 30)]
    schools = report.school_means(some, report.cut_scores(rows, [0.2, 0.5, 0.8], []))
    assert schools["n"].max() <= 30
    assert schools.sd.nunique() == 1


def test_the_smaller_group_decides_what_is_published(last: pd.DataFrame, rows: pd.DataFrame) -> None:
    measures = report.gap_measures(last, report.cut_scores(rows, [0.2, 0.5, 0.8], []))
    safe = report.for_publishing(measures, subject="math", group_kind="need", group_a="no", group_b="yes")
    assert (safe["n"] == np.minimum(measures.n_a, measures.n_b)).all()
    assert "true_gap" not in safe


def test_changes_stand_beside_those_of_true_scores(rows: pd.DataFrame) -> None:
    by = ["school_year", "grade_level", "cohort"]
    cells, true = gap_cells(rows, by), gap_cells(rows, by, score="true_score")
    table = report.changes(cells, true)
    assert ((table.change - table.true_change).abs() < 2 * table.std_error).all()
    assert report.changes(gap_cells(rows[rows.school_year == 2025], by)).empty
    views = report.trend_table(cells)
    assert views["by"].value_counts().to_dict() == {"year": 6, "grade": 11, "cohort": 66}
    assert not views.duplicated(["by", "cohort", "at"]).any()


def test_a_year_without_scores_is_refused(rows: pd.DataFrame) -> None:
    with pytest.raises(BadParameter, match="school_year is 2019, but there are scores of 2020"):
        report.of_year(rows, 2019)
    assert set(report.of_year(rows, None).school_year) == {2025}


def test_columns_of_sizes_are_headed_by_the_names_of_the_groups() -> None:
    assert report.headings("economically_disadvantaged", "no", "yes") == {
        "n_a": "students, economically disadvantaged: no",
        "n_b": "students, economically disadvantaged: yes",
        "n": "students of the smaller group",
    }
    assert report.headings("race_ethnicity", "white", "black")["n_a"] == "students, White"
