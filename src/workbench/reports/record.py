"""What the ledger says about a run: its manifest, and which notebooks a resumed run may keep."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from workbench.paths import shown
from workbench.reports import html, ledger, versions
from workbench.reports.contract import read_cells
from workbench.reports.headlines import plain
from workbench.reports.inputs import Input, paths_read
from workbench.reports.ledger import Record
from workbench.reports.notebooks import about
from workbench.reports.plan import Plan, Step


def begin(plan: Plan, inputs: Mapping[str, Input], resume: bool) -> tuple[Record, set[str]]:
    """Return the record of a run that begins, and the names of the notebooks it keeps from before.

    `resume` goes on with the last run of the same name, a whole one with a whole one and a part with a part: a notebook
    that succeeded is kept where its cells, parameters, data and the workbench's code are the same, and so is all it
    comes after.
    """
    entries = {step.name: _entry(step, fingerprint(plan, step, inputs)) for step in plan.steps}
    manifest: dict[str, Any] = {
        "title": plan.title,
        "audience": plan.audience,
        "status": "running",
        "error": None,
        "params_file": shown(plan.params_file),
        "started": ledger.now(),
        "finished": None,
        "seconds": None,
        "whole": plan.whole,
        "published": None,
        "pages": None,
        "released": None,
        "workbench": versions.code_version(),
        "git_commit": versions.git_commit(),
        "packages": versions.packages(),
        "inputs": [each.as_dict() for each in inputs.values()],
        "notebooks": entries,
    }
    last = ledger.last_record(plan.run, plan.whole) if resume else None
    if last is None:
        return ledger.new_record(plan.run, manifest), set()
    kept: set[str] = set()
    for step in plan.steps:
        before = last.manifest["notebooks"].get(step.name, {})
        same = before.get("status") == "done" and before["fingerprint"] == entries[step.name]["fingerprint"]
        if same and kept.issuperset(step.after) and (last.folder / f"{step.name}.html").exists():
            entries[step.name] = before
            kept.add(step.name)
    if len(kept) == len(plan.steps) and last.manifest["status"] == "done":
        manifest |= {
            "status": "done",
            "published": last.manifest["published"],
            "pages": last.manifest.get("pages"),
            "released": last.manifest.get("released"),
        }
    manifest |= {key: last.manifest[key] for key in ("run", "run_id", "started", "seconds")}
    record = Record(last.folder, manifest)
    record.save()
    return record, kept


def _entry(step: Step, print_: str) -> dict[str, Any]:
    told = about(step.notebook)
    return {
        "notebook": shown(step.notebook),
        "unit": step.unit,
        "title": told.title,
        "question": told.question,
        "parameters": step.parameters,
        "seed": step.parameters.get("seed"),
        "after": list(step.after),
        "fingerprint": print_,
        "status": "waiting",
        "started": None,
        "finished": None,
        "seconds": None,
        "error": None,
    }


def fingerprint(plan: Plan, step: Step, inputs: Mapping[str, Input]) -> str:
    """Return one checksum over all that decides a notebook's report."""
    cells = [(cell["cell_type"], cell["source"]) for cell in read_cells(step.notebook)]
    checksums = [inputs[path].checksum for path in paths_read(step)]
    parts = [cells, step.parameters, checksums, plan.audience, versions.code_version()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def header(plan: Plan, step: Step, record: Record, inputs: Mapping[str, Input]) -> dict[str, Any]:
    """Return what a report says about itself: run, parameters with their meaning, data, versions."""
    public = plan.audience == "public"
    return {
        "title": record.manifest["notebooks"][step.name]["title"],
        "unit": step.unit,
        "run_title": plan.title,
        "run_id": record.id,
        "audience": plan.audience,
        "made": html.day_and_time(ledger.now()),
        "notebook": shown(step.notebook),
        "parameters": [
            {"name": p.name, "value": plain(step.parameters[p.name]), "help": p.help}
            for p in step.contract.parameters
            if not (public and html.is_personal(p.name))
        ],
        "inputs": [
            {"path": inputs[path].path, "facts": html.facts(inputs[path].as_dict())} for path in paths_read(step)
        ],
        "workbench": record.manifest["workbench"],
        "git_commit": record.manifest["git_commit"],
    }
