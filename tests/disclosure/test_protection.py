"""What may be seen of a table, and what an attacker makes of it."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.disclosure import Aggregate, protect, protect_together
from workbench.disclosure.attack import bounds, leaks
from workbench.disclosure.protection import Protected
from workbench.errors import DisclosureError

SLOW = settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
TINY = settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.too_slow])


def with_margins(cells: pd.DataFrame, keys: list[str], margins: bool = True) -> pd.DataFrame:
    """Add every total of `n` and `events` over some of the keys, and the share."""
    parts = [cells]
    for totals in product([False, True], repeat=len(keys)) if margins else ():
        if any(totals):
            one = cells.assign(**{key: "all" for key, total in zip(keys, totals, strict=True) if total})
            parts.append(one.groupby(keys, as_index=False)[["n", "events"]].sum())
    table = pd.concat(parts, ignore_index=True)
    return table.assign(share=table.events / table.n.where(table.n > 0))


@st.composite
def tables(draw: Any, most: int = 4, dimensions: int = 3) -> tuple[pd.DataFrame, list[str]]:
    """A random table of one to three keys, with many small cells, with and without margins."""
    sizes = draw(st.lists(st.integers(2, most), min_size=1, max_size=dimensions))
    keys = [f"k{place}" for place in range(len(sizes))]
    grid = list(product(*(range(size) for size in sizes)))
    count = st.one_of(st.integers(0, 15), st.integers(10, 80))
    n = draw(st.lists(count, min_size=len(grid), max_size=len(grid)))
    events = [draw(st.integers(0, many)) for many in n]
    cells = pd.DataFrame(grid, columns=keys).astype(str).assign(n=n, events=events)
    return with_margins(cells, keys, draw(st.booleans())), keys


def attacked(found: Protected) -> None:
    """Attack from nothing, in whole numbers, and hold each protected count to the rule by its exact bounds."""
    system = found.system
    assert leaks(system, found.units) == []
    counts = [int(v) for v in np.flatnonzero(system.rule == 1)]
    for variable, (low, high) in bounds(system, found.units, counts).items():
        assert low <= system.value[variable] < system.min_count <= high
        assert high - low >= 5
    assert set(counts) <= set(np.flatnonzero(system.hidden(found.units)).tolist())


@SLOW
@given(tables(), st.integers(5, 15))
def test_no_count_below_the_minimum_is_ever_narrowed(made: tuple[pd.DataFrame, list[str]], least: int) -> None:
    table, keys = made
    for exact in (None, False):
        found = protect_together({"t": Aggregate(table, keys, values=[])}, least, exact=exact)
        attacked(found)
        seen = found.tables["t"].n
        assert (seen.dropna() == table.n[seen.notna()]).all()
        assert seen[table.n < least].isna().all()


@TINY
@given(tables(3, 2))
def test_neither_events_nor_non_events_are_narrowed(made: tuple[pd.DataFrame, list[str]]) -> None:
    table, keys = made
    found = protect_together({"t": Aggregate(table, keys, values=["share"], kinds={"share": "share"})})
    attacked(found)
    seen = found.tables["t"]
    shown = seen.share.notna()
    assert (table.events[shown] >= 10).all()
    assert (table.n[shown] - table.events[shown] >= 10).all()
    assert (seen.share[shown] == table.share[shown]).all()
    again = protect(table, keys, values=["share"], kinds={"share": "share"})
    pd.testing.assert_frame_equal(seen, again)


@TINY
@given(tables(4, 1))
def test_ranges_narrow_nothing_either(made: tuple[pd.DataFrame, list[str]]) -> None:
    table, keys = made
    found = protect_together({"t": Aggregate(table, keys, values=["share"], kinds={"share": "share"}, ranges=True)})
    attacked(found)
    seen = found.tables["t"]
    hidden = seen.n.isna()
    assert ((seen.n_from <= table.n) & (table.n <= seen.n_to))[hidden].all()
    assert seen.n_from[~hidden].isna().all()


@pytest.mark.parametrize("ranges", [False, True])
@pytest.mark.parametrize("complement", [False, True])
@pytest.mark.parametrize("events", range(1, 10))
def test_of_every_count_below_the_minimum_and_of_its_complement_whole_numbers_leave_the_minimum_open(
    events: int, complement: bool, ranges: bool
) -> None:
    """By trying all whole numbers, without the package's attacker: three groups and their total, two columns each."""
    n = {"a": 40, "b": 30, "c": 50}
    true = {"a": n["a"] - events if complement else events, "b": 15, "c": 21}
    cells = pd.DataFrame({"g": list(n), "n": list(n.values()), "events": list(true.values())})
    safe = protect(with_margins(cells, ["g"]), ["g"], values=["share"], kinds={"share": "share"}, ranges=ranges)
    counts = dict(zip("abc", np.indices([n[group] + 1 for group in "abc"]).reshape(3, -1), strict=True))
    people = n | {"all": sum(n.values())}
    agrees = np.ones(counts["a"].shape, bool)
    for row in safe.to_dict("records"):
        group = row["g"]
        share = (counts[group] if group != "all" else sum(counts.values())) / people[group]
        if row["share"] == row["share"]:
            agrees &= np.isclose(share, row["share"])
        elif ranges and row["share_from"] == row["share_from"]:
            agrees &= (share >= row["share_from"] - 1e-9) & (share <= row["share_to"] + 1e-9)
    few = n["a"] - counts["a"] if complement else counts["a"]
    left = few[agrees]
    assert events in left
    assert 10 in left
    assert left.max() - left.min() >= 5


@TINY
@given(tables(3, 2), tables(3, 1))
def test_downloads_that_share_margins_are_attacked_together(
    first: tuple[pd.DataFrame, list[str]], second: tuple[pd.DataFrame, list[str]]
) -> None:
    """Two downloads of the same people: by all keys, and by the first alone, which is a margin of it."""
    table, keys = first
    finest = table[(table[keys] != "all").all(axis=1)]
    margin = with_margins(finest.groupby(keys[:1], as_index=False)[["n", "events"]].sum(), keys[:1])
    both = {"fine": Aggregate(finest, keys, values=[]), "coarse": Aggregate(margin, keys[:1], values=[])}
    attacked(protect_together(both))
    alone = protect_together({"coarse": both["coarse"]})
    later = protect_together({"fine": both["fine"]}, released={"coarse": (both["coarse"], alone.tables["coarse"])})
    attacked(later)


def test_a_total_gives_away_no_single_small_group() -> None:
    table = pd.DataFrame({"school": ["a", "b", "c", "all"], "n": [40, 25, 3, 68]})
    safe = protect(table, ["school"])
    assert safe.suppressed.tolist() == [False, True, True, False]
    assert safe.n.dropna().tolist() == [40, 68]


def test_two_small_groups_that_are_known_together_are_not_enough() -> None:
    """4 + 5 = 9: that neither is 10 follows from the total, so a larger group goes as well."""
    table = pd.DataFrame({"school": ["a", "b", "c", "d", "all"], "n": [4, 5, 30, 50, 89]})
    assert protect(table, ["school"]).suppressed.tolist() == [True, True, True, False, False]


def test_a_share_of_few_and_of_all_but_few_is_withheld() -> None:
    """A share of 3 in 40 is 3 people, and one of 37 in 40 is 3 without the event."""
    table = pd.DataFrame({"school": ["a", "b", "c"], "n": [40, 40, 40], "left": [3 / 40, 37 / 40, 0.5]})
    assert protect(table, ["school"]).left.isna().tolist() == [True, True, False]


def test_shares_of_none_and_of_all_are_coded_at_the_ends() -> None:
    table = pd.DataFrame({"school": list("abcd"), "n": [200] * 4, "left": [0.0, 1.0, 0.02, 0.5]})
    safe = protect(table, ["school"], values=["left"], kinds={"left": "share"}, ranges=True)
    assert safe.left.isna().tolist() == [True, True, True, False]
    assert safe.left_from.tolist()[:3] == [0, 181 / 200, 0]
    assert safe.left_to.tolist()[:3] == [19 / 200, 1, 19 / 200]


def test_people_in_no_group_listed_are_protected_too() -> None:
    """200 in all and 195 listed: the five others would follow."""
    table = pd.DataFrame({"race": ["white", "all"], "n": [195, 200]})
    assert protect(table, ["race"]).suppressed.tolist() == [True, False]
    overlapping = pd.DataFrame({"program": ["meals", "language", "all"], "n": [196, 90, 200]})
    assert protect(overlapping, ["program"]).suppressed.tolist() == [True, False, False]


def test_districts_are_the_sum_of_their_schools() -> None:
    schools = pd.DataFrame({"school_id": ["a", "b", "c"], "district_id": ["X", "X", "Y"], "n": [60, 4, 50]})
    districts = pd.DataFrame({"district_id": ["X", "Y"], "n": [64, 50]})
    found = protect_together(
        {
            "schools": Aggregate(schools, ["school_id"], nested={"school_id": "district_id"}),
            "districts": Aggregate(districts, ["district_id"]),
        }
    )
    attacked(found)
    shown = found.tables["schools"].n.notna().sum() + found.tables["districts"].n.notna().sum()
    assert shown == 3  # of five: the small school, and either its neighbour or its district


def test_each_kind_of_group_splits_the_same_people() -> None:
    table = pd.DataFrame(
        {
            "group_kind": ["all", "sex", "sex", "language", "language"],
            "group": ["all", "f", "m", "yes", "no"],
            "n": [100, 50, 50, 8, 92],
        }
    )
    assert protect(table, ["group_kind", "group"]).suppressed.tolist() == [False, False, False, True, True]


def test_a_filter_cannot_be_subtracted_from_the_whole() -> None:
    """Everybody and, of the same schools, those tested: two were not."""
    everybody = pd.DataFrame({"school": ["a", "b"], "n": [50, 60]})
    tested = pd.DataFrame({"school": ["a", "b"], "n": [48, 45]})
    found = protect_together(
        {"everybody": Aggregate(everybody, ["school"]), "tested": Aggregate(tested, ["school"], subset_of="everybody")}
    )
    attacked(found)
    hidden = [found.tables[name].n.isna().tolist() for name in ("everybody", "tested")]
    assert sum(map(sum, hidden)) == 1
    assert hidden[0][0] or hidden[1][0]


def test_categories_of_an_outcome_cannot_be_added_up() -> None:
    table = pd.DataFrame({"state": ["graduated", "enrolled", "left"], "n": 100, "share": [0.6, 0.36, 0.04]})
    assert protect(table, ["state"]).share.notna().sum() == 1
    parts = pd.DataFrame({"state": ["graduated", "enrolled", "left"], "n": [60, 36, 4], "share": [0.6, 0.36, 0.04]})
    assert protect(parts, ["state"], kinds={"share": "part"}).n.notna().sum() == 1


def test_limits_go_with_what_they_are_limits_of() -> None:
    table = pd.DataFrame({"g": ["a", "b"], "n": [100, 100], "left": [0.02, 0.5], "conf_low": [0.0, 0.4]})
    assert protect(table, ["g"]).conf_low.isna().tolist() == [True, False]


def test_means_medians_and_spreads_that_reveal() -> None:
    table = pd.DataFrame(
        {
            "g": list("abc"), "n": [20, 20, 20],
            "gpa": [4.0, 3.97, 2.5], "middle": [4.0, 3.0, 2.0], "score": [500.0, 510.0, 520.0], "sd": [0.0, 12.0, 9.0],
        }
    )  # fmt: skip
    kinds = {"gpa": "mean", "middle": "median", "score": "mean", "sd": "sd of score"}
    limits = {"gpa": (0.0, 4.0), "middle": (0.0, 4.0)}
    safe = protect(table, ["g"], kinds=kinds, limits=limits)
    assert safe.gpa.isna().tolist() == [True, True, False]  # 0.6 people at 0 explain a mean of 3.97 × 20
    assert safe.middle.isna().tolist() == [True, False, False]
    assert safe.score.isna().tolist() == safe.sd.isna().tolist() == [True, False, False]


def test_the_total_of_a_mean_cannot_be_subtracted() -> None:
    table = pd.DataFrame({"g": ["a", "b", "c", "all"], "n": [20, 20, 20, 60], "gpa": [4.0, 3.0, 2.0, 3.0]})
    safe = protect(table, ["g"], kinds={"gpa": "mean"}, limits={"gpa": (0.0, 4.0)})
    assert safe.gpa.isna().sum() == 2
    assert safe.n.notna().all()


def test_one_contributor_may_not_dominate_a_total() -> None:
    table = pd.DataFrame({"g": ["a", "b"], "n": [12, 12], "days": [100.0, 100.0], "most": [76.0, 30.0]})
    safe = protect(table, ["g"], values=["days"], kinds={"days": "total"}, largest={"days": "most"})
    assert safe.days.isna().tolist() == [True, False]
    assert "most" not in safe


def test_the_flag_is_the_same_for_every_reason() -> None:
    table = pd.DataFrame({"school": ["a", "b", "c", "all"], "n": [40, 25, 3, 68]})
    safe = protect(table, ["school"])
    assert safe.columns.tolist() == ["school", "n", "suppressed"]
    assert safe.loc[1, ["n", "suppressed"]].equals(safe.loc[2, ["n", "suppressed"]].set_axis(["n", "suppressed"]))


def test_estimates_of_a_model_are_no_totals() -> None:
    table = pd.DataFrame({"g": ["a", "b", "all"], "n": [20, 30, 50], "added": [0.0, 1.0, 0.6], "se": [0.1, 0.2, 0.1]})
    safe = protect(table, ["g"], kinds={"added": "estimate", "se": "with added"})
    assert not safe.suppressed.any()


def test_rounding_is_of_the_columns_named() -> None:
    table = pd.DataFrame({"g": ["a"], "n": [61], "left": [20 / 61]})
    assert protect(table, ["g"], decimals={"left": 2}).left.tolist() == [0.33]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"kinds": {"left": "rate"}}, "has the kind 'rate'"),
        ({"kinds": {"gone": "mean"}}, "'gone', which is not among the values"),
        ({"kinds": {"left": "share"}}, "no whole number"),
        ({"values": ["left"], "nested": {"g": "district"}}, "no column 'district'"),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(DisclosureError, match=message):
        protect(pd.DataFrame({"g": ["a"], "n": [61], "left": [0.123]}), ["g"], **more)
