"""The published tables of a run: old or new, never half."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.disclosure import published
from workbench.errors import BadInput, BadParameter, DisclosureError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "access.yml").write_text("min_count: 10\n")
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    return tmp_path


def stage(root: Path, rate: float, notebook: str = "tier0", name: str = "rates") -> dict[str, Path]:
    """Publish two tables, both telling `rate`, in a notebook's folder of their own."""
    folder = root / f"{notebook}-{rate}-{name}"
    os.environ["WORKBENCH_OUTPUT"] = str(folder)
    try:
        for one in (name, f"{name}_again"):
            table = pd.DataFrame({"school_id": ["a", "b"], "n": [50, 3], "rate": [rate, rate]})
            wb.publish(one, table, keys=["school_id"], data_date="2025-01-31", help={"rate": "a share"})
    finally:
        del os.environ["WORKBENCH_OUTPUT"]
    return {notebook: folder}


def rates(run: str = "demo") -> list[float]:
    return [published.read(run, name).table["rate"][0].as_py() for name in published.tables(run)]


def test_a_committed_table_reads_back_with_its_words(root: Path) -> None:
    manifest = published.commit("demo", stage(root, 0.25), "run-1")
    assert manifest == root / "published" / "demo" / "manifest.json"
    found = published.read("demo", "rates")
    assert found.table.to_pydict() == {
        "school_id": ["a", "b"],
        "n": [50.0, None],
        "rate": [0.25, None],
        "suppressed": [False, True],
    }
    assert (found.keys, found.count, found.values) == (("school_id",), "n", ("rate",))
    assert (found.run_id, found.data_date, found.min_count, found.help) == (
        "run-1",
        "2025-01-31",
        10,
        {"rate": "a share"},
    )
    assert published.runs() == ["demo"]


def test_nothing_staged_changes_nothing(root: Path) -> None:
    published.commit("demo", stage(root, 0.25), "run-1")
    (root / "empty").mkdir()
    assert published.commit("demo", {"tier0": root / "empty"}, "run-2") is None
    assert rates() == [0.25, 0.25]


def test_a_run_replaces_only_its_own(root: Path) -> None:
    published.commit("demo", stage(root, 0.25), "run-1")
    published.commit("district", stage(root, 0.5), "run-2")
    published.commit("demo", stage(root, 0.75), "run-3")
    assert rates("demo") == [0.75, 0.75]
    assert rates("district") == [0.5, 0.5]


class Death(BaseException):
    """The process ends: whatever it tries after this moment does not happen either."""


def dies_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Let the process do `steps` calls that touch the disk, and no more."""
    done = 0

    def limited(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal done
            if done == steps:
                raise Death
            done += 1
            return real(*args, **kwargs)

        return call

    for owner, name in ((os, "fsync"), (os, "replace"), (Path, "unlink")):
        monkeypatch.setattr(owner, name, limited(getattr(owner, name)))


def test_a_crash_at_any_step_leaves_the_old_tables_or_the_new(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {step: stage(root, 0.5 + step / 100) for step in range(40)}
    published.commit("demo", stage(root, 0.25), "before")
    outcomes = []
    for step, folder in folders.items():
        old, new = rates(), [0.5 + step / 100] * 2
        with monkeypatch.context() as patch:
            dies_after(patch, step)
            try:
                published.commit("demo", folder, f"run-{step}")
            except Death:
                outcomes.append(rates() == new)
                assert rates() in (old, new)
                continue
        assert rates() == new
        break
    assert outcomes[:8] == [False] * 8  # two tables, the remembered manifest, and the draft of the new one
    assert outcomes == sorted(outcomes)
    assert True in outcomes  # the clean-up after the commit point was reached as well
    published.commit("demo", stage(root, 0.75), "after")
    named = {"manifest.json", *(f"manifest-{run}.json" for run in published.history("demo"))}
    assert named == {path.name for path in (root / "published" / "demo").glob("*.json")}
    assert not list((root / "published" / "demo").glob(".*"))


def test_a_full_disk_is_told_and_publishes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published.commit("demo", stage(root, 0.25), "run-1")
    folders = stage(root, 0.75)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(BadInput, match=r"No space left.*Nothing was published"):
            published.commit("demo", folders, "run-2")
    assert rates() == [0.25, 0.25]


def test_the_last_publications_stay_and_older_files_go(root: Path) -> None:
    for number in range(1, 5):
        published.commit("demo", stage(root, number / 8), f"run-{number}", keep=3)
    assert published.history("demo") == ["run-2", "run-3"]
    home = root / "published" / "demo"
    named = {"manifest.json", "manifest-run-2.json", "manifest-run-3.json"}
    for path in home.glob("manifest*.json"):
        named |= {about["file"] for about in json.loads(path.read_text())["tables"].values()}
    assert {path.name for path in home.iterdir()} == named
    assert len(named) == 3 + 3 * 2
    published.restore("demo", "run-2")
    assert rates() == [0.25, 0.25]
    assert published.history("demo") == ["run-3", "run-4"]
    with pytest.raises(BadInput, match="kept are: run-3, run-4"):
        published.restore("demo", "run-1")


def test_a_table_of_two_notebooks_carries_their_names(root: Path) -> None:
    published.commit("demo", stage(root, 0.25, "one") | stage(root, 0.5, "two"), "run-1")
    first, second = (published.read("demo", f"{name}.rates").table["rate"][0].as_py() for name in ("one", "two"))
    assert (first, second) == (0.25, 0.5)


def test_a_notebook_that_goes_round_publish_is_stopped_at_the_door(root: Path) -> None:
    folders = stage(root, 0.25)
    file = folders["tier0"] / "published" / "rates.parquet"
    frame = pd.read_parquet(file)
    frame.assign(n=[50.0, 3.0], suppressed=False).to_parquet(file)
    with pytest.raises(DisclosureError, match="a group of fewer than 10 people"):
        published.commit("demo", folders, "run-1")
    frame.assign(n=[50.0, 3.0]).to_parquet(file)
    with pytest.raises(DisclosureError, match="a group of fewer than 10 people"):
        published.commit("demo", folders, "run-1")
    frame.assign(n=[51.0, None]).to_parquet(file)
    with pytest.raises(DisclosureError, match=r"was not made by wb\.publish"):
        published.commit("demo", folders, "run-1")
    frame.assign(student_id=["1", "2"]).to_parquet(file)
    with pytest.raises(DisclosureError, match=r"was not made by wb\.publish"):
        published.commit("demo", folders, "run-1")
    assert published.runs() == []


def test_a_table_staged_under_a_weaker_policy_is_stopped(root: Path) -> None:
    (root / "access.yml").write_text("min_count: 5\n")
    folders = stage(root, 0.25)
    frame = pd.read_parquet(file := folders["tier0"] / "published" / "rates.parquet")
    frame.assign(n=[50.0, None]).to_parquet(file)
    (root / "access.yml").write_text("min_count: 60\n")
    with pytest.raises(DisclosureError, match="fewer than 60"):
        published.commit("demo", folders, "run-1")


def test_what_is_missing_is_told_in_one_sentence_without_a_path(root: Path) -> None:
    with pytest.raises(BadInput, match="Nothing has been published yet under the name “demo”"):
        published.read("demo", "rates")
    published.commit("demo", stage(root, 0.25), "run-1")
    with pytest.raises(BadInput, match="“other” is not among"):
        published.read("demo", "other")
    with pytest.raises(BadParameter):
        published.read("../demo", "rates")
    for path in (root / "published" / "demo").glob("*.parquet"):
        path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(BadInput, match="cannot be read at the moment") as caught:
        published.read("demo", "rates")
    (root / "published" / "demo" / "manifest.json").write_text("{")
    with pytest.raises(BadInput, match="Nothing has been published yet") as later:
        published.read("demo", "rates")
    for error in (caught, later):
        assert str(root) not in str(error.value)
        assert "\n" not in str(error.value)


def test_a_spoilt_manifest_does_not_stop_the_next_publication(root: Path) -> None:
    published.commit("demo", stage(root, 0.25), "run-1")
    (root / "published" / "demo" / "manifest.json").write_text("{")
    published.commit("demo", stage(root, 0.5), "run-2")
    assert rates() == [0.5, 0.5]


@pytest.mark.parametrize(
    "entry", ["text", {"file": 5}, {"file": "../../students.parquet"}, {"file": "students.parquet"}]
)
def test_a_manifest_that_tells_of_another_file_shows_nothing(root: Path, entry: object) -> None:
    published.commit("demo", stage(root, 0.25), "run-1")
    home = root / "published" / "demo"
    for where in (root, home):
        pd.DataFrame({"student_id": ["S1"]}).to_parquet(where / "students.parquet")
    manifest = json.loads((home / "manifest.json").read_text())
    about = manifest["tables"]["rates"]
    manifest["tables"]["rates"] = about | entry if isinstance(entry, dict) and entry else entry
    (home / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadInput, match="cannot be read at the moment"):
        published.read("demo", "rates")
    for spoilt in ([], None):
        (home / "manifest.json").write_text(json.dumps(manifest | {"tables": spoilt}))
        with pytest.raises(BadInput, match="Nothing has been published"):
            published.tables("demo")


def spoil(root: Path, run: str) -> None:
    """Cut the current files of a run short, as a disk that filled up would leave them."""
    home = root / "published" / run
    for about in json.loads((home / "manifest.json").read_text())["tables"].values():
        path = home / about["file"]
        path.write_bytes(path.read_bytes()[:20])


def test_a_spoilt_table_gives_way_to_the_one_before_with_its_day(root: Path) -> None:
    published.commit("demo", stage(root, 0.25), "run-1")
    published.commit("demo", stage(root, 0.5), "run-2")
    day = published.read("demo", "rates").made_at[:10]
    assert published.read("demo", "rates").kept == ""
    spoil(root, "demo")
    assert rates() == [0.25, 0.25]
    late = published.read("demo", "rates")
    assert late.run_id == "run-1"
    assert late.kept == (
        f"The newest of these numbers cannot be shown at the moment. These are the ones published on {day}."
    )
    (root / "published" / "demo" / "manifest.json").write_text("{")
    assert published.read("demo", "rates").run_id == "run-1"


def test_a_publication_that_was_taken_back_is_not_shown_in_place_of_a_spoilt_one(root: Path) -> None:
    published.commit("demo", stage(root, 0.25), "run-1")
    later = datetime.now(UTC) + timedelta(hours=1)
    published.commit("demo", stage(root, 0.5), "run-2")
    home = root / "published" / "demo"
    newer = json.loads((home / "manifest.json").read_text()) | {"made_at": later.isoformat(timespec="seconds")}
    (home / "manifest.json").write_text(json.dumps(newer))
    published.restore("demo", "run-1")
    spoil(root, "demo")
    with pytest.raises(BadInput, match="cannot be read at the moment"):
        published.read("demo", "rates")


def test_the_table_before_is_the_last_that_differed(root: Path) -> None:
    published.commit("demo", stage(root, 0.25), "run-1")
    assert published.read_before("demo", "rates") is None
    published.commit("demo", stage(root, 0.5), "run-2")
    published.commit("demo", stage(root, 0.5), "run-3")
    before = published.read_before("demo", "rates")
    assert before is not None
    assert before.run_id == "run-1"
    assert published.read_before("demo", "other") is None
