"""What this machine has of what the workbench needs, and what to type where something is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from workbench import machine
from workbench.errors import WorkbenchError
from workbench.paths import project_root, resolve, shown

DISTRIBUTION = "learning-analytics-workbench"
GB = 1e9
DISK_NEEDED, MEMORY_ADVISED, JAVA_NEEDED = 2 * GB, 4 * GB, 17
SETUP = "make setup"


@dataclass(frozen=True)
class Check:
    """One thing looked at: what it is, whether it is there, what was found, and what to type if not.

    Without a `core` thing no report can be made; without another, what needs it says so and the rest works.
    """

    what: str
    ok: bool
    found: str
    mend: str = ""
    core: bool = False


def python_version() -> Check:
    """Check that this Python is 3.11 or later."""
    ok = sys.version_info >= (3, 11)
    return Check("Python", ok, platform.python_version(), "make setup PYTHON=python3.11", core=True)


def packages(extra: str = "") -> list[str]:
    """Return what is wrong with the installed packages, of the core or of one `extra`; empty if nothing is.

    The ranges are the ones declared in pyproject.toml, as they were when the workbench was installed.
    """
    from packaging.requirements import Requirement

    wrong = []
    for line in metadata.requires(DISTRIBUTION) or []:
        wanted = Requirement(line)
        belongs = wanted.marker.evaluate({"extra": extra}) if wanted.marker else not extra
        if not belongs or (extra and "extra" not in str(wanted.marker)):
            continue
        try:
            found = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{wanted.name} is not installed")
            continue
        if found not in wanted.specifier:
            wrong.append(f"{wanted.name} is {found}, it must be {wanted.specifier}")
    return wrong


def python_packages() -> Check:
    """Check the packages that every part of the workbench needs."""
    wrong = packages()
    return Check("Python packages", not wrong, "; ".join(wrong) or "all within their ranges", SETUP, core=True)


def testing_packages() -> Check:
    """Check the packages that `make test` needs."""
    wrong = packages("test")
    return Check("test packages", not wrong, "; ".join(wrong) or "all within their ranges", SETUP)


def kernel() -> Check:
    """Check that notebooks will run in this Python, not in another one that took the kernel's name."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    mend = f"{sys.executable} -m ipykernel install --sys-prefix"
    try:
        program = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        return Check("notebook kernel", False, "there is no kernel named python3", mend, core=True)
    ours = not os.path.isabs(program) or Path(program).parent == Path(sys.executable).parent
    found = "python3" if ours else f"the kernel python3 is another Python: {program}"
    return Check("notebook kernel", ours, found, mend, core=True)


def writable(name: str) -> Check:
    """Check that the folder `name` of the project, or the one it will be made in, can be written to."""
    folder = resolve(name)
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Check(f"{name}/ writable", True, "yes", core=True)
    except OSError as error:
        return Check(f"{name}/ writable", False, str(error.strerror), f"chown -R $USER '{folder}'", core=True)


def disk() -> Check:
    """Check the free space where runs and data are written."""
    free = shutil.disk_usage(project_root()).free
    mend = "du -sh runs/* data/synthetic/*   (and remove what is no longer wanted)"
    return Check("disk", free >= DISK_NEEDED, f"{free / GB:.0f} GB free", mend, core=True)


def memory() -> Check:
    """Check the machine's memory against what a district of 50,000 students takes."""
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = f"{size / GB:.0f} GB"
    return Check("memory", size >= MEMORY_ADVISED, found, "workbench run params/demo.yml --jobs 1")


def r_reference() -> Check:
    """Check R, the R packages that pymer4 imports, and pymer4 itself; R is asked, not started inside Python."""
    what, without = "R with lme4", "(mixed models are fitted by the native engine alone)"
    r = machine.r()
    wrong = [r.trouble] if r.trouble else packages("r")
    found = f"{'; '.join(wrong)} {without}" if wrong else f"R {r.version}, pymer4 {metadata.version('pymer4')}"
    return Check(what, not wrong, found, SETUP)


def lme4_fit() -> Check:
    """Fit the sleepstudy model with lme4 through pymer4 and compare with the published slope, 10.4673."""
    what = "lme4 fits"
    try:
        r = machine.start_r()
        import polars as pl
        from pymer4.models import lmer

        rows = r("data.frame(lapply(lme4::sleepstudy, as.character), stringsAsFactors = FALSE)")
        frame = pl.DataFrame({name: list(rows.rx2(name)) for name in ("Reaction", "Days", "Subject")})
        model = lmer("Reaction ~ Days + (Days | Subject)", frame.cast({"Reaction": pl.Float64, "Days": pl.Float64}))
        model.fit()
        slope = model.result_fit.filter(pl.col("term") == "Days")["estimate"][0]
    except Exception as error:
        return Check(what, False, f"no: {str(error).strip()[-200:]}", SETUP)
    return Check(what, round(slope, 4) == 10.4673, f"sleepstudy's slope is {slope:.4f}; published: 10.4673", SETUP)


def spark() -> Check:
    """Check PySpark and the Java it runs on."""
    java = machine.java_version()
    old = f"Java is {java}, it must be {JAVA_NEEDED} or later" if java else "Java is not installed"
    wrong = [old] if java < JAVA_NEEDED else packages("spark")
    without = "(backend: duckdb works without)"
    found = f"{'; '.join(wrong)} {without}" if wrong else f"PySpark {metadata.version('pyspark')} on Java {java}"
    return Check("Spark", not wrong, found, SETUP)


def browser() -> Check:
    """Check for a Chromium, with which the tests look at reports, JupyterLab and dashboards."""
    found = machine.browser()
    return Check("browser for tests", bool(found), found or "no Chromium (only tests need one)", SETUP)


def data_folder(folder: Path) -> Check:
    """Check that a data folder was finished and that its files are the ones it names."""
    from workbench.store import open_data

    name = f"data in {shown(folder)}"
    try:
        manifest = open_data(folder).manifest
    except WorkbenchError as error:
        return Check(name, False, str(error), f"workbench synthesize '{shown(folder)}'")
    students = manifest["tables"].get("students", {}).get("rows", 0)
    return Check(name, True, f"whole: {len(manifest['tables'])} tables, {students:,} students")


def roles() -> Check:
    """Check that access.yml can be used; while it cannot, nothing is shown to anybody."""
    from workbench.access import grants

    try:
        found = grants.read()
    except WorkbenchError as error:
        return Check("roles", False, str(error), "workbench audit review")
    return Check("roles", True, f"entries in access.yml: {len(found.people)}; tables without sign-in: {found.public}")


def audit_log() -> Check:
    """Check that the audit log is for its owner alone and is what was written; while it is not, nothing is shown."""
    from workbench.access.audit import site_log
    from workbench.access.verification import verify

    what = "audit log"
    try:
        log = site_log()
        if not log.files() and not log.anchor.exists():
            return Check(what, True, "no line yet: it begins with the first look")
        for path in (log.folder, log.anchor):
            if path.exists() and path.stat().st_mode & 0o077:
                return Check(what, False, f"others can read {shown(path)}", f"chmod go= '{path}'")
        found = verify(log)
    except WorkbenchError as error:
        return Check(what, False, str(error), "workbench audit verify")
    if found.wrong:
        return Check(what, False, found.wrong[0], "workbench audit verify")
    return Check(what, True, f"sound: {found.lines:,} lines, anchored in {log.anchor}")


def pseudonym_key() -> Check:
    """Check that the key of the pseudonyms, once there is one, can be used and is for its owner alone."""
    from workbench.access.pseudonyms import key_file, site_key

    what, path = "pseudonym key", key_file()
    if not path.exists():
        return Check(what, True, "none yet: it is made on first use")
    try:
        site_key()
    except WorkbenchError as error:
        return Check(what, False, str(error), "see docs/access.md")
    return Check(what, True, f"{path}, readable by its owner alone; keep a copy apart from the data")


def hub() -> Check:
    """Check what signing in needs: JupyterHub, its proxy, and sound settings for TLS and OIDC."""
    from workbench.hub import settings

    what, told_in = "hub", "see docs/hub.md"
    found = settings.read()
    if missing := packages("hub"):
        return Check(what, False, f"{'; '.join(missing)} (only signing in needs it)", "make setup-hub")
    if not settings.proxy():
        return Check(what, False, "its proxy is not installed (only signing in needs it)", "make setup-hub")
    if problems := settings.wrong(found):
        return Check(what, False, "; ".join(problems), told_in)
    way = (
        "TLS here"
        if found.certificate
        else "TLS at a proxy in front"
        if found.is_https
        else "this machine only, no TLS"
    )
    lab = "their own accounts" if found.accounts else "the account of the hub, which can read everything"
    return Check(what, True, f"signs in by {found.sign_in}; {way}; JupyterLab of researchers runs under {lab}")


def real_data() -> Check:
    """Check the folder of real exports that some examples and tests read."""
    named = os.environ.get("WORKBENCH_REAL_DATA", "")
    if not named:
        found = "WORKBENCH_REAL_DATA is not set (the examples with real exports need it)"
    else:
        found = named if Path(named).is_dir() else f"WORKBENCH_REAL_DATA names {named}, which is no folder"
    mend = "export WORKBENCH_REAL_DATA=/the/folder/with/the/exports"
    return Check("real exports", Path(named).is_dir() if named else False, found, mend)


def examine(deep: bool = False) -> list[Check]:
    """Look at everything; with `deep`, also start R inside this process and fit a model."""
    looks: list[tuple[str, Callable[[], Check]]] = [
        ("Python", python_version),
        ("Python packages", python_packages),
        ("notebook kernel", kernel),
        ("runs/ writable", lambda: writable("runs")),
        ("published/ writable", lambda: writable("published")),
        ("disk", disk),
        ("memory", memory),
        ("roles", roles),
        ("audit log", audit_log),
        ("pseudonym key", pseudonym_key),
        ("hub", hub),
        ("R with lme4", r_reference),
        *([("lme4 fits", lme4_fit)] if deep else []),
        ("Spark", spark),
        ("browser for tests", browser),
        ("test packages", testing_packages),
    ]
    checks = [_look(what, look) for what, look in looks]
    folders = sorted(path.parent for path in resolve("data/synthetic").glob("[!.]*/dataset.json"))
    return [*checks, *(data_folder(folder) for folder in folders), real_data()]


def _look(what: str, look: Callable[[], Check]) -> Check:
    """A look that itself breaks is a finding: the doctor must not fall ill with the patient."""
    try:
        return look()
    except Exception as error:
        return Check(what, False, f"could not be looked at: {type(error).__name__}: {error}", SETUP, core=True)


def told(checks: Sequence[Check]) -> str:
    """Return the checklist as a person reads it, with a verdict as its last line."""
    width = max(len(check.what) for check in checks)
    lines = []
    for check in checks:
        state = "ok" if check.ok else "MISSING" if check.core else "without"
        lines.append(f"  {state:8} {check.what:{width}}  {check.found}")
        if not check.ok and check.mend:
            lines.append(f"  {'':8} {'':{width}}  type: {check.mend}")
    needed = [check.what for check in checks if check.core and not check.ok]
    optional = [check.what for check in checks if not check.core and not check.ok]
    if needed:
        verdict = f"Not ready: {', '.join(needed)}. Type what stands below each of them."
    elif optional:
        verdict = f"Ready. What needs one of these is left out: {', '.join(optional)}."
    else:
        verdict = "Ready, with everything."
    return "\n".join([*lines, "", verdict])


def pages() -> dict[str, str]:
    """Return the text of every page of docs/ that is made from declarations in the code, by its path."""
    from workbench.features import features_page
    from workbench.tables import data_model_page

    return {"docs/data-model.md": data_model_page(), "docs/features.md": features_page()}


def write_docs() -> None:
    """Write the pages that are made from the code, and say which."""
    from workbench.files import write_atomically

    for name, text in pages().items():
        path = resolve(name)
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, text)
        print(name)


def main(deep: bool = False) -> int:
    """Print the checklist; return 0, or 2 where something is missing that every report needs."""
    checks = examine(deep)
    print(told(checks))
    return 2 if any(check.core and not check.ok for check in checks) else 0
