"""The reference engine: lme4 and lmerTest themselves, through pymer4."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg

from workbench import machine
from workbench.errors import BadInput, BadParameter, ModelError
from workbench.hlm.design import Design, Floats, build, complete_rows, matrices
from workbench.hlm.formula import Formula, parse
from workbench.hlm.result import RESIDUAL, Method, MixedModel, remarks

FAMILIES = ("binomial", "poisson", "Gamma", "inverse.gaussian")  # those of R itself that glmer takes
RESPONSE = "workbench.response"  # the column that takes the outcome's place when a model is fitted again
LAPLACE = "Fitted by maximum likelihood with the Laplace approximation; REML is not defined for this family."

# What is asked of a fitted model, in R. Covariance blocks are given in the order of the formula: lme4 itself
# puts the factor with most levels first.
R_QUESTIONS = """list(
  told = function(m) {
    flist <- m@flist
    group <- names(flist)[attr(flist, "assign")]
    blocks <- unname(lapply(unclass(lme4::VarCorr(m)), function(b) matrix(b, nrow(b))))
    bars <- vapply(lme4::findbars(stats::formula(m)), function(b) deparse1(b[[3]]), "")
    levels <- vapply(bars, function(b) nlevels(flist[[b]]), 0L)
    order <- if (any(diff(levels) > 0)) order(rev(order(levels))) else seq_along(levels)
    opt <- m@optinfo
    list(
      beta = lme4::fixef(m), covariance = as.matrix(stats::vcov(m)), loglik = as.numeric(stats::logLik(m)),
      parameters = attr(stats::logLik(m), "df"), n = stats::nobs(m), group = group[order], blocks = blocks[order],
      columns = unname(m@cnms)[order], scale = if (lme4::getME(m, "devcomp")$dims[["useSc"]]) stats::sigma(m)^2,
      singular = lme4::isSingular(m), settled = opt$conv$opt == 0,
      warnings = c(opt$conv$lme4$messages, unlist(opt$warnings)),
      dropped = names(attr(lme4::getME(m, "X"), "col.dropped"))
    )
  },
  modes = function(m) as.data.frame(lme4::ranef(m, condVar = TRUE)),
  levels = function(m) lapply(m@flist, levels),
  degrees = function(m, L) apply(L, 1, function(l) lmerTest::contest1D(m, l)$df),
  linear = function(m) as.numeric(lme4::getME(m, "X") %*% lme4::fixef(m)),
  predict = function(m, data, random) {
    form <- if (random) NULL else NA
    as.numeric(if (is.null(data)) stats::predict(m, re.form = form, type = "response")
      else stats::predict(m, newdata = data, re.form = form, type = "response", allow.new.levels = TRUE))
  },
  simulate = function(m, draws, seed) {
    set.seed(seed)
    if (!lme4::isLMM(m)) return(sapply(stats::simulate(m, draws), function(y) if (is.matrix(y)) y[, 1] else y))
    spherical <- matrix(stats::rnorm(ncol(lme4::getME(m, "Z")) * draws), ncol = draws)
    effects <- as.matrix(lme4::getME(m, "Z") %*% lme4::getME(m, "Lambda") %*% spherical)
    noise <- matrix(stats::rnorm(nrow(effects) * draws), ncol = draws) / sqrt(stats::weights(m))
    stats::predict(m, re.form = NA) + stats::sigma(m) * (effects + noise)
  }
)"""


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
        return np.asarray(_ask("degrees", self.model, np.asarray(contrasts)))

    def modes(self) -> pd.DataFrame:
        told = _ask("modes", self.model).rename(columns={"condval": "estimate", "condsd": "std_error"})
        levels = {group: list(names) for group, names in _ask("levels", self.model).items()}
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
        w = np.ones(self.design.n) if self.design.weights is None else self.design.weights
        return {
            factor.name: float(np.sum(self.covariances[factor.name] * ((Z * w[:, None]).T @ Z))) / self.design.n
            for factor, Z in zip(self.design.factors, self.design.Z, strict=True)
        }

    def fixed_variance(self) -> float:
        return self.design.spread(np.asarray(_ask("linear", self.model)))

    def predict(self, data: Any, random: bool) -> Floats:
        frame = None
        if data is not None:
            formula = replace(parse(self.formula), response="1")
            frame, full = complete_rows(formula, data, None)
            if not full.all():
                raise BadInput(
                    f"{(~full).sum()} of the rows to predict lack a value that the model uses; fill or leave them out."
                )
        return np.asarray(_ask("predict", self.model, None if frame is None else _to_r(frame), random))

    def simulate(self, draws: int, seed: int) -> Floats:
        return np.asarray(_ask("simulate", self.model, draws, seed)).reshape(self.design.n, draws)

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
    lmer, glmer, family_of = _pymer4()
    w = None if weights is None else frame[weights].to_numpy(np.float64)
    options: dict[str, Any] = {} if w is None else {"weights": w}
    options |= {"REML": method == "REML"} if family == "gaussian" else {"family": family_of(family)}
    text = re.sub(r"\bC\(", "factor(", formula)
    try:
        model = (lmer if family == "gaussian" else glmer)(text, data=_to_polars(frame), **options)
    except Exception as error:
        raise ModelError(f"lme4 cannot fit {shown!r}: {_first_sentence(str(error))}") from error
    told = _ask("told", model)
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


@cache
def _pymer4() -> tuple[Any, Any, Any]:
    """pymer4's lmer and glmer, and R's families by name."""
    try:
        r = machine.start_r()
        from pymer4.tidystats.lmerTest import glmer, lmer
    except Exception as error:
        raise ModelError(
            "engine='lme4' needs R with the packages lme4 and lmerTest, and pymer4 and rpy2 in Python; `make setup` "
            "installs them and `workbench doctor` tells what is missing. engine='native' fits Gaussian models "
            f"without. ({str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__})"
        ) from error
    return lmer, glmer, lambda name: r[name]()


@cache
def _questions() -> Any:
    return machine.start_r()(R_QUESTIONS)


def _ask(question: str, model: Any, *arguments: Any) -> Any:
    """Put one of the questions to R; arguments and answers are turned into each other's types here alone."""
    if threading.current_thread() is not threading.main_thread():
        raise ModelError("R answers in the main thread only; use engine='native' in a thread of your own.")
    return _from_r(_questions().rx2(question)(model, *(_to_r(argument) for argument in arguments)))


def _to_r(value: Any) -> Any:
    from pymer4.tidystats.bridge import convert_argkwarg_none, numpy2R, polars2R

    if isinstance(value, pd.DataFrame):
        return polars2R(_to_polars(value))
    return convert_argkwarg_none(numpy2R(value))


def _to_polars(frame: pd.DataFrame) -> Any:
    """The frame for pymer4: numbers as they are, all else as a factor whose levels are sorted as the native ones."""
    import polars as pl

    columns = {}
    for name in frame.columns:
        values = frame[name]
        if pd.api.types.is_numeric_dtype(values):
            columns[str(name)] = pl.Series(values.to_numpy(np.float64))
        else:
            code, levels = pd.factorize(values, sort=True)
            labels = [str(level) for level in levels]
            columns[str(name)] = pl.Series([labels[k] for k in code], dtype=pl.Enum(labels))
    return pl.DataFrame(columns)


def _from_r(value: Any) -> Any:
    """Vectors as arrays or lists, a named one as a dict, a data frame as one of pandas, NULL as None."""
    from rpy2 import rinterface as ri
    from rpy2.robjects import vectors

    if value is ri.NULL:
        return None
    if isinstance(value, vectors.DataFrame):
        return pd.DataFrame({name: _from_r(column) for name, column in zip(value.names, value, strict=True)})
    if isinstance(value, vectors.FactorVector):
        return [value.levels[k - 1] for k in value]
    if isinstance(value, vectors.Matrix):
        return np.asarray(value)
    named = value.names is not ri.NULL
    items = [_from_r(item) for item in value] if isinstance(value, vectors.ListVector) else list(value)
    return dict(zip(value.names, items, strict=True)) if named else items
