"""Every way to falsify the audit log is found, and named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.access import chain
from workbench.access.audit import Event, Log, record
from workbench.access.verification import lines, verify
from workbench.errors import BadInput

SEVERAL = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows(log: Log) -> list[bytes]:
    return log.files()[0].read_bytes().splitlines(keepends=True)


def wrong(log: Log, new: list[bytes]) -> tuple[str, ...]:
    log.files()[0].write_bytes(b"".join(new))
    return verify(log).wrong


def forged(log: Log, at: int, **told: str) -> list[bytes]:
    """The log with line `at` told otherwise and everything after it sealed anew: what only the anchor can find."""
    made, prev = rows(log)[: at - 1], lines(log)[at - 1].prev
    for line in lines(log)[at - 1 :]:
        made.append(chain.seal(line.n, prev, {**line.told, **(told if line.n == at else {})}))
        sealed = chain.unseal(made[-1])
        assert sealed
        prev = sealed.hash
    return made


def test_a_log_as_it_was_written_is_sound(month: Log) -> None:
    found = verify(month)
    assert (found.lines, found.wrong, found.notes) == (6, (), ())
    assert found.head == f"6 {lines(month)[-1].hash}"


@pytest.mark.parametrize("place", [1, 3, 6])
def test_a_changed_line_is_named(month: Log, place: int) -> None:
    changed = rows(month)
    changed[place - 1] = changed[place - 1].replace(b"caseload", b"caseLoad")
    found = wrong(month, changed)
    assert found[0] == f"2025-01.jsonl, row {place}: line {place} was changed."
    assert len(found) == 1


@pytest.mark.parametrize("place", [1, 3, 6])
def test_a_changed_line_that_was_sealed_anew_is_named(month: Log, place: int) -> None:
    changed = rows(month)
    line = lines(month)[place - 1]
    changed[place - 1] = chain.seal(line.n, line.prev, {**line.told, "who": "nobody"})
    assert f"2025-01.jsonl, row {place}: line {place} is not the one that was anchored." in wrong(month, changed)


def test_a_chain_that_was_written_anew_is_found_by_its_anchor(month: Log) -> None:
    found = wrong(month, forged(month, 3, who="nobody"))
    assert found == tuple(
        f"2025-01.jsonl, row {place}: line {place} is not the one that was anchored." for place in (3, 4, 5, 6)
    )


def test_removed_lines_are_named(month: Log) -> None:
    whole = rows(month)
    assert wrong(month, whole[:2] + whole[3:]) == ("2025-01.jsonl, row 3: line 3 was removed before line 4.",)
    assert wrong(month, whole[:1] + whole[4:]) == ("2025-01.jsonl, row 2: lines 2 to 4 were removed before line 5.",)
    assert wrong(month, whole[2:]) == ("Lines 1 to 2 were removed: no line says that they were retired.",)


def test_removed_last_lines_are_named(month: Log) -> None:
    whole = rows(month)
    assert wrong(month, whole[:5]) == ("Lines 6 to 6 were removed from the end: the anchor knows them.",)
    assert wrong(month, whole[:2]) == ("Lines 3 to 6 were removed from the end: the anchor knows them.",)
    assert wrong(month, []) == ("Lines 1 to 6 were removed from the end: the anchor knows them.",)
    month.files()[0].unlink()
    assert verify(month).wrong == ("Lines 1 to 6 were removed from the end: the anchor knows them.",)


def test_an_anchored_last_line_without_its_end_is_no_torn_one(month: Log) -> None:
    whole = rows(month)
    for cut in (whole[-1][:-1], whole[-1][:30]):
        assert wrong(month, [*whole[:5], cut]) == ("Lines 6 to 6 were removed from the end: the anchor knows them.",)


def test_an_inserted_line_is_named(month: Log) -> None:
    whole = rows(month)
    assert wrong(month, [*whole[:3], whole[1], *whole[3:]]) == (
        "2025-01.jsonl, row 4: line 2 was inserted, or moved here from its place.",
    )
    new = chain.seal(4, lines(month)[2].hash, {"who": "nobody"})
    assert "2025-01.jsonl, row 4: line 4 is not the one that was anchored." in wrong(
        month, [*whole[:3], new, *whole[3:]]
    )


def test_lines_that_changed_places_are_named(month: Log) -> None:
    whole = rows(month)
    whole[2], whole[3] = whole[3], whole[2]
    assert wrong(month, whole) == (
        "2025-01.jsonl, row 3: line 3 was removed before line 4.",
        "2025-01.jsonl, row 4: line 3 was inserted, or moved here from its place.",
    )


def test_lines_added_by_hand_are_found(month: Log) -> None:
    whole, prev = rows(month), lines(month)[-1].hash
    for n in (7, 8):
        whole.append(chain.seal(n, prev, {"who": "nobody"}))
        sealed = chain.unseal(whole[-1])
        assert sealed
        prev = sealed.hash
    assert "Lines 7 to 8 are not anchored" in wrong(month, whole)[0]


def test_a_changed_or_missing_anchor_is_found(month: Log) -> None:
    text = month.anchor.read_text()
    month.anchor.write_text(text.replace("\n3 ", "\nthree "))
    assert "row 3: the anchor was changed" in verify(month).wrong[0]
    month.anchor.write_text(text[:-20])
    assert verify(month).notes == ("Line 6 is not anchored yet: its writer was stopped before anything was shown.",)
    month.anchor.unlink()
    assert "Lines 1 to 6 are not anchored" in verify(month).wrong[0]


def test_a_copy_of_the_anchor_finds_what_the_anchor_beside_it_no_longer_can(month: Log, tmp_path: Path) -> None:
    copy = tmp_path / "another machine.txt"
    copy.write_bytes(month.anchor.read_bytes())
    record(Event("lee", "saw"), "2025-01-07T08:00:00+00:00", month)
    assert verify(month, copy).wrong == ()
    assert verify(month, copy).notes == ("The copy of the anchor reaches to line 6, the log to line 7.",)
    month.files()[0].write_bytes(b"".join(rows(month)[:3]))
    month.anchor.write_text("".join(f"{line.n} {line.hash}\n" for line in lines(month)))
    assert verify(month).wrong == ()
    assert verify(month, copy).wrong == ("Lines 4 to 6 were removed from the end: the anchor knows them.",)


def test_a_log_that_cannot_be_read_is_no_sound_one(month: Log) -> None:
    month.anchor.unlink()
    month.anchor.mkdir()
    with pytest.raises(BadInput, match="cannot be read"):
        verify(month)


@given(st.data())
@SEVERAL
def test_any_other_byte_anywhere_is_found(month: Log, data: st.DataObject) -> None:
    whole = b"".join(rows(month))
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    try:
        assert wrong(month, [whole[:place] + bytes([other]) + whole[place + 1 :]]) != ()
    finally:
        month.files()[0].write_bytes(whole)


@given(st.data())
@SEVERAL
def test_any_byte_that_went_or_came_is_found(month: Log, data: st.DataObject) -> None:
    whole = b"".join(rows(month))
    place = data.draw(st.integers(0, len(whole) - 1))
    new = data.draw(st.binary(max_size=3))
    length = data.draw(st.integers(0 if new else 1, 4))
    edited = whole[:place] + new + whole[place + length :]
    try:
        assert edited == whole or wrong(month, [edited]) != ()
    finally:
        month.files()[0].write_bytes(whole)


@given(st.lists(st.integers(0, 5), max_size=8))
@SEVERAL
def test_any_other_choice_or_order_of_lines_is_found(month: Log, order: list[int]) -> None:
    whole = rows(month)
    try:
        assert order == list(range(6)) or wrong(month, [whole[place] for place in order]) != ()
    finally:
        month.files()[0].write_bytes(b"".join(whole))
