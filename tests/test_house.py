"""Data flows one way: a module imports from floors below its own, or from its own folder."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "workbench"
FLOORS = (
    ("tables", "errors", "paths", "parameters", "markup", "style", "shares", "machine"),
    ("files", "store", "checks", "outputs", "access", "exports"),
    ("disclosure",),
    ("synthetic", "sources", "public"),
    ("features", "hlm"),
    ("dropout", "forecast", "growth"),
    ("hub", "interventions"),
    ("reports", "dashboards", "doctor", "alerts"),
    ("governance", "loop"),
    ("cli",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# The small rooms of the two lowest floors lean on each other; these are the only such arrows.
NEIGHBOURS = {
    *{("tables", "errors"), ("paths", "errors"), ("checks", "store"), ("checks", "files"), ("store", "files")},
    ("outputs", "files"),
    ("access", "files"),
}


def rooms_used(file: Path) -> set[str]:
    """The rooms of the package that a module imports from, wherever in it."""
    used = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "workbench":
            parts = node.module.split(".")
            names = [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name.split(".")[1] for a in node.names if a.name.startswith("workbench.")]
        used |= {name for name in names if name in FLOOR}
    return used


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_go_down(file: Path) -> None:
    room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    assert room in FLOOR, f"{room} is on no floor: give it one here and in docs/design.md"
    wrong = {u for u in rooms_used(file) - {room} if FLOOR[u] >= FLOOR[room] and (room, u) not in NEIGHBOURS}
    assert not wrong, f"{file.name} on floor {FLOOR[room]} imports from {sorted(wrong)}"
