"""The set-up scripts install what they may, name what they may not, and do nothing twice.

They run here in a folder with a space in its name, on a path that holds stand-ins for apt-get, dpkg, id,
python and R, which write down how they were called.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOOLS = (
    *(
        "bash",
        "cat",
        "cksum",
        "cp",
        "dirname",
        "env",
        "find",
        "grep",
        "head",
        "mkdir",
        "rm",
        "sed",
        "sort",
        "tail",
        "tr",
    ),
    *("chmod", "flock"),
)
VENV_PYTHON = """#!/usr/bin/env bash
echo "pip $*" >>"$CALLS"
case "$*" in
    *purelib*) echo .venv ;;
    *"$FAILING"*) echo "ERROR: no matching distribution"; exit 1 ;;
esac
"""
PYTHON = """
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p .venv/bin && cp "$VENV_PYTHON" .venv/bin/python && chmod +x .venv/bin/python
fi
"""


class Machine:
    """A make-believe machine: a project folder and a path with chosen programs."""

    def __init__(self, folder: Path) -> None:
        self.project, self.bin, self.calls = folder / "my workbench", folder / "bin", folder / "calls"
        shutil.copytree(ROOT / "scripts", self.project / "scripts")
        shutil.copytree(ROOT / "r", self.project / "r")
        shutil.copytree(ROOT / "jupyter" / "hub", self.project / "jupyter" / "hub")
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.project)
        self.bin.mkdir()
        for name in TOOLS:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)
        (folder / "venv-python").write_text(VENV_PYTHON)
        self.environment = {
            "PATH": str(self.bin),
            "CALLS": str(self.calls),
            "VENV_PYTHON": str(folder / "venv-python"),
            "FAILING": "nothing at all",
        }

    def program(self, name: str, body: str) -> None:
        (self.bin / name).write_text(f'#!/usr/bin/env bash\necho "{name} $*" >>"$CALLS"\n{body}\n')
        (self.bin / name).chmod(0o755)

    def run(self, script: str) -> tuple[int, str, list[str]]:
        """Run a script; return its exit code, its words, and how the programs were called."""
        self.calls.write_text("")
        command = ["bash", f"scripts/{script}"]
        answer = subprocess.run(command, cwd=self.project, env=self.environment, capture_output=True, text=True)
        return answer.returncode, answer.stdout + answer.stderr, self.calls.read_text().splitlines()


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    """A Debian machine on which nothing is installed and a plain user is at work."""
    machine = Machine(tmp_path)
    machine.program("dpkg", "exit 1")
    machine.program("apt-get", "")
    machine.program("id", "echo 1000")
    return machine


def test_a_plain_user_is_told_the_line_to_type(bare: Machine) -> None:
    code, said, calls = bare.run("setup-system")
    assert code == 0
    assert not [call for call in calls if call.startswith("apt-get")]
    line = next(line for line in said.splitlines() if line.startswith("    sudo apt-get install "))
    packages = line.split()[3:]
    assert {
        "python3-venv",
        "libpangoft2-1.0-0",
        "r-base-dev",
        "r-cran-lmertest",
        "openjdk-17-jre-headless",
        "chromium",
    } < set(packages)
    assert "  - R and its packages, the reference for mixed models\n" in said


def test_root_gets_it_installed_after_one_update(bare: Machine) -> None:
    bare.program("id", "echo 0")
    code, _, calls = bare.run("setup-system")
    apt = [call for call in calls if call.startswith("apt-get")]
    assert code == 0
    assert [("update" in call, "install" in call) for call in apt] == [(True, False)] + 5 * [(False, True)]


def test_only_what_is_missing_is_installed(bare: Machine) -> None:
    bare.program("id", "echo 0")
    bare.program("dpkg", '[ "$2" != r-cran-quantreg ] && echo "Status: install ok installed"')
    bare.program("java", "echo 'openjdk version \"21.0.1\"' >&2")
    code, _, calls = bare.run("setup-system")
    installs = [call for call in calls if "install" in call]
    assert code == 0
    assert len(installs) == 1
    assert installs[0].endswith(" --no-install-recommends r-cran-quantreg")


def test_where_everything_is_there_nothing_is_said_or_done(bare: Machine) -> None:
    bare.program("dpkg", 'echo "Status: install ok installed"')
    code, said, calls = bare.run("setup-system")
    assert (code, said) == (0, "")
    assert not [call for call in calls if call.startswith("apt-get")]


def test_an_installation_that_fails_is_told_and_does_not_stop_the_rest(bare: Machine) -> None:
    bare.program("id", "echo 0")
    bare.program("apt-get", '[ "${*: -1}" != openjdk-17-jre-headless ]')
    code, said, calls = bare.run("setup-system")
    assert code == 0
    assert "    apt-get update && apt-get install openjdk-17-jre-headless\n" in said
    assert any(call.endswith("fonts-liberation") for call in calls), "the browser comes after Java"


def test_elsewhere_than_on_debian_conda_is_named(bare: Machine) -> None:
    (bare.bin / "apt-get").unlink()
    (bare.bin / "dpkg").unlink()
    code, said, _ = bare.run("setup-system")
    assert code == 0
    assert "  - R and its packages" in said
    assert "conda env create -f environment.yml" in said


@pytest.fixture
def with_python(bare: Machine) -> Machine:
    """The same machine with Python, and with R and Java beside it."""
    bare.program("python3", PYTHON)
    bare.program("Rscript", "echo R")
    bare.program("R", "")
    bare.program("java", "")
    return bare


def pip(calls: list[str]) -> list[str]:
    return [call.rsplit(" ", 1)[1] for call in calls if "pip install" in call]


def test_packages_are_installed_once(with_python: Machine) -> None:
    code, _, calls = with_python.run("setup-python")
    assert code == 0
    assert pip(calls) == [".[test]", ".[spark]", ".[r]"]
    assert with_python.run("setup-python")[:2] == (0, "")


def test_without_r_and_java_their_packages_are_left_out(with_python: Machine) -> None:
    (with_python.bin / "Rscript").unlink()
    (with_python.bin / "java").unlink()
    code, _, calls = with_python.run("setup-python")
    assert (code, pip(calls)) == (0, [".[test]"])


def test_a_new_declaration_is_installed_into_the_environment_that_is_there(with_python: Machine) -> None:
    with_python.run("setup-python")
    (with_python.project / ".venv" / "kept").touch()
    (with_python.project / "constraints.txt").write_text("pandas==3.1.2\n")
    code, _, calls = with_python.run("setup-python")
    assert (code, len(pip(calls))) == (0, 3)
    assert (with_python.project / ".venv" / "kept").exists()


def test_an_interrupted_environment_is_made_again(with_python: Machine) -> None:
    with_python.run("setup-python")
    (with_python.project / ".venv" / "installed").unlink()
    (with_python.project / ".venv" / "half").touch()
    code, _, calls = with_python.run("setup-python")
    assert (code, len(pip(calls))) == (0, 3)
    assert not (with_python.project / ".venv" / "half").exists()


def test_pip_that_fails_gives_its_reason_and_is_asked_again_next_time(with_python: Machine) -> None:
    with_python.environment["FAILING"] = "[test]"
    code, said, _ = with_python.run("setup-python")
    assert code == 1
    assert "ERROR: no matching distribution" in said
    with_python.environment["FAILING"] = "nothing at all"
    assert with_python.run("setup-python")[0] == 0


def test_a_bridge_to_r_that_cannot_be_built_leaves_the_rest_working(with_python: Machine) -> None:
    with_python.environment["FAILING"] = "[r]"
    code, said, _ = with_python.run("setup-python")
    assert code == 0
    assert "The Python packages for 'r' could not be installed" in said
    assert "Everything that does not need them works" in said
    assert (with_python.project / ".venv" / "installed").exists()


def test_a_python_that_is_too_old_is_named(with_python: Machine) -> None:
    with_python.program("python3", "exit 1")
    code, said, _ = with_python.run("setup-python")
    assert code == 1
    assert "The workbench needs Python 3.11 or later" in said
    assert "make setup PYTHON=python3.12" in said


def test_the_hub_and_its_proxy_are_installed_once(with_python: Machine) -> None:
    with_python.run("setup-python")
    with_python.program("npm", "")
    code, _, calls = with_python.run("setup-hub")
    assert code == 0
    assert pip(calls) == [".[hub]"]
    assert [call for call in calls if call.startswith("npm")] == ["npm ci --no-audit --no-fund --ignore-scripts"]
    assert with_python.run("setup-hub") == (0, "", [])


def test_without_npm_a_plain_user_is_told_the_line_to_type(with_python: Machine) -> None:
    with_python.run("setup-python")
    code, said, _ = with_python.run("setup-hub")
    assert code == 1
    assert "sudo apt-get install nodejs npm" in said


def test_the_proxy_is_pinned_without_addresses() -> None:
    lock = (ROOT / "jupyter" / "hub" / "package-lock.json").read_text()
    assert "://" not in lock
    assert lock.count('"integrity": "sha512-') == 38
