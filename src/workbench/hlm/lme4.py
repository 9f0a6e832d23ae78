"""The reference engine: lme4 and lmerTest themselves, through pymer4."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg

from workbench.errors import BadParameter, ModelError
from workbench.hlm.columns import complete_rows
from workbench.hlm.design import Design, Floats, build, matrices
from workbench.hlm.formula import Formula, parse
from workbench.hlm.new_rows import new_codes, new_frame
from workbench.hlm.r import ask, engines, to_r
from workbench.hlm.result import RESIDUAL, Method, MixedModel, remarks

FAMILIES = ("binomial", "poisson", "Gamma", "inverse.gaussian")  # those of R itself that glmer takes
RESPONSE = "workbench.response"  # the column that takes the outcome's place when a model is fitted again
LAPLACE = "Fitted by maximum likelihood with the Laplace approximation; REML is not defined for this family."


@dataclass(frozen=True)
class Lme4:
    """A fit by lme4: the R object, and what it was made from."""

    model: Any
    formula: str
    method: Method
    weights: str | None
    family: str
    frame: pd.DataFrame
    design: Design
    covariances: dict[str, Floats]

    def degrees(self, contrasts: Floats) -> Floats:
        if self.family != "gaussian":
            return np.full(len(contrasts), np.inf)
        return np.asarray(ask("degrees", self.model, np.asarray(contrasts)))

    def modes(self) -> pd.DataFrame:
        told = ask("modes", self.model).rename(columns={"condval": "estimate", "condsd": "std_error"})
        levels = {group: list(names) for group, names in ask("levels", self.model).items()}
        tables = []
        for factor in self.design.factors:
            own = told[told["grpvar"].astype(str) == factor.name]
            level = [levels[factor.name].index(label) for label in own["grp"].astype(str)]
            term = [factor.columns.index(name) for name in own["term"].astype(str)]
            own = own.assign(group=factor.name, level=np.asarray(factor.levels, dtype=object)[level])
            own = own.assign(term=np.array(factor.columns, dtype=object)[term]).iloc[np.lexsort((term, level))]
            tables.append(own[["group", "level", "term", "estimate", "std_error"]])
        return pd.concat(tables, ignore_index=True)

    def random_variance(self) -> dict[str, float]:
        if self.family != "gaussian":
            raise ModelError(
                f"ICC and R² of a {self.family} model need the family's own variance on the scale of the link, and "
                "there are several ways to take it (Nakagawa, Johnson & Schielzeth 2017); they are not offered."
            )
        w = np.ones(self.design.n) if self.design.weights is None else self.design.weights
        return {
            factor.name: float(np.sum(self.covariances[factor.name] * ((Z * w[:, None]).T @ Z))) / self.design.n
            for factor, Z in zip(self.design.factors, self.design.Z, strict=True)
        }

    def fixed_variance(self) -> float:
        return self.design.spread(np.asarray(ask("linear", self.model)))

    def predict(self, data: Any, random: bool) -> Floats:
        frame = None
        if data is not None:
            frame = new_frame(self.design, data)
            if random:
                new_codes(self.design, frame)  # warns of levels that are not known
        return np.asarray(ask("predict", self.model, None if frame is None else to_r(frame), random))

    def simulate(self, draws: int, seed: int) -> Floats:
        return np.asarray(ask("simulate", self.model, draws, seed)).reshape(self.design.n, draws)

    def refit(self, y: Floats | None, method: Method) -> MixedModel:
        if y is None:
            return _fitted(self.formula, self.frame, self.design, method, self.weights, self.family, self.formula)
        frame = self.frame.assign(**{RESPONSE: np.asarray(y, dtype=np.float64)})
        changed = f"{RESPONSE} ~ {self.formula.split('~')[1]}"
        return _fitted(changed, frame, self.design, method, self.weights, self.family, self.formula)


def fit(formula: str, data: Any, method: Method, weights: str | None, family: str) -> MixedModel:
    """Fit a mixed model with lme4, and hand back what the native engine would.

    Strings become factors with sorted levels, the first the reference; a truth value is 0 or 1. `family` is
    "gaussian" (lmer), or one of FAMILIES (glmer: canonical link, maximum likelihood by the Laplace
    approximation, z tests). Raises as the native engine does, and ModelError with lme4's own words where lme4
    refuses, or where R is not there.
    """
    if family != "gaussian" and family not in FAMILIES:
        raise BadParameter(f"family is 'gaussian', {', '.join(map(repr, FAMILIES))}, not {family!r}.")
    parsed = parse(formula)
    if family == "gaussian":
        design = build(parsed, data, weights)
        frame, _ = complete_rows(parsed, data, weights)
    else:
        parsed = _two_columns(parsed)
        frame, full = complete_rows(parsed, data, weights)
        design = replace(matrices(replace(parsed, response="1"), frame, weights), n_dropped=int((~full).sum()))
        method = "ML"
    return _fitted(formula, frame, design, method, weights, family, formula)


def _two_columns(formula: Formula) -> Formula:
    """`cbind(passed, failed)` as the sum of its columns, which tells what data it needs."""
    both = re.fullmatch(r"cbind\((.*)\)", formula.response)
    return replace(formula, response=" + ".join(f"I({part})" for part in both[1].split(","))) if both else formula


def _fitted(
    formula: str, frame: pd.DataFrame, design: Design, method: Method, weights: str | None, family: str, shown: str
) -> MixedModel:
    """Fit `formula` to complete rows; the result is said to be of the formula `shown`."""
    lmer, glmer, family_of = engines()
    w = None if weights is None else frame[weights].to_numpy(np.float64)
    options: dict[str, Any] = {} if w is None else {"weights": w}
    options |= {"REML": method == "REML"} if family == "gaussian" else {"family": family_of(family)}
    text = re.sub(r"\bC\(", "factor(", formula)
    try:
        model = (lmer if family == "gaussian" else glmer)(text, data=to_r(frame), **options)
    except Exception as error:
        raise ModelError(f"lme4 cannot fit {shown!r}: {_first_sentence(str(error))}") from error
    told = ask("told", model)
    names = [factor.name for factor in design.factors]
    variances, covariances = _variances(told, names)
    fitted = Lme4(model, shown, method, weights, family, frame, design, covariances)
    dropped = tuple(told["dropped"] or ())
    approximated = (LAPLACE,) if family != "gaussian" else ()
    singular = bool(told["singular"][0])
    warnings = tuple(f"lme4 warns: {text}." for text in told["warnings"] or () if "singular" not in text)
    return MixedModel(
        formula=shown, method=method, engine="lme4", family=family, n_obs=int(told["n"][0]),
        n_dropped=design.n_dropped, groups={factor.name: len(factor.levels) for factor in design.factors},
        criterion=-2 * float(told["loglik"][0]), n_parameters=int(told["parameters"][0]),
        columns=tuple(told["beta"]), beta=np.array(list(told["beta"].values())), covariance=told["covariance"],
        variances=variances, converged=bool(told["settled"][0]) and not warnings, singular=singular,
        messages=(*warnings, *approximated, *remarks(bool(told["settled"][0]), singular, dropped, variances)),
        dropped_columns=dropped, fitted=fitted,
    )  # fmt: skip


def _variances(told: dict[str, Any], names: list[str]) -> tuple[pd.DataFrame, dict[str, Floats]]:
    """The table of variances, and the covariance matrix of all effects of each grouping factor."""
    blocks = list(zip(told["group"], told["columns"], told["blocks"], strict=True))
    rows: list[tuple[str, str | None, str | None, float]] = []
    covariances: dict[str, Floats] = {}
    for name in names:
        own = [(list(columns), np.asarray(block)) for group, columns, block in blocks if group == name]
        for columns, block in own:
            pairs = [(a, b) for a in range(len(columns)) for b in range(a + 1, len(columns))]
            rows += [(name, column, None, block[a, a]) for a, column in enumerate(columns)]
            rows += [(name, columns[a], columns[b], block[a, b]) for a, b in pairs]
        covariances[name] = linalg.block_diag(*(block for _, block in own))
    if told["scale"] is not None:
        rows.append((RESIDUAL, None, None, float(told["scale"][0])))
    table = pd.DataFrame(rows, columns=["group", "term", "other_term", "estimate"])
    return table.astype({"term": object, "other_term": object}), covariances


def _first_sentence(error: str) -> str:
    """What R says, without the call in which it says it."""
    lines = [line.strip() for line in error.strip().splitlines() if line.strip()]
    return re.sub(r"^Error in .*? : ?", "", " ".join(lines[:3]))
