"""The notebooks of the project: which there are, what each asks, and how to begin a new one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import BadParameter
from workbench.files import write_atomically
from workbench.paths import project_root, resolve, shown
from workbench.reports.contract import nearest, read_cells

TEMPLATE = Path(__file__).parent / "templates" / "notebook.ipynb"


@dataclass(frozen=True)
class About:
    """A notebook's name below notebooks/, its title, and the question it opens with."""

    name: str
    title: str
    question: str


def notebook_names() -> list[str]:
    """Return the notebooks below notebooks/, without their ending, in order."""
    folder = project_root() / "notebooks"
    found = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.ipynb"))
    return sorted(str(name) for name in found if not any(part.startswith(".") for part in name.parts))


def find(name: str) -> Path:
    """Return the path of a notebook from its name below notebooks/, its path, or its stem alone."""
    wanted = name.removesuffix(".ipynb").removeprefix("notebooks/")
    names = notebook_names()
    fits = [known for known in names if wanted in (known, Path(known).name)]
    if wanted in names or len(fits) == 1:
        return project_root() / "notebooks" / f"{wanted if wanted in names else fits[0]}.ipynb"
    raise BadParameter(f"There is no notebook {name!r} below notebooks/. {nearest(wanted, fits or names)}")


def about(notebook: Path) -> About:
    """Return a notebook's title (its first heading) and question (the paragraph after it)."""
    texts = [cell["source"] for cell in read_cells(notebook) if cell["cell_type"] == "markdown"]
    blocks = [block.strip() for block in re.split(r"\n\s*\n", texts[0] if texts else "") if block.strip()]
    heading, *rest = "\n".join(blocks[:1]).splitlines() or [notebook.stem]
    question = " ".join(rest).strip() or next(iter(blocks[1:]), "")
    name = shown(notebook).removeprefix("notebooks/").removesuffix(".ipynb")
    return About(name, heading.lstrip("# ").strip(), _plain(question))


def _plain(markdown: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return " ".join(re.sub(r"[*`]{1,2}(\S(?:.*?\S)?)[*`]{1,2}", r"\1", text).split())


def new(name: str) -> Path:
    """Write a notebook that runs at once and shows the order of things; return its path."""
    wanted = name.removeprefix("notebooks/").removesuffix(".ipynb")
    if not re.fullmatch(r"[a-z0-9_]+(/[a-z0-9_]+)+", wanted):
        raise BadParameter(
            f"{name!r} is not a notebook name: write tier/name in small letters, as in tier1/my_question"
        )
    path = resolve(f"notebooks/{wanted}.ipynb")
    if path.exists():
        raise BadParameter(f"{shown(path)} is there already; choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    title = path.stem.replace("_", " ").capitalize()
    write_atomically(path, TEMPLATE.read_text(encoding="utf-8").replace("TITLE", title))
    return path
