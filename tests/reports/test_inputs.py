"""Everything a run reads is checked before the first notebook starts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from workbench import store
from workbench.errors import BadInput
from workbench.reports.inputs import check_inputs, check_room
from workbench.reports.plan import make_plan

from .conftest import Project, enrollments

BOTH = """from workbench.parameters import DataFolder, TableFile
data: DataFolder = "data/three"  # the data
table: TableFile | None = None  # a table"""


@pytest.fixture
def study(project: Project) -> Project:
    """A run of one notebook that reads a data folder, and a table where one is named."""
    project.data()
    project.notebook("tier0/reads", "# Reads", parameters=BOTH)
    project.params("notebooks: [{notebook: tier0/reads}]\n")
    return project


def check(*settings: str) -> None:
    check_inputs(make_plan("params/study.yml", settings))


def test_the_inputs_come_with_checksum_and_provenance(study: Project) -> None:
    (study.root / "t.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    inputs = check_inputs(make_plan("params/study.yml", ["table=t.csv"]))
    assert inputs["data/three"].checksum == store.open_data("data/three").checksum
    assert inputs["data/three"].provenance == {"made by": "a test"}
    assert inputs["t.csv"].checksum == store.sha256(study.root / "t.csv")


def _without_manifest(folder: Path) -> None:
    (folder / "dataset.json").unlink()


def _cut_short(folder: Path) -> None:
    file = folder / "schools" / "part-0.parquet"
    file.write_bytes(file.read_bytes()[:-7])


def _missing(folder: Path) -> None:
    (folder / "enrollments" / "year-2025.parquet").unlink()


def _rewritten(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    def rewrite(folder: Path) -> None:
        import json

        import pyarrow.parquet as pq

        file = folder / "enrollments" / "year-2025.parquet"
        pq.write_table(change(enrollments()), file)
        manifest = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        manifest["tables"]["enrollments"]["files"][file.name]["bytes"] = file.stat().st_size
        (folder / "dataset.json").write_text(json.dumps(manifest), encoding="utf-8")

    return rewrite


def _grade_13(table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("grade_level")
    return table.set_column(place, table.schema.field(place), pa.array([9, 13, *[9] * 7]))


def _grade_as_text(table: pa.Table) -> pa.Table:
    return table.set_column(table.schema.get_field_index("grade_level"), "grade_level", pa.array(["9"] * 9))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_without_manifest, "data/three has no dataset.json: .* not finished"),
        (_cut_short, "data/three/schools/part-0.parquet has .* bytes, but dataset.json says .* cut short"),
        (_missing, "data/three/enrollments/year-2025.parquet is missing"),
        (_rewritten(_grade_13), "row 2, column 'grade_level' .*the value is 13; it must be .* at most 12"),
        (_rewritten(_grade_as_text), "year-2025.parquet, column 'grade_level': its type is string"),
        (_rewritten(lambda table: table.drop_columns("full_year")), "has no column 'full_year'"),
        (_rewritten(lambda t: pa.concat_tables([t, t.slice(0, 1)])), "more than once: .* row 1 and .* row 10"),
    ],
)
def test_a_harmed_data_folder_is_told(study: Project, harm: Callable[[Path], None], told: str) -> None:
    harm(study.root / "data" / "three")
    with pytest.raises(BadInput, match=told) as raised:
        check()
    assert raised.value.exit_code == 2


def test_a_missing_or_empty_table_is_told(study: Project) -> None:
    with pytest.raises(BadInput, match=r"The table nowhere.csv cannot be read: No such file"):
        check("table=nowhere.csv")
    (study.root / "empty.csv").touch()
    with pytest.raises(BadInput, match=r"empty.csv is empty"):
        check("table=empty.csv")
    with pytest.raises(BadInput, match=r"data cannot be read: Is a directory"):
        check("table=data")


def test_a_kernel_that_is_not_installed_is_told(study: Project) -> None:
    study.notebook("tier0/reads", "# Reads", kernel="julia-9")
    with pytest.raises(BadInput, match=r"reads.ipynb asks for the kernel 'julia-9', which is not installed"):
        check()


def test_a_disk_without_room_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Only [\d,]+ MB are free .* a run needs at least"):
        check_room(tmp_path, enough=1 << 60)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_small_disk_has_no_room(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        with pytest.raises(BadInput, match="Only 1 MB are free"):
            check_room(tmp_path)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
