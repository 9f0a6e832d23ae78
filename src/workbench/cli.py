"""The command line: `workbench list | describe | run | runs | pdf | new | synthesize | lab | dashboard | …`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from workbench import loop
from workbench.errors import WorkbenchError
from workbench.governance import commands as governance

FAILED, INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a person's mistake is told in one paragraph."""
    options = _parser().parse_args(arguments)
    with suppress(ValueError):  # only the main thread may ask for it
        signal.signal(signal.SIGTERM, _stop)
    try:
        return int(options.do(options) or 0)
    except WorkbenchError as error:
        print(f"\n{error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"\n{options.stopped}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED
    except OSError as error:
        print(f"\n{error.filename or 'A file'}: {error.strerror or error}.", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="workbench",
        description="Honest answers from education data: notebooks, run with checked parameters into reports.",
        epilog="Exit codes: 0 done, 1 a notebook failed, 2 bad parameters or input (nothing started), "
        "3 another run of the same name is under way.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _command(commands, "list", _list, "show the notebooks, and the params files that run them")
    describe = _command(commands, "describe", _describe, "show what a notebook asks, and its parameters")
    describe.add_argument("notebook", metavar="NOTEBOOK", help="such as tier0/student_prediction")
    _run_command(commands)
    runs = _command(commands, "runs", _runs, "show the runs there were, or one of them")
    runs.add_argument("run_id", metavar="RUN_ID", nargs="?", help="a run, to see it in detail")
    pdf = _command(commands, "pdf", _pdf, "make slides (PDF) of a report of a finished run")
    pdf.add_argument("report", metavar="RUN_ID_OR_REPORT", help="a run of `workbench runs`, or the .html of a report")
    pdf.add_argument("--notebook", metavar="NAME", help="which report of the run, where it has several")
    pdf.add_argument("--out", metavar="FILE", help="where to write; without it, beside the report")
    new = _command(commands, "new", _new, "begin something new: workbench new notebook tier1/my_question")
    new.add_argument("what", choices=["notebook"])
    new.add_argument("name", metavar="TIER/NAME", help="such as tier1/my_question")
    synthesize = _command(commands, "synthesize", _synthesize, "make a synthetic data folder with its answer key")
    synthesize.add_argument("out", metavar="OUT", help="the folder to write")
    synthesize.add_argument(
        "--preset", choices=["sample", "small_district", "demo", "district", "state"], help="a ready-made size"
    )
    synthesize.add_argument("--students", type=int, metavar="N")
    synthesize.add_argument("--years", type=int, metavar="Y")
    synthesize.add_argument("--seed", type=int, metavar="S")
    lab = _command(commands, "lab", _lab, "open JupyterLab on the notebooks, on this machine")
    lab.add_argument("--port", metavar="PORT", help="default: 8888, or the next that is free")
    dashboard = _command(commands, "dashboard", _dashboard, "serve a dashboard to a browser on this machine")
    dashboard.add_argument("name", metavar="NAME", nargs="?", default="student_prediction", help="default: %(default)s")
    dashboard.add_argument("--port", metavar="PORT", help="default: 8866, or the next that is free")
    _hub_commands(commands)
    _command(commands, "pages", _pages, "write the pages for everybody anew, as after a change of access.yml")
    doctor = _command(
        commands, "doctor", _doctor, "say what this machine has, and what to type where something is missing"
    )
    doctor.add_argument("--deep", action="store_true", help="also start R and fit a model (takes some seconds)")
    doctor.add_argument("--write-docs", action="store_true", help="write the pages of docs/ made from the code instead")
    loop.add(commands, _command)
    governance.add(commands, _command)
    return parser


def _command(commands: Any, name: str, do: Any, help_: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=help_, description=help_.capitalize() + ".")
    command.set_defaults(do=do, stopped="Stopped; nothing was changed.")
    return command


def _hub_commands(commands: Any) -> None:
    hub = _command(commands, "hub", _hub, "let people sign in: JupyterHub with the dashboards behind it")
    hub.add_argument("--public", action="store_true", help="without sign-in, the tables of the public alone")
    hub.add_argument("--port", metavar="PORT", help="of --public; default: 8867")
    user = _command(commands, "hub-user", _hub_user, "give somebody a password for signing in on this machine")
    user.add_argument("user", metavar="USER", help="the name that access.yml knows")
    user.add_argument("--remove", action="store_true", help="take the password away")


def _run_command(commands: Any) -> None:
    run = _command(commands, "run", _run, "run the notebooks of a params file into reports")
    run.set_defaults(stopped="Stopped; nothing was published. To go on, give the same command with --resume.")
    run.add_argument("params", metavar="PARAMS", help="such as params/demo.yml")
    run.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="[NOTEBOOK.]NAME=VALUE",
        dest="settings",
        help="give a parameter another value, in every notebook that has it or in one; may be repeated",
    )
    run.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="run this notebook and what it needs; publish nothing",
    )
    run.add_argument("--jobs", type=_positive, default=1, metavar="N", help="notebooks at a time (default 1)")
    run.add_argument(
        "--resume", action="store_true", help="go on with the last run: keep what succeeded and is unchanged"
    )
    run.add_argument("--dry-run", action="store_true", help="check everything, show the plan, start nothing")
    run.add_argument("--tell", action="store_true", help="where it fails, send one message (alerts.yml says to whom)")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _list(options: argparse.Namespace) -> None:
    from workbench.paths import resolve, shown
    from workbench.reports.notebooks import about, find, notebook_names

    for name in notebook_names():
        told = about(find(name))
        print(f"{name}\n    {told.title}" + (f"\n    {told.question}" if told.question else ""))
    print("\nRun them with:")
    for params in sorted(resolve("params").rglob("*.yml")):
        print(f"    workbench run {shown(params)}")


def _describe(options: argparse.Namespace) -> None:
    from workbench.reports.contract import read_contract
    from workbench.reports.headlines import plain
    from workbench.reports.notebooks import about, find
    from workbench.reports.parameter_types import in_words
    from workbench.reports.screen import table

    notebook = find(options.notebook)
    told, contract = about(notebook), read_contract(notebook)
    print(f"{told.title}\n{told.question}\n")
    rows = [(p.name, in_words(p.type), plain(p.default), p.help) for p in contract.parameters]
    print(table(("parameter", "type", "default", "meaning"), rows) if rows else "It has no parameters.")


def _run(options: argparse.Namespace) -> int:
    if not options.tell:
        return _run_now(options)
    try:
        return _run_now(options)
    except (WorkbenchError, OSError) as error:
        loop.tell_failure(options.params, error)
        raise


def _run_now(options: argparse.Namespace) -> int:
    from workbench.reports.plan import make_plan
    from workbench.reports.run import run

    plan = make_plan(options.params, options.settings, options.only)
    if options.dry_run:
        return _show_plan(plan)
    record = run(plan, jobs=options.jobs, resume=options.resume)
    if not plan.whole:
        print("Only part of the run was asked for, so nothing was published.")
    elif record.manifest["published"]:
        print(f"Published: {record.manifest['published']}")
    print(f"The reports are ready; open {record.folder / 'index.html'}")
    return 0


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt


def _show_plan(plan: Any) -> int:
    from workbench.reports.headlines import plain
    from workbench.reports.inputs import check_inputs

    inputs = check_inputs(plan)
    print(
        f"{plan.title}: {len(plan.steps)} notebooks, {plan.audience} reports. The values and the data are sound; "
        "names that only the data can tell are checked by the notebooks. Nothing was started."
    )
    for step in plan.steps:
        print(f"\n{step.name}" + (f"  (after {', '.join(step.after)})" if step.after else ""))
        for name, value in step.parameters.items():
            print(f"    {name} = {plain(value)}")
    for each in inputs.values():
        print(f"\nReads {each.what} {each.path} (checksum {each.checksum[:16]})")
    return 0


def _runs(options: argparse.Namespace) -> None:
    from workbench.paths import shown
    from workbench.reports import ledger
    from workbench.reports.html import day_and_time, duration
    from workbench.reports.screen import table

    if options.run_id:
        return _one_run(ledger.record(options.run_id))
    rows = [
        (r.id, r.status, day_and_time(r.manifest["started"]), duration(r.manifest["seconds"]), shown(r.folder))
        for r in ledger.records()
    ]
    print(table(("run", "status", "started", "took", "where"), rows) if rows else "There are no runs yet.")


def _one_run(record: Any) -> None:
    from workbench.paths import shown
    from workbench.reports.html import day_and_time, duration
    from workbench.reports.screen import table

    manifest = record.manifest
    print(f"{manifest['title']} ({record.id}): {record.status}, started {day_and_time(manifest['started'])}\n")
    rows = [(name, e["status"], duration(e["seconds"]), e["notebook"]) for name, e in manifest["notebooks"].items()]
    print(table(("notebook", "status", "took", "made from"), rows))
    for name, entry in manifest["notebooks"].items():
        if entry["error"]:
            print(f"\n{name}: {entry['error']}")
    print(f"\n{shown(record.folder / 'index.html')}")


def _pdf(options: argparse.Namespace) -> None:
    from workbench.paths import shown
    from workbench.reports.pdf import make_pdf

    print(f"Made {shown(make_pdf(options.report, options.notebook, options.out))}.")


def _new(options: argparse.Namespace) -> None:
    from workbench.paths import shown
    from workbench.reports.notebooks import new

    print(f"Made {shown(new(options.name))}. Open it in JupyterLab with: make lab")


def _synthesize(options: argparse.Namespace) -> None:
    from workbench import synthetic
    from workbench.paths import shown

    asked = {name: getattr(options, name) for name in ("preset", "students", "years", "seed")}
    print(f"Made {shown(synthetic.write(options.out, **asked, jobs=len(os.sched_getaffinity(0))))}.")


def _lab(options: argparse.Namespace) -> None:
    from workbench.dashboards import serve

    serve.lab(_port(options))


def _dashboard(options: argparse.Namespace) -> None:
    from workbench.dashboards import serve

    serve.dashboard([options.name, *_port(options)])


def _hub(options: argparse.Namespace) -> None:
    from workbench.hub import start

    start.public(options.port) if options.public else start.hub()


def _hub_user(options: argparse.Namespace) -> None:
    from workbench.hub import start

    start.user(options.user, options.remove)
    print(f"{options.user} can no longer sign in." if options.remove else f"{options.user} can sign in.")


def _pages(options: argparse.Namespace) -> int:
    from workbench.paths import shown
    from workbench.public import write
    from workbench.reports import ledger

    kept: dict[str, str] = {}
    for run_name, written in write.write_all(ledger.now()).items():
        print(f"{run_name}: {len(written.new)} pages, {len(written.removed)} taken away")
        kept |= {f"{run_name}/{name}": why for name, why in written.kept}
    for name, why in kept.items():
        print(f"{name} is as it was: {why}", file=sys.stderr)
    print(f"Open {shown(write.index())}")
    return FAILED if kept else 0


def _port(options: argparse.Namespace) -> list[str]:
    return ["--port", options.port] if options.port else []


def _doctor(options: argparse.Namespace) -> int:
    from workbench import doctor

    if options.write_docs:
        doctor.write_docs()
        return 0
    return doctor.main(options.deep)


if __name__ == "__main__":
    sys.exit(main())
