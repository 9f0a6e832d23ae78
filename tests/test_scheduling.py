"""docs/scheduling.md: each example is run or parsed as it stands, and a failed night leaves yesterday's tables."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from workbench.cli import main

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "scheduling.md").read_text(encoding="utf-8")


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands() -> list[str]:
    """Every workbench command of the page, from cron, systemd and CI alike."""
    (cron,), (ci,) = examples("cron"), examples("yaml")
    lines = [line.split(None, 5)[5] for line in cron.splitlines() if not line.startswith("#")]
    found = [re.search(r"&& (\S+ [^>]*)", line)[1] for line in lines]  # type: ignore[index]
    for unit in examples("ini"):
        found += re.findall(r"ExecStart=(.*)", unit)
    return found + [step["run"] for step in yaml.safe_load(ci)["jobs"]["night"]["steps"] if "run" in step]


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A stand-in for /srv/workbench whose `workbench` is this one, with a params file of that name that is wrong."""
    root = tmp_path / "srv"
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / "runs").mkdir()
    (root / "notebooks").mkdir()
    (root / "params").mkdir()
    (root / "pyproject.toml").touch()
    (root / "params" / "district.yml").write_text("notebooks: []\n")
    program = root / ".venv" / "bin" / "workbench"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m workbench.cli "$@"\n')
    program.chmod(0o755)
    return root


def test_a_line_of_cron_is_run_by_a_shell(bench: Path) -> None:
    (cron,) = examples("cron")
    lines = [line for line in cron.splitlines() if not line.startswith("#")]
    for line in lines:
        assert all(re.fullmatch(r"[\d*/,-]+", field) for field in line.split()[:5])
        assert "%" not in line  # cron takes it for the end of the line
        command = line.split(None, 5)[5].replace("/srv/workbench", str(bench))
        environment = {"PATH": os.environ["PATH"], "HOME": str(bench), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        done = subprocess.run(["/bin/sh", "-c", command], env=environment, check=False)
        assert done.returncode == 2
    log = (bench / "runs" / "nightly.log").read_text()
    assert "params/district.yml" in log
    assert "Nobody was told that the run failed: alerts.yml cannot be read" in log


def test_every_command_of_the_page_is_one_of_the_workbench() -> None:
    from workbench.cli import _parser

    assert len(commands()) == 6
    for command in commands():
        _parser().parse_args(shlex.split(command)[1:])


def test_units_are_whole_and_name_each_other(tmp_path: Path) -> None:
    service, failed, timer = (configparser.ConfigParser(strict=True) for _ in range(3))
    for unit in (service, failed, timer):
        unit.optionxform = str  # type: ignore[assignment, method-assign]
    for unit, text in zip((service, failed, timer), examples("ini"), strict=True):
        unit.read_string(text)
    assert service["Unit"]["OnFailure"] == "workbench-night-failed.service"
    assert timer["Timer"]["OnCalendar"] == "*-*-* 02:00:00"
    for unit in (service, failed):
        assert unit["Service"]["Type"] == "oneshot"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    names = ("workbench-night.service", "workbench-night-failed.service", "workbench-night.timer")
    for name, text in zip(names, examples("ini"), strict=True):
        text = text.replace("/srv/workbench/.venv/bin/workbench", "/bin/true").replace("/srv/workbench", "/")
        (tmp_path / name).write_text(re.sub("User=.*\n", "", text))
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in names)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


PUBLISH = (
    "import pandas as pd\nimport workbench as wb\n"
    "wb.publish('students', pd.DataFrame({'grade': ['9'], 'n': [100]}), keys=['grade'], data_date='2025-02-01')"
)


def write_notebook(bench: Path, *cells: str) -> None:
    """Make the night's run one notebook of these cells."""
    import nbformat

    made = [nbformat.v4.new_markdown_cell("# How many?"), *map(nbformat.v4.new_code_cell, cells)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "python3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=kernel), bench / "notebooks" / "count.ipynb")
    (bench / "access.yml").write_text("min_count: 10\npublic: all\n...\n")
    (bench / "params" / "district.yml").write_text("notebooks:\n  - notebook: count\n")


def test_after_a_failed_night_yesterdays_tables_are_shown_with_their_date(bench: Path) -> None:
    """A night that succeeds, then one whose notebook stops: the published manifest is that of the first."""
    published = bench / "published" / "district" / "manifest.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_ROOT", str(bench))
        patch.chdir(bench)
        write_notebook(bench, PUBLISH)
        assert main(["run", "params/district.yml"]) == 0
        before = published.read_bytes()
        assert "2025-02-01" in json.dumps(json.loads(before))
        write_notebook(bench, PUBLISH.replace("2025-02-01", "2025-02-02"), "raise ValueError('no students arrived')")
        assert main(["run", "params/district.yml", "--tell"]) == 1
    assert published.read_bytes() == before


def test_the_steps_of_ci_are_run_by_a_shell(bench: Path) -> None:
    """In the checked-out project, one after the other; the job fails with the first step that does."""
    (ci,) = examples("yaml")
    steps = [step["run"] for step in yaml.safe_load(ci)["jobs"]["night"]["steps"] if "run" in step]
    environment = os.environ | {"HOME": str(bench), "WORKBENCH_ROOT": str(bench)}

    def codes() -> list[int]:
        return [subprocess.run(["/bin/sh", "-e", "-c", each], cwd=bench, env=environment).returncode for each in steps]

    write_notebook(bench, PUBLISH)
    (bench / "alerts.yml").write_text("people: []\n")
    assert codes() == [0, 0]
    assert (bench / "published" / "district" / "manifest.json").is_file()
    write_notebook(bench, "raise ValueError('no students arrived')")
    assert codes()[0] == 1
