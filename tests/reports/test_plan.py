"""The plan: which notebooks run, with which values, in which order."""

from __future__ import annotations

import pytest

from workbench.errors import BadParameter
from workbench.reports.plan import make_plan

from .conftest import Project

YEAR = "year: int = 2025  # the year\nseed: int = 1"
UNIT = "from workbench.parameters import DataFolder\ndata: DataFolder = 'data/three'\nschool_id: str = ''"


@pytest.fixture
def two(project: Project) -> Project:
    """A project of two notebooks, `first` with year and seed, `second` with seed alone."""
    project.notebook("tier0/first", "# First", parameters=YEAR)
    project.notebook("tier0/second", "# Second", parameters="seed: int = 2")
    return project


def values(params: str, *settings: str, only: tuple[str, ...] = ()) -> dict[str, dict[str, object]]:
    return {step.name: step.parameters for step in make_plan(params, settings, only).steps}


TWO = """
parameters: {seed: 5}
notebooks:
  - notebook: tier0/first
    parameters: {year: 2024}
  - notebook: tier0/second
    after: [first]
"""


def test_common_values_reach_every_notebook_that_has_the_parameter(two: Project) -> None:
    two.params(TWO)
    assert values("params/study.yml") == {"first": {"year": 2024, "seed": 5}, "second": {"seed": 5}}


def test_set_wins_over_the_file_and_the_particular_over_the_general(two: Project) -> None:
    two.params(TWO)
    assert values("params/study.yml", "seed=7", "first.seed=8", "year=2020") == {
        "first": {"year": 2020, "seed": 8},
        "second": {"seed": 7},
    }


def test_a_common_value_that_no_notebook_takes_is_refused(two: Project) -> None:
    two.params("parameters: {sed: 5}\nnotebooks:\n  - notebook: tier0/first\n")
    with pytest.raises(BadParameter, match=r"'sed' \(params/study.yml, line 1\). Did you mean 'seed'\?"):
        make_plan("params/study.yml")


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("sed=1", "No notebook of this run has a parameter 'sed' .* Did you mean 'seed'"),
        ("first.sed=1", "no parameter 'sed' .* Did you mean 'seed'"),
        ("seed", "write name=value"),
        ("seed=x", "Give: whole number"),
        ("frist.seed=1", "no notebook 'frist'.* Did you mean 'first'"),
    ],
)
def test_a_wrong_setting_is_refused(two: Project, setting: str, told: str) -> None:
    two.params(TWO)
    with pytest.raises(BadParameter, match=told):
        make_plan("params/study.yml", [setting])


def test_notebooks_stand_in_an_order_in_which_they_may_run(two: Project) -> None:
    two.params("notebooks:\n  - {notebook: tier0/second, after: [first]}\n  - {notebook: tier0/first}\n")
    assert list(values("params/study.yml")) == ["first", "second"]


def test_only_takes_what_the_notebook_needs_with_it(two: Project) -> None:
    two.params(TWO + "  - {notebook: tier0/first, name: third}\n")
    plan = make_plan("params/study.yml", only=["second"])
    assert ([step.name for step in plan.steps], plan.whole) == (["first", "second"], False)
    with pytest.raises(BadParameter, match=r"no such notebook. Did you mean 'second'"):
        make_plan("params/study.yml", only=["secnd"])


@pytest.mark.parametrize(
    ("notebooks", "told"),
    [
        ("[{notebook: tier0/first, after: [secnd]}, {notebook: tier0/second}]", "Did you mean 'second'"),
        (
            "[{notebook: tier0/first, after: [second]}, {notebook: tier0/second, after: [first]}]",
            "wait for each other: (first → second → first|second → first → second)",
        ),
        ("[{notebook: tier0/first}, {notebook: tier0/first}]", "two notebooks are called 'first'"),
        ("[{notebook: tier0/frist}]", "no notebook 'tier0/frist' .* Did you mean 'tier0/first'"),
        ("[{notebook: tier0/first, name: index}]", "'index' cannot name a report"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(two: Project, notebooks: str, told: str) -> None:
    two.params(f"notebooks: {notebooks}\n")
    with pytest.raises(BadParameter, match=told):
        make_plan("params/study.yml")


def test_for_each_gives_one_report_a_unit_with_the_identifier_as_it_is(project: Project) -> None:
    project.data()
    project.notebook("tier0/school", "# A school", parameters=UNIT)
    project.notebook("tier0/last", "# After all schools")
    project.params(
        "notebooks:\n  - {notebook: tier0/last, after: [school]}\n"
        "  - {notebook: tier0/school, for_each: {school_id: all}}\n"
    )
    plan = make_plan("params/study.yml", ["school-0008.data=data/other"])
    assert {step.name: step.parameters.get("school_id") for step in plan.steps} == {
        "school-0007": "0007",
        "school-0008": "0008",
        "school-0009": "0009",
        "last": None,
    }
    assert plan.steps[-1].after == ("school-0007", "school-0008", "school-0009")
    assert [step.parameters["data"] for step in plan.steps[:3]] == ["data/three", "data/other", "data/three"]


def test_for_each_takes_a_list_of_its_own(project: Project) -> None:
    project.notebook("tier0/school", "# A school", parameters="school_id: str = ''")
    project.params("notebooks:\n  - {notebook: tier0/school, for_each: {school_id: [0007, a b]}}\n")
    assert values("params/study.yml") == {"school-0007": {"school_id": "0007"}, "school-a-b": {"school_id": "a b"}}


@pytest.mark.parametrize(
    ("each", "told"),
    [
        ("{student_id: all}", "has no parameter 'student_id'"),
        ("{school_id: some}", "write a list of values, or 'all'"),
        ("{school_id: all}", "'all' needs a notebook with a data folder"),
    ],
)
def test_a_for_each_that_cannot_be_carried_out_is_refused(project: Project, each: str, told: str) -> None:
    project.notebook("tier0/school", "# A school", parameters="school_id: str = ''")
    project.params(f"notebooks:\n  - {{notebook: tier0/school, for_each: {each}}}\n")
    with pytest.raises(BadParameter, match=told):
        make_plan("params/study.yml")


def test_one_public_report_a_student_is_refused(project: Project) -> None:
    project.notebook("tier0/one", "# One", parameters="student_id: str = ''")
    project.params("audience: public\nnotebooks:\n  - notebook: tier0/one\n    for_each: {student_id: [S1, S2]}\n")
    with pytest.raises(BadParameter, match="'student_id' would tell about single people"):
        make_plan("params/study.yml")
