"""What several folders of tests share."""

from __future__ import annotations

import os
import runpy
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

PROJECT = Path(__file__).resolve().parents[1]
# No test writes into the audit log of the project it runs in, and none meets the anchor of an earlier run.
AUDIT = Path(tempfile.mkdtemp(prefix="workbench-audit-"))
os.environ["WORKBENCH_AUDIT"], os.environ["WORKBENCH_AUDIT_ANCHOR"] = str(AUDIT / "log"), str(AUDIT / "anchor.txt")
SCHOOLS = {
    "S01": ("Cedar High", 360),
    "S02": ("Harbor High", 240),
    "S03": ("Northfield High", 600),
    "S04": ("Zion", 60),
}
GROUPS = {
    "all": {"all": 1.0},
    "sex": {"female": 0.5, "male": 0.5},
    "race_ethnicity": {"black": 0.25, "hispanic": 0.25, "white": 0.48, "pacific_islander": 0.02},
    "english_learner": {"yes": 0.1, "no": 0.9},
}


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public data sets: WORKBENCH_REAL_DATA, or ../shared/data beside the project."""
    folder = Path(os.environ.get("WORKBENCH_REAL_DATA") or PROJECT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"there is no folder of real data at {folder}; set WORKBENCH_REAL_DATA to it")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """Debian's browser, one for all tests of a process: its driver bears no second one beside it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: type make setup")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium: type apt-get install chromium")
    flags = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--no-first-run"]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own, with its key, its audit log's anchor and the output of one notebook beside it."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "access.yml").write_text("min_count: 10\npublic: all\n...\n")
    monkeypatch.setenv("WORKBENCH_ROOT", str(root))
    monkeypatch.setenv("WORKBENCH_OUTPUT", str(root / "runs" / "study-1" / "caseload"))
    monkeypatch.setenv("WORKBENCH_KEY_FILE", str(tmp_path / "elsewhere" / "key"))
    monkeypatch.setenv("WORKBENCH_AUDIT_ANCHOR", str(tmp_path / "elsewhere" / "anchor.txt"))
    monkeypatch.delenv("WORKBENCH_AUDIT", raising=False)
    return root


@pytest.fixture(scope="session")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder whose runs `demo`, `early_warning` and `district` have published what the dashboards show."""
    from workbench.disclosure import published, released

    root = tmp_path_factory.mktemp("project")
    for part in ("jupyter", "notebooks/dashboards"):
        shutil.copytree(PROJECT / part, root / part, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for file in ("access.yml", "pyproject.toml"):
        shutil.copy(PROJECT / file, root / file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_ROOT", str(root))
        patch.setenv("WORKBENCH_OUTPUT", str(root / "runs" / "demo-1" / "student_prediction"))
        _stage()
        published.commit("demo", {"student_prediction": root / "runs" / "demo-1" / "student_prediction"}, "demo-1")
        output = root / "runs" / "early_warning-1" / "early_warning"
        patch.setenv("WORKBENCH_OUTPUT", str(output))
        _stage_offers()
        published.commit("early_warning", {"early_warning": output}, "early_warning-1")
        released.commit("early_warning", {"early_warning": output}, "early_warning-1", "2025-02-01T02:00:00+00:00")
    runpy.run_path(str(PROJECT / "tests" / "made_district.py"))["publish"](root)
    return root


def risk_rows() -> pd.DataFrame:
    """Return risk by school, grade and group: Northfield has the most leavers, Zion and small groups are small."""
    rows: list[tuple[object, ...]] = []
    for number, (school, (name, size)) in enumerate([("all", ("All schools", 1260)), *SCHOOLS.items()]):
        for grade in ("all", "9", "10", "11", "12"):
            for kind, groups in GROUPS.items():
                for place, (group, share) in enumerate(groups.items()):
                    n = round(size * share / (1 if grade == "all" else 4))
                    risk = (0.03 + 0.01 * number if number else 0.0524) + 0.005 * place
                    rows.append(
                        (school, name, grade, kind, group, n, n * risk, risk, risk / 2, 0.95 - risk, 3 - 5 * risk)
                    )
    columns = ["school_id", "school_name", "grade_level", "group_kind", "group", "n", "expected_leavers"]
    return pd.DataFrame(rows, columns=[*columns, "mean_risk", "share_high_risk", "attendance_rate", "mean_gpa"])


def _stage_offers() -> None:
    """One list: a tenth of each school's students is offered something; and what lists were worth before."""
    import workbench as wb
    from workbench.interventions.caseload import HELP

    named = {"data_date": "2025-01-31", "source": "made-up students"}
    schools = pd.DataFrame(
        [(one, name, n) for one, (name, n) in SCHOOLS.items()], columns=["school_id", "school_name", "n"]
    )
    schools = pd.concat([schools, pd.DataFrame([("all", "All schools", 1260)], columns=schools.columns)])
    schools = schools.assign(expected_leavers=schools.n * 0.05, share_offered=0.1)
    kinds = {"expected_leavers": "total", "share_offered": "share"}
    wb.publish("offers_by_school", schools, keys=["school_id", "school_name"], kinds=kinds, **named)
    worth = pd.DataFrame({"model": ["These rules and hours", "XGBoost"], "n": 126, "share_left": [0.21, 0.25]})
    worth = worth.assign(share_found=0.5, lift=4.0, false_alarms=3.8)
    for name in ("share_left", "share_found", "lift", "false_alarms"):
        worth = worth.assign(**{f"{name}_low": worth[name] * 0.8, f"{name}_high": worth[name] * 1.2})
    wb.publish("list_quality", worth, keys=["model"], kinds=dict.fromkeys(worth.columns[2:], "estimate"), **named)
    rows = pd.DataFrame(
        [(f"P{k}", ("S01", "S02")[k % 2], 9 + k % 4) for k in range(8)], columns=[*list(HELP)[:2], "grade_level"]
    )
    rows = rows.assign(place=["offered"] * 6 + ["near"] * 2, offer="Tutoring", by="teacher", why="grade average is 1.2")
    rows = rows.assign(
        also="attendance over the last year: 71 %", like_this="Of 100 …, about 14 left.", use="A person decides."
    )
    wb.release("caseload", rows.assign(expires="2025-05-01"), to="counsellor", scope="school_id", help=HELP, **named)


def _stage() -> None:
    import workbench as wb

    keys = ["school_id", "school_name", "grade_level", "group_kind", "group"]
    wb.publish("risk_by_school_group", risk_rows(), keys=keys, data_date="2025-01-31", source="made-up students")
    names = [
        "XGBoost",
        "logistic regression",
        "attendance–behaviour–course rule",
        "attainable ceiling",
        "oracle ceiling",
    ]
    scores = [0.84, 0.83, 0.72, 0.85, 0.93]
    quality = pd.DataFrame({"model": names, "n": 2400, "auc": scores})
    quality = quality.assign(auc_low=quality.auc - 0.02, auc_high=quality.auc + 0.02, average_precision=0.3, brier=0.04)
    wb.publish("model_quality", quality, keys=["model"])
    bands = pd.DataFrame(
        {"risk_band": ["0–5 %", "5–10 %", "10–20 %", "20–40 %", "over 40 %"], "n": [1500, 500, 250, 100, 8]}
    )
    left = [0.02, 0.07, 0.14, 0.29, 0.5]
    bands = bands.assign(mean_risk=left, share_left=left, share_left_low=[x * 0.7 for x in left])
    wb.publish("calibration", bands.assign(share_left_high=[x * 1.3 for x in left]), keys=["risk_band"])
    fair = pd.DataFrame(
        [(kind, group, round(2400 * share)) for kind, groups in GROUPS.items() for group, share in groups.items()],
        columns=["group_kind", "group", "n"],
    )
    for rate, level in (("selection_rate", 0.1), ("false_alarm_rate", 0.07), ("miss_rate", 0.4)):
        fair = fair.assign(**{rate: level, f"{rate}_low": level * 0.8, f"{rate}_high": level * 1.2})
    wb.publish("fairness", fair, keys=["group_kind", "group"])
