"""The formula language of lme4: fixed effects as usual, random effects in parentheses with a bar."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workbench.errors import BadParameter

_NAME = r"`[^`]+`|[^\W\d][\w.]*"


@dataclass(frozen=True)
class RandomTerm:
    """One covariance block: the columns of `design` vary over the levels of `group`, all correlated.

    `group` names the columns whose combination is the grouping factor, in lme4's order (`class:school`).
    """

    design: str
    group: tuple[str, ...]

    @property
    def name(self) -> str:
        return ":".join(self.group)


@dataclass(frozen=True)
class Formula:
    """A parsed formula: `response ~ fixed`, and random terms in the order written."""

    text: str
    response: str
    fixed: str
    random: tuple[RandomTerm, ...]


def parse(text: str) -> Formula:
    """Split a formula in lme4's syntax into its response, fixed effects and random terms.

    `(x || g)` becomes one term for each term of x, uncorrelated; `(x | a/b)` becomes `(x | a) + (x | b:a)`
    (Bates et al. 2015, table 2). Raises BadParameter where it cannot be read or has no random effect.
    """
    if text.count("~") != 1:
        raise BadParameter(f"The formula {text!r} needs one '~' between the outcome and what explains it.")
    response, right = (part.strip() for part in _for_formulaic(text).split("~"))
    if not response:
        raise BadParameter(f"The formula {text!r} names no outcome before the '~'.")
    fixed, bars = _without_bars(text, right)
    if not bars:
        raise BadParameter(
            f"The formula {text!r} has no random effect. Add one, such as '+ (1 | school)', or use an ordinary "
            "regression."
        )
    terms = [term for bar in bars for term in _random_terms(text, bar)]
    return Formula(text, response, fixed, tuple(terms))


def _for_formulaic(text: str) -> str:
    """R's way of writing powers and categories in formulaic's: `I(x^2)` is `I(x**2)`, `as.factor(x)` is `C(x)`."""
    outside = re.split(r"(`[^`]*`)", text)
    outside[::2] = [re.sub(r"(?<![\w.])(?:as\.)?factor\(", "C(", part).replace("^", "**") for part in outside[::2]]
    return "".join(outside)


def _without_bars(text: str, right: str) -> tuple[str, list[str]]:
    """The fixed part, and what stands inside each pair of parentheses that holds a bar."""
    kept, bars, start, depth = [], [], 0, 0
    for place, letter in enumerate(right):
        if letter == "(":
            start, depth = (place, 1) if depth == 0 else (start, depth + 1)
        elif letter == ")":
            depth -= 1
            inside = right[start + 1 : place]
            if depth == 0 and "|" in inside and (place == len(right) - 1 or right[place + 1] != "("):
                bars.append(inside)
                continue
            if depth == 0:
                kept.append(right[start : place + 1])
            if depth < 0:
                break
        elif depth == 0:
            kept.append(letter)
            if letter == "|":
                raise BadParameter(f"In {text!r}, put each random effect into parentheses: '(1 | school)'.")
    if depth != 0:
        raise BadParameter(f"The parentheses in {text!r} do not match.")
    return _tidied("".join(kept)), bars


def _tidied(fixed: str) -> str:
    """The fixed part without the plus signs that random terms left behind."""
    parts = re.sub(r"\s+", " ", fixed).strip()
    while (shorter := re.sub(r"\+\s*(?=[+-]|$)|^\s*\+", "", parts).strip()) != parts:
        parts = shorter
    return parts or "1"


def _random_terms(text: str, bar: str) -> list[RandomTerm]:
    pieces = re.split(r"\|\|?", bar)
    if len(pieces) != 2 or not pieces[0].strip() or not pieces[1].strip():
        raise BadParameter(f"In {text!r}, ({bar}) is no random effect; write (columns | group).")
    design, group = (piece.strip() for piece in pieces)
    designs = _split_terms(text, design) if "||" in bar else [design]
    return [RandomTerm(one, names) for names in _groups(text, group) for one in designs]


def _split_terms(text: str, design: str) -> list[str]:
    """`1 + x` as `1` and `0 + x`: one uncorrelated block a term."""
    from formulaic import Formula as Terms

    try:
        terms = [str(term) for term in Terms(design)]
    except Exception as error:
        raise BadParameter(f"In {text!r}, the random effects {design!r} cannot be read: {error}") from error
    return [term if term == "1" else f"0 + {term}" for term in terms]


def _groups(text: str, group: str) -> list[tuple[str, ...]]:
    if "/" in group:
        names = [name.strip() for name in group.split("/")]
        nested = [tuple(reversed(names[: depth + 1])) for depth in range(len(names))]
    else:
        nested = [tuple(name.strip() for name in group.split(":"))]
    for name in nested[-1]:
        if not re.fullmatch(_NAME, name):
            raise BadParameter(
                f"In {text!r}, the grouping {group!r} cannot be read: name a column, 'a:b' for combinations, "
                "or 'a/b' for b within a."
            )
    return [tuple(name.strip("`") for name in names) for names in nested]
