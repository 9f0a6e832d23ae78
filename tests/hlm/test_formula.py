"""Formulas in lme4's language."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadParameter
from workbench.hlm.formula import RandomTerm, parse

NAMES = st.sampled_from(["x", "year", "econ", "log(x)", "I(x^2)", "x:econ"])
GROUPS = st.sampled_from(["school", "student", "class:school"])


@pytest.mark.parametrize(
    ("text", "fixed", "random"),
    [
        ("y ~ x + (1 | a)", "x", [("1", "a")]),
        ("y ~ (1 | a)", "1", [("1", "a")]),
        ("y ~ (x | a) + x", "x", [("x", "a")]),
        ("y ~ x + (x || a)", "x", [("1", "a"), ("0 + x", "a")]),
        ("y ~ 0 + x + (0 + x | a)", "0 + x", [("0 + x", "a")]),
        ("y ~ x - 1 + (1 | a)", "x - 1", [("1", "a")]),
        ("y ~ x + (1 | a/b)", "x", [("1", "a"), ("1", "b:a")]),
        ("y ~ x + (1 | a/b/c)", "x", [("1", "a"), ("1", "b:a"), ("1", "c:b:a")]),
        ("y ~ x + (1 | a:b)", "x", [("1", "a:b")]),
        ("y ~ (x + z)^2 + (1 | a)", "(x + z)**2", [("1", "a")]),
        ("y ~ I((x + 1)^2) + log(z) + (I(x^2) | a)", "I((x + 1)**2) + log(z)", [("I(x**2)", "a")]),
        ("y ~ factor(grade) + (1 | a) + z", "C(grade) + z", [("1", "a")]),
    ],
)
def test_fixed_and_random_parts(text: str, fixed: str, random: list[tuple[str, str]]) -> None:
    formula = parse(text)
    assert formula.response == "y"
    assert formula.fixed == fixed
    assert [(term.design, term.name) for term in formula.random] == random


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("y + x", "needs one '~'"),
        ("y ~ x ~ z", "needs one '~'"),
        (" ~ x + (1 | a)", "names no outcome"),
        ("y ~ x", "no random effect"),
        ("y ~ x + 1 | a", "into parentheses"),
        ("y ~ x + (1 | a", "do not match"),
        ("y ~ x + 1 | a)", "into parentheses"),
        ("y ~ x + ( | a)", "is no random effect"),
        ("y ~ x + (1 | )", "is no random effect"),
        ("y ~ x + (1 | a | b)", "is no random effect"),
        ("y ~ x + (1 | a + b)", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(BadParameter, match=says.replace("|", r"\|")):
        parse(text)


@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(st.tuples(NAMES, GROUPS), min_size=1, max_size=3))
def test_random_terms_may_stand_anywhere(fixed: list[str], random: list[tuple[str, str]]) -> None:
    bars = [f"({design} | {group})" for design, group in random]
    before, after = (parse("y ~ " + " + ".join(parts)) for parts in (bars + fixed, fixed + bars))
    assert before.fixed == after.fixed == " + ".join(fixed).replace("^", "**")
    expected = tuple(RandomTerm(d.replace("^", "**"), tuple(g.split(":"))) for d, g in random)
    assert before.random == after.random == expected


@given(st.text(alphabet="yx~|()+ /:-^1", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadParameter):
        assert parse(text).random
