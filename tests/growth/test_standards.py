"""Cut scores: one a tested grade, told where they are not."""

from __future__ import annotations

import pytest

from workbench.errors import BadParameter
from workbench.growth.standards import cuts_by_grade, cuts_of_scales
from workbench.store import open_data


def test_cuts_go_from_the_lowest_tested_grade_up() -> None:
    assert cuts_by_grade("math", [180, 190, 200], [4, 0, 3, 3]) == {0: 180.0, 3: 190.0, 4: 200.0}


def test_two_cuts_for_eleven_grades_are_refused_by_the_names_of_the_grades() -> None:
    with pytest.raises(BadParameter, match=r"cuts_math has 2 cut scores, but 11 grades .*: K, 1, 2, .*, 10\. Give one"):
        cuts_by_grade("math", [200, 210], range(11))


def test_cuts_are_those_of_the_growth_scale_and_a_subject_without_any_is_passed_over() -> None:
    data = open_data("data/synthetic/small_district")
    found = cuts_of_scales(data, {"math": list(range(150, 260, 10)), "reading": []})
    assert found[0] == ("growth_math", 0, 150.0)
    assert found[-1] == ("growth_math", 10, 250.0)
    assert len(found) == 11
    with pytest.raises(BadParameter, match="cuts_reading has 1 cut scores"):
        cuts_of_scales(data, {"math": [], "reading": [200.0]})
