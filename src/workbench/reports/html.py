"""Reports as HTML that opens anywhere: one file a notebook, and an overview of the run."""

from __future__ import annotations

import base64
import copy
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from workbench.files import write_atomically
from workbench.reports.headlines import headlines, plain

TEMPLATES = Path(__file__).parent / "templates"
NO_WORDS = "Figure without a description; the text around it says what it shows."
STATUS_WORDS = {
    "done": "Finished",
    "failed": "Failed",
    "skipped": "Not started: a notebook before it failed",
    "waiting": "Not started",
    "running": "Under way",
    "interrupted": "Stopped",
}


@cache
def _stylesheet() -> str:
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


def write_report(notebook: Any, about: Mapping[str, Any], path: Path) -> None:
    """Write an executed notebook as one HTML file that needs no network.

    A report for the public holds the notebook's words and what was marked as published, nothing else.
    """
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    from workbench.reports.words import markdown_to_html

    public = about["audience"] == "public"
    shown = only_published(notebook) if public else with_code_together(notebook)
    order = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain"]
    exporter = HTMLExporter(
        config=Config({"NbConvertBase": {"display_data_priority": order}}),
        template_name="report",
        extra_template_basedirs=[str(TEMPLATES)],
        filters={"alt": _alt, "markdown2html": markdown_to_html},
        exclude_anchor_links=True,
    )
    resources = {"about": {**about, "public": public}, "stylesheet": _stylesheet()}
    html, _ = exporter.from_notebook_node(shown, resources=resources)
    write_atomically(path, _every_image_told(html))


def with_code_together(notebook: Any) -> Any:
    """Return a copy of a notebook in which code without outputs stands with the code that follows it.

    The cells that declare and set the parameters are left out: their values stand at the end.
    """
    report = copy.deepcopy(notebook)
    cells: list[Any] = []
    for cell in report.cells:
        if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])):
            continue
        before = cells[-1] if cells else None
        if before and before.cell_type == cell.cell_type == "code" and not before.outputs:
            cell.source = f"{before.source}\n\n{cell.source}"
            cells.pop()
        cells.append(cell)
    report.cells = cells
    return report


def only_published(notebook: Any) -> Any:
    """Return a copy of a notebook that holds its words and its published outputs, and no code."""
    public = copy.deepcopy(notebook)
    public.cells = [cell for cell in map(_published_cell, public.cells) if cell is not None]
    return public


def _published_cell(cell: Any) -> Any:
    cell.pop("attachments", None)
    if cell.cell_type != "code":
        return cell if cell.cell_type == "markdown" else None
    cell.source = ""
    cell.outputs = [o for o in cell.outputs if o.get("metadata", {}).get("workbench", {}).get("published") is True]
    return cell if cell.outputs else None


def _alt(output: Any) -> str:
    metadata = output.get("metadata", {})
    words = metadata.get("alt") or next((m["alt"] for m in metadata.values() if isinstance(m, dict) and "alt" in m), "")
    return str(words or NO_WORDS)


def _every_image_told(html: str) -> str:
    return re.sub(r"<img(?![^>]*\salt=)", f'<img alt="{NO_WORDS}"', html)


def write_overview(folder: Path, manifest: Mapping[str, Any]) -> Path:
    """Write index.html of a run from its manifest and what its notebooks kept; return its path."""
    from jinja2 import Environment, FileSystemLoader

    public = manifest["audience"] == "public"
    entries = manifest["notebooks"]
    text = (
        Environment(loader=FileSystemLoader(TEMPLATES), autoescape=lambda name: True, trim_blocks=True)
        .get_template("index.html.j2")
        .render(
            run={**manifest, "finished": day_and_time(manifest["finished"]), "seconds": duration(manifest["seconds"])},
            public=public,
            cards=[_card(folder, name, entry, public) for name, entry in entries.items()],
            parameters=_parameters(entries, public),
            inputs=[{"path": each["path"], "facts": facts(each)} for each in manifest["inputs"]],
            versions=[
                ("workbench", manifest["workbench"]),
                ("commit", manifest["git_commit"] or "unknown"),
                *manifest["packages"].items(),
            ],
            stylesheet=_stylesheet(),
            status_words=STATUS_WORDS,
        )
    )
    write_atomically(folder / "index.html", text)
    return folder / "index.html"


def _parameters(entries: Mapping[str, Any], public: bool) -> list[tuple[str, str, str]]:
    """Return each parameter and value once, with the notebooks that were given it."""
    given: dict[tuple[str, str], list[str]] = {}
    for notebook, entry in entries.items():
        for name, value in entry["parameters"].items():
            if not (public and is_personal(name)):
                given.setdefault((name, plain(value)), []).append(notebook)
    return [
        (name, value, "every notebook" if len(where) == len(entries) else ", ".join(where))
        for (name, value), where in sorted(given.items())
    ]


def _card(folder: Path, name: str, entry: Mapping[str, Any], public: bool) -> dict[str, Any]:
    done = entry["status"] == "done"
    notebook = next((file for file in (f"{name}.ipynb", f"{name}.failed.ipynb") if (folder / file).exists()), None)
    return {
        "title": entry["title"],
        "unit": entry["unit"],
        "question": entry["question"],
        "status": entry["status"],
        "error": None if public else entry["error"],
        "href": f"{name}.html" if done else None,
        "notebook": None if public else notebook,
        "seconds": duration(entry["seconds"]),
        "picture": _picture(folder / name, public) if done and not entry["unit"] else None,
        "results": headlines(read_results(folder / name)) if done and not public else [],
    }


def _picture(folder: Path, public: bool) -> dict[str, str] | None:
    """Return the first figure a notebook showed; for the public, the first one drawn from a published table."""
    found = [file for file in (folder / "figures").glob("*.json") if file.with_suffix(".png").exists()]
    for file in sorted(found, key=lambda file: file.stat().st_mtime_ns):
        told = json.loads(file.read_text(encoding="utf-8"))
        if not public or told.get("published") is True:
            png = base64.b64encode(file.with_suffix(".png").read_bytes()).decode()
            return {"src": f"data:image/png;base64,{png}", "alt": told.get("alt") or NO_WORDS}
    return None


def read_results(folder: Path) -> dict[str, Any]:
    """Return the scalars a notebook kept in its output folder."""
    file = folder / "results.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def is_personal(name: str) -> bool:
    """Return whether a parameter of this name would tell about one person."""
    from workbench.disclosure.publish import PERSONAL

    return name in PERSONAL


def facts(source: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is known of a run's input as pairs of a name and a text."""
    lines = [(key.replace("_", " "), plain(value)) for key, value in source["provenance"].items() if _short(value)]
    last = [("last day", source["last_day"])] if source.get("last_day") else []
    return [*lines, *last, ("checksum", source["checksum"][:16])]


def _short(value: Any) -> bool:
    return isinstance(value, (str, int, float, bool)) and len(str(value)) <= 300


def duration(seconds: float | None) -> str:
    """Return a time span as "8 s", "3 min 20 s" or "2 h 5 min"."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def day_and_time(stamp: str | None) -> str:
    """Return an ISO time in UTC as "2025-01-31 14:05 UTC"."""
    return f"{stamp[:10]} {stamp[11:16]} UTC" if stamp else ""
