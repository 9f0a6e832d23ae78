"""A report as slides: `workbench pdf` makes a PDF of a finished run's HTML report."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import BadInput, BadParameter
from workbench.exports.deck import Deck, html
from workbench.exports.paper import pdf_bytes
from workbench.files import write_atomically
from workbench.paths import shown
from workbench.reports import ledger
from workbench.reports.contract import nearest
from workbench.reports.reading import Report, read_report

MARKS = {
    "public": "Public report: published tables and figures only",
    "research": "Research report: not for publication",
}


def make_pdf(what: str, notebook: str | None = None, out: str | None = None) -> Path:
    """Write the slides of a report and return where: beside the report, or to `out`.

    `what` is a run's id, with `notebook` the name of one of its reports where it has several, or the path of an HTML
    report. Raises BadParameter for an unknown run or report, BadInput where it cannot be read, is no report of the
    workbench, or the PDF cannot be written; then what stood there before still stands.
    """
    source = find_report(what, notebook)
    made = pdf_bytes(html(deck(_read(source))))
    final = Path(out) if out else source.with_suffix(".pdf")
    try:
        write_atomically(final, made)
    except OSError as error:
        raise BadInput(
            f"{shown(final)} could not be written: {error.strerror or error}. Nothing was changed."
        ) from error
    return final


def find_report(what: str, notebook: str | None = None) -> Path:
    """Return the HTML file of a report. Raises BadParameter where there is none, or several to choose from."""
    if what.endswith(".html"):
        if notebook:
            raise BadParameter("Name a run together with --notebook, or the file of a report alone.")
        if not Path(what).is_file():
            raise BadParameter(f"There is no report {what}.")
        return Path(what)
    record = ledger.record(what)
    done = {name: record.folder / f"{name}.html" for name in record.manifest["notebooks"]}
    done = {name: path for name, path in done.items() if path.is_file()}
    if not done:
        raise BadParameter(f"The run {what} has no finished report.")
    if notebook is None and len(done) > 1:
        raise BadParameter(f"The run {what} has several reports. Name one with --notebook: {', '.join(done)}.")
    if notebook is not None and notebook not in done:
        raise BadParameter(f"The run {what} has no finished report {notebook!r}. {nearest(notebook, done)}")
    return done[notebook] if notebook is not None else next(iter(done.values()))


def deck(report: Report) -> Deck:
    """Return the slides of a report."""
    said = " · ".join(filter(None, [report.data and f"data {report.data}", report.run_id and f"run {report.run_id}"]))
    made = f"Made {report.made}." if report.made else ""
    return Deck(
        title=report.title,
        opening=[line for line in (MARKS[report.mark] + ".", said and f"{said[0].upper()}{said[1:]}.", made) if line],
        sections=report.whole(),
        foot=" · ".join(filter(None, [MARKS[report.mark], said])),
        mark=report.mark,
        keywords=(report.mark, report.run_id),
    )


def _read(source: Path) -> Report:
    try:
        report = read_report(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The report {shown(source)} cannot be read: {error}.") from error
    if not report.title or report.mark not in MARKS or not report.whole():
        raise BadInput(f"{shown(source)} is no finished report of the workbench; run its notebook again.")
    return report
