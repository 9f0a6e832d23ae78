"""The rules of actions.yml: what is read, and every way to write one wrong."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.errors import BadParameter, WorkbenchError
from workbench.features import FEATURES
from workbench.interventions.written import read, recommended

PROJECT = Path(__file__).resolve().parents[2]
RULE = """actions:
  tutoring:
    title: Tutoring
    do: Three sessions a week.
    by: teacher
    hours: 8
    avoids: 0.15
    evidence: assumed
    when:
      - {feature: gpa_last_term, below: 2.0}
"""


def test_the_rules_that_come_along_ask_for_features_there_are() -> None:
    actions = read(PROJECT / "actions.yml")
    wanted = ["attendance_outreach", "tutoring", "re_engagement", "video_reminder", "instructor_alert"]
    assert [action.name for action in actions] == wanted
    assert {c.feature for action in actions for c in action.when} <= {each.name for each in FEATURES}


def test_an_action_is_recommended_where_its_conditions_hold(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULE)
    students = pd.DataFrame({"student_id": ["1", "2", "3"], "risk": 0.2, "gpa_last_term": [1.5, 2.0, None]})
    (row,) = recommended(students, read(tmp_path / "rules.yml")).itertuples()
    assert (row.student_id, row.action, row.hours) == ("1", "tutoring", 8)
    assert row.benefit == pytest.approx(0.03)
    assert row.reasons == "grade average in the last term is 1.5 (below 2)"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("hours: 8", "hous: 8", "line 6: 'hous' is not a word here. Did you mean 'hours'"),
        ("    hours: 8\n", "", "line 3: tutoring has no 'hours'"),
        ("hours: 8", "hours: many", "hours is 'many'; it must be a number"),
        ("hours: 8", "hours: 0", "costs nobody's time"),
        ("hours: 8", "hours: .inf", "it must be a number"),
        ("avoids: 0.15", "avoids: 15", "a share above 0, at most 1"),
        ("by: teacher", "by: techer", "Did you mean 'teacher'"),
        ("below: 2.0", "bellow: 2.0", "Did you mean 'below'"),
        ("below: 2.0", "below: 2.0, above: 1", "a feature and one of"),
        ("gpa_last_term", "race_ethnicity", "audits a model and chooses nobody"),
        ("gpa_last_term", "disability", "audits a model and chooses nobody"),
        ("    by: teacher", "    by: teacher\n    by: counsellor", "written twice"),
        ("actions:", "action:", "Did you mean 'actions'"),
        ("title: Tutoring", "title: [", "not valid YAML"),
    ],
)
def test_what_is_written_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, why: str) -> None:
    (tmp_path / "rules.yml").write_text(RULE.replace(old, new, 1))
    with pytest.raises(WorkbenchError, match=why):
        read(tmp_path / "rules.yml")


def test_a_feature_that_the_table_lacks_is_named(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(RULE)
    students = pd.DataFrame({"student_id": ["1"], "risk": 0.2, "gpa_last_year": [1.5]})
    with pytest.raises(BadParameter, match="Did you mean 'gpa_last_year'"):
        recommended(students, read(tmp_path / "rules.yml"))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(0, len(RULE)), more=st.text(max_size=20))
def test_no_file_is_more_than_a_named_error(tmp_path: Path, cut: int, more: str) -> None:
    (tmp_path / "rules.yml").write_text(RULE[:cut] + more, encoding="utf-8", errors="replace")
    with suppress(WorkbenchError):
        read(tmp_path / "rules.yml")
