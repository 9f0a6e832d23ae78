"""The rules of `actions.yml`: what can be done for a student, when, at which price and with which expected benefit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import BadInput, BadParameter, did_you_mean
from workbench.features import AUDIT_COLUMNS, FEATURES
from workbench.paths import resolve, shown

if TYPE_CHECKING:
    import pandas as pd
    import yaml

FILE: Final = "actions.yml"
NEEDED: Final = ("title", "do", "by", "hours", "avoids", "evidence", "when")
COMPARED: Final = ("at_least", "at_most", "above", "below")
STAFF: Final = ("counsellor", "teacher", "principal", "workbench")
PROTECTED: Final = (*AUDIT_COLUMNS, "gender", "race", "ethnicity", "iep", "special_education")
"""What no rule may ask for: these audit a model, they do not choose."""
KNOWN: Final = {each.name: each for each in FEATURES}


@dataclass(frozen=True)
class Condition:
    """One comparison of a feature with a number, such as attendance_last_term below 0.9."""

    feature: str
    compared: str
    number: float

    def holds(self, values: pd.Series) -> pd.Series:
        """Return for each student whether it holds; what is not known does not."""
        compare = {"at_least": values.ge, "at_most": values.le, "above": values.gt, "below": values.lt}
        return compare[self.compared](self.number).fillna(False).astype(bool)

    def said(self, value: float) -> str:
        """The reason as a counsellor reads it."""
        if self.feature == "risk":
            return f"the risk of dropping out is {100 * value:.0f} % ({self._limit(f'{100 * self.number:g} %')})"
        known = KNOWN.get(self.feature)
        if known is None:
            return f"{self.feature.replace('_', ' ')} is {value:.3g} ({self._limit(f'{self.number:g}')})"
        return f"{known.words} is {known.number(value)} ({self._limit(known.number(self.number))})"

    def _limit(self, number: str) -> str:
        return f"{self.compared.replace('_', ' ')} {number}"


@dataclass(frozen=True)
class Action:
    """A support: what is done, by whom, its hours of staff time, the share of dropouts it avoids, and when."""

    name: str
    title: str
    do: str
    by: str
    hours: float
    avoids: float
    evidence: str
    when: tuple[Condition, ...]


def read(path: str | Path = FILE) -> tuple[Action, ...]:
    """Read the rules, in the order of the file; nothing is guessed.

    Raises BadInput for a file that is missing or no YAML, BadParameter, with the line, for an unknown, repeated or
    missing word, a number out of range, and a condition on race, sex or disability.
    """
    import yaml

    path = resolve(path)
    try:
        root = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The rules {shown(path)} cannot be read: {error}.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadInput(f"{shown(path)} is not valid YAML: {' '.join(str(error).split())}") from error
    file = _File(path)
    top = file.mapping(root, ("actions",), "the file") if root else {}
    if "actions" not in top:
        raise BadParameter(f"{shown(path)}, line 1: `actions:` is missing; it holds the rules.")
    return tuple(file.action(name, node) for name, node in file.mapping(top["actions"], None, "actions").items())


@dataclass(frozen=True)
class _File:
    """The file that is read, for messages."""

    path: Path

    def wrong(self, node: yaml.Node, why: str) -> BadParameter:
        return BadParameter(f"{shown(self.path)}, line {node.start_mark.line + 1}: {why}.")

    def mapping(self, node: Any, known: tuple[str, ...] | None, what: str) -> dict[str, yaml.Node]:
        import yaml

        if not isinstance(node, yaml.MappingNode) or not node.value:
            raise self.wrong(node, f"{what} must hold names and values")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if known is not None and name not in known:
                raise self.wrong(key, f"{name!r} is not a word here. {did_you_mean(name, known)}There are: "
                                      f"{', '.join(known)}")  # fmt: skip
            if name in found:
                raise self.wrong(key, f"{name!r} is written twice; keep one")
            found[name] = value
        return found

    def action(self, name: str, node: Any) -> Action:
        given = self.mapping(node, NEEDED, name)
        if missing := [key for key in NEEDED if key not in given]:
            raise self.wrong(node, f"{name} has no {missing[0]!r}")
        title, do, by, evidence = (self.text(given[key], key) for key in ("title", "do", "by", "evidence"))
        if by not in STAFF:
            raise self.wrong(given["by"], f"by is {by!r}. {did_you_mean(by, STAFF)}There are: {', '.join(STAFF)}")
        hours, avoids = self.number(given["hours"], "hours"), self.number(given["avoids"], "avoids")
        if hours <= 0:
            raise self.wrong(given["hours"], f"hours is {hours:g}; what costs nobody's time needs no choosing")
        if not 0 < avoids <= 1:
            raise self.wrong(given["avoids"], f"avoids is {avoids:g}; it is a share above 0, at most 1")
        return Action(name, title, do, by, hours, avoids, evidence, self.conditions(given["when"], name))

    def conditions(self, node: Any, name: str) -> tuple[Condition, ...]:
        import yaml

        if not isinstance(node, yaml.SequenceNode) or not node.value:
            raise self.wrong(node, f"when of {name} must be a list of conditions")
        return tuple(self.condition(each) for each in node.value)

    def condition(self, node: Any) -> Condition:
        given = self.mapping(node, ("feature", *COMPARED), "a condition")
        compared = [key for key in given if key != "feature"]
        if "feature" not in given or len(compared) != 1:
            raise self.wrong(node, f"a condition names a feature and one of {', '.join(COMPARED)}")
        feature = self.text(given["feature"], "feature")
        if is_protected(feature):
            raise self.wrong(node, f"{feature!r} audits a model and chooses nobody; take this condition away")
        return Condition(feature, compared[0], self.number(given[compared[0]], compared[0]))

    def text(self, node: Any, key: str) -> str:
        import yaml

        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            raise self.wrong(node, f"{key} must be words")
        return str(node.value).strip()

    def number(self, node: Any, key: str) -> float:
        text = self.text(node, key)
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise self.wrong(node, f"{key} is {text!r}; it must be a number")
        return found


def is_protected(name: object) -> bool:
    """Whether a column tells of race, sex or disability, however its name is written: Race, SEX, `disability `."""
    return str(name).strip().lower().replace(" ", "_") in PROTECTED


def recommended(students: pd.DataFrame, actions: tuple[Action, ...]) -> pd.DataFrame:
    """Return one row a student and action whose conditions all hold: student_id, action, hours, benefit, reasons.

    `benefit` is the expected number of dropouts avoided, risk × the share that the action avoids. Raises BadParameter
    where there is no action, or the table lacks a feature that a rule names; BadInput where it is no number.
    """
    import pandas as pd

    if not actions:
        raise BadParameter("There is no action to choose from; give at least one.")
    found = []
    for action in actions:
        for condition in action.when:
            if condition.feature not in students.columns:
                raise BadParameter(
                    f"The action {action.name!r} asks for {condition.feature!r}, which the table of students has not. "
                    f"{did_you_mean(condition.feature, students.columns)}Add it, or leave the action out."
                )
            if not pd.api.types.is_numeric_dtype(students[condition.feature]):
                raise BadInput(
                    f"The column {condition.feature!r} holds words, but the action {action.name!r} compares it with "
                    f"{condition.number:g}; give numbers."
                )
        fits = pd.concat([each.holds(students[each.feature]) for each in action.when], axis=1).all(axis=1)
        fit = students[fits]
        reasons = ["; ".join(each.said(row[each.feature]) for each in action.when) for row in _records(fit)]
        found.append(
            pd.DataFrame(
                {"student_id": fit.student_id, "action": action.name, "by": action.by, "hours": action.hours,
                 "benefit": fit.risk * action.avoids, "reasons": reasons}
            )
        )  # fmt: skip
    return pd.concat(found, ignore_index=True)


def _records(frame: pd.DataFrame) -> list[Mapping[Any, Any]]:
    return list(frame.to_dict("records"))
