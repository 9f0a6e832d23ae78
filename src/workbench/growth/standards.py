"""Cut scores as a person gives them, one a tested grade of a subject, put beside the grades they are for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from workbench.errors import BadParameter
from workbench.markup import grade_name

if TYPE_CHECKING:
    from workbench.store import Data


def cuts_by_grade(subject: str, cuts: Sequence[float], grades: Iterable[int]) -> dict[int, float]:
    """Return the cut score of each tested grade, `cuts` going from the lowest grade up.

    Raises BadParameter where there are more or fewer cuts than grades: a grade without one would be left out unsaid.
    """
    tested = sorted({int(grade) for grade in grades})
    if len(cuts) != len(tested):
        names = ", ".join(map(grade_name, tested)) or "none"
        raise BadParameter(
            f"cuts_{subject} has {len(cuts)} cut scores, but {len(tested)} grades are tested in {subject}: {names}. "
            "Give one for each of them, in this order."
        )
    return dict(zip(tested, map(float, cuts), strict=True))


def cuts_of_scales(data: Data, given: Mapping[str, Sequence[float]]) -> tuple[tuple[str, int, float], ...]:
    """Return (scale_id, grade_level, cut) of each subject with cuts, for its regular scale with the most scores.

    Subjects with no cuts are passed over. Raises BadParameter as `cuts_by_grade` does.
    """
    found: list[tuple[str, int, float]] = []
    for subject, cuts in given.items():
        if not cuts:
            continue
        tests = data.assessments.semi_join(data.scales.filter(~data.scales.alternate), "scale_id")
        tests = tests.filter(tests.subject == subject, tests.scale_score.notnull())
        sizes = tests.group_by("scale_id", "grade_level").agg(n=tests.count()).to_pandas()
        scale = str(sizes.groupby("scale_id").n.sum().idxmax()) if len(sizes) else ""
        grades = sizes.grade_level[sizes.scale_id == scale]
        found += [(scale, grade, cut) for grade, cut in cuts_by_grade(subject, cuts, grades).items()]
    return tuple(found)
